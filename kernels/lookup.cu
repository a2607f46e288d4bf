/* lookup.cu - see lookup_cuda.h. A warp, or a block, reads neighbouring columns of one row. */
#include "kernels/lookup_cuda.h"
#include "kernels/device.h"

KERNEL void lookup_rows(const float *table, const uint32_t *ids, size_t rows, size_t width, float *out)
{
    size_t row = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows)
        return;
    const float *from = table + ids[row] * width;
    for (size_t k = threadIdx.x; k < width; k += WARP)
        out[row * width + k] = from[k];
}
EXPORT_KERNEL(lookup_rows)

KERNEL void lookup_sums(const float *dout, const uint32_t *order, const uint32_t *starts, size_t width, float *gradient)
{
    size_t column = (size_t)blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= width)
        return;
    float sum = 0;
    uint32_t end = starts[blockIdx.x + 1];
    for (uint32_t k = starts[blockIdx.x]; k < end; k++)
        sum += dout[order[k] * width + column];
    gradient[blockIdx.x * width + column] = sum;
}
EXPORT_KERNEL(lookup_sums)
