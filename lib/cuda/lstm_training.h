/* lstm_training.h - LSTM layers in training, two ways: kernels of our own with a product a step (lstm_native.c), which
 * takes every layout and is what the other is held against, and cuDNN (lstm_cudnn.c). Both take packed batches as they
 * are and leave the same results but for rounding; what they keep between forward and backward pass differs, so that
 * both passes go the same way. */
#ifndef CUDA_LSTM_TRAINING_H
#define CUDA_LSTM_TRAINING_H
#include "cuda/cuda.h"

enum { CUDA_LSTM_DIRECTIONS = 2 };

/* The directions of a layer over a batch that has rows. */
struct cuda_lstm {
    struct cuda_backend *cuda;
    const struct packed_batch *batch;
    struct lstm_pass *directions;
    size_t count, in, hidden;
    const float *x; /* [rows, in] */
};

ft_status cuda_lstm_native_forward(const struct cuda_lstm *lstm, struct ft_error *error);
ft_status cuda_lstm_native_backward(const struct cuda_lstm *lstm, const float *dout, float *dx,
                                    struct lstm_weights *gradients, struct ft_error *error);

/* cuDNN knows forward layers, and bidirectional ones whose states lie side by side. */
bool cuda_lstm_dnn_fits(const struct cuda_lstm *lstm);
ft_status cuda_lstm_dnn_forward(const struct cuda_lstm *lstm, struct ft_error *error);
ft_status cuda_lstm_dnn_backward(const struct cuda_lstm *lstm, const float *dout, float *dx,
                                 struct lstm_weights *gradients, struct ft_error *error);

/* cuDNN's reserve space: what its forward pass leaves for the backward pass, opaque and larger than `gates` and
 * `cells`. So the back end keeps one for each layer in training, by the address of the layer's gates, from batch to
 * batch: of at most so many layers, and only as many as there is memory for. The one that was asked for longest ago
 * gives way; a layer whose own has gone computes its forward pass again. It goes when its gates are freed. */
enum { CUDA_RESERVES = 16 };
struct cuda_reserve {
    const float *gates; /* NULL: nobody's */
    void *at;
    size_t bytes;
    uint64_t asked;
    bool filled; /* by a forward pass, and not used up */
};

struct cuda_training {
    struct cuda_reserve reserves[CUDA_RESERVES];
    uint64_t asked;
};

/* The reserve of these gates with room for so many bytes; NULL when there is no memory. */
struct cuda_reserve *cuda_reserve_take(struct cuda_backend *cuda, const float *gates, size_t bytes);

#endif
