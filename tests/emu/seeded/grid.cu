/* grid.cu - see seeded.h: what blocks do to each other. */
#include "kernels/device.h"
#include "tests/emu/seeded/seeded.h"

KERNEL void count_threads(unsigned *to, int atomic)
{
    if (threadIdx.x != 0)
        return;
    if (atomic)
        atomicAdd(to, blockDim.x);
    else
        *to += blockDim.x;
}
EXPORT_KERNEL(count_threads)

KERNEL void shift_down(const float *from, size_t count, float *to)
{
    size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        to[i] = from[i + 1];
}
EXPORT_KERNEL(shift_down)
