/* avx2.c - AVX2 with FMA: integer products by multiply-add in 16 bits. */
#if defined(__x86_64__)
#include "kernels/simd/avx2.h"

#define MULTIPLY multiply_int16
#define ELEMENTS 2
#define ROWS 6
#define DOT(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
#include "kernels/simd/multiply.h"

/* Two signed weights times two unsigned numbers of 8 bits may not fit in 16: even and odd places are widened and
 * multiplied apart. */
static inline __m256i dot8(__m256i sum, __m256i x, __m256i w)
{
    __m256i even =
        _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8));
    __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(w, 8));
    return _mm256_add_epi32(_mm256_add_epi32(sum, even), odd);
}

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 4
#define DOT dot8
#include "kernels/simd/multiply.h"

#define MULTIPLY multiply_int7
#define ELEMENTS 4
#define ROWS 6
#define DOT(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)))
#include "kernels/simd/multiply.h"

const struct kernels kernels_avx2 = SET_OF_KERNELS("avx2", PRECISION_INT7);
#else
typedef int kernels_avx2_is_for_x86_64;
#endif
