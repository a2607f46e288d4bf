/* linear_train_cuda.h - what a linear layer in training needs beside products: the sums of columns, which are the
 * bias's gradient. Pointers are the device's. */
#ifndef KERNELS_LINEAR_TRAIN_CUDA_H
#define KERNELS_LINEAR_TRAIN_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>

/* Rows that a block reads at a time: blocks of (32, LINEAR_TRAIN_ROWS). */
enum { LINEAR_TRAIN_ROWS = 32 };

/* sums[j] = the sum of column j of x [rows, columns], and the same in `again` unless that is NULL. Thread row y of a
 * block adds up rows y, y + LINEAR_TRAIN_ROWS ..., then these partial sums are added in ascending order: the same bits
 * every time. Grid: ceil(columns / 32). */
KERNEL_PROTOTYPE void linear_train_sums(const float *x, size_t rows, size_t columns, float *sums, float *again);

#endif
