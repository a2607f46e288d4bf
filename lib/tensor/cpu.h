/* cpu.h - what the files of the CPU back end share. */
#ifndef TENSOR_CPU_H
#define TENSOR_CPU_H
#include "tensor/backend.h"
#include "tensor/training.h"

struct cpu_backend {
    struct backend base;
    const struct kernels *kernels;
    size_t threads, lanes;
    size_t fork_bytes;  /* for states of sequences that begin alike, a language model of a call */
    size_t split_below; /* with fewer sequences a thread, threads step the same lanes of a language model */
    size_t split_bytes; /* such a thread has no fewer weights of a layer; not 0 */
    struct step_counts steps;
};

/* One worker's scratch for products over up to `rows` rows of layers that need `room`. FT_NOMEM; release it then, too.
 */
ft_status cpu_scratch_init(struct product_scratch *scratch, size_t rows, const struct product_room *room);
void cpu_scratch_release(struct product_scratch *scratch);

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);
ft_status cpu_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                    size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                    struct ft_error *error);

/* cpu_training_losses.c, see tensor/training.h */
ft_status cpu_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                      size_t width, float *x, struct ft_error *error);
ft_status cpu_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                       size_t count, const float *emissions, const uint32_t *gold, float scale, double *losses,
                       float *d_emissions, float *d_transitions, struct ft_error *error);
ft_status cpu_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences, size_t count,
                           const float *emissions, const uint32_t *gold, const float *scales, double *losses,
                           float *d_emissions, struct ft_error *error);
ft_status cpu_squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error);
ft_status cpu_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity, float rate,
                  float scale, float momentum, float decay, struct ft_error *error);
ft_status cpu_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean, float *variance,
                   float scale, const struct adam *how, struct ft_error *error);

#endif
