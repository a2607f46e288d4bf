/* training_case.h - an LSTM layer over packed sequences with random weights, run by the back end and by a plain
 * implementation in double precision: what tests of training share. */
#ifndef TESTS_TRAINING_CASE_H
#define TESTS_TRAINING_CASE_H
#include "plain_layer.h"
#include "tensor/cpu.h"

struct case_shape {
    size_t in, hidden, directions;
    bool reverse; /* the first direction; a second one runs the other way */
    bool init;    /* h0 and c0 are given */
    size_t sequences;
    const uint32_t *lengths; /* [sequences], descending */
};

struct training_case {
    struct case_shape shape;
    struct packed_batch batch;
    uint32_t *active, *first;
    struct plain_layer plain[2];
    float *x, *dout;      /* [rows, in], [rows, directions * H] */
    float *h0[2], *c0[2]; /* [sequences, H] */
    double *out;          /* the plain implementation's, [rows, directions * H] */
    double *h_last[2], *c_last[2];
};

void training_case_init(struct training_case *c, const struct case_shape *shape);
void training_case_release(struct training_case *c);

/* Fills out, h_last and c_last. */
void plain_forward(struct training_case *c);

/* The sum of out * dout: dout is its gradient. */
double plain_loss(struct training_case *c);

/* What the back end computes; every array stands alone, so that a tool can see what passes its end. */
struct training_result {
    float *gates[2], *cells[2], *out, *h_last[2], *c_last[2], *dx;
    struct lstm_weights weights[2], gradients[2];
    struct lstm_pass passes[2];
};

/* Forward, then backward with a dx if wanted. */
struct training_result training_result_new(struct backend *backend, const struct training_case *c, bool want_dx);
void training_result_free(struct backend *backend, struct training_result *result, size_t directions);

/* The tensors of a direction's weights: w_ih, w_hh, b_ih, b_hh. */
enum { LSTM_TENSORS = 4 };
float *lstm_tensor(const struct lstm_weights *weights, size_t tensor);
size_t lstm_tensor_count(const struct lstm_weights *weights, size_t tensor);

#endif
