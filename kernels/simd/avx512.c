/* avx512.c - AVX-512 without VNNI (F, BW, VL, DQ): integer products by multiply-add in 16 bits. */
#if defined(__x86_64__)
#include "kernels/simd/avx512.h"

#define MULTIPLY multiply_int16
#define ELEMENTS 2
#define ROWS 6
#define DOT(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
#include "kernels/simd/multiply.h"

/* Two signed weights times two unsigned numbers of 8 bits may not fit in 16: even and odd places are widened and
 * multiplied apart. */
static inline __m512i dot8(__m512i sum, __m512i x, __m512i w)
{
    __m512i even =
        _mm512_madd_epi16(_mm512_and_si512(x, _mm512_set1_epi16(255)), _mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8));
    __m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(x, 8), _mm512_srai_epi16(w, 8));
    return _mm512_add_epi32(_mm512_add_epi32(sum, even), odd);
}

#define MULTIPLY multiply_int8
#define ELEMENTS 4
#define ROWS 4
#define DOT dot8
#include "kernels/simd/multiply.h"

#define MULTIPLY multiply_int7
#define ELEMENTS 4
#define ROWS 6
#define DOT(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)))
#include "kernels/simd/multiply.h"

const struct kernels kernels_avx512 = SET_OF_KERNELS("avx512", PRECISION_INT7);
#else
typedef int kernels_avx512_is_for_x86_64;
#endif
