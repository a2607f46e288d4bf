/* gemm.h - products of float32 matrices, by oneDNN, in tiles that threads can share.
 *
 * A product is cut into tiles that depend on its shape alone, and a tile is computed by one thread: its bits do not
 * depend on how many threads there are. (They do depend on the processor, whose kernel oneDNN chooses.) All matrices
 * lie row by row. */
#ifndef KERNELS_GEMM_H
#define KERNELS_GEMM_H
#include "flairtag.h"
#include <stdbool.h>
#include <stddef.h>

/* op(A) op(B): A is [rows, inner], or [inner, rows] when transposed; B is [inner, columns], or [columns, inner]. */
struct gemm_term {
    const float *a, *b;
    size_t a_stride, b_stride; /* floats from row to row as they lie */
    bool a_transposed, b_transposed;
    size_t inner;
};

/* C [rows, columns] = start[0] + start[1] in every row, then plus each term. */
struct gemm {
    size_t rows, columns;
    float *c;
    size_t c_stride;
    const float *start[2]; /* [columns], or NULL: zero */
    size_t terms;
    struct gemm_term term[2];
};

/* How many tiles it is cut into; 0 when it has no elements. */
size_t gemm_tiles(const struct gemm *gemm);

/* Lets oneDNN make its kernels, which it does in its first product, and where it crashes when memory ends. FT_NOMEM
 * when there is not room enough for that: then no tile may be computed. */
ft_status gemm_prepare(void);

/* Computes one tile, in a thread that gemm_thread_begin was called in. FT_NOMEM. */
ft_status gemm_tile(const struct gemm *gemm, size_t tile);

/* From now on oneDNN computes in the calling thread alone and starts none; returns what to give to gemm_thread_end. */
int gemm_thread_begin(void);
void gemm_thread_end(int before);

/* sums[j] = the sum of x[r][j] over r, ascending. x: [rows, stride]; columns: at most COLUMN_SUMS. What the gradient of
 * a bias is. */
enum { COLUMN_SUMS = 256 };
void column_sums(const float *x, size_t stride, size_t rows, size_t columns, float *sums);

#endif
