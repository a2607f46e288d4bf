/* lm_network.h - a character language model as it is trained: from character ids to the loss of guessing the next one,
 * and back to the gradients.
 *
 *   ids -> table -> dropout -> LSTM layers, dropout between them -> [projection] -> dropout -> decoder -> softmax
 *
 * as Flair's LanguageModel has it. B streams of text are read side by side, m characters a call; the states that one
 * call ends with are what the next begins with, and back-propagation stops there. It promises: the same ids, weights,
 * states, seed and step give the same bits on one machine whatever the number of threads. It knows nothing of text or
 * files. Recurrent layers are LSTMs. */
#ifndef RUN_LM_NETWORK_H
#define RUN_LM_NETWORK_H
#include "model/lm.h"
#include "run/parameters.h"
#include "tensor/training.h"

struct lm_shape {
    size_t items; /* of the dictionary */
    size_t embedding, hidden, layers;
    size_t nout; /* width of the projection; 0: there is none */
};

/* What the decoder reads. */
static inline size_t lm_shape_width(const struct lm_shape *shape)
{
    return shape->nout ? shape->nout : shape->hidden;
}

/* The weights with Flair's names ("encoder.weight", "rnn.weight_ih_l0", "proj.weight", "decoder.bias"). */
void lm_parameters_lay_out(struct parameters *parameters, const struct lm_shape *shape);

/* Fresh weights as Flair draws them: table and decoder uniform in +-0.1, the decoder's bias 0, the LSTM uniform in
 * +-1/sqrt(H), proj.weight in +-sqrt(3 / (rows + columns)), proj.bias in +-1/sqrt(H). host: [floats]. */
void lm_parameters_draw(const struct parameters *parameters, const struct lm_shape *shape, uint64_t seed, float *host);

/* The weights of a model that was opened. host: [floats]. FT_MODEL: it has no decoder, or its layers are GRUs;
 * FT_NOMEM.
 */
ft_status lm_parameters_take(const struct parameters *parameters, const struct lm *lm, float *host,
                             struct ft_error *error);

/* The shape of a model that was opened. */
struct lm_shape lm_shape_of(const struct lm *lm);

struct lm_network {
    struct backend *backend;
    struct lm_shape shape;
    struct parameters parameters;
    float *weights, *gradients; /* [parameters.floats], the device's */
    struct lm_activations *activations;
    size_t streams, steps; /* of the largest batch */
};

/* Room for batches of up to `streams` times `steps` characters, with dropouts or without. Weights are zero. FT_NOMEM,
 * FT_USAGE (a shape that cannot be). */
ft_status lm_network_init(struct lm_network *network, struct backend *backend, const struct lm_shape *shape,
                          size_t streams, size_t steps, bool dropout, struct ft_error *error);
void lm_network_release(struct lm_network *network);

/* Bytes that it will take: of parameters with gradients, and of activations. */
size_t lm_network_bytes(const struct lm_shape *shape, size_t streams, size_t steps, bool dropout);

/* What streams have read so far: one block of the device's, [layers][h and c][streams, H]. */
struct lm_states {
    float *now, *next;
    size_t floats;
};

ft_status lm_states_init(struct lm_states *states, const struct lm_network *network, struct ft_error *error);
void lm_states_release(struct lm_states *states, const struct lm_network *network);
/* All streams begin anew. FT_NOMEM. */
ft_status lm_states_reset(struct lm_states *states, const struct lm_network *network, struct ft_error *error);

/* Characters of all streams, step by step: [steps, streams], host, below the shape's items. */
struct lm_batch {
    size_t streams, steps; /* streams: those that the states are of, so always the network's */
    const uint32_t *ids;
    const uint32_t *targets; /* what follows each */
};

/* Which masks a batch gets; probability 0: none. */
struct lm_dropout {
    float probability;
    uint64_t seed, step;
};

/* Forward and backward: leaves the gradients of the mean loss (nats a character) and gives it; the states move on. */
ft_status lm_network_train(struct lm_network *network, const struct lm_batch *batch, const struct lm_dropout *dropout,
                           struct lm_states *states, double *loss, struct ft_error *error);

/* Forward without dropout: the mean loss; the states move on. */
ft_status lm_network_evaluate(struct lm_network *network, const struct lm_batch *batch, struct lm_states *states,
                              double *loss, struct ft_error *error);

#endif
