/* half.c - see half.h. Both loops take both ways for every element and choose by a mask, so that compilers turn them
 * into vector code of whatever width the target has; the arithmetic is on integers, and on floats where one addition
 * or subtraction does the rounding or the normalising of a subnormal.
 *
 * A half is sign:1 exponent:5 fraction:10 with a bias of 15, a float 1:8:23 with a bias of 127. */
#include "kernels/half.h"
#include <string.h>

enum {
    FRACTION = 23 - 10,          /* bits that a half's fraction is shorter by */
    BIAS = (127 - 15) << 23,     /* between the exponents, where a float has its */
    LEAST = BIAS + (1 << 23),    /* 2^-14, the least normal half, as a float's bits */
    TOO_LARGE = 0x477ff000,      /* 65520, the least that rounds beyond 65504 */
    ULP = (127 - 15 + 14) << 23, /* 2^-1: a float whose last bit is the subnormal halves' 2^-24 */
};

static inline float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

bool half_round(uint16_t *restrict to, const float *restrict from, size_t count)
{
    uint32_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = as_bits(from[i]), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
        uint32_t odd = magnitude >> FRACTION & 1; /* ties go to the even fraction; a carry goes to the exponent */
        uint32_t normal = (magnitude - BIAS + ((1 << (FRACTION - 1)) - 1) + odd) >> FRACTION;
        uint32_t subnormal = as_bits(as_float(magnitude) + as_float(ULP)) - ULP;
        uint32_t small = 0 - (uint32_t)(magnitude < LEAST);
        refused |= (uint32_t)(magnitude >= TOO_LARGE);
        to[i] = (uint16_t)(sign | (subnormal & small) | (normal & ~small));
    }
    return !refused;
}

void half_widen(float *restrict to, const uint16_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t sign = (uint32_t)(from[i] & 0x8000) << 16, magnitude = (uint32_t)(from[i] & 0x7fff) << FRACTION;
        uint32_t normal = magnitude + BIAS;
        uint32_t subnormal = as_bits(as_float(magnitude + LEAST) - as_float(LEAST));
        uint32_t small = 0 - (uint32_t)(magnitude < 1 << 23);
        to[i] = as_float(sign | (subnormal & small) | (normal & ~small));
    }
}
