/* reduce_cuda.h - sums whose order depends on the shape alone. Blocks of REDUCE_THREADS. */
#ifndef KERNELS_REDUCE_CUDA_H
#define KERNELS_REDUCE_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

enum { REDUCE_THREADS = 256 };

/* sums[b] = the sum of the squares of every value that is b-th among the blocks: thread by thread, gridDim.x *
 * REDUCE_THREADS apart. x: [count]; sums: [gridDim.x]. */
KERNEL_PROTOTYPE void add_squares(const float *x, size_t count, double *sums);

/* to[b] = the sum of rows sentences[b, 0] .. + sentences[b, 1] - 1 of x; a block a sentence. sentences: [blocks, 2]. */
KERNEL_PROTOTYPE void add_sentences(const double *x, const size_t *sentences, double *to);

/* to[k] = scale * sum over blocks b, ascending, of x[b, k]. x: [blocks, count]; a thread a k. */
KERNEL_PROTOTYPE void add_blocks(const double *x, size_t blocks, size_t count, float scale, float *to);

#endif
