/* sentences.h - what decoding and losses share: sentences as rows of a batch. */
#ifndef CUDA_SENTENCES_H
#define CUDA_SENTENCES_H
#include "cuda/cuda.h"
#include "kernels/crf_cuda.h"

_Static_assert(sizeof(struct token_sequence) == 2 * sizeof(size_t), "kernels read sentences as pairs of size_t");

/* Rows that a batch has: those of its sentences, and any between them. *whole: there are none between them. */
size_t cuda_rows_of(const struct token_sequence *sentences, size_t count, bool *whole);

/* A block's threads where each has a tag: whole warps, CRF_THREADS at most. */
unsigned cuda_tag_threads(size_t tags);

/* FT_USAGE where a CRF has more tags than shared memory has room for. */
ft_status cuda_check_tags(const struct crf *crf, struct ft_error *error);

#endif
