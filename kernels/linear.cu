/* linear.cu - see linear_cuda.h. Neighbouring threads have neighbouring columns. */
#include "kernels/half_cuda.h"
#include "kernels/linear_cuda.h"

KERNEL void repeat_row(const float *row, size_t rows, size_t columns, float *out, size_t out_stride)
{
    size_t i = (size_t)blockIdx.x * LINEAR_THREADS + threadIdx.x;
    if (i < rows * columns)
        out[i / columns * out_stride + i % columns] = row[i % columns];
}
EXPORT_KERNEL(repeat_row)

KERNEL void round_to_halves(const float *from, size_t rows, size_t columns, size_t from_stride, uint16_t *to)
{
    size_t i = (size_t)blockIdx.x * LINEAR_THREADS + threadIdx.x;
    if (i < rows * columns)
        to[i] = half_of(from[i / columns * from_stride + i % columns]);
}
EXPORT_KERNEL(round_to_halves)
