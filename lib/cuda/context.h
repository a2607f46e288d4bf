/* context.h - how the back end is put together and taken apart; operations see cuda.h alone. */
#ifndef CUDA_CONTEXT_H
#define CUDA_CONTEXT_H
#include "cuda/cuda.h"

/* Both: FT_NOMEM; what was made lies in `cuda` then as well, for the functions that free it. */
ft_status cuda_scratch_new(struct cuda_backend *cuda, struct ft_error *error);
ft_status cuda_weights_new(struct cuda_backend *cuda, struct ft_error *error);
/* Nothing may run any more. NULL is allowed. */
void cuda_scratch_free(struct cuda_backend *cuda);
void cuda_weights_free(struct cuda_backend *cuda);
void cuda_branches_free(struct cuda_backend *cuda);

/* Gives back blocks of scratch that hold nothing now; true when there was one. */
bool cuda_scratch_shrink(struct cuda_backend *cuda);

/* A handle in a stream, with the math of the options and a workspace: several streams may not share one, and without
 * one of its own cuBLAS does not promise the same bits at every call. */
ft_status cuda_new_blas(struct cuda_backend *cuda, cudaStream_t stream, cublasHandle_t *blas, void **workspace,
                        struct ft_error *error);

#endif
