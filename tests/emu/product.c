/* product.c - see product.h. Both operands are copied into panels of a tile's rows or columns, so that the inner loop
 * reads memory in order whatever the strides were. */
#include "product.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 4, VECTORS = 2, TILE_ROWS = LANES * VECTORS, TILE_COLUMNS = 4, DEPTH = 256 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float product_half_widen(unsigned half)
{
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 31)
        return float_of(sign | 0x7f800000u | mantissa << 13);
    /* A subnormal half is its mantissa times 2^-24, which single precision has among its normal numbers. */
    float magnitude = exponent ? float_of((exponent + 112) << 23 | mantissa << 13) : (float)mantissa * 0x1p-24f;
    return float_of(sign | bits_of(magnitude));
}

unsigned product_half_round(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return sign | 0x7e00u;
    if (magnitude >= 0x477ff000u) /* 65,520, half way to what would be the next half */
        return sign | 0x7c00u;
    if (magnitude < 0x38800000u) /* below 2^-14: adding 1/2 rounds at 2^-24, where subnormal halves end */
        return sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f));
    return sign | (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13;
}

static float load(const struct product_matrix *matrix, size_t i, size_t j)
{
    size_t at = i * matrix->row + j * matrix->column;
    return matrix->half ? product_half_widen(((const uint16_t *)matrix->at)[at]) : ((const float *)matrix->at)[at];
}

static void store(const struct product_matrix *matrix, size_t i, size_t j, float value)
{
    size_t at = i * matrix->row + j * matrix->column;
    if (matrix->half)
        ((uint16_t *)matrix->at)[at] = (uint16_t)product_half_round(value);
    else
        ((float *)matrix->at)[at] = value;
}

static float rounded(float value, enum product_rounding rounding)
{
    uint32_t bits = bits_of(value);
    if (rounding == PRODUCT_F16)
        return product_half_widen(product_half_round(value));
    if (rounding == PRODUCT_TF32 && (bits & 0x7f800000u) != 0x7f800000u)
        return float_of((bits + 0x1000u) & ~0x1fffu);
    return value;
}

/* Panels of `width` rows of a [rows, k]: element j of row i at [i / width][j][i % width]; rows that are none are 0. */
static float *panels_new(const struct product_matrix *a, size_t rows, size_t k, size_t width,
                         enum product_rounding rounding)
{
    size_t panels = (rows + width - 1) / width;
    float *to = calloc(panels * k * width, sizeof *to);
    for (size_t i = 0; to && i < rows; i++) {
        float *row = to + i / width * k * width + i % width;
        for (size_t j = 0; j < k; j++)
            row[j * width] = rounded(load(a, i, j), rounding);
    }
    return to;
}

/* The tile's sums over all k: sums[column][vector]. */
static void tile_multiply(size_t k, const float *a, const float *b, lanes sums[TILE_COLUMNS][VECTORS])
{
    memset(sums, 0, sizeof(lanes) * TILE_COLUMNS * VECTORS);
    for (size_t from = 0; from < k; from += DEPTH) {
        lanes part[TILE_COLUMNS][VECTORS] = {{{0}}};
        size_t to = from + DEPTH < k ? from + DEPTH : k;
        for (size_t p = from; p < to; p++) {
            lanes rows[VECTORS];
            memcpy(rows, a + p * TILE_ROWS, sizeof rows);
            for (size_t j = 0; j < TILE_COLUMNS; j++)
                for (size_t v = 0; v < VECTORS; v++)
                    part[j][v] += rows[v] * b[p * TILE_COLUMNS + j];
        }
        for (size_t j = 0; j < TILE_COLUMNS; j++)
            for (size_t v = 0; v < VECTORS; v++)
                sums[j][v] += part[j][v];
    }
}

static void element_finish(const struct product_matrix *c, size_t i, size_t j, float sum, float alpha, float beta)
{
    store(c, i, j, beta == 0 ? alpha * sum : alpha * sum + beta * load(c, i, j));
}

bool product(size_t m, size_t n, size_t k, float alpha, struct product_matrix a, struct product_matrix b, float beta,
             struct product_matrix c, enum product_rounding rounding)
{
    if (k == 0 || alpha == 0) {
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                element_finish(&c, i, j, 0, 0, beta);
        return true;
    }
    if (m == 0 || n == 0)
        return true;
    struct product_matrix b_transposed = {b.at, b.column, b.row, b.half};
    float *rows = panels_new(&a, m, k, TILE_ROWS, rounding),
          *columns = panels_new(&b_transposed, n, k, TILE_COLUMNS, rounding);
    for (size_t i = 0; rows && columns && i < m; i += TILE_ROWS)
        for (size_t j = 0; j < n; j += TILE_COLUMNS) {
            lanes sums[TILE_COLUMNS][VECTORS];
            tile_multiply(k, rows + i * k, columns + j * k, sums);
            for (size_t jj = 0; jj < TILE_COLUMNS && j + jj < n; jj++)
                for (size_t ii = 0; ii < TILE_ROWS && i + ii < m; ii++)
                    element_finish(&c, i + ii, j + jj, sums[jj][ii / LANES][ii % LANES], alpha, beta);
        }
    bool done = rows && columns;
    free(rows);
    free(columns);
    return done;
}
