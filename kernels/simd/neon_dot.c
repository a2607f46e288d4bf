/* neon_dot.c - NEON with the dot product of ARMv8.2: four products of 8 bits and their sum in one instruction. */
#if defined(__aarch64__)
#include "kernels/simd/neon.h"

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 6
#define DOT(sum, x, w) vdotq_lane_s32(sum, vreinterpretq_s8_s32(w), vreinterpret_s8_s32(vget_low_s32(x)), 0)
#include "kernels/simd/multiply.h"

#define multiply_int7 multiply_int8
#define multiply_int7_peak multiply_int8_peak
const struct kernels kernels_neon_dot = SET_OF_KERNELS("neondot", PRECISION_INT8);
#else
typedef int kernels_neon_dot_is_for_aarch64;
#endif
