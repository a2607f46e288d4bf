/* reduce_device.h - sums and maxima over the threads of a warp or a block, in double, for kernels.
 *
 * All threads of the warp or block take part, and all get the result. What is added to what depends on the number of
 * threads alone, so results are the same at every run. Blocks are whole warps. */
#ifndef KERNELS_REDUCE_DEVICE_H
#define KERNELS_REDUCE_DEVICE_H
#include "kernels/device.h"
#include <math.h>

enum { MOST_WARPS = 32 }; /* of a block */

DEVICE double warp_sum(double value)
{
    for (int mask = WARP / 2; mask; mask /= 2)
        value += __shfl_xor_sync(WHOLE_WARP, value, mask);
    return value;
}

/* What is no number counts as -INFINITY. */
DEVICE double warp_max(double value)
{
    for (int mask = WARP / 2; mask; mask /= 2)
        value = fmax(value, __shfl_xor_sync(WHOLE_WARP, value, mask));
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
