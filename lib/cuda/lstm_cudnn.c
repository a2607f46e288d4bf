/* lstm_cudnn.c - LSTM layers in training by cuDNN (lstm_training.h): a forward layer, or both directions as one
 * bidirectional layer, whose packed layout is ours (training.h) if the directions' states lie side by side; it then
 * reads and writes everything where it is.
 *
 * Weights are copied into cuDNN's own arrangement for every call, and gradients out of it, by the addresses that
 * cudnnGetRNNWeightParams gives; neighbours that are neighbours on both sides go in one copy. cuDNN adds to weight
 * gradients, and finds in the reserve space what its pass over the data has left there: so they are cleared, and come
 * second. float32 products are true ones unless the back end's math allows TF32. */
#include "cuda/lstm_training.h"
#include "cuda/training_ops.h"
#include <stdlib.h>

/* What cuDNN is told about a layer and a batch, and memory that lasts for one call. */
struct rnn {
    cudnnDropoutDescriptor_t dropout; /* of none: masks are the network's own */
    cudnnRNNDescriptor_t layer;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t states, matrix, bias; /* the last two are scratch */
    size_t weight_bytes, work_bytes, reserve_bytes;
    void *weights, *work;
    const float *h0, *c0; /* [directions, sequences, H], or NULL */
};

bool cuda_lstm_dnn_fits(const struct cuda_lstm *lstm)
{
    const struct lstm_pass *passes = lstm->directions;
    if (!lstm->cuda->dnn || lstm->count > CUDA_LSTM_DIRECTIONS || passes[0].reverse ||
        passes[0].out_stride != lstm->count * lstm->hidden)
        return false;
    return lstm->count == 1 || (passes[1].reverse && passes[1].out == passes[0].out + lstm->hidden &&
                                passes[1].out_stride == passes[0].out_stride);
}

static void rnn_release(struct rnn *rnn)
{
    cudnnTensorDescriptor_t tensors[] = {rnn->states, rnn->matrix, rnn->bias};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (tensors[i])
            cudnnDestroyTensorDescriptor(tensors[i]);
    if (rnn->y)
        cudnnDestroyRNNDataDescriptor(rnn->y);
    if (rnn->x)
        cudnnDestroyRNNDataDescriptor(rnn->x);
    if (rnn->layer)
        cudnnDestroyRNNDescriptor(rnn->layer);
    if (rnn->dropout)
        cudnnDestroyDropoutDescriptor(rnn->dropout);
}

static cudnnStatus_t create(struct rnn *rnn)
{
    cudnnStatus_t result = cudnnCreateDropoutDescriptor(&rnn->dropout);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnCreateRNNDescriptor(&rnn->layer);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnCreateRNNDataDescriptor(&rnn->x);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnCreateRNNDataDescriptor(&rnn->y);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnCreateTensorDescriptor(&rnn->states);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnCreateTensorDescriptor(&rnn->matrix);
    return result == CUDNN_STATUS_SUCCESS ? cudnnCreateTensorDescriptor(&rnn->bias) : result;
}

/* lengths: [sequences] */
static cudnnStatus_t describe(const struct cuda_lstm *lstm, const int *lengths, struct rnn *rnn)
{
    cudnnHandle_t dnn = lstm->cuda->dnn;
    int in = (int)lstm->in, hidden = (int)lstm->hidden, count = (int)lstm->count, steps = (int)lstm->batch->steps,
        sequences = (int)lstm->batch->sequences;
    int sizes[] = {count, sequences, hidden}, strides[] = {sequences * hidden, hidden, 1};
    cudnnDirectionMode_t directions = count == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL;
    cudnnMathType_t math = lstm->cuda->options.math == CUDA_MATH_TF32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
    cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    cudnnStatus_t result = cudnnSetDropoutDescriptor(rnn->dropout, dnn, 0, NULL, 0, 0);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnSetRNNDescriptor_v8(rnn->layer, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS,
                                          directions, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT, math, in,
                                          hidden, hidden, 1, rnn->dropout, CUDNN_RNN_PADDED_IO_DISABLED);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnSetRNNDataDescriptor(rnn->x, CUDNN_DATA_FLOAT, layout, steps, sequences, in, lengths, NULL);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnSetRNNDataDescriptor(rnn->y, CUDNN_DATA_FLOAT, layout, steps, sequences, count * hidden, lengths,
                                           NULL);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnSetTensorNdDescriptor(rnn->states, CUDNN_DATA_FLOAT, 3, sizes, strides);
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnGetRNNWeightSpaceSize(dnn, rnn->layer, &rnn->weight_bytes);
    return result == CUDNN_STATUS_SUCCESS ? cudnnGetRNNTempSpaceSizes(dnn, rnn->layer, CUDNN_FWD_MODE_TRAINING, rnn->x,
                                                                      &rnn->work_bytes, &rnn->reserve_bytes)
                                          : result;
}

/* Sequence s is as long as there are steps with more than s. lengths: [sequences] */
static void find_lengths(const struct packed_batch *batch, int *lengths)
{
    for (size_t t = 0, s = batch->sequences; t < batch->steps; t++) {
        size_t next = t + 1 < batch->steps ? batch->active[t + 1] : 0;
        while (s > next)
            lengths[--s] = (int)t + 1;
    }
}

static ft_status copy(const struct cuda_lstm *lstm, void *to, const void *from, size_t bytes, struct ft_error *error)
{
    return cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, lstm->cuda->stream),
                      "copying on the device", error);
}

static ft_status clear(const struct cuda_lstm *lstm, void *at, size_t bytes, struct ft_error *error)
{
    return cuda_check(cudaMemsetAsync(at, 0, bytes, lstm->cuda->stream), "clearing the device's memory", error);
}

/* A stretch of a weight space and of our tensors that are to be equal. */
struct stretch {
    char *space, *tensor;
    size_t bytes;
};

static ft_status move(const struct cuda_lstm *lstm, const struct stretch *stretch, bool out, struct ft_error *error)
{
    if (!stretch->bytes)
        return FT_OK;
    return copy(lstm, out ? stretch->tensor : stretch->space, out ? stretch->space : stretch->tensor, stretch->bytes,
                error);
}

/* Makes `whole` longer, or moves it and begins with `part`. */
static ft_status join(const struct cuda_lstm *lstm, struct stretch *whole, struct stretch part, bool out,
                      struct ft_error *error)
{
    ft_status status = FT_OK;
    if (whole->bytes && part.space == whole->space + whole->bytes && part.tensor == whole->tensor + whole->bytes) {
        whole->bytes += part.bytes;
    } else {
        status = move(lstm, whole, out, error);
        *whole = part;
    }
    return status;
}

/* Where cuDNN has matrix, or bias, `id` of a direction in a weight space: 0 to 3 are the input's, 4 to 7 the state's,
 * both i f g o. It must lie there row by row. */
static ft_status find_part(const struct cuda_lstm *lstm, const struct rnn *rnn, void *space, size_t direction, int id,
                           void **matrix, void **bias, struct ft_error *error)
{
    int size[3], stride[3], rank, in = (int)(id < 4 ? lstm->in : lstm->hidden), hidden = (int)lstm->hidden;
    cudnnDataType_t type;
    ft_status status =
        cuda_check_dnn(cudnnGetRNNWeightParams(lstm->cuda->dnn, rnn->layer, (int)direction, rnn->weight_bytes, space,
                                               id, rnn->matrix, matrix, rnn->bias, bias),
                       "finding an LSTM's weights", error);
    if (status == FT_OK)
        status = cuda_check_dnn(cudnnGetTensorNdDescriptor(rnn->matrix, 3, &type, &rank, size, stride),
                                "finding an LSTM's weights", error);
    if (status == FT_OK && (rank != 3 || size[1] != hidden || size[2] != in || stride[1] != in || stride[2] != 1))
        return ft_fail(error, FT_NOMEM, "cuDNN keeps an LSTM's weights in an order that is not known here");
    return status;
}

/* Weights, or gradients with `out`, between a weight space and tensors. */
static ft_status move_weights(const struct cuda_lstm *lstm, const struct rnn *rnn, void *space, size_t direction,
                              const struct lstm_weights *weights, bool out, struct ft_error *error)
{
    struct stretch matrices = {0}, biases = {0};
    size_t row = lstm->hidden * sizeof(float);
    ft_status status = FT_OK;
    for (int id = 0; status == FT_OK && id < 8; id++) {
        size_t gate = (size_t)id % 4, bytes = row * (id < 4 ? lstm->in : lstm->hidden);
        void *matrix, *bias;
        status = find_part(lstm, rnn, space, direction, id, &matrix, &bias, error);
        if (status == FT_OK)
            status =
                join(lstm, &matrices,
                     (struct stretch){matrix, (char *)(id < 4 ? weights->w_ih : weights->w_hh) + gate * bytes, bytes},
                     out, error);
        if (status == FT_OK)
            status = join(lstm, &biases,
                          (struct stretch){bias, (char *)(id < 4 ? weights->b_ih : weights->b_hh) + gate * row, row},
                          out, error);
    }
    if (status == FT_OK)
        status = move(lstm, &matrices, out, error);
    return status == FT_OK ? move(lstm, &biases, out, error) : status;
}

static void *take(const struct cuda_lstm *lstm, size_t bytes, ft_status *status, struct ft_error *error)
{
    void *at = *status == FT_OK ? cuda_scratch_take(lstm->cuda, bytes ? bytes : 1) : NULL;
    if (*status == FT_OK && !at)
        *status = cuda_nomem(lstm->cuda, "a recurrent layer in training", error);
    return at;
}

/* The directions' first states one behind the other; one that has none begins with zero. */
static const float *first_states(const struct cuda_lstm *lstm, bool cells, ft_status *status, struct ft_error *error)
{
    const float *each[CUDA_LSTM_DIRECTIONS] = {NULL};
    size_t bytes = lstm->batch->sequences * lstm->hidden * sizeof(float);
    for (size_t d = 0; d < lstm->count; d++)
        each[d] = cells ? lstm->directions[d].c0 : lstm->directions[d].h0;
    if (lstm->count == 1 || (!each[0] && !each[1]))
        return each[0];
    char *both = take(lstm, 2 * bytes, status, error);
    for (size_t d = 0; *status == FT_OK && d < 2; d++)
        *status =
            each[d] ? copy(lstm, both + d * bytes, each[d], bytes, error) : clear(lstm, both + d * bytes, bytes, error);
    return (const float *)both;
}

/* Descriptors, weights and first states. rnn_release ends it, whatever comes back. */
static ft_status rnn_init(const struct cuda_lstm *lstm, struct rnn *rnn, struct ft_error *error)
{
    *rnn = (struct rnn){0};
    int *lengths = malloc(lstm->batch->sequences * sizeof *lengths);
    if (!lengths)
        return ft_nomem(error, "a recurrent layer in training");
    find_lengths(lstm->batch, lengths);
    ft_status status = cuda_check_dnn(create(rnn), "describing an LSTM", error);
    if (status == FT_OK)
        status = cuda_check_dnn(describe(lstm, lengths, rnn), "describing an LSTM", error);
    free(lengths);
    rnn->weights = take(lstm, rnn->weight_bytes, &status, error);
    rnn->work = take(lstm, rnn->work_bytes, &status, error);
    rnn->h0 = first_states(lstm, false, &status, error);
    rnn->c0 = first_states(lstm, true, &status, error);
    if (status == FT_OK)
        status = clear(lstm, rnn->weights, rnn->weight_bytes, error);
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
        status = move_weights(lstm, rnn, rnn->weights, d, lstm->directions[d].weights, false, error);
    return status;
}

/* Where the last states of all directions go; NULL where nobody wants them. */
static float *last_states(const struct cuda_lstm *lstm, bool cells, ft_status *status, struct ft_error *error)
{
    const struct lstm_pass *passes = lstm->directions;
    bool wanted =
        cells ? passes[0].c_last || passes[lstm->count - 1].c_last : passes[0].h_last || passes[lstm->count - 1].h_last;
    if (lstm->count == 1 || !wanted)
        return cells ? passes[0].c_last : passes[0].h_last;
    return take(lstm, 2 * lstm->batch->sequences * lstm->hidden * sizeof(float), status, error);
}

static ft_status hand_out(const struct cuda_lstm *lstm, const float *both, bool cells, struct ft_error *error)
{
    size_t floats = lstm->batch->sequences * lstm->hidden;
    ft_status status = FT_OK;
    for (size_t d = 0; both && lstm->count == 2 && status == FT_OK && d < 2; d++) {
        float *to = cells ? lstm->directions[d].c_last : lstm->directions[d].h_last;
        if (to)
            status = copy(lstm, to, both + d * floats, floats * sizeof(float), error);
    }
    return status;
}

static ft_status run_forward(const struct cuda_lstm *lstm, const struct rnn *rnn, struct cuda_reserve *reserve,
                             float *h_last, float *c_last, struct ft_error *error)
{
    ft_status status = cuda_check_dnn(
        cudnnRNNForward(lstm->cuda->dnn, rnn->layer, CUDNN_FWD_MODE_TRAINING, NULL, rnn->x, lstm->x, rnn->y,
                        lstm->directions[0].out, rnn->states, rnn->h0, h_last, rnn->states, rnn->c0, c_last,
                        rnn->weight_bytes, rnn->weights, rnn->work_bytes, rnn->work, rnn->reserve_bytes, reserve->at),
        "an LSTM in training", error);
    reserve->filled = status == FT_OK;
    return status;
}

static struct cuda_reserve *reserve_take(const struct cuda_lstm *lstm, const struct rnn *rnn, ft_status *status,
                                         struct ft_error *error)
{
    if (*status != FT_OK)
        return NULL;
    struct cuda_reserve *reserve = cuda_reserve_take(lstm->cuda, lstm->directions[0].gates, rnn->reserve_bytes);
    if (!reserve)
        *status = cuda_nomem(lstm->cuda, "what a recurrent layer's backward pass needs", error);
    return reserve;
}

ft_status cuda_lstm_dnn_forward(const struct cuda_lstm *lstm, struct ft_error *error)
{
    struct rnn rnn;
    ft_status status = rnn_init(lstm, &rnn, error);
    struct cuda_reserve *reserve = reserve_take(lstm, &rnn, &status, error);
    float *h_last = last_states(lstm, false, &status, error), *c_last = last_states(lstm, true, &status, error);
    if (status == FT_OK)
        status = run_forward(lstm, &rnn, reserve, h_last, c_last, error);
    if (status == FT_OK)
        status = hand_out(lstm, h_last, false, error);
    if (status == FT_OK)
        status = hand_out(lstm, c_last, true, error);
    rnn_release(&rnn);
    return status;
}

static ft_status run_backward(const struct cuda_lstm *lstm, const struct rnn *rnn, struct cuda_reserve *reserve,
                              const float *dout, float *dx, void *gradients, struct ft_error *error)
{
    static const char what[] = "an LSTM's gradients";
    cudnnHandle_t dnn = lstm->cuda->dnn;
    const float *out = lstm->directions[0].out;
    ft_status status = cuda_check_dnn(
        cudnnRNNBackwardData_v8(dnn, rnn->layer, NULL, rnn->y, out, dout, rnn->x, dx, rnn->states, rnn->h0, NULL, NULL,
                                rnn->states, rnn->c0, NULL, NULL, rnn->weight_bytes, rnn->weights, rnn->work_bytes,
                                rnn->work, rnn->reserve_bytes, reserve->at),
        what, error);
    reserve->filled = false;
    if (status == FT_OK)
        status = clear(lstm, gradients, rnn->weight_bytes, error);
    if (status == FT_OK)
        status =
            cuda_check_dnn(cudnnRNNBackwardWeights_v8(dnn, rnn->layer, CUDNN_WGRAD_MODE_ADD, NULL, rnn->x, lstm->x,
                                                      rnn->states, rnn->h0, rnn->y, out, rnn->weight_bytes, gradients,
                                                      rnn->work_bytes, rnn->work, rnn->reserve_bytes, reserve->at),
                           what, error);
    return status;
}

ft_status cuda_lstm_dnn_backward(const struct cuda_lstm *lstm, const float *dout, float *dx,
                                 struct lstm_weights *gradients, struct ft_error *error)
{
    struct rnn rnn;
    ft_status status = rnn_init(lstm, &rnn, error);
    struct cuda_reserve *reserve = reserve_take(lstm, &rnn, &status, error);
    void *space = take(lstm, rnn.weight_bytes, &status, error);
    if (!dx)
        dx = take(lstm, lstm->batch->rows * lstm->in * sizeof *dx, &status, error);
    if (status == FT_OK && !reserve->filled)
        status = run_forward(lstm, &rnn, reserve, NULL, NULL, error);
    if (status == FT_OK)
        status = run_backward(lstm, &rnn, reserve, dout, dx, space, error);
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
        status = move_weights(lstm, &rnn, space, d, &gradients[d], true, error);
    rnn_release(&rnn);
    return status;
}
