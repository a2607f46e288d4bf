/* f32_avx2.c - float32 kernels for AVX2 with FMA: six rows by two registers of eight columns, a gate at a time. */
#if defined(__x86_64__)
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
#define V_CHAINS 12
#include "kernels/simd/gates.h"
#include "kernels/simd/peak.h"

static inline __attribute__((always_inline)) void multiply_block(int rows, float *acc, const float *const *a,
                                                                 size_t first, const float *w, size_t k,
                                                                 const char *next, size_t next_bytes)
{
    __m256 sum[6][2];
    const float *row[6];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        row[r] = a[r] + first;
        sum[r][0] = _mm256_load_ps(acc + r * PANEL);
        sum[r][1] = _mm256_load_ps(acc + r * PANEL + 8);
    }
    size_t next_at = 0;
    for (size_t i = 0; i < k; i++, w += PANEL) {
        __m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + 8);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m256 x = _mm256_broadcast_ss(row[r] + i);
            sum[r][0] = _mm256_fmadd_ps(x, w0, sum[r][0]);
            sum[r][1] = _mm256_fmadd_ps(x, w1, sum[r][1]);
        }
        if (next_at < next_bytes) {
            _mm_prefetch(next + next_at, _MM_HINT_T1);
            next_at += 64;
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        _mm256_store_ps(acc + r * PANEL, sum[r][0]);
        _mm256_store_ps(acc + r * PANEL + 8, sum[r][1]);
    }
}

/* A gate's sixteen columns are one cache line of each k; STRETCH k's of them stay in the first-level cache while all
 * rows pass over them. */
enum { STRETCH = 256 };

static void multiply(float *acc, size_t rows, const float *const *a, const float *w, size_t k, const char *next,
                     size_t next_bytes)
{
    size_t blocks = (rows + 5) / 6, stretches = (k + STRETCH - 1) / STRETCH;
    size_t share = blocks && k ? (next_bytes / (4 * blocks * stretches) + 63) / 64 * 64 : 0, at = 0;
    for (size_t i = 0; i < k; i += STRETCH)
        for (size_t j = 0; j < 4; j++)
            for (size_t b = 0; b < blocks; b++) {
                size_t first = rows * b / blocks, count = rows * (b + 1) / blocks - first;
                size_t length = k - i < STRETCH ? k - i : STRETCH;
                size_t left = next_bytes - at < share ? next_bytes - at : share;
                MULTIPLY_ROWS(count, acc + first * PANEL + j * BLOCK, a + first, i, w + i * PANEL + j * BLOCK, length,
                              next + at, left);
                at += left;
            }
}

const struct kernels kernels_avx2 = {"avx2", multiply, gates_lstm_rows, gates_gru_rows, peak};
#else
typedef int kernels_avx2_is_for_x86_64;
#endif
