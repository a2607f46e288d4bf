/* lstm_train_cuda.h - the pointwise part of one time step of one direction of an LSTM layer in training, forward and
 * backward, after (or before) cuBLAS has done its product with W_hh. Formulas: lstm_train.h.
 *
 * Row s of a step is sequence s. The first `running` of `rows` have a step before this one, in the direction's sense;
 * what lies before the others is the state that the sequence began with, h0 and c0 [sequences, H], zero where NULL.
 * Pointers are the device's, to the step's first row; gates are i f g o. Grid: rows x ceil(H / threads). */
#ifndef KERNELS_LSTM_TRAIN_CUDA_H
#define KERNELS_LSTM_TRAIN_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

/* gates [rows, 4H] holds x W_ih^T + h(t-1) W_hh^T and receives sigmoid(i) sigmoid(f) tanh(g) sigmoid(o); cells [rows,
 * H] receives c(t), out [rows, out_stride] h(t). cells_before: [running, H] c(t-1). h_last, c_last: [sequences, H], or
 * NULL: rows from `last_from` on are their sequences' last steps, whose states go there. */
KERNEL_PROTOTYPE void lstm_train_forward(float *gates, const float *b_ih, const float *b_hh, const float *cells_before,
                                         const float *c0, float *cells, float *out, size_t out_stride, float *h_last,
                                         float *c_last, uint32_t running, uint32_t last_from, uint32_t hidden);

/* gates [rows, 4H] as forward left it receives the gradients of the pre-activations. cells, cells_before: as in
 * forward. h_before: [running, out_stride] h(t-1), which with h0 is copied to `before` [rows, H] for W_hh's gradient.
 * dout: [rows, out_stride]; dh, dc: [sequences, H] what the step after this one gave, zero at first; dc receives the
 * gradient of c(t-1). */
KERNEL_PROTOTYPE void lstm_train_backward(float *gates, const float *cells, const float *cells_before, const float *c0,
                                          const float *h_before, const float *h0, float *before, const float *dout,
                                          size_t out_stride, const float *dh, float *dc, uint32_t running,
                                          uint32_t hidden);

#endif
