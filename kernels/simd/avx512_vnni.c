/* avx512_vnni.c - AVX-512 with VNNI: four products of 8 bits, or two of 16, and their sum in one instruction. */
#if defined(__x86_64__)
#include "kernels/simd/avx512.h"

#define MULTIPLY multiply_int16
#define ELEMENTS 2
#define ROWS 6
#define DOT _mm512_dpwssd_epi32
#include "kernels/simd/multiply.h"

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 6
#define DOT _mm512_dpbusd_epi32
#include "kernels/simd/multiply.h"

#define multiply_int7 multiply_int8
#define multiply_int7_peak multiply_int8_peak
const struct kernels kernels_avx512_vnni = SET_OF_KERNELS("avx512vnni", PRECISION_INT8);
#else
typedef int kernels_avx512_vnni_is_for_x86_64;
#endif
