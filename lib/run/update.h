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

/* A moving average of the weights, after an update (Polyak & Juditsky 1992; exponential as in TensorFlow's
 * ExponentialMovingAverage, whose correction keeps the first weights from staying in it for long):
 *   average += (1 - d) (weights - average),  d = min(decay, (1 + step) / (10 + step))
 * It begins as a copy of the weights. Both are the device's, [floats]; step: of the run, from 1. FT_NOMEM. */
ft_status update_average(struct backend *backend, double decay, uint64_t step, size_t floats, const float *weights,
                         float *average, struct ft_error *error);

#endif
