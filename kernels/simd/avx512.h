/* avx512.h - what the AVX-512 sets share: their vocabulary of vectors, and the kernels that need no VNNI. */
#include "kernels/simd/sets.h"
#include <immintrin.h>

#define V __m512
#define V_WIDTH 16
#define V_SET _mm512_set1_ps
#define V_LOAD _mm512_loadu_ps
#define V_STORE _mm512_storeu_ps
#define V_ADD _mm512_add_ps
#define V_SUB _mm512_sub_ps
#define V_MUL _mm512_mul_ps
#define V_DIV _mm512_div_ps
#define V_FMA _mm512_fmadd_ps
#define V_MIN _mm512_min_ps
#define V_MAX _mm512_max_ps
#define V_SCALE2(p, shifted)                                                                                   \
    _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23), \
                                                          _mm512_set1_epi32(0x3f800000))))
#define V_FROM_INT(p) _mm512_cvtepi32_ps(_mm512_loadu_si512(p))
#define V_STORE8(p, v, offset)    \
    _mm_storeu_si128((void *)(p), \
                     _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(v), _mm512_set1_epi32(offset))))
#define V_STORE16(p, v) _mm256_storeu_si256((void *)(p), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)))
#define ROW_OFFSET 128
#include "kernels/simd/gates.h"
#include "kernels/simd/quantise.h"

#define R __m512i
#define R_LOAD(p) _mm512_loadu_si512(p)
#define R_STORE(p, x) _mm512_storeu_si512(p, x)
#define R_BROADCAST(p) _mm512_castps_si512(_mm512_set1_ps(*(const float *)(const void *)(p)))
#define R_OPAQUE(x) __asm__ volatile("" : "+v"(x))
#define R_COLUMNS 4
#define R_STRETCH 4096

#define MULTIPLY multiply_f32
#define ELEMENTS 1
#define ROWS 6
#define DOT(sum, x, w) \
    _mm512_castps_si512(_mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), _mm512_castsi512_ps(sum)))
#include "kernels/simd/multiply.h"
