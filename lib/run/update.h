/* update.h - one update of all weights of a network, by the rule that a run has chosen. */
#ifndef RUN_UPDATE_H
#define RUN_UPDATE_H
#include "tensor/training.h"

enum optimizer { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW };

struct update_rule {
    enum optimizer optimizer;
    double momentum, decay, beta1, beta2, epsilon;
    double clip; /* largest norm of a gradient; 0: no bound */
};

/* How many vectors of moments it keeps: 0 to 2. */
size_t update_moments(const struct update_rule *rule);

/* Everything has [floats] and is the device's; moments that the rule does not keep are NULL. */
struct update_vectors {
    size_t floats;
    float *weights, *gradients, *moment, *second_moment;
};

/* step: of the run, from 1. *norm: of the gradients, before PyTorch's clip_grad_norm_ scales them down. FT_NOMEM. */
ft_status update_weights(struct backend *backend, const struct update_rule *rule, const struct update_vectors *vectors,
                         double rate, uint64_t step, double *norm, struct ft_error *error);

#endif
