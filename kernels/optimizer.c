/* optimizer.c - see optimizer.h. */
#include "kernels/optimizer.h"
#include <math.h>

enum { SUMS = 8 };

double sum_of_squares(const float *x, size_t count)
{
    double sums[SUMS] = {0}, sum = 0;
    size_t i = 0;
    for (; i + SUMS <= count; i += SUMS)
        for (size_t k = 0; k < SUMS; k++)
            sums[k] += (double)x[i + k] * x[i + k];
    for (size_t k = 0; i < count; i++, k++)
        sums[k] += (double)x[i] * x[i];
    for (size_t k = 0; k < SUMS; k++)
        sum += sums[k];
    return sum;
}

void sgd_step(size_t count, float *restrict w, const float *restrict gradient, float *restrict velocity, float rate,
              float scale, float momentum, float decay)
{
    if (!velocity) {
        for (size_t i = 0; i < count; i++)
            w[i] -= rate * (scale * gradient[i] + decay * w[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float v = momentum * velocity[i] + (scale * gradient[i] + decay * w[i]);
        velocity[i] = v;
        w[i] -= rate * v;
    }
}

/* By squaring: the C library's pow differs between machines. */
static double power(double base, uint64_t exponent)
{
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

void adam_step_init(struct adam_step *step, const struct adam *how, float scale)
{
    *step = (struct adam_step){
        .scale = scale,
        .decay = how->decoupled ? 0.0f : (float)how->decay,
        .toward = (float)(1 - how->beta1),
        .beta2 = (float)how->beta2,
        .rest2 = (float)(1 - how->beta2),
        .keep = how->decoupled ? (float)(1 - how->rate * how->decay) : 1.0f,
        .size = (float)(how->rate / (1 - power(how->beta1, how->step))),
        .root = (float)sqrt(1 - power(how->beta2, how->step)),
        .epsilon = (float)how->epsilon,
    };
}

void adam_step_take(const struct adam_step *step, size_t count, float *restrict w, const float *restrict gradient,
                    float *restrict mean, float *restrict variance)
{
    const struct adam_step s = *step;
    for (size_t i = 0; i < count; i++) {
        float g = s.scale * gradient[i] + s.decay * w[i];
        float m = mean[i] + s.toward * (g - mean[i]);
        float v = s.beta2 * variance[i] + s.rest2 * g * g;
        mean[i] = m;
        variance[i] = v;
        w[i] = s.keep * w[i] - s.size * (m / (sqrtf(v) / s.root + s.epsilon));
    }
}
