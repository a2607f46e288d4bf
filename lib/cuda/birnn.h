/* birnn.h - a group of sentences on its way through a tagger's recurrent layers.
 *
 * Sentences without tokens are left out. Rows of a group are numbered sentence by sentence in the order of the call;
 * steps are taken in all its sentences together, the longest first. */
#ifndef CUDA_BIRNN_H
#define CUDA_BIRNN_H
#include "cuda/cuda.h"

struct birnn_group {
    size_t sentences, rows, steps; /* steps: tokens of the longest */
    /* [sentences], the longest first, host: tokens, first row in the group, first token of the call */
    const uint32_t *lengths, *first_row, *first_token;
    const uint32_t *active;           /* [steps] host: sentences that are longer than the step */
    const struct input_piece *pieces; /* [piece_count], whose rows are the group's */
    size_t piece_count;
    float *out; /* [tokens of the call, 2 * hidden] */
};

/* The layers' weights, in the form that one or the other wants. */
ft_status birnn_native_upload(struct cuda_backend *cuda, const struct birnn *net, struct ft_error *error);
ft_status birnn_cudnn_upload(struct cuda_backend *cuda, const struct birnn *net, struct ft_error *error);

/* All layers over a group, by kernels of our own or by cuDNN; inside an operation. */
ft_status birnn_native(struct cuda_backend *cuda, const struct birnn *net, const struct birnn_group *group,
                       struct ft_error *error);
ft_status birnn_cudnn(struct cuda_backend *cuda, const struct birnn *net, const struct birnn_group *group,
                      struct ft_error *error);

/* Bytes of scratch a row of a group takes, more or less. */
size_t birnn_native_row_bytes(const struct birnn *net);
size_t birnn_cudnn_row_bytes(const struct birnn *net);

#endif
