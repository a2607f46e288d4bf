/* half_cuda.h - rounding to half precision in a kernel, by the arithmetic of kernels/half.c, whose bits it gives. */
#ifndef KERNELS_HALF_CUDA_H
#define KERNELS_HALF_CUDA_H
#include "kernels/device.h"

/* Nearest, ties to even, subnormal halves too; beyond 65504 infinity; NaN stays NaN. */
DEVICE uint16_t half_of(float value)
{
    const uint32_t bias = (127 - 15) << 23, half_ulp = (127 - 15 + 14) << 23;
    uint32_t bits = __float_as_uint(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* 65520 rounds beyond 65504 */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < bias + (1u << 23)) /* below 2^-14: one addition rounds to the subnormals' 2^-24 */
        return (uint16_t)(sign | (__float_as_uint(__uint_as_float(magnitude) + __uint_as_float(half_ulp)) - half_ulp));
    return (uint16_t)(sign | ((magnitude - bias + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

#endif
