/* training.h - the operations that training adds to a back end; the CPU's are the reference.
 *
 * Pointers to floats are the device's unless a comment says `host`; weights and gradients have PyTorch's shapes, row by
 * row. An operation overwrites its outputs, gradients too. Promises: on one machine the same call gives the same bits,
 * whatever the number of threads. Every call may fail with FT_NOMEM; then its outputs are undefined and everything else
 * is as before. */
#ifndef TENSOR_TRAINING_H
#define TENSOR_TRAINING_H
#include "kernels/tag_choices.h"
#include "tensor/backend.h"

/* Sequences of different lengths, packed by time as PyTorch and cuDNN pack them: the longest first, then row
 * first[t] + s is element t of sequence s, for s < active[t]. */
struct packed_batch {
    size_t sequences, steps, rows;
    const uint32_t *active;   /* [steps] host, descending; active[0] = sequences */
    const uint32_t *first;    /* [steps] host */
    const uint32_t *sequence; /* [rows] host, of each row */
    const uint32_t *step;     /* [rows] host, of each row */
};

/* A linear layer y = x W^T + b. */
struct linear_weights {
    size_t in, out;
    float *w; /* [out, in] */
    float *b; /* [out] */
};

/* One direction of an LSTM layer (or the gradients of one), gates i f g o. */
struct lstm_weights {
    size_t in, hidden;
    float *w_ih, *w_hh; /* [4H, in], [4H, H] */
    float *b_ih, *b_hh; /* [4H] */
};

/* What one direction of a layer computes, kept for its backward pass. */
struct lstm_pass {
    const struct lstm_weights *weights;
    bool reverse;         /* from the end of each sequence to its beginning */
    const float *h0, *c0; /* [sequences, H], or NULL: zero */
    float *gates; /* [rows, 4H]: forward leaves sigmoid(i) sigmoid(f) tanh(g) sigmoid(o); backward, the gradients of
                     the pre-activations */
    float *cells; /* [rows, H] */
    float *out;   /* h, [rows, out_stride]: H of each row; what lies beside is left alone */
    size_t out_stride;
    float *h_last, *c_last; /* [sequences, H] the states after each sequence's last step, or NULL; forward only */
};

/* Which values are dropped. A value's fate depends on seed, step, site and its place (sequence, element, column) alone,
 * so the backward pass finds the same mask again. Probabilities 0 drop nothing.
 *   word    whole rows become 0, nothing is scaled
 *   locked  a column of a whole sequence becomes 0, the others are scaled by 1 / (1 - p)
 *   plain   single values, the others scaled likewise */
struct dropout {
    float word, locked, plain;
    uint64_t seed;
    uint64_t step; /* of the run */
    uint32_t site; /* which of the network's dropouts */
};

struct adam {
    double rate, beta1, beta2, epsilon, decay; /* 1 - 0.999 in float would be 1e-5 off */
    bool decoupled;                            /* AdamW: weight decay apart from the gradient */
    uint64_t step;                             /* from 1 */
};

struct training_ops {
    /* x: [rows, in]; y: [rows, out]. */
    ft_status (*linear_forward)(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                const float *x, float *y, struct ft_error *error);
    /* dy: [rows, out]; dx: [rows, in], or NULL when nobody wants it. */
    ft_status (*linear_backward)(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                 const float *x, const float *dy, float *dx, struct linear_weights *gradients,
                                 struct ft_error *error);

    /* The directions of one layer, one or two, side by side. x: [rows, in]. */
    ft_status (*lstm_forward)(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                              size_t count, const float *x, struct ft_error *error);
    /* dout: [rows, out_stride], laid out as `out` of each direction is (direction d's part begins at dout + (out of d -
     * out of 0)). Back-propagation stops at h0 and c0. dx: [rows, in], the directions' sum, or NULL. gradients:
     * [count]. Uses up `gates`. */
    ft_status (*lstm_backward)(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                               size_t count, const float *x, const float *dout, float *dx,
                               struct lstm_weights *gradients, struct ft_error *error);

    /* Rows of a table: out[r] = table[ids[r]]. table: [items, width]; ids: [rows] host, each below items; out: [rows,
     * width]. */
    ft_status (*lookup_forward)(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                                size_t width, float *out, struct ft_error *error);
    /* gradient[i] = the sum of the rows of dout whose id is i, in ascending order; 0 where there is none. dout: [rows,
     * width]; gradient: [items, width]. */
    ft_status (*lookup_backward)(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                                 size_t items, size_t width, float *gradient, struct ft_error *error);

    /* Drops values of x [rows, width] in place: word, then locked, then plain. Also the backward pass, on gradients. */
    ft_status (*dropout)(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                         size_t width, float *x, struct ft_error *error);

    /* Negative log-likelihood of the gold tags, one a sentence, and its gradients times `scale`.
     * emissions: [tokens, K], sentence by sentence; gold: [tokens] host, below K, or K and more as `choices` (host)
     * says (kernels/tag_choices.h; NULL: none); the CRF's transitions are the device's; losses: [count] host;
     * d_emissions: [tokens, K], d_transitions: [K, K], both NULL when only losses are wanted. */
    ft_status (*crf_loss)(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                          size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                          float scale, double *losses, float *d_emissions, float *d_transitions,
                          struct ft_error *error);
    /* Cross-entropy of each token's softmax, summed over a sentence, and its gradient times scales[sentence]. */
    ft_status (*softmax_loss)(struct backend *backend, size_t tags, const struct token_sequence *sentences,
                              size_t count, const float *emissions, const uint32_t *gold,
                              const struct tag_choices *choices, const float *scales, double *losses,
                              float *d_emissions, struct ft_error *error);

    /* Sum of squares, in double. */
    ft_status (*squares)(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error);
    /* g = scale * gradient + decay * w;  v = momentum v + g;  w -= rate * v   (PyTorch's SGD; momentum 0: v may be
     * NULL)
     */
    ft_status (*sgd)(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity,
                     float rate, float scale, float momentum, float decay, struct ft_error *error);
    /* Kingma & Ba 2015, bias-corrected, with PyTorch's epsilon outside the root; Loshchilov & Hutter 2019 when
     * decoupled. */
    ft_status (*adam)(struct backend *backend, size_t count, float *w, const float *gradient, float *mean,
                      float *variance, float scale, const struct adam *how, struct ft_error *error);
};

#endif
