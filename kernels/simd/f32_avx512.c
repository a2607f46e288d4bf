/* f32_avx512.c - float32 kernels for AVX-512F: six rows by four registers of sixteen columns. */
#if defined(__x86_64__)
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
#define V_CHAINS 24
#include "kernels/simd/gates.h"
#include "kernels/simd/peak.h"

/* `rows` is a constant wherever this is inlined, so that all accumulators live in registers. */
static inline __attribute__((always_inline)) void multiply_block(int rows, float *acc, const float *const *a,
                                                                 const float *w, size_t k, const char *next,
                                                                 size_t next_bytes)
{
    __m512 sum[6][4];
    const float *row[6];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        row[r] = a[r];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            sum[r][j] = _mm512_load_ps(acc + r * PANEL + j * 16);
    }
    size_t next_at = 0;
    for (size_t i = 0; i < k; i++, w += PANEL) {
        __m512 w0 = _mm512_loadu_ps(w), w1 = _mm512_loadu_ps(w + 16), w2 = _mm512_loadu_ps(w + 32),
               w3 = _mm512_loadu_ps(w + 48);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512 x = _mm512_set1_ps(row[r][i]);
            sum[r][0] = _mm512_fmadd_ps(x, w0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, w1, sum[r][1]);
            sum[r][2] = _mm512_fmadd_ps(x, w2, sum[r][2]);
            sum[r][3] = _mm512_fmadd_ps(x, w3, sum[r][3]);
        }
        if (i % 4 == 0 && next_at < next_bytes) { /* evenly over k: bursts would wait for each other */
            _mm_prefetch(next + next_at, _MM_HINT_T1);
            next_at += 64;
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            _mm512_store_ps(acc + r * PANEL + j * 16, sum[r][j]);
}

static void multiply(float *acc, size_t rows, const float *const *a, const float *w, size_t k, const char *next,
                     size_t next_bytes)
{
    size_t blocks = (rows + 5) / 6;
    size_t share = blocks ? (next_bytes / blocks + 63) / 64 * 64 : 0;
    for (size_t b = 0; b < blocks; b++) {
        size_t first = rows * b / blocks, count = rows * (b + 1) / blocks - first;
        float *to = acc + first * PANEL;
        const float *const *from = a + first;
        size_t at = b * share < next_bytes ? b * share : next_bytes, left = next_bytes - at;
        const char *ahead = next + at;
        if (left > share)
            left = share;
        MULTIPLY_ROWS(count, to, from, w, k, ahead, left);
    }
}

const struct kernels kernels_avx512 = {"avx512", multiply, gates_lstm_rows, gates_gru_rows, peak};
#else
typedef int kernels_avx512_is_for_x86_64;
#endif
