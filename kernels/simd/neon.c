/* neon.c - what every 64-bit ARM has. */
#if defined(__aarch64__)
#include "kernels/simd/neon.h"

/* Two products of at most 127 * 127 fit in 16 bits: those of a group's first two numbers take those of its last two. */
static inline int32x4_t dot8(int32x4_t sum, int32x4_t x, int32x4_t w)
{
    int16x4_t pairs = vreinterpret_s16_s32(vget_low_s32(x));
    int8x8_t first = vreinterpret_s8_s16(vdup_lane_s16(pairs, 0));
    int8x16_t last = vreinterpretq_s8_s16(vdupq_lane_s16(pairs, 1)), weights = halves(w);
    return vpadalq_s16(sum, vmlal_high_s8(vmull_s8(first, vget_low_s8(weights)), last, weights));
}

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 6
#define DOT dot8
#include "kernels/simd/multiply.h"

#define multiply_int7 multiply_int8
#define multiply_int7_peak multiply_int8_peak
const struct kernels kernels_neon = SET_OF_KERNELS("neon", PRECISION_INT8);
#else
typedef int kernels_neon_is_for_aarch64;
#endif
