/* reduce_device.h - sums and maxima over the threads of a warp or a block, in double, for kernels.
 *
 * All threads of the warp or block take part, and all get the result. What is added to what depends on the number of
 * threads alone, so results are the same at every run. Blocks are whole warps. */
#ifndef KERNELS_REDUCE_DEVICE_H
#define KERNELS_REDUCE_DEVICE_H
#include "kernels/device.h"
#include <math.h>
#include <string.h>

enum { MOST_WARPS = 32 }; /* of a block */

/* The value of the thread whose lane differs in the bits of `mask`. */
DEVICE double exchanged(double value, int mask)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t low = __shfl_xor_sync(WHOLE_WARP, (uint32_t)bits, mask);
    uint32_t high = __shfl_xor_sync(WHOLE_WARP, (uint32_t)(bits >> 32), mask);
    bits = (uint64_t)high << 32 | low;
    memcpy(&value, &bits, sizeof value);
    return value;
}

DEVICE double warp_sum(double value)
{
    for (int mask = WARP / 2; mask; mask /= 2)
        value += exchanged(value, mask);
    return value;
}

/* What is no number counts as -INFINITY. */
DEVICE double warp_max(double value)
{
    for (int mask = WARP / 2; mask; mask /= 2)
        value = fmax(value, exchanged(value, mask));
    return fmax(value, (double)-INFINITY);
}

/* shared: [MOST_WARPS]. Begins with a barrier, so that calls may follow each other with the same. */
DEVICE double block_sum(double value, double *shared)
{
    value = warp_sum(value);
    __syncthreads();
    if (threadIdx.x % WARP == 0)
        shared[threadIdx.x / WARP] = value;
    __syncthreads();
    value = shared[0];
    for (uint32_t warp = 1; warp < blockDim.x / WARP; warp++)
        value += shared[warp];
    return value;
}

DEVICE double block_max(double value, double *shared)
{
    value = warp_max(value);
    __syncthreads();
    if (threadIdx.x % WARP == 0)
        shared[threadIdx.x / WARP] = value;
    __syncthreads();
    value = shared[0];
    for (uint32_t warp = 1; warp < blockDim.x / WARP; warp++)
        value = fmax(value, shared[warp]);
    return value;
}

#endif
