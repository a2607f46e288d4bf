/* cudnn_weights.c - where the drop-in cuDNN puts an RNN's parameters, and the sizes of its spaces. */
#include "cudnn_parts.h"

size_t rnn_layer_input(const struct rnn_shape *shape, size_t layer)
{
    return layer == 0 ? shape->input : shape->directions * shape->hidden;
}

static bool has_bias(const struct rnn_shape *shape, size_t id)
{
    return shape->bias == CUDNN_RNN_DOUBLE_BIAS ||
           shape->bias == (id < shape->gates ? CUDNN_RNN_SINGLE_INP_BIAS : CUDNN_RNN_SINGLE_REC_BIAS);
}

/* A pseudo-layer's slots are its matrices by id, then its biases. */
static struct rnn_parameter slot_size(const struct rnn_shape *shape, size_t pseudo_layer, size_t slot)
{
    size_t ids = 2 * shape->gates, id = slot % ids;
    if (slot >= ids)
        return (struct rnn_parameter){0, has_bias(shape, id) ? shape->hidden : 0, 1};
    return (struct rnn_parameter){
        0, shape->hidden, id < shape->gates ? rnn_layer_input(shape, pseudo_layer / shape->directions) : shape->hidden};
}

/* Pseudo-layers from the last to the first; their slots seven apart, which meets all of 12 or 16; gaps of 5 to 9
 * floats. pseudo_layer past the end: the size of all. */
static struct rnn_parameter find(const struct rnn_shape *shape, size_t pseudo_layer, size_t slot)
{
    size_t at = 9, slots = 4 * shape->gates;
    for (size_t layer = shape->layers * shape->directions; layer-- > 0;)
        for (size_t i = 0; i < slots; i++) {
            size_t candidate = (i * 7 + 3) % slots;
            struct rnn_parameter parameter = slot_size(shape, layer, candidate);
            parameter.offset = at;
            if (layer == pseudo_layer && candidate == slot)
                return parameter;
            at += parameter.rows * parameter.columns + 5 + candidate % 5;
        }
    return (struct rnn_parameter){at, 0, 0};
}

struct rnn_parameter rnn_matrix(const struct rnn_shape *shape, size_t pseudo_layer, size_t id)
{
    return find(shape, pseudo_layer, id);
}

struct rnn_parameter rnn_bias(const struct rnn_shape *shape, size_t pseudo_layer, size_t id)
{
    return find(shape, pseudo_layer, 2 * shape->gates + id);
}

size_t rnn_weight_bytes(const struct rnn_shape *shape)
{
    return find(shape, shape->layers * shape->directions, 0).offset * sizeof(float);
}

/* Nothing is computed there, but a program must have it. */
size_t rnn_work_bytes(const struct rnn_shape *shape, bool training)
{
    return (training ? 2 : 1) * (1024 + shape->batch * shape->hidden * shape->gates * sizeof(float));
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, size_t *bytes)
{
    static const char call[] = "cudnnGetRNNWeightSpaceSize";
    struct rnn_shape shape;
    cudnnStatus_t status = cudnn_handle_check(call, handle);
    if (status || (status = rnn_shape_init(&shape, call, rnn)) ||
        cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (!bytes)
        return CUDNN_STATUS_BAD_PARAM;
    *bytes = rnn_weight_bytes(&shape);
    return CUDNN_STATUS_SUCCESS;
}

/* Three dimensions, 1 x rows x columns, row by row; an absent one becomes a descriptor of nothing, and the address
 * NULL. */
static void describe(struct rnn_parameter parameter, const void *space, cudnnTensorDescriptor_t descriptor, void **at)
{
    int rows = (int)parameter.rows, columns = (int)parameter.columns;
    *descriptor = (struct cudnnTensorStruct){CUDNN_DATA_FLOAT, 3, {1, rows, columns}, {rows * columns, columns, 1}};
    if (rows == 0)
        *descriptor = (struct cudnnTensorStruct){.type = CUDNN_DATA_FLOAT};
    *at = rows ? (float *)(uintptr_t)space + parameter.offset : NULL;
}

/* weightSpace may be NULL: the addresses are then offsets. Either descriptor may be NULL with its address. */
cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, int32_t pseudo_layer,
                                      size_t bytes, const void *space, int32_t id, cudnnTensorDescriptor_t matrix,
                                      void **matrix_at, cudnnTensorDescriptor_t bias, void **bias_at)
{
    static const char call[] = "cudnnGetRNNWeightParams";
    struct rnn_shape shape;
    cudnnStatus_t status = cudnn_handle_check(call, handle);
    if (status || (status = rnn_shape_init(&shape, call, rnn)) ||
        cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (pseudo_layer < 0 || (size_t)pseudo_layer >= shape.layers * shape.directions || id < 0 ||
        (size_t)id >= 2 * shape.gates)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "there is no parameter %d of pseudo-layer %d", id,
                             pseudo_layer);
    if (bytes < rnn_weight_bytes(&shape))
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "a weight space of %zu bytes, not %zu", bytes,
                             rnn_weight_bytes(&shape));
    struct operand operand = {"weightSpace", space, bytes, 1, 0};
    if (space && !operand_is_valid(call, &operand, sizeof(float)))
        return CUDNN_STATUS_BAD_PARAM;
    if (matrix && ((status = cudnn_object_check(call, cudnn_tensor_kind, matrix)) || !matrix_at))
        return status ? status : CUDNN_STATUS_BAD_PARAM;
    if (bias && ((status = cudnn_object_check(call, cudnn_tensor_kind, bias)) || !bias_at))
        return status ? status : CUDNN_STATUS_BAD_PARAM;
    if (matrix)
        describe(rnn_matrix(&shape, (size_t)pseudo_layer, (size_t)id), space, matrix, matrix_at);
    if (bias)
        describe(rnn_bias(&shape, (size_t)pseudo_layer, (size_t)id), space, bias, bias_at);
    return CUDNN_STATUS_SUCCESS;
}
