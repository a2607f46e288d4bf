/* warps.cu - see seeded.h: what lanes of a warp do together. */
#include "kernels/device.h"
#include "tests/emu/seeded/seeded.h"

KERNEL void reverse_warps(float *at, int barrier)
{
    SHARED(float, values, SEEDED_THREADS);
    values[threadIdx.x] = at[threadIdx.x];
    if (barrier)
        __syncwarp();
    at[threadIdx.x] = values[threadIdx.x ^ (WARP - 1)];
}
EXPORT_KERNEL(reverse_warps)

KERNEL void reverse_half_warps(float *at, int barrier)
{
    SHARED(float, values, SEEDED_THREADS);
    unsigned half = threadIdx.x % WARP < WARP / 2 ? 0x0000ffffu : 0xffff0000u;
    values[threadIdx.x] = at[threadIdx.x];
    if (barrier)
        __syncwarp(half);
    at[threadIdx.x] = values[threadIdx.x ^ (WARP / 2 - 1)];
}
EXPORT_KERNEL(reverse_half_warps)

KERNEL void sum_warps(float *at, int fitted)
{
    unsigned first = threadIdx.x / WARP * WARP, lane = threadIdx.x % WARP, lanes = WARP;
    if (fitted && first + lanes > blockDim.x)
        lanes = blockDim.x - first;
    unsigned mask = lanes == WARP ? WHOLE_WARP : (1u << lanes) - 1;
    float value = at[threadIdx.x], sum = value;
    for (unsigned by = 1; by < lanes; by++)
        sum += __shfl_sync(mask, value, (int)((lane + by) % lanes));
    at[threadIdx.x] = sum;
}
EXPORT_KERNEL(sum_warps)

KERNEL void shift_half_warp(float *at, int width)
{
    if (threadIdx.x < WARP / 2)
        at[threadIdx.x] = __shfl_down_sync(0xffffu, at[threadIdx.x], 1, width);
}
EXPORT_KERNEL(shift_half_warp)

KERNEL void vote(unsigned *to, int other)
{
    unsigned mask = other && threadIdx.x == 0 ? WHOLE_WARP - 1 : WHOLE_WARP;
    unsigned votes = __ballot_sync(mask, threadIdx.x % 3 == 0);
    to[threadIdx.x] = votes;
}
EXPORT_KERNEL(vote)
