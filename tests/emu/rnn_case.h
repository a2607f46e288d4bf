/* rnn_case.h - an RNN of several layers over sequences of different lengths, with random weights: run by cuDNN on the
 * device at hand and by a plain implementation in double precision. */
#ifndef EMU_RNN_CASE_H
#define EMU_RNN_CASE_H
#include "plain_layer.h"
#include <cudnn.h>

struct rnn_case_shape {
    enum cell_type cell;
    size_t in, hidden, layers, directions;
    cudnnRNNBiasMode_t bias;
    cudnnRNNDataLayout_t layout;
    bool initial; /* hx and cx are given */
    bool final;   /* so are the gradients of hy and cy */
    size_t batch;
    const int *lengths; /* [batch]; descending where the layout is packed */
};

enum { RNN_MOST_LAYERS = 6 };
struct rnn_case {
    struct rnn_case_shape shape;
    size_t steps, states, width, rows;         /* longest; L * D * batch * H; D * H; of x and y, padding and all */
    struct plain_layer plain[RNN_MOST_LAYERS]; /* by pseudo-layer; absent biases are 0 */
    float *x, *dy;                             /* [rows, in], [rows, width], as the layout has them; padding is NaN */
    float *hx, *cx, *dhy, *dcy;                /* [L * D, batch, H] or NULL */
    double *y, *hy, *cy;                       /* the plain implementation's */
};
void rnn_case_init(struct rnn_case *c, const struct rnn_case_shape *shape);
void rnn_case_release(struct rnn_case *c);
bool rnn_case_row(const struct rnn_case *c, size_t step, size_t sequence, size_t *row); /* false: beyond its length */

/* Fills y, hy and cy and returns the sum of y dy, hy dhy and cy dcy, of which dy, dhy and dcy are the gradients. */
double rnn_case_loss(struct rnn_case *c);

/* The same on the device, with all that cuDNN wants. */
struct rnn_run {
    cudnnHandle_t handle;
    cudnnRNNDescriptor_t rnn;
    cudnnRNNDataDescriptor_t x_data, y_data;
    cudnnTensorDescriptor_t states;
    cudnnDropoutDescriptor_t dropout;
    size_t weight_bytes, work_bytes, reserve_bytes;
    float *weights, *gradients, *x, *y, *dx, *dy, *hx, *cx, *hy, *cy, *dhy, *dcy, *dhx, *dcx;
    void *work, *reserve;
};
void rnn_run_init(struct rnn_run *run, const struct rnn_case *c, cudnnMathType_t math);
void rnn_run_release(struct rnn_run *run);

/* The three calls, with the run's operands. */
cudnnStatus_t rnn_run_forward(const struct rnn_run *run, bool training);
cudnnStatus_t rnn_run_data(const struct rnn_run *run);
cudnnStatus_t rnn_run_weights(const struct rnn_run *run);

/* A parameter's place on the device and on the host; NULL where the bias mode has none. */
enum rnn_tensor { RNN_W_IH, RNN_W_HH, RNN_B_IH, RNN_B_HH, RNN_TENSORS };
float *rnn_run_parameter(const struct rnn_run *run, const float *space, const struct rnn_case *c, size_t pseudo_layer,
                         enum rnn_tensor tensor, size_t gate, size_t *count);
float *rnn_case_parameter(const struct rnn_case *c, size_t pseudo_layer, enum rnn_tensor tensor, size_t gate);

#endif
