/* recurrent_cuda.h - one time step of a recurrent layer over sentences that lie anywhere among the tokens. */
#ifndef KERNELS_RECURRENT_CUDA_H
#define KERNELS_RECURRENT_CUDA_H
#include "kernels/device_prototype.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks of RECURRENT_THREADS, a thread a unit of a sentence: a grid of [active * hidden / RECURRENT_THREADS], rounded
 * up. */
enum { RECURRENT_THREADS = 256 };

/* The sentences that a step is taken in, the longest first; arrays on the device. Sentence s has `lengths[s]` tokens;
 * those before `active` are at least step + 1 long. Its step reads row rows_in[s] + t and writes row rows_out[s] + t,
 * where t = step, or from the end where `reverse`. */
struct sentence_step {
    size_t active, hidden, step;
    bool reverse;
    const uint32_t *lengths, *rows_in, *rows_out; /* [sentences] */
    const float *x;                               /* [rows, gates * hidden]: x W_ih^T + bias */
    const float *z;                               /* [active, gates * hidden]: h(t-1) W_hh^T; NULL: that is zero */
    float *h, *c;                                 /* [active, hidden], of t-1; replaced */
    uint16_t *halves;                             /* h in half precision too, or NULL */
    float *out;                                   /* h of each row, out_stride floats apart */
    size_t out_stride;
};

/* i f g o: c = sigmoid(f) c + sigmoid(i) tanh(g);   h = sigmoid(o) tanh(c)   (Hochreiter & Schmidhuber 1997) */
KERNEL_PROTOTYPE void recurrent_lstm(struct sentence_step step);

/* r z n: n = tanh(x_n + sigmoid(r) (z_n + bias));   h = (1 - sigmoid(z)) n + sigmoid(z) h   (Cho et al. 2014, in
 * PyTorch's form). bias: [hidden], the state's share of n; c is not used. */
KERNEL_PROTOTYPE void recurrent_gru(struct sentence_step step, const float *bias);

#endif
