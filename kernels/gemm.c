/* gemm.c - see gemm.h. */
#include "kernels/gemm.h"
#include "kernels/transpose.h"
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

/* OpenMP's, by which oneDNN learns how many threads it may use; omp.h comes with some compilers only. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

/* Found by measuring oneDNN 2.6 on Zen 4 with the shapes of taggers. It copies both matrices into an order of its own,
 * and takes longest for a transposed B: all rows of a tile share that copy, so that its tiles are tall. Its kernel has
 * blocks of 48 columns, and computes whole ones. So some products are turned, C^T = op(B)^T op(A)^T, a tile into
 * scratch and from there into its place: those of two transposed matrices, of which none is transposed then (105
 * Gflop/s instead of 88 with 4196 x 4196 weights), and those whose columns fill blocks badly (104 instead of 81 with
 * 100). */
enum { ENOUGH_TILES = 16, MOST_TILES = 128, TILE_EDGE = 16, BLOCK_COLUMNS = 48 };
#define TILE_WORK 4e6 /* multiply-adds: 70 us */

struct tiling {
    size_t rows, columns;           /* of a tile */
    size_t row_count, column_count; /* tiles */
};

static size_t cut(size_t length, size_t parts)
{
    size_t each = (length + parts - 1) / parts;
    return (each + TILE_EDGE - 1) / TILE_EDGE * TILE_EDGE;
}

/* The part of the kernel's work that is not for nothing. */
static double fill(size_t columns)
{
    size_t blocks = (columns + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
    return (double)columns / (double)(blocks * BLOCK_COLUMNS);
}

static bool is_turned(const struct gemm *gemm)
{
    return gemm->terms == 1 && gemm->term[0].a_transposed && gemm->term[0].inner &&
           (gemm->term[0].b_transposed || fill(gemm->columns) + 0.1 < fill(gemm->rows));
}

/* Halves the edge that is the longer one in its own measure, until there are tiles enough or they get too small to be
 * fast. */
static struct tiling plan(const struct gemm *gemm)
{
    bool tall = gemm->terms && gemm->term[0].b_transposed;
    double rows = (double)gemm->rows / (tall && gemm->columns > 256 ? 512 : 256);
    double columns = (double)gemm->columns / (!tall ? 512 : is_turned(gemm) ? 256 : 128);
    double inner = 0;
    for (size_t i = 0; i < gemm->terms; i++)
        inner += (double)gemm->term[i].inner;
    double wanted = (double)gemm->rows * (double)gemm->columns * inner / TILE_WORK;
    size_t row_parts = 1, column_parts = 1, tiles;
    while ((tiles = row_parts * column_parts) < MOST_TILES && (double)tiles < wanted) {
        double longer = rows > columns ? rows : columns;
        if (longer < (tiles < ENOUGH_TILES ? 2 : 4))
            break;
        if (rows > columns) {
            rows /= 2;
            row_parts *= 2;
        } else {
            columns /= 2;
            column_parts *= 2;
        }
    }
    struct tiling tiling = {cut(gemm->rows, row_parts), cut(gemm->columns, column_parts), 0, 0};
    if (gemm->rows && gemm->columns) {
        tiling.row_count = (gemm->rows + tiling.rows - 1) / tiling.rows;
        tiling.column_count = (gemm->columns + tiling.columns - 1) / tiling.columns;
    }
    return tiling;
}

size_t gemm_tiles(const struct gemm *gemm)
{
    struct tiling tiling = plan(gemm);
    return tiling.row_count * tiling.column_count;
}

static void add(const float *restrict x, size_t count, float *restrict sum)
{
    for (size_t j = 0; j < count; j++)
        sum[j] += x[j];
}

static void begin_rows(const struct gemm *gemm, float *c, size_t rows, size_t column, size_t columns)
{
    const float *first = gemm->start[0], *second = gemm->start[1];
    for (size_t j = 0; j < columns; j++)
        c[j] = (first ? first[column + j] : 0) + (second ? second[column + j] : 0);
    for (size_t r = 1; r < rows; r++)
        memcpy(c + r * gemm->c_stride, c, columns * sizeof *c);
}

/* Rows of C from a tile that was computed turned, [columns, rows]: some at a time, which stay in the first-level cache
 * until what they start with is added. */
static void turn_back(const struct gemm *gemm, const float *tile, float *c, size_t rows, size_t column, size_t columns)
{
    for (size_t r = 0; r < rows; r += TILE_EDGE) {
        size_t count = rows - r < TILE_EDGE ? rows - r : TILE_EDGE;
        transpose(tile + r, rows, columns, count, c + r * gemm->c_stride, gemm->c_stride);
        for (size_t s = 0; s < 2; s++)
            for (size_t i = r; gemm->start[s] && i < r + count; i++)
                add(gemm->start[s] + column, columns, c + i * gemm->c_stride);
    }
}

ft_status gemm_prepare(void)
{
    enum { ROOM = 24 << 20, EDGE = 16 }; /* oneDNN 2.6 takes 6 MiB */
    float zeros[EDGE * EDGE] = {0}, c[EDGE * EDGE];
    void *volatile room = malloc(ROOM); /* volatile: compilers leave out what is given back at once */
    if (!room)
        return FT_NOMEM;
    free(room);
    int before = gemm_thread_begin();
    dnnl_status_t status = dnnl_sgemm('N', 'N', EDGE, EDGE, EDGE, 1.0f, zeros, EDGE, zeros, EDGE, 0.0f, c, EDGE);
    gemm_thread_end(before);
    return status == dnnl_success ? FT_OK : FT_NOMEM;
}

static ft_status turned_tile(const struct gemm *gemm, float *c, size_t row, size_t rows, size_t column, size_t columns)
{
    const struct gemm_term *term = &gemm->term[0];
    const float *b = term->b + (term->b_transposed ? column * term->b_stride : column);
    float *tile = malloc(rows * columns * sizeof *tile);
    if (!tile)
        return FT_NOMEM;
    dnnl_status_t status = dnnl_sgemm(term->b_transposed ? 'N' : 'T', 'N', (dnnl_dim_t)columns, (dnnl_dim_t)rows,
                                      (dnnl_dim_t)term->inner, 1.0f, b, (dnnl_dim_t)term->b_stride, term->a + row,
                                      (dnnl_dim_t)term->a_stride, 0.0f, tile, (dnnl_dim_t)rows);
    if (status == dnnl_success)
        turn_back(gemm, tile, c, rows, column, columns);
    free(tile);
    return status == dnnl_success ? FT_OK : FT_NOMEM;
}

ft_status gemm_tile(const struct gemm *gemm, size_t tile)
{
    struct tiling tiling = plan(gemm);
    size_t row = tile / tiling.column_count * tiling.rows, column = tile % tiling.column_count * tiling.columns;
    size_t rows = gemm->rows - row < tiling.rows ? gemm->rows - row : tiling.rows;
    size_t columns = gemm->columns - column < tiling.columns ? gemm->columns - column : tiling.columns;
    float *c = gemm->c + row * gemm->c_stride + column;
    if (is_turned(gemm))
        return turned_tile(gemm, c, row, rows, column, columns);
    bool begun = gemm->start[0] || gemm->start[1] || !gemm->terms || !gemm->term[0].inner;
    if (begun)
        begin_rows(gemm, c, rows, column, columns);
    for (size_t i = 0; i < gemm->terms; i++) {
        const struct gemm_term *term = &gemm->term[i];
        const float *a = term->a + (term->a_transposed ? row : row * term->a_stride);
        const float *b = term->b + (term->b_transposed ? column * term->b_stride : column);
        if (!term->inner)
            continue;
        dnnl_status_t status =
            dnnl_sgemm(term->a_transposed ? 'T' : 'N', term->b_transposed ? 'T' : 'N', (dnnl_dim_t)rows,
                       (dnnl_dim_t)columns, (dnnl_dim_t)term->inner, 1.0f, a, (dnnl_dim_t)term->a_stride, b,
                       (dnnl_dim_t)term->b_stride, begun ? 1.0f : 0.0f, c, (dnnl_dim_t)gemm->c_stride);
        if (status != dnnl_success) /* all else that it refuses are shapes that cannot come here */
            return FT_NOMEM;
        begun = true;
    }
    return FT_OK;
}

int gemm_thread_begin(void)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    return before;
}

void gemm_thread_end(int before)
{
    omp_set_num_threads(before);
}

/* Four rows at a time, so that as many come from memory side by side; each element is still one chain. */
void column_sums(const float *x, size_t stride, size_t rows, size_t columns, float *sums)
{
    float sum[COLUMN_SUMS] = {0};
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * stride)
        for (size_t j = 0; j < columns; j++)
            sum[j] = sum[j] + x[j] + x[stride + j] + x[2 * stride + j] + x[3 * stride + j];
    for (; r < rows; r++, x += stride)
        add(x, columns, sum);
    memcpy(sums, sum, columns * sizeof *sums);
}
