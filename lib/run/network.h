/* network.h - the part of a tagger that is trained: from token vectors to the loss, and back to the gradients.
 *
 *   x -> dropouts -> [reprojection] -> BiLSTM layers, dropout between them -> dropouts -> linear -> CRF or softmax
 *
 * in Flair's order (parameters.h has the weights). It promises: the same batch, weights, seed and step give the same
 * bits on one machine whatever the number of threads. It knows nothing of text, epochs or files. */
#ifndef RUN_NETWORK_H
#define RUN_NETWORK_H
#include "run/packing.h"
#include "run/parameters.h"

struct network_dropout { /* probabilities */
    float plain, word, locked;
    float between; /* the layers of a BiLSTM; Flair's is always 0.5 */
};

/* SUM (Flair from 0.9): over sentences. MEAN (up to 0.8): over the sentences of a batch; softmax models take the mean
 * over each sentence's tokens first. What is reported is what is propagated back. */
enum loss_reduction { LOSS_SUM, LOSS_MEAN };

/* Where the time went, in seconds, added up over all calls. */
struct network_seconds {
    double forward, loss, backward; /* of network_train */
};

struct network {
    struct backend *backend;
    struct network_shape shape;
    struct parameters parameters;
    float *weights, *gradients; /* [parameters.floats], the device's */
    struct activations *activations;
    size_t max_rows, max_sequences;
    struct network_seconds seconds;
};

/* Room for batches of up to so many tokens and sentences. Weights are zero. FT_NOMEM, FT_USAGE (a shape that cannot
 * be). */
ft_status network_init(struct network *network, struct backend *backend, const struct network_shape *shape,
                       size_t max_rows, size_t max_sequences, struct ft_error *error);
void network_release(struct network *network);

/* Bytes that it will take: of parameters with gradients, and of activations. */
size_t network_bytes(const struct network_shape *shape, size_t max_rows);

struct network_batch {
    const struct packing *packing;
    const float *x;                    /* [rows, width], host, rows packed; NULL: they lie in network_input */
    const uint32_t *gold;              /* [rows], host, in the order of packing->sentences */
    const struct tag_choices *choices; /* what gold from K on stands for; NULL: it is all tags */
};

/* [max_rows, width] of the back end's memory, where the vectors of a batch can be put beforehand. Dropout works in
 * place: they are good for one call. */
float *network_input(const struct network *network);

/* Which masks a batch gets. */
struct network_step {
    const struct network_dropout *dropout;
    uint64_t seed, step;
};

/* Forward and backward: leaves the gradients of the reduced loss and gives it. */
ft_status network_train(struct network *network, const struct network_batch *batch, const struct network_step *step,
                        enum loss_reduction reduction, double *loss, struct ft_error *error);

/* Forward without dropout: tags: [rows], and the reduced loss where `loss` is not NULL (then gold is needed). */
ft_status network_evaluate(struct network *network, const struct network_batch *batch, enum loss_reduction reduction,
                           double *loss, uint32_t *tags, struct ft_error *error);

#endif
