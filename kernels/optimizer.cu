/* optimizer.cu - see optimizer_cuda.h. The device fuses products and sums, so last bits differ from the CPU's. */
#include "kernels/optimizer_cuda.h"
#include "kernels/device.h"
#include <math.h>

KERNEL void sgd_weights(size_t count, float *w, const float *gradient, float *velocity, float rate, float scale,
                        float momentum, float decay)
{
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    float g = scale * gradient[i] + decay * w[i];
    if (velocity)
        velocity[i] = g = momentum * velocity[i] + g;
    w[i] -= rate * g;
}
EXPORT_KERNEL(sgd_weights)

KERNEL void adam_weights(size_t count, float *w, const float *gradient, float *mean, float *variance, float scale,
                         float decay, float toward, float beta2, float rest2, float keep, float size, float root,
                         float epsilon)
{
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    float g = scale * gradient[i] + decay * w[i];
    float m = mean[i] + toward * (g - mean[i]);
    float v = beta2 * variance[i] + rest2 * g * g;
    mean[i] = m;
    variance[i] = v;
    w[i] = keep * w[i] - size * (m / (sqrtf(v) / root + epsilon));
}
EXPORT_KERNEL(adam_weights)
