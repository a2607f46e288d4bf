/* optimizer.h - steps of stochastic gradient descent and Adam, and the norm that clipping needs. Plain loops over
 * floats, a rounding an operation: bits do not depend on the machine, nor on how the weights are cut into calls. */
#ifndef KERNELS_OPTIMIZER_H
#define KERNELS_OPTIMIZER_H
#include "tensor/training.h"

/* Sum of squares in double: eight sums of every eighth value, added in order. */
double sum_of_squares(const float *x, size_t count);

/* g = scale * gradient + decay * w;  v = momentum v + g;  w -= rate * v
 * As PyTorch's SGD without dampening, where v begins with 0. velocity: NULL allowed with momentum 0. */
void sgd_step(size_t count, float *w, const float *gradient, float *velocity, float rate, float scale, float momentum,
              float decay);

/* How one step of Adam (Kingma & Ba 2015) is done, made of struct adam in double:
 *   g = scale * gradient                                          (+ decay * w where decay is not decoupled)
 *   m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
 *   w = keep * w - size * m / (sqrt(v) / root + epsilon)
 * with keep = 1 - rate decay where decoupled (Loshchilov & Hutter 2019), size = rate / (1 - beta1^step), root =
 * sqrt(1 - beta2^step), as PyTorch does it. */
struct adam_step {
    float scale, decay, toward, beta2, rest2, keep, size, root, epsilon;
};

void adam_step_init(struct adam_step *step, const struct adam *how, float scale);
void adam_step_take(const struct adam_step *step, size_t count, float *w, const float *gradient, float *mean,
                    float *variance);

#endif
