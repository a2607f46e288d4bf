/* f32_scalar.c - the reference: the same chains and the same pointwise steps, a number at a time. Slow where the machine has
 * no fused multiply-add, since fmaf is then computed by the C library; always exact. */
#include "kernels/simd/sets.h"
#include <math.h>
#include <stdint.h>
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
#include "kernels/simd/gates.h"

static void multiply(float *acc, size_t rows, const float *const *a, const float *w, size_t k, const char *next,
                     size_t next_bytes)
{
    (void)next;
    (void)next_bytes;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < PANEL; j++)
                acc[r * PANEL + j] = fmaf(a[r][i], w[i * PANEL + j], acc[r * PANEL + j]);
}

static double peak(size_t rounds, float *sink)
{
    enum { CHAINS = 8 };
    V sum[CHAINS], x = V_SET(0.5f), y = V_SET(*sink);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = V_SET((float)i);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++)
            sum[i] = V_FMA(sum[i], x, y);
    for (int i = 1; i < CHAINS; i++)
        sum[0] = V_ADD(sum[0], sum[i]);
    float result[V_WIDTH];
    V_STORE(result, sum[0]);
    *sink = result[0];
    return 2.0 * CHAINS * V_WIDTH * (double)rounds;
}

const struct kernels kernels_scalar = {"scalar", multiply, gates_lstm_rows, gates_gru_rows, peak};
