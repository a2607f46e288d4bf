/* update.c - see update.h. */
#include "run/update.h"
#include <math.h>

size_t update_moments(const struct update_rule *rule)
{
    return rule->optimizer != OPTIMIZER_SGD ? 2 : rule->momentum > 0 ? 1 : 0;
}

ft_status update_weights(struct backend *backend, const struct update_rule *rule, const struct update_vectors *vectors,
                         double rate, uint64_t step, double *norm, struct ft_error *error)
{
    const struct training_ops *ops = backend->ops->training;
    double squares, scale = 1;
    ft_status status = ops->squares(backend, vectors->gradients, vectors->floats, &squares, error);
    if (status != FT_OK)
        return status;
    *norm = sqrt(squares);
    if (rule->clip > 0 && rule->clip / (*norm + 1e-6) < 1)
        scale = rule->clip / (*norm + 1e-6);
    if (rule->optimizer == OPTIMIZER_SGD)
        return ops->sgd(backend, vectors->floats, vectors->weights, vectors->gradients, vectors->moment, (float)rate,
                        (float)scale, (float)rule->momentum, (float)rule->decay, error);
    struct adam adam = {.rate = rate,
                        .beta1 = rule->beta1,
                        .beta2 = rule->beta2,
                        .epsilon = rule->epsilon,
                        .decay = rule->decay,
                        .decoupled = rule->optimizer == OPTIMIZER_ADAMW,
                        .step = step};
    return ops->adam(backend, vectors->floats, vectors->weights, vectors->gradients, vectors->moment,
                     vectors->second_moment, (float)scale, &adam, error);
}

ft_status update_average(struct backend *backend, double decay, uint64_t step, size_t floats, const float *weights,
                         float *average, struct ft_error *error)
{
    double t = (double)step, keep = fmin(decay, (1 + t) / (10 + t));
    /* a step down the gradient average - weights */
    return backend->ops->training->sgd(backend, floats, average, weights, NULL, (float)(1 - keep), -1, 0, 1, error);
}
