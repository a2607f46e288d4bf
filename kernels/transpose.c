/* transpose.c - see transpose.h. Squares of 16, so that lines are written whole, out of squares of 4 in registers. */
#include "kernels/transpose.h"
#include <string.h>

enum { SQUARE = 16, FOUR = 4 };

typedef float four __attribute__((vector_size(FOUR * sizeof(float))));

static inline four load(const float *from)
{
    four x;
    memcpy(&x, from, sizeof x);
    return x;
}

static inline void store(float *to, four x)
{
    memcpy(to, &x, sizeof x);
}

static inline void transpose_4(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    four a = load(from), b = load(from + from_stride), c = load(from + 2 * from_stride),
         d = load(from + 3 * from_stride);
    four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    store(to + to_stride, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    store(to + 2 * to_stride, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    store(to + 3 * to_stride, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

static void transpose_square(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    for (size_t c = 0; c < SQUARE; c += FOUR)
        for (size_t r = 0; r < SQUARE; r += FOUR)
            transpose_4(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
}

void transpose(const float *from, size_t from_stride, size_t rows, size_t columns, float *to, size_t to_stride)
{
    for (size_t r = 0; r < rows; r += SQUARE)
        for (size_t c = 0; c < columns; c += SQUARE) {
            const float *at = from + r * from_stride + c;
            float *there = to + c * to_stride + r;
            size_t down = rows - r < SQUARE ? rows - r : SQUARE, across = columns - c < SQUARE ? columns - c : SQUARE;
            if (down == SQUARE && across == SQUARE) {
                transpose_square(at, from_stride, there, to_stride);
                continue;
            }
            for (size_t i = 0; i < down; i++)
                for (size_t j = 0; j < across; j++)
                    there[j * to_stride + i] = at[i * from_stride + j];
        }
}
