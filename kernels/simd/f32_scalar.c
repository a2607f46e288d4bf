/* f32_scalar.c - the reference: the same chains and the same pointwise steps, a number at a time. Slow where the
 * machine has no fused multiply-add, since fmaf is then computed by the C library; always exact. */
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
#define V_CHAINS 8
#include "kernels/simd/gates.h"
#include "kernels/simd/peak.h"

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

const struct kernels kernels_scalar = {"scalar", multiply, gates_lstm_rows, gates_gru_rows, peak};
