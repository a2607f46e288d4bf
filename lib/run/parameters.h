/* parameters.h - the weights of a tagger's head: which there are, where they lie, how they begin.
 *
 * All lie one behind the other in one block, with the names and shapes that Flair gives them, and so do their gradients
 * and an optimizer's moments: whoever updates, clips or saves them sees one long vector. */
#ifndef RUN_PARAMETERS_H
#define RUN_PARAMETERS_H
#include "tensor/layers.h"

struct network_shape {
    size_t width;          /* of a token vector */
    size_t reprojection;   /* width behind it; 0: there is none */
    size_t hidden, layers; /* of the BiLSTM; layers 0: there is none */
    size_t tags, start, stop;
    bool crf;       /* else softmax; START and STOP then mean nothing */
    bool mask_ends; /* in decoding, as Flair up to 0.10 */
};

enum { PARAMETER_NAME = 56 };
struct parameter {
    char name[PARAMETER_NAME];                /* "rnn.weight_ih_l0_reverse" */
    size_t offset, rows, columns; /* columns 1: a vector */
};

enum { PARAMETERS_MAX = 5 + 8 * BIRNN_LAYERS };

struct parameters {
    struct parameter list[PARAMETERS_MAX];
    size_t count;
    size_t floats; /* of all, gaps of alignment (zeros) included */
};

/* One more behind the others; columns 1: a vector. At most PARAMETERS_MAX. */
void parameters_add(struct parameters *parameters, const char *name, size_t rows, size_t columns);

void parameters_lay_out(struct parameters *parameters, const struct network_shape *shape);

const struct parameter *parameters_find(const struct parameters *parameters, const char *name); /* NULL: none */

/* part: "weight_ih", "weight_hh", "bias_ih" or "bias_hh"; direction 1 is from the end. */
void parameters_lstm_name(char name[PARAMETER_NAME], const char *part, size_t layer, int direction);

/* What the linear layer and the first LSTM layer read. */
size_t network_rnn_input(const struct network_shape *shape);
size_t network_feature_width(const struct network_shape *shape);

/* Fresh weights as PyTorch and Flair draw them: uniform within 1/sqrt(inputs) (linear layers) or 1/sqrt(units) (LSTM),
 * normal transitions, those into START and out of STOP -10000. host: [floats]. */
void parameters_draw(const struct parameters *parameters, const struct network_shape *shape, uint64_t seed,
                     float *host);

#endif
