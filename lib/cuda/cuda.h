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
struct cuda_scratch; /* memory that lasts for one operation, scratch.c */

struct cuda_backend {
    struct backend base;
    struct cuda_options options;
    int device;
    int processors;      /* of the device */
    cudaStream_t stream; /* everything's but what an operation forks off and joins again */
    cublasHandle_t blas; /* in `stream`, with the math of the options and a workspace of its own (determinism) */
    cudnnHandle_t dnn;   /* NULL with options.native */
    struct cuda_weights *weights;
    struct cuda_scratch *scratch;
    size_t allocated, peak, budget; /* bytes of device memory: now, at most so far, at most allowed */
};

/* FT_OK, or the error's name and meaning behind `what` ("uploading weights"). Out of memory is FT_NOMEM; everything
 * else FT_NOMEM too, said with the library's name, since the device is then lost to this run. */
ft_status cuda_check(cudaError_t result, const char *what, struct ft_error *error);
ft_status cuda_check_blas(cublasStatus_t result, const char *what, struct ft_error *error);
ft_status cuda_check_dnn(cudnnStatus_t result, const char *what, struct ft_error *error);

/* Device memory that stays until cuda_free: counted against the budget. Aligned to 256 bytes, not cleared; NULL when
 * there is no more. */
void *cuda_allocate(struct cuda_backend *cuda, size_t bytes);
void cuda_free(struct cuda_backend *cuda, void *at); /* NULL is allowed */

/* Device memory for the operation at hand, aligned to 256 bytes, not cleared, until cuda_scratch_end. Grown in blocks
 * and kept for the next operation. NULL when there is no more: the operation fails with FT_NOMEM. Operations nest. */
void cuda_scratch_begin(struct cuda_backend *cuda);
void *cuda_scratch_take(struct cuda_backend *cuda, size_t bytes);
void cuda_scratch_end(struct cuda_backend *cuda);

/* Copies host memory of any kind into scratch, through pinned memory, in the stream's order; the host's may change at
 * once. NULL when out of memory. */
void *cuda_scratch_upload(struct cuda_backend *cuda, const void *host, size_t bytes);

/* Waits for the stream and copies to the host. */
ft_status cuda_download(struct cuda_backend *cuda, void *host, const void *from, size_t bytes, struct ft_error *error);

/* Launches a kernel in a stream; arguments: addresses, in the prototype's order. */
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
/* A CRF's transitions [K, K]; uploaded anew at each call, since training changes them (scratch). */

/* Rows first .. first + count - 1 of a piece as a matrix: *stride floats from row to row. Rows that lie evenly are used
 * where they lie (nothing is copied); others are gathered into scratch. rows: host array of device pointers. */
ft_status cuda_piece_matrix(struct cuda_backend *cuda, const struct input_piece *piece, size_t first, size_t count,
                            const float **matrix, size_t *stride, struct ft_error *error);

/* Row-major C [m, n] = alpha A op(B) + beta C in the back end's math, as cuBLAS wants it (which is column-major).
 * a_stride, b_stride, c_stride: floats from row to row. b is [n, k] where transposed, else [k, n]; a is [m, k], or [k,
 * m] where a_transposed. */
struct cuda_product {
    size_t m, n, k;
    const float *a, *b;
    float *c;
    size_t a_stride, b_stride, c_stride;
    bool a_transposed, b_transposed;
    float alpha, beta;
};
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

#endif
