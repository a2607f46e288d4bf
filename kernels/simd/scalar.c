/* scalar.c - the reference: the same chains and the same pointwise steps, a number at a time. Slow where the machine
 * has no fused multiply-add, since fmaf is then computed by the C library; always exact. */
#include "kernels/simd/sets.h"
#include <math.h>
#include <string.h>

static float scale2(float p, float shifted)
{
    uint32_t bits;
    float power;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#define V float
#define V_WIDTH 1
#define V_SET(x) (x)
#define V_LOAD(p) (*(p))
#define V_STORE(p, x) (*(p) = (x))
#define V_ADD(a, b) ((a) + (b))
#define V_SUB(a, b) ((a) - (b))
#define V_MUL(a, b) ((a) * (b))
#define V_DIV(a, b) ((a) / (b))
#define V_FMA(a, b, c) fmaf(a, b, c)
#define V_MIN(a, b) ((a) < (b) ? (a) : (b))
#define V_MAX(a, b) ((a) > (b) ? (a) : (b))
#define V_SCALE2(p, shifted) scale2(p, shifted)
#define V_FROM_INT(p) ((float)*(p))
#define V_STORE8(p, v, offset) (*(p) = (uint8_t)((int)rintf(v) + (offset)))
#define V_STORE16(p, v) (*(p) = (int16_t)rintf(v))
#define ROW_OFFSET 128
#include "kernels/simd/gates.h"
#include "kernels/simd/quantise.h"

static void multiply_f32(void *acc, size_t rows, const void *const *a, const void *w, size_t groups, const char *next,
                         size_t next_bytes)
{
    float *sum = acc;
    (void)next;
    (void)next_bytes;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < groups; i++)
            for (size_t j = 0; j < PANEL; j++)
                sum[r * PANEL + j] =
                    fmaf(((const float *)a[r])[i], ((const float *)w)[i * PANEL + j], sum[r * PANEL + j]);
}

static void multiply_int16(void *acc, size_t rows, const void *const *a, const void *w, size_t groups, const char *next,
                           size_t next_bytes)
{
    uint32_t *sum = acc; /* wraps like the others where a damaged file's numbers overflow it */
    (void)next;
    (void)next_bytes;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < groups; i++)
            for (size_t j = 0; j < PANEL; j++)
                for (size_t e = 0; e < 2; e++)
                    sum[r * PANEL + j] +=
                        (uint32_t)(((const int16_t *)a[r])[i * 2 + e] * ((const int16_t *)w)[(i * PANEL + j) * 2 + e]);
}

static void multiply_int8(void *acc, size_t rows, const void *const *a, const void *w, size_t groups, const char *next,
                          size_t next_bytes)
{
    uint32_t *sum = acc; /* wraps like the others where a damaged file's numbers overflow it */
    (void)next;
    (void)next_bytes;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < groups; i++)
            for (size_t j = 0; j < PANEL; j++)
                for (size_t e = 0; e < 4; e++)
                    sum[r * PANEL + j] +=
                        (uint32_t)(((const uint8_t *)a[r])[i * 4 + e] * ((const int8_t *)w)[(i * PANEL + j) * 4 + e]);
}

enum { CHAINS = 8 };

static double multiply_f32_peak(size_t rounds, float *sink)
{
    float sum[CHAINS], x = 0.5f, y = *sink;
    for (int i = 0; i < CHAINS; i++)
        sum[i] = (float)i;
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 8
        for (int i = 0; i < CHAINS; i++)
            sum[i] = fmaf(sum[i], x, y);
    for (int i = 1; i < CHAINS; i++)
        sum[0] += sum[i];
    *sink = sum[0];
    return 2.0 * CHAINS * (double)rounds;
}

static double multiply_int_peak(size_t rounds, float *sink)
{
    int32_t sum[CHAINS], x = (int32_t)*sink;
    for (int i = 0; i < CHAINS; i++)
        sum[i] = i;
    for (size_t r = 0; r < rounds; r++) {
        __asm__ volatile("" : "+r"(x));
#pragma GCC unroll 8
        for (int i = 0; i < CHAINS; i++)
            sum[i] += (int16_t)x * (int16_t)(x + i);
    }
    for (int i = 1; i < CHAINS; i++)
        sum[0] ^= sum[i];
    *sink = (float)(sum[0] & 1);
    return 2.0 * CHAINS * (double)rounds;
}

#define multiply_int7 multiply_int8
#define multiply_int16_peak multiply_int_peak
#define multiply_int8_peak multiply_int_peak
#define multiply_int7_peak multiply_int_peak
const struct kernels kernels_scalar = SET_OF_KERNELS("scalar", PRECISION_F32);
