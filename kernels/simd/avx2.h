/* avx2.h - what the AVX2 sets share: their vocabulary of vectors, and the kernels that need no VNNI. */
#include "kernels/simd/sets.h"
#include <immintrin.h>

#define V __m256
#define V_WIDTH 8
#define V_SET _mm256_set1_ps
#define V_LOAD _mm256_loadu_ps
#define V_STORE _mm256_storeu_ps
#define V_ADD _mm256_add_ps
#define V_SUB _mm256_sub_ps
#define V_MUL _mm256_mul_ps
#define V_DIV _mm256_div_ps
#define V_FMA _mm256_fmadd_ps
#define V_MIN _mm256_min_ps
#define V_MAX _mm256_max_ps
#define V_SCALE2(p, shifted)                                                                                   \
    _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23), \
                                                          _mm256_set1_epi32(0x3f800000))))
#define V_FROM_INT(p) _mm256_cvtepi32_ps(_mm256_loadu_si256((const void *)(p)))
#define V_STORE8(p, v, offset) store8(p, _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(offset)))
#define V_STORE16(p, v) _mm_storeu_si128((void *)(p), narrow(_mm256_cvtps_epi32(v)))
#define ROW_OFFSET 128

static inline __m128i narrow(__m256i x)
{
    return _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

static inline void store8(uint8_t *to, __m256i x)
{
    __m128i words = narrow(x);
    _mm_storel_epi64((void *)to, _mm_packus_epi16(words, words));
}
#include "kernels/simd/gates.h"
#include "kernels/simd/quantise.h"

#define R __m256i
#define R_LOAD(p) _mm256_loadu_si256((const void *)(p))
#define R_STORE(p, x) _mm256_storeu_si256((void *)(p), x)
#define R_BROADCAST(p) _mm256_castps_si256(_mm256_broadcast_ss((const void *)(p)))
#define R_OPAQUE(x) __asm__ volatile("" : "+x"(x))
#define R_COLUMNS 2
#define R_STRETCH 96

#define MULTIPLY multiply_f32
#define ELEMENTS 1
#define ROWS 6
#define DOT(sum, x, w) \
    _mm256_castps_si256(_mm256_fmadd_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(w), _mm256_castsi256_ps(sum)))
#include "kernels/simd/multiply.h"
