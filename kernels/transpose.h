/* transpose.h - a matrix of float32 written the other way round. */
#ifndef KERNELS_TRANSPOSE_H
#define KERNELS_TRANSPOSE_H
#include <stddef.h>

/* to[c][r] = from[r][c]. Strides: floats from row to row. The two do not overlap. */
void transpose(const float *from, size_t from_stride, size_t rows, size_t columns, float *to, size_t to_stride);

#endif
