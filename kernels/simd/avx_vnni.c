/* avx_vnni.c - AVX2 with the 256-bit form of VNNI, which machines without AVX-512 have. */
#if defined(__x86_64__)
#include "kernels/simd/avx2.h"

#define MULTIPLY multiply_int16
#define ELEMENTS 2
#define ROWS 6
#define DOT _mm256_dpwssd_avx_epi32
#include "kernels/simd/multiply.h"

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 6
#define DOT _mm256_dpbusd_avx_epi32
#include "kernels/simd/multiply.h"

#define multiply_int7 multiply_int8
#define multiply_int7_peak multiply_int8_peak
const struct kernels kernels_avx_vnni = SET_OF_KERNELS("avxvnni", PRECISION_INT8);
#else
typedef int kernels_avx_vnni_is_for_x86_64;
#endif
