/* shared.cu - see seeded.h: shared memory, and threads of a block that wait for each other. */
#include "kernels/device.h"
#include "tests/emu/seeded/seeded.h"

KERNEL void read_shared(float *to, int written)
{
    SHARED(float, values, SEEDED_THREADS);
    if (written)
        values[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    to[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}
EXPORT_KERNEL(read_shared)

KERNEL void reverse_dynamic(float *at)
{
    DYNAMIC_SHARED(float, values);
    values[threadIdx.x] = at[threadIdx.x];
    __syncthreads();
    at[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}
EXPORT_KERNEL(reverse_dynamic)

KERNEL void reverse_block(float *at, int barrier)
{
    SHARED(float, values, SEEDED_THREADS);
    values[threadIdx.x] = at[threadIdx.x];
    if (barrier)
        __syncthreads();
    at[threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}
EXPORT_KERNEL(reverse_block)

KERNEL void write_shared_at(float *to, unsigned index, unsigned read_index)
{
    SHARED(float, values, SEEDED_THREADS);
    values[index] = 1;
    *to = values[read_index];
}
EXPORT_KERNEL(write_shared_at)

KERNEL void sum_block(const float *from, float *to, int barrier)
{
    SHARED(float, sums, SEEDED_THREADS);
    sums[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
    for (unsigned count = blockDim.x / 2; count != 0; count /= 2) {
        if (threadIdx.x < count)
            sums[threadIdx.x] += sums[threadIdx.x + count];
        if (barrier)
            __syncthreads();
    }
    if (threadIdx.x == 0)
        *to = sums[0];
}
EXPORT_KERNEL(sum_block)

KERNEL void wait_in_halves(float *to, int together)
{
    if (together)
        __syncthreads();
    else if (threadIdx.x < blockDim.x / 2)
        __syncthreads();
    else
        __syncthreads();
    to[threadIdx.x] = 1;
}
EXPORT_KERNEL(wait_in_halves)

KERNEL void wait_for_ever(float *to, int lonely)
{
    if (lonely && threadIdx.x == 0)
        __syncwarp();
    __syncthreads();
    to[threadIdx.x] = 1;
}
EXPORT_KERNEL(wait_for_ever)
