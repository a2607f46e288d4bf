/* gather_cuda.h - rows from wherever they lie to one place, and back. */
#ifndef KERNELS_GATHER_CUDA_H
#define KERNELS_GATHER_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>

/* A warp takes a row's next GATHER_COLUMNS columns: blocks of WARP x GATHER_ROWS threads, a grid of [rows /
 * GATHER_ROWS, width / GATHER_COLUMNS], rounded up (its y at most 65535: wider rows are gone through in strides). */
enum { GATHER_ROWS = 8, GATHER_COLUMNS = 512 };

/* out[r * out_stride + j] = rows[r][j]. rows: [count] device pointers, on the device. */
KERNEL_PROTOTYPE void gather_rows(const float *const *rows, size_t count, size_t width, float *out, size_t out_stride);

/* rows[r][j] = from[r * from_stride + j] */
KERNEL_PROTOTYPE void scatter_rows(float *const *rows, size_t count, size_t width, const float *from,
                                   size_t from_stride);

#endif
