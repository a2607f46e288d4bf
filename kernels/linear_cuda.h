/* linear_cuda.h - what a linear layer needs beside the product: rows that begin as the bias, and halves. */
#ifndef KERNELS_LINEAR_CUDA_H
#define KERNELS_LINEAR_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

/* Blocks of LINEAR_THREADS, a thread an element: a grid of [rows * columns / LINEAR_THREADS], rounded up. */
enum { LINEAR_THREADS = 256 };

/* out[r * out_stride + j] = row[j] */
KERNEL_PROTOTYPE void repeat_row(const float *row, size_t rows, size_t columns, float *out, size_t out_stride);

/* to[r * columns + j] = from[r * from_stride + j] in half precision (kernels/half_cuda.h). */
KERNEL_PROTOTYPE void round_to_halves(const float *from, size_t rows, size_t columns, size_t from_stride, uint16_t *to);

#endif
