/* optimizer_cuda.h - an optimizer's step on the device, as kernels/optimizer.h defines it; a thread a weight. */
#ifndef KERNELS_OPTIMIZER_CUDA_H
#define KERNELS_OPTIMIZER_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

enum { OPTIMIZER_THREADS = 256 };

/* velocity: [count], or NULL with momentum 0. */
KERNEL_PROTOTYPE void sgd_weights(size_t count, float *w, const float *gradient, float *velocity, float rate,
                                  float scale, float momentum, float decay);

/* The numbers of struct adam_step. */
KERNEL_PROTOTYPE void adam_weights(size_t count, float *w, const float *gradient, float *mean, float *variance,
                                   float scale, float decay, float toward, float beta2, float rest2, float keep,
                                   float size, float root, float epsilon);

#endif
