/* linear_train.cu - see linear_train_cuda.h. A warp reads 32 neighbouring columns of a row. */
#include "kernels/linear_train_cuda.h"
#include "kernels/device.h"

KERNEL void linear_train_sums(const float *x, size_t rows, size_t columns, float *sums, float *again)
{
    SHARED(float, partial, LINEAR_TRAIN_ROWS *WARP);
    size_t column = (size_t)blockIdx.x * WARP + threadIdx.x;
    float sum = 0;
    if (column < columns)
        for (size_t row = threadIdx.y; row < rows; row += LINEAR_TRAIN_ROWS)
            sum += x[row * columns + column];
    partial[threadIdx.y * WARP + threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y || column >= columns)
        return;
    for (int y = 1; y < LINEAR_TRAIN_ROWS; y++)
        sum += partial[y * WARP + threadIdx.x];
    sums[column] = sum;
    if (again)
        again[column] = sum;
}
EXPORT_KERNEL(linear_train_sums)
