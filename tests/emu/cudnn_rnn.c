/* cudnn_rnn.c - the drop-in cuDNN's descriptors of RNNs and of their data. What they accept and refuse, and by which
 * status, was asked of the real library (test_cudnn_codes.c). */
#include "cudnn_parts.h"
#include <stdlib.h>
#include <string.h>

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t *rnn)
{
    cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM;
    if (rnn)
        *rnn = cudnn_create("cudnnCreateRNNDescriptor", cudnn_rnn_kind, sizeof **rnn, &status);
    return status;
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnn)
{
    return cudnn_destroy("cudnnDestroyRNNDescriptor", cudnn_rnn_kind, rnn);
}

static bool is_real(cudnnDataType_t type)
{
    return type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_DOUBLE || type == CUDNN_DATA_HALF ||
           type == CUDNN_DATA_BFLOAT16;
}

static bool types_fit(cudnnDataType_t type, cudnnDataType_t precision)
{
    return is_real(type) && (precision == type || (precision == CUDNN_DATA_FLOAT && type != CUDNN_DATA_DOUBLE));
}

/* What does not fit together only when the RNN is used is accepted here: SKIP_INPUT with an input of another size, no
 * dropout descriptor, data without padding where padding is announced. */
cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm, cudnnRNNMode_t cell,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t direction,
                                       cudnnRNNInputMode_t input_mode, cudnnDataType_t type, cudnnDataType_t precision,
                                       cudnnMathType_t math, int32_t input, int32_t hidden, int32_t projection,
                                       int32_t layers, cudnnDropoutDescriptor_t dropout, uint32_t flags)
{
    static const char call[] = "cudnnSetRNNDescriptor_v8";
    cudnnStatus_t status = cudnn_object_check(call, cudnn_rnn_kind, rnn);
    if (status || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if ((unsigned)algorithm >= CUDNN_RNN_ALGO_COUNT || (unsigned)cell > CUDNN_GRU ||
        (unsigned)bias > CUDNN_RNN_SINGLE_REC_BIAS || (unsigned)direction > CUDNN_BIDIRECTIONAL ||
        (unsigned)input_mode > CUDNN_SKIP_INPUT || (unsigned)math > CUDNN_FMA_MATH ||
        flags > CUDNN_RNN_PADDED_IO_ENABLED)
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "an option has no such value");
    if (input < 1 || hidden < 1 || projection < 1 || layers < 1)
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "input %d, hidden %d, projection %d, layers %d", input,
                            hidden, projection, layers);
    if (!types_fit(type, precision))
        return cudnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, call, "type %d computed in %d", (int)type, (int)precision);
    if (projection > hidden || (projection < hidden && cell != CUDNN_LSTM))
        return cudnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, call, "projection %d of %d", projection, hidden);
    *rnn = (struct cudnnRNNStruct){true, algorithm, cell,   bias,       direction, input_mode, type, precision,
                                   math, input,     hidden, projection, layers,    dropout,    flags};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t rnn_shape_init(struct rnn_shape *shape, const char *call, cudnnRNNDescriptor_t rnn)
{
    static const enum product_rounding roundings[] = {[CUDNN_DEFAULT_MATH] = PRODUCT_TF32,
                                                      [CUDNN_TENSOR_OP_MATH] = PRODUCT_TF32,
                                                      [CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION] = PRODUCT_F16,
                                                      [CUDNN_FMA_MATH] = PRODUCT_F32};
    cudnnStatus_t status = cudnn_object_check(call, cudnn_rnn_kind, rnn);
    if (status)
        return status;
    if (!rnn->set)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "the RNN descriptor was not set");
    if ((rnn->cell != CUDNN_LSTM && rnn->cell != CUDNN_GRU) || rnn->type != CUDNN_DATA_FLOAT ||
        rnn->algorithm != CUDNN_RNN_ALGO_STANDARD || rnn->input_mode != CUDNN_LINEAR_INPUT ||
        rnn->projection != rnn->hidden)
        return cudnn_mistake(CUDNN_STATUS_NOT_SUPPORTED, call,
                             "emulated are LSTM and GRU of floats by ALGO_STANDARD with LINEAR_INPUT and without "
                             "projection");
    if (rnn->layers > 1 && rnn->dropout) {
        if ((status = cudnn_object_check(call, cudnn_dropout_kind, rnn->dropout)))
            return status;
        if (rnn->dropout->probability > 0)
            return cudnn_mistake(CUDNN_STATUS_NOT_SUPPORTED, call, "dropout between layers is not emulated");
    }
    *shape = (struct rnn_shape){.gru = rnn->cell == CUDNN_GRU,
                                .bias = rnn->bias,
                                .input = (size_t)rnn->input,
                                .hidden = (size_t)rnn->hidden,
                                .layers = (size_t)rnn->layers,
                                .directions = rnn->direction == CUDNN_BIDIRECTIONAL ? 2 : 1,
                                .gates = rnn->cell == CUDNN_GRU ? 3 : 4,
                                .rounding = roundings[rnn->math]};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t *data)
{
    cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM;
    if (data)
        *data = cudnn_create("cudnnCreateRNNDataDescriptor", cudnn_data_kind, sizeof **data, &status);
    return status;
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t data)
{
    if (data && object_is(cudnn_data_kind, data))
        free(data->lengths);
    return cudnn_destroy("cudnnDestroyRNNDataDescriptor", cudnn_data_kind, data);
}

/* Packed sequences descend from the longest, which has all steps, and none is empty. */
static bool lengths_fit(cudnnRNNDataLayout_t layout, int steps, int batch, const int *lengths)
{
    bool packed = layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    for (int i = 0; i < batch; i++)
        if (lengths[i] > steps || lengths[i] < (packed ? 1 : 0) || (packed && i > 0 && lengths[i] > lengths[i - 1]))
            return false;
    return !packed || lengths[0] == steps;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int steps, int batch, int width,
                                        const int lengths[], void *padding)
{
    static const char call[] = "cudnnSetRNNDataDescriptor";
    cudnnStatus_t status = cudnn_object_check(call, cudnn_data_kind, data);
    if (status || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (type < CUDNN_DATA_FLOAT || type > CUDNN_DATA_INT4 ||
        (unsigned)layout > CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED || steps < 1 || batch < 1 || width < 1 ||
        !lengths)
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "type %d, layout %d, %d steps, batch %d, width %d", (int)type,
                            (int)layout, steps, batch, width);
    if (!is_real(type))
        return cudnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, call, "type %d", (int)type);
    if (!lengths_fit(layout, steps, batch, lengths))
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "lengths do not fit %d steps of layout %d", steps,
                            (int)layout);
    int *copy = malloc((size_t)batch * sizeof *copy);
    if (!copy)
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    memcpy(copy, lengths, (size_t)batch * sizeof *copy);
    free(data->lengths);
    *data = (struct cudnnRNNDataStruct){type, layout, steps, batch, width, copy, padding != NULL, 0};
    if (padding && type == CUDNN_DATA_FLOAT)
        memcpy(&data->fill, padding, sizeof data->fill);
    return CUDNN_STATUS_SUCCESS;
}
