/* cpu.h - what the files of the CPU back end share. */
#ifndef TENSOR_CPU_H
#define TENSOR_CPU_H
#include "base/pool.h"
#include "kernels/gemm.h"
#include "tensor/training.h"

struct cpu_backend {
    struct backend base;
    const struct kernels *kernels;
    size_t threads, lanes;
    size_t fork_bytes;  /* for states of sequences that begin alike, a language model of a call */
    size_t split_below; /* with fewer sequences a thread, threads step the same lanes of a language model */
    size_t split_bytes; /* such a thread has no fewer weights of a layer; not 0 */
    struct step_counts steps;
    struct cpu_training *training; /* NULL before the first training operation */
};

/* One worker's scratch for products over up to `rows` rows of layers that need `room`. FT_NOMEM; release it then, too.
 */
ft_status cpu_scratch_init(struct product_scratch *scratch, size_t rows, const struct product_room *room);
void cpu_scratch_release(struct product_scratch *scratch);

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);
ft_status cpu_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                    size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                    struct ft_error *error);

/* What training operations need beside: made by the first of them, so that a run that only predicts pays nothing. */
struct cpu_training {
    struct pool *pool;
    unsigned long denormals; /* how the calling thread treats them outside of an operation */
    int library_threads;     /* likewise */
    void *scratch;           /* of the operation that runs */
    size_t scratch_bytes;
    void *turned; /* cpu_turned's */
    size_t turned_bytes;
};

/* Around every training operation that computes: threads that stand ready, which treat denormals as zero, as the
 * calling thread does until the end. NULL when out of memory; then there is no end to call. */
struct cpu_training *cpu_training_begin(struct backend *backend);
void cpu_training_end(const struct cpu_training *training);
void cpu_training_free(struct cpu_training *training); /* NULL is allowed */

/* At least so many bytes, aligned to 64, not cleared, until the next call; NULL when out of memory. */
void *cpu_training_scratch(struct cpu_training *training, size_t bytes);

/* Computes all products; FT_NOMEM. */
ft_status cpu_gemms(struct cpu_training *training, const struct gemm *gemms, size_t count);

/* y = x W^T + first + second (NULL: nothing) for each of `count` layers that read the same x [rows, in], as products
 * for cpu_gemms. Where it pays x is transposed first, into memory that lasts until the next call. FT_NOMEM. */
struct cpu_layer {
    const float *w; /* [out, in] */
    size_t out;
    const float *first, *second; /* [out] */
    float *y;                    /* [rows, out] */
};
ft_status cpu_layer_products(struct cpu_training *training, const float *x, size_t rows, size_t in,
                             const struct cpu_layer *layers, size_t count, struct gemm *products);

/* sums[j] = the sum of x[r][j] over r, ascending. x: [rows, columns]. */
void cpu_column_sums(struct cpu_training *training, const float *x, size_t rows, size_t columns, float *sums);

extern const struct training_ops cpu_training_ops;

/* Its members that stand in files of their own; see training.h. */
ft_status cpu_lstm_forward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                           size_t count, const float *x, struct ft_error *error);
ft_status cpu_lstm_backward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                            size_t count, const float *x, const float *dout, float *dx, struct lstm_weights *gradients,
                            struct ft_error *error);
ft_status cpu_lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                             size_t width, float *out, struct ft_error *error);
ft_status cpu_lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                              size_t items, size_t width, float *gradient, struct ft_error *error);
ft_status cpu_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                      size_t width, float *x, struct ft_error *error);
ft_status cpu_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                       size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                       float scale, double *losses, float *d_emissions, float *d_transitions, struct ft_error *error);
ft_status cpu_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences, size_t count,
                           const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                           const float *scales, double *losses, float *d_emissions, struct ft_error *error);
ft_status cpu_squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error);
ft_status cpu_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity, float rate,
                  float scale, float momentum, float decay, struct ft_error *error);
ft_status cpu_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean, float *variance,
                   float scale, const struct adam *how, struct ft_error *error);

#endif
