/* reduce.cu - see reduce_cuda.h. */
#include "kernels/reduce_cuda.h"
#include "kernels/reduce_device.h"

KERNEL void add_squares(const float *x, size_t count, double *sums)
{
    SHARED(double, shared, MOST_WARPS);
    double sum = 0;
    size_t stride = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride)
        sum += (double)x[i] * (double)x[i];
    sum = block_sum(sum, shared);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}
EXPORT_KERNEL(add_squares)

KERNEL void add_sentences(const double *x, const size_t *sentences, double *to)
{
    SHARED(double, shared, MOST_WARPS);
    size_t first = sentences[2 * (size_t)blockIdx.x], count = sentences[2 * (size_t)blockIdx.x + 1];
    double sum = 0;
    for (size_t r = threadIdx.x; r < count; r += blockDim.x)
        sum += x[first + r];
    sum = block_sum(sum, shared);
    if (threadIdx.x == 0)
        to[blockIdx.x] = sum;
}
EXPORT_KERNEL(add_sentences)

KERNEL void add_blocks(const double *x, size_t blocks, size_t count, float scale, float *to)
{
    size_t k = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= count)
        return;
    double sum = 0;
    for (size_t block = 0; block < blocks; block++)
        sum += x[block * count + k];
    to[k] = (float)((double)scale * sum);
}
EXPORT_KERNEL(add_blocks)
