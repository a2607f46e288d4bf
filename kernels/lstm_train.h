/* lstm_train.h - one time step of one direction of an LSTM layer in training, forward and backward, over rows wherever
 * they lie.
 *
 *   forward    z = gates + h(t-1) W_hh^T, then kernels.h's lstm_keep; `gates` holds x W_ih^T + b_ih + b_hh before
 *   backward   kernels.h's lstm_back, then dh(t-1) = dgates W_hh
 * An element is one chain in ascending k, so that a row's bits do not depend on which rows are stepped together. Any
 * number of units will do. */
#ifndef KERNELS_LSTM_TRAIN_H
#define KERNELS_LSTM_TRAIN_H
#include "kernels/kernels.h"

/* W_hh [4H, H] in panels (kernels.h): for the forward step of 16 units times four gates, for the backward one of 64
 * units. How many panels there are, and the floats of one. */
size_t lstm_forward_panels(size_t hidden);
size_t lstm_forward_panel_floats(size_t hidden);
size_t lstm_backward_panels(size_t hidden);
size_t lstm_backward_panel_floats(size_t hidden);

/* Writes one panel to its place in `packed`, which is aligned to 64 bytes. */
void lstm_pack_forward(const float *w_hh, size_t hidden, size_t panel, float *packed);
void lstm_pack_backward(const float *w_hh, size_t hidden, size_t panel, float *packed);

/* The rows of a step. Pointers to rows of H floats, 4H for the gates; the first `running` rows have a state before them
 * that is not zero (forward), or that wants its gradient (backward). */
struct lstm_step {
    const struct kernels *kernels;
    size_t hidden, rows, running;
    float **gates;                    /* [rows] */
    const float **h_before;           /* [running], forward only */
    const float **c_before;           /* [rows] */
    float **c;                        /* [rows] */
    float **h;                        /* [rows], forward only */
    const float **dout;               /* [rows], backward only */
    float **dh, **dc;                 /* [rows], backward only: from the step after, replaced by those for the one
                                         before (dh of the running rows alone) */
    float *z;                         /* [rows, 64], scratch, aligned to 64 bytes */
    float *tail;                      /* [rows, LSTM_TAIL], scratch */
    const void **at;                  /* [rows], scratch */
    float **gates_at, **c_at, **h_at; /* [rows], scratch, forward only */
    const float **before_at;          /* [rows], scratch, forward only */
};

enum { LSTM_TAIL = 7 * BLOCK };

void lstm_forward_step(const struct lstm_step *step, const float *packed);
void lstm_backward_step(const struct lstm_step *step, const float *packed);

#endif
