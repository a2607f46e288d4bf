/* crf_cuda.h - decoding on the device, as kernels/crf.h defines it. */
#ifndef KERNELS_CRF_CUDA_H
#define KERNELS_CRF_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

/* Blocks are whole warps, one thread a tag up to CRF_THREADS. A sentence's scores lie in shared memory, hence the most
 * tags; so they fit in the 16 bits of a back pointer. */
enum { CRF_THREADS = 256, CRF_MOST_TAGS = 6000 };

/* to = from transposed. [n, n] both; a thread a value. */
KERNEL_PROTOTYPE void turn_matrix(const float *from, uint32_t n, float *to);

/* crf_viterbi, a block a sentence: the same tags, and the same running scores to the bit.
 * emissions: [rows, K]; sentences: [blocks, 2], first row and tokens; turned: [K, K], [from, to]. v: [rows, K] receives
 * the scores that confidence is made of (softmax_decode_rows), or is NULL; back: [rows, K] of scratch; tags: [rows].
 * Shared memory: [2, K] floats. */
KERNEL_PROTOTYPE void viterbi_sentences(const float *emissions, const size_t *sentences, const float *turned,
                                        uint32_t tag_count, uint32_t start, uint32_t stop, int mask_ends, float *v,
                                        uint16_t *back, uint32_t *tags);

#endif
