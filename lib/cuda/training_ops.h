/* training_ops.h - the operations of training on CUDA, each with the signature and the contract that training.h gives
 * it, and what they share. An operation stands in a file of its own; training.c puts the table together. */
#ifndef CUDA_TRAINING_OPS_H
#define CUDA_TRAINING_OPS_H
#include "cuda/cuda.h"

ft_status cuda_linear_forward(struct backend *backend, const struct linear_weights *layer, size_t rows, const float *x,
                              float *y, struct ft_error *error);
ft_status cuda_linear_backward(struct backend *backend, const struct linear_weights *layer, size_t rows, const float *x,
                               const float *dy, float *dx, struct linear_weights *gradients, struct ft_error *error);
ft_status cuda_lstm_forward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                            size_t count, const float *x, struct ft_error *error);
ft_status cuda_lstm_backward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                             size_t count, const float *x, const float *dout, float *dx, struct lstm_weights *gradients,
                             struct ft_error *error);
ft_status cuda_lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                              size_t width, float *out, struct ft_error *error);
ft_status cuda_lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                               size_t items, size_t width, float *gradient, struct ft_error *error);
ft_status cuda_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                       size_t width, float *x, struct ft_error *error);
ft_status cuda_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                        size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                        float scale, double *losses, float *d_emissions, float *d_transitions, struct ft_error *error);
ft_status cuda_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences, size_t count,
                            const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                            const float *scales, double *losses, float *d_emissions, struct ft_error *error);
ft_status cuda_squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error);
ft_status cuda_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity, float rate,
                   float scale, float momentum, float decay, struct ft_error *error);
ft_status cuda_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean,
                    float *variance, float scale, const struct adam *how, struct ft_error *error);

/* sums [columns] = the sums of x's columns, x: [rows, columns]; the same in `again` unless that is NULL. */
ft_status cuda_column_sums(cudaStream_t stream, const float *x, size_t rows, size_t columns, float *sums, float *again,
                           struct ft_error *error);
/* Zeroes floats, in the back end's stream. */
ft_status cuda_clear(struct cuda_backend *cuda, float *floats, size_t count, struct ft_error *error);

#endif
