/* cudnn_parts.h - what the files of the drop-in libcudnn.so.9 share.
 *
 * It has what cuDNN 9's RNN interface needs for LSTMs and GRUs, inference and training, with cuDNN's documented
 * meaning, and computes on the host in the order of the handle's stream. Calls that the real library answers without a
 * device are answered alike (test_cudnn_codes.c). It promises to notice what the real library leaves to chance: ranges,
 * overlaps, work space that is too small, a reserve space that is not what the forward pass left, weights or data that
 * changed between the passes. It refuses what it has no arithmetic for (other cells, types, algorithms, projections,
 * dropout between layers): CUDNN_STATUS_NOT_SUPPORTED, and a mistake. */
#ifndef EMU_CUDNN_PARTS_H
#define EMU_CUDNN_PARTS_H
#include "emulator.h"
#include "objects.h"
#include "operands.h"
#include "product.h"
#include <cudnn.h>

struct cudnnContext {
    int device;
    cudaStream_t stream;
};
struct cudnnTensorStruct {
    cudnnDataType_t type;
    int dimensions; /* 0: not set */
    int sizes[CUDNN_DIM_MAX], strides[CUDNN_DIM_MAX];
};
struct cudnnDropoutStruct {
    float probability;
};
struct cudnnRNNStruct {
    bool set;
    cudnnRNNAlgo_t algorithm;
    cudnnRNNMode_t cell;
    cudnnRNNBiasMode_t bias;
    cudnnDirectionMode_t direction;
    cudnnRNNInputMode_t input_mode;
    cudnnDataType_t type, precision;
    cudnnMathType_t math;
    int input, hidden, projection, layers;
    cudnnDropoutDescriptor_t dropout;
    uint32_t flags;
};
struct cudnnRNNDataStruct {
    cudnnDataType_t type;
    cudnnRNNDataLayout_t layout;
    int steps, batch, width; /* batch 0: not set */
    int *lengths;            /* [batch] */
    bool fills;              /* padding of an output becomes `fill`; else it is undefined */
    float fill;
};
extern const char cudnn_handle_kind[], cudnn_tensor_kind[], cudnn_dropout_kind[], cudnn_rnn_kind[], cudnn_data_kind[];

/* True when this call is to fail; *status is then the code asked for, or `failure`. */
bool cudnn_fails(const char *call, cudnnStatus_t failure, cudnnStatus_t *status);

/* BAD_PARAM when `at` is NULL, and also a mistake when it is not alive or of another kind. */
cudnnStatus_t cudnn_object_check(const char *call, const char *kind, const void *at);
/* The same for a handle, which must be of the device at hand. */
cudnnStatus_t cudnn_handle_check(const char *call, cudnnHandle_t handle);

/* An object that the call makes, NULL with the reason where it fails; and its end, also where that is made to fail.
 * NULL is let pass, as by the real library. */
void *cudnn_create(const char *call, const char *kind, size_t bytes, cudnnStatus_t *status);
cudnnStatus_t cudnn_destroy(const char *call, const char *kind, void *object);

/* Keeps the message for cudnnGetLastErrorString and returns the status. */
__attribute__((format(printf, 3, 4))) cudnnStatus_t cudnn_refuse(cudnnStatus_t status, const char *call,
                                                                 const char *format, ...);
/* The same, and a mistake. */
__attribute__((format(printf, 3, 4))) cudnnStatus_t cudnn_mistake(cudnnStatus_t status, const char *call,
                                                                  const char *format, ...);

/* What the arithmetic needs to know of an RNN and its data. */
struct rnn_shape {
    bool gru;
    cudnnRNNBiasMode_t bias;
    size_t input, hidden, layers, directions, gates, steps, batch;
    enum product_rounding rounding;
};
/* SUCCESS where the RNN is one that is emulated. steps and batch are left 0. */
cudnnStatus_t rnn_shape_init(struct rnn_shape *shape, const char *call, cudnnRNNDescriptor_t rnn);

/* Floats that a layer reads a step: the input, or what the layer below writes. */
size_t rnn_layer_input(const struct rnn_shape *shape, size_t layer);

/* A parameter of the weight space. id: cuDNN's linLayerID, the gates' input matrices, then the recurrent ones; their
 * biases likewise. Parameters lie in an order and with gaps that no program may know. */
struct rnn_parameter {
    size_t offset, rows, columns; /* floats; rows 0: there is none (a bias that the mode does without) */
};
struct rnn_parameter rnn_matrix(const struct rnn_shape *shape, size_t pseudo_layer, size_t id);
struct rnn_parameter rnn_bias(const struct rnn_shape *shape, size_t pseudo_layer, size_t id);
size_t rnn_weight_bytes(const struct rnn_shape *shape);
size_t rnn_work_bytes(const struct rnn_shape *shape, bool training);

/* What a forward pass computes, [steps * batch] rows a layer; rows beyond a sequence's length are 0. The reserve space
 * holds it behind its header. Pseudo-layer p is layer p / directions. */
struct rnn_state {
    float *gates;   /* [L * D][rows, gates * H]: after the activations; BackwardData leaves the gradients before them */
    float *extra;   /* [L * D][rows, H]: an LSTM's cells; of a GRU the state's share of the new gate, before the reset
                       gate; BackwardData leaves the gradient of that */
    float *outputs; /* [L][rows, D * H] */
};
size_t rnn_state_floats(const struct rnn_shape *shape);
struct rnn_state rnn_state_of(const struct rnn_shape *shape, float *memory);
/* Of one pseudo-layer, or of one layer. */
float *rnn_gates(const struct rnn_shape *shape, const struct rnn_state *state, size_t pseudo_layer);
float *rnn_extra(const struct rnn_shape *shape, const struct rnn_state *state, size_t pseudo_layer);
float *rnn_outputs(const struct rnn_shape *shape, const struct rnn_state *state, size_t layer);

/* Initial or final states or their gradients, [L * D, batch, H]; c is an LSTM's. Either may be NULL: zero, or not
 * wanted. */
struct rnn_ends {
    float *h, *c;
};

/* The three passes. x, dx: [steps * batch, input], dy: [steps * batch, D * H], row step * batch + sequence. False: no
 * host memory. */
bool rnn_forward(const struct rnn_shape *shape, const int *lengths, const float *weights, const float *x,
                 struct rnn_ends initial, struct rnn_ends final, struct rnn_state *state);
bool rnn_backward_data(const struct rnn_shape *shape, const int *lengths, const float *weights, const float *dy,
                       struct rnn_ends initial, struct rnn_ends d_final, struct rnn_ends d_initial,
                       struct rnn_state *state, float *dx);
/* Adds to `gradients`, which is laid out as the weight space. */
bool rnn_backward_weights(const struct rnn_shape *shape, const int *lengths, const float *x, struct rnn_ends initial,
                          const struct rnn_state *state, float *gradients);

/* The sequences that have a step `step`; returns how many. */
size_t rnn_active(const struct rnn_shape *shape, const int *lengths, size_t step, size_t *active);

#endif
