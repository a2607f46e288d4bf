/* plain_network.h - the forward pass and the loss of a tagger's head in double precision, sentence by sentence and step
 * by step: what run/network.h is held against. Only the dropouts' masks are taken from the library. */
#ifndef UNIT_PLAIN_NETWORK_H
#define UNIT_PLAIN_NETWORK_H
#include "run/network.h"

enum { PLAIN_SITES = 2 + BIRNN_LAYERS };

struct plain_network {
    const struct network_shape *shape;
    const struct parameters *parameters;
    const struct network_batch *batch;
    float *masks[PLAIN_SITES]; /* [rows, width of the site] what its values are multiplied by; NULL: not at all */
    double *emissions;         /* [tokens, tags] of the last call, sentence by sentence */
};

/* All arguments are lent. step NULL: nothing is dropped. */
void plain_network_init(struct plain_network *network, const struct network_shape *shape,
                        const struct parameters *parameters, const struct network_batch *batch,
                        const struct network_step *step);
void plain_network_release(struct plain_network *network);

/* weights: [parameters->floats]. Leaves the emissions. */
double plain_network_loss(struct plain_network *network, const double *weights, enum loss_reduction reduction);

/* The best tags of the emissions: tags: [tokens]. */
void plain_network_tags(const struct plain_network *network, const double *weights, uint32_t *tags);

#endif
