/* cuda.h - what the files of the CUDA back end share: the device at hand, its memory, and the weights that lie there.
 *
 * The back end is C that calls the CUDA runtime, cuBLAS and cuDNN and launches the kernels of kernels/ (NAME.cu). It
 * lives in libflairtag_cuda.so alone. An operation enqueues its work in `stream` and returns when its host results are
 * there; what only the device needs may still be running then, and later operations find it by the stream's order. */
#ifndef CUDA_CUDA_H
#define CUDA_CUDA_H
#include "tensor/plugin.h"
#include "tensor/training.h"
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

struct cuda_weights; /* uploaded layers by their addresses, weights.c */
struct cuda_scratch; /* memory that lasts for one operation, and pinned memory for copies, scratch.c */

/* A stream beside the back end's, for work that runs side by side: forked from it and joined to it again by events. */
struct cuda_branch {
    cudaStream_t stream;
    cublasHandle_t blas; /* in that stream, with a workspace of its own */
    void *workspace;
    cudaEvent_t joined;
};
enum { CUDA_BRANCHES = 4 };

/* What some operations keep from call to call, NULL at first; `free` is called with the back end, if it is set. */
struct cuda_kept {
    void *state;
    void (*free)(struct backend *backend, void *state);
};

struct cuda_allocation {
    void *at;
    size_t bytes;
};

struct cuda_backend {
    struct backend base;
    struct cuda_options options;
    int device;
    int processors;      /* of the device */
    cudaStream_t stream; /* everything's but what an operation forks off and joins again */
    cublasHandle_t blas; /* in `stream`, with the math of the options and a workspace of its own (determinism) */
    cudnnHandle_t dnn;   /* in `stream`; NULL with options.native */
    cudnnDropoutDescriptor_t no_dropout; /* for cuDNN's descriptions of networks, which want one */
    void *workspace;                     /* of blas */
    size_t workspace_bytes;
    cudaEvent_t forked;
    struct cuda_branch branches[CUDA_BRANCHES];
    size_t branch_count, branches_forked; /* made so far; running now */
    struct cuda_weights *weights;
    struct cuda_scratch *scratch;
    struct cuda_kept lm, training;       /* lm_encode's and training.c's */
    struct cuda_allocation *allocations; /* [allocation_count], by their addresses */
    size_t allocation_count, allocation_room;
    size_t allocated, peak, budget;      /* bytes of device memory: now, at most so far, at most allowed */
    size_t pinned, uploaded, downloaded; /* bytes: of pinned host memory; copied so far */
};

/* FT_OK, or "WHAT failed: meaning (name)" ("uploading weights failed: out of memory (cudaErrorMemoryAllocation)").
 * Everything is FT_NOMEM: whatever the library's reason, the device cannot do it, and the caller asks for less or goes
 * on without the device. */
ft_status cuda_check(cudaError_t result, const char *what, struct ft_error *error);
ft_status cuda_check_blas(cublasStatus_t result, const char *what, struct ft_error *error);
ft_status cuda_check_dnn(cudnnStatus_t result, const char *what, struct ft_error *error);
/* The one message for cuda_allocate and cuda_scratch_take that gave NULL. what: "the emissions". */
ft_status cuda_nomem(const struct cuda_backend *cuda, const char *what, struct ft_error *error);

/* Device memory that stays until cuda_free: counted against the budget. Aligned to 256 bytes, not cleared; NULL when
 * there is no more. cuda_free waits for the stream. */
void *cuda_allocate(struct cuda_backend *cuda, size_t bytes);
void cuda_free(struct cuda_backend *cuda, void *at); /* NULL is allowed */
/* True when cuda_allocate gave all of it at once. */
bool cuda_in_one_allocation(const struct cuda_backend *cuda, const void *at, size_t bytes);

/* Every operation begins with cuda_scratch_begin, which makes the back end's device the thread's current one, and, when
 * that gave FT_OK, ends with cuda_scratch_end. In between: device memory for the operation at hand, aligned to 256
 * bytes, not cleared. Grown in blocks and kept for the next operation. NULL when there is no more. Operations nest: an
 * inner one's memory is free again at its end, in the stream's order (so an inner one that runs in branches joins them
 * first; inside branches nothing may be given back). */
ft_status cuda_scratch_begin(struct cuda_backend *cuda, struct ft_error *error);
void *cuda_scratch_take(struct cuda_backend *cuda, size_t bytes);
void cuda_scratch_end(struct cuda_backend *cuda);

/* Copies host memory of any kind to the device, through pinned memory, in the stream's order; the host's may change at
 * once. */
ft_status cuda_upload(struct cuda_backend *cuda, void *to, const void *host, size_t bytes, struct ft_error *error);
/* The same into scratch, which it takes. NULL when that cannot be; the error is set. */
void *cuda_scratch_upload(struct cuda_backend *cuda, const void *host, size_t bytes, struct ft_error *error);
/* Copies to the host through pinned memory and waits for it, and so for the stream. */
ft_status cuda_download(struct cuda_backend *cuda, void *host, const void *from, size_t bytes, struct ft_error *error);

/* Branches 0 to count - 1 begin behind what is in the stream now; what comes into the stream after cuda_join runs
 * behind them. Branches are made when they are first asked for: not while a stream is captured. count: at most
 * CUDA_BRANCHES. An operation that forked joins, also when it fails; after a cuda_fork that failed, too. */
ft_status cuda_fork(struct cuda_backend *cuda, size_t count, struct ft_error *error);
ft_status cuda_join(struct cuda_backend *cuda, struct ft_error *error);

/* Launches a kernel, CUDA_KERNEL(its name), in a stream; arguments: addresses, in the prototype's order. name: what is
 * said when it fails. */
#define CUDA_KERNEL(name) ((const void *)(uintptr_t)(name)) /* C converts functions to objects by way of integers */
#define CUDA_ARGUMENTS(...) ((void *[]){__VA_ARGS__})
ft_status cuda_launch(cudaStream_t stream, const void *kernel, dim3 grid, dim3 block, size_t shared_bytes,
                      void **arguments, const char *name, struct ft_error *error);

/* A layer's weights as float32 in PyTorch's layout, uploaded when first asked for and kept by the layer's address;
 * packed and quantised ones are undone. Pointers are the device's. */
struct cuda_linear {
    const float *w; /* [out, in] */
    const float *b; /* [out] */
};
struct cuda_recurrent {
    const float *w_ih;            /* [gates * H, in], NULL for a language model's first layer */
    const float *w_hh;            /* [gates * H, H]; gates i f g o, or r z n */
    const float *bias;            /* LSTM [4H], b_ih + b_hh. GRU [4H]: r, z, the input's share of n, the state's */
    const float *init_h, *init_c; /* [H], or NULL: zero */
};
struct cuda_char_table {
    const float *rows; /* [items, 4H], a row per gate and unit in PyTorch's order, GRU as `bias` above */
};
ft_status cuda_linear_weights(struct cuda_backend *cuda, const struct linear_layer *layer, struct cuda_linear *weights,
                              struct ft_error *error);
ft_status cuda_recurrent_weights(struct cuda_backend *cuda, const struct recurrent_layer *layer,
                                 struct cuda_recurrent *weights, struct ft_error *error);
ft_status cuda_char_table(struct cuda_backend *cuda, const struct char_lm *lm, struct cuda_char_table *table,
                          struct ft_error *error);
/* `count` of the floats of one of these matrices as half precision (IEEE 754 binary16), made when first asked for and
 * kept beside them. weights: a pointer that the functions above gave. Not while a stream is captured, the first time.
 */
ft_status cuda_half_weights(struct cuda_backend *cuda, const float *weights, size_t count, const uint16_t **halves,
                            struct ft_error *error);
/* Drops every layer that was uploaded: before a model that was run is released or changed, since another may come to
 * lie at the same address. */
void cuda_forget(struct backend *backend);
/* A CRF's transitions [K, K]; uploaded anew at each call, since training changes them (scratch). */

/* Rows first .. first + count - 1 of a piece as a matrix: *stride floats from row to row. Rows that lie evenly are used
 * where they lie (nothing is copied); others are gathered into scratch. rows: host array of device pointers. */
ft_status cuda_piece_matrix(struct cuda_backend *cuda, const struct input_piece *piece, size_t first, size_t count,
                            const float **matrix, size_t *stride, struct ft_error *error);

/* out[r][j] = row[j] in `stream`: a bias before products are added to it, initial states. out_stride: floats. */
ft_status cuda_repeat_row(cudaStream_t stream, const float *row, size_t rows, size_t columns, float *out,
                          size_t out_stride, struct ft_error *error);
/* to[r][j] = from[r][j] as half precision, in `stream`; rows of `to` follow each other. Beyond 65504: infinity. */
ft_status cuda_to_halves(cudaStream_t stream, const float *from, size_t rows, size_t columns, size_t from_stride,
                         uint16_t *to, struct ft_error *error);

/* Row-major C [m, n] = alpha A op(B) + beta C in the back end's math, as cuBLAS wants it (which is column-major).
 * a_stride, b_stride, c_stride: floats from row to row. b is [n, k] where b_transposed, else [k, n]; a is [m, k], or
 * [k, m] where a_transposed.
 *
 * With CUDA_MATH_F16 the operands are halves and sums float32. Where a_halves or b_halves are given they are read in
 * place of a or b (strides count them); weights that cuda_half_weights has made are found by themselves; anything else
 * is converted into scratch that lasts until cuda_scratch_end, which a loop over steps should not do. */
struct cuda_product {
    size_t m, n, k;
    const float *a, *b;
    float *c;
    size_t a_stride, b_stride, c_stride;
    bool a_transposed, b_transposed;
    float alpha, beta;
    const uint16_t *a_halves, *b_halves; /* NULL, or with CUDA_MATH_F16 */
    bool full;                           /* float32 with CUDA_MATH_F16, too: gradients are too small for halves */
};
/* blas: the back end's or a branch's; the work goes into its stream. */
ft_status cuda_multiply(struct cuda_backend *cuda, cublasHandle_t blas, const struct cuda_product *product,
                        struct ft_error *error);

/* The operations; see backend.h and training.h. Each stands in a file of its own. */
ft_status cuda_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);
ft_status cuda_gather(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                      size_t out_stride, struct ft_error *error);
ft_status cuda_linear(struct backend *backend, const struct linear_layer *layer, const struct input_piece *pieces,
                      size_t piece_count, size_t rows, float *out, struct ft_error *error);
ft_status cuda_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                     size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                     struct ft_error *error);
ft_status cuda_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                      size_t count, const float *emissions, uint32_t *tags, float *scores, struct ft_error *error);
extern const struct training_ops cuda_training_ops;
/* These floats are about to be freed: what training keeps for them goes too. NULL is allowed. */
void cuda_training_forget(struct cuda_backend *cuda, const float *floats);

#endif
