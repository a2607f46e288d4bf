/* birnn_cudnn.c - bidirectional LSTM layers by cuDNN, one of its networks a layer.
 *
 * Rows are packed as cuDNN wants them: by time, the longest sentence first. Only then may lengths differ without
 * padding. The input is put together on the way there, since cuDNN takes one matrix; from layer to layer rows stay
 * packed. Sentences without tokens never come here: cuDNN fails when it meets one. */
#include "cuda/birnn.h"
#include "cuda/gather.h"
#include "cuda/weights.h"
#include "model/unpack.h"
#include <stdlib.h>

size_t birnn_cudnn_row_bytes(const struct birnn *net)
{
    const struct recurrent_layer *layer = net->layer[0];
    return (layer->in + 12 * layer->hidden) * sizeof(float); /* input, two outputs, and gates in cuDNN's workspace */
}

/* Weights of one direction into their places, which only cuDNN knows. Of the biases ours is the sum: it becomes the
 * input's, and the state's stays zero. */
static ft_status place_direction(struct cuda_backend *cuda, cudnnRNNDescriptor_t rnn, void *space, size_t space_bytes,
                                 const struct recurrent_layer *layer, int direction, cudnnTensorDescriptor_t matrix,
                                 cudnnTensorDescriptor_t vector, struct ft_error *error)
{
    struct weights room;
    struct unpacked_layer plain;
    weights_init(&room);
    ft_status status = unpack_recurrent(&room, layer, NULL, &plain, error);
    for (int id = 0; status == FT_OK && id < 8; id++) { /* W_i W_f W_g W_o, and the recurrent four */
        void *w, *b;
        size_t gate = (size_t)id % 4, width = id < 4 ? layer->in : layer->hidden, count = layer->hidden * width;
        status = cuda_check_dnn(
            cudnnGetRNNWeightParams(cuda->dnn, rnn, direction, space_bytes, space, id, matrix, &w, vector, &b),
            "asking cuDNN for a weight's place", error);
        if (status == FT_OK)
            status =
                cuda_upload(cuda, w, (id < 4 ? plain.w_ih : plain.w_hh) + gate * count, count * sizeof(float), error);
        if (status == FT_OK && id < 4)
            status = cuda_upload(cuda, b, plain.b_ih + gate * layer->hidden, layer->hidden * sizeof(float), error);
    }
    weights_release(&room);
    return status;
}

static ft_status place_weights(struct cuda_backend *cuda, struct cuda_kept_layer *kept, size_t bytes,
                               const struct recurrent_layer layers[2], struct ft_error *error)
{
    cudnnTensorDescriptor_t matrix = NULL, vector = NULL;
    ft_status status = cuda_check_dnn(cudnnCreateTensorDescriptor(&matrix), "describing a weight to cuDNN", error);
    if (status == FT_OK)
        status = cuda_check_dnn(cudnnCreateTensorDescriptor(&vector), "describing a weight to cuDNN", error);
    if (status == FT_OK)
        status = cuda_check(cudaMemsetAsync(kept->memory, 0, bytes, cuda->stream), "clearing weights", error);
    for (int d = 0; status == FT_OK && d < 2; d++)
        status = place_direction(cuda, kept->as.rnn, kept->memory, bytes, &layers[d], d, matrix, vector, error);
    if (matrix)
        cudnnDestroyTensorDescriptor(matrix);
    if (vector)
        cudnnDestroyTensorDescriptor(vector);
    return status;
}

static ft_status describe_layer(struct cuda_backend *cuda, cudnnRNNDescriptor_t rnn,
                                const struct recurrent_layer *layer, struct ft_error *error)
{
    /* cuDNN's own default would round the inputs of float32 products to 10 bits */
    cudnnMathType_t math = cuda->options.math == CUDA_MATH_F32 ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
    return cuda_check_dnn(cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS,
                                                   CUDNN_BIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT,
                                                   CUDNN_DATA_FLOAT, math, (int32_t)layer->in, (int32_t)layer->hidden,
                                                   (int32_t)layer->hidden, 1, cuda->no_dropout,
                                                   CUDNN_RNN_PADDED_IO_DISABLED),
                          "describing an LSTM to cuDNN", error);
}

/* The layer as cuDNN wants it, made when it is first met. */
static ft_status find_layer(struct cuda_backend *cuda, const struct recurrent_layer layers[2],
                            cudnnRNNDescriptor_t *rnn, void **space, size_t *bytes, struct ft_error *error)
{
    struct layer_print print = cuda_print_recurrent(&layers[0]);
    print.bias = layers[1].weights.at; /* both directions must be what they were */
    const struct cuda_kept_layer *found = cuda_find_layer(cuda, layers, FORM_CUDNN, &print);
    struct cuda_kept_layer kept = {.print = print};
    ft_status status = FT_OK;
    if (found) {
        kept = *found;
    } else {
        status = cuda_check_dnn(cudnnCreateRNNDescriptor(&kept.as.rnn), "describing an LSTM to cuDNN", error);
        if (status != FT_OK)
            return status;
        status = describe_layer(cuda, kept.as.rnn, layers, error);
    }
    if (status == FT_OK)
        status = cuda_check_dnn(cudnnGetRNNWeightSpaceSize(cuda->dnn, kept.as.rnn, bytes),
                                "asking cuDNN for the size of weights", error);
    if (status == FT_OK && !found) {
        if (!(kept.memory = cuda_allocate(cuda, *bytes)))
            status = cuda_nomem(cuda, "an LSTM's weights", error);
        if (status == FT_OK)
            status = place_weights(cuda, &kept, *bytes, layers, error);
        if (status == FT_OK)
            status = cuda_keep_layer(cuda, layers, FORM_CUDNN, &kept, error);
    }
    if (status != FT_OK && !found) {
        cudnnDestroyRNNDescriptor(kept.as.rnn);
        cuda_free(cuda, kept.memory);
    }
    *rnn = kept.as.rnn;
    *space = kept.memory;
    return status;
}

ft_status birnn_cudnn_upload(struct cuda_backend *cuda, const struct birnn *net, struct ft_error *error)
{
    cudnnRNNDescriptor_t rnn;
    void *space;
    size_t bytes;
    ft_status status = FT_OK;
    for (size_t k = 0; status == FT_OK && k < net->layers; k++)
        status = find_layer(cuda, net->layer[k], &rnn, &space, &bytes, error);
    return status;
}

/* Initial states [2, sentences, hidden] of both directions; NULL in *states where both begin with zero. */
static ft_status initial_states(struct cuda_backend *cuda, const float *const host[2], size_t sentences, size_t hidden,
                                float **states, struct ft_error *error)
{
    *states = NULL;
    if (!host[0] && !host[1])
        return FT_OK;
    size_t count = sentences * hidden;
    if (!(*states = cuda_scratch_take(cuda, 2 * count * sizeof **states)))
        return cuda_nomem(cuda, "initial states", error);
    ft_status status =
        cuda_check(cudaMemsetAsync(*states, 0, 2 * count * sizeof **states, cuda->stream), "clearing states", error);
    for (int d = 0; status == FT_OK && d < 2; d++) {
        const float *row = host[d] ? cuda_scratch_upload(cuda, host[d], hidden * sizeof *row, error) : NULL;
        if (host[d])
            status =
                row ? cuda_repeat_row(cuda->stream, row, sentences, hidden, *states + (size_t)d * count, hidden, error)
                    : FT_NOMEM;
    }
    return status;
}

struct descriptors {
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t states;
};

static void descriptors_release(struct descriptors *of)
{
    if (of->x)
        cudnnDestroyRNNDataDescriptor(of->x);
    if (of->y)
        cudnnDestroyRNNDataDescriptor(of->y);
    if (of->states)
        cudnnDestroyTensorDescriptor(of->states);
}

static cudnnStatus_t describe_rows(cudnnRNNDataDescriptor_t *descriptor, const struct birnn_group *group,
                                   const int *lengths, size_t width)
{
    float padding = 0;
    cudnnStatus_t result = cudnnCreateRNNDataDescriptor(descriptor);
    if (result != CUDNN_STATUS_SUCCESS) {
        *descriptor = NULL;
        return result;
    }
    return cudnnSetRNNDataDescriptor(*descriptor, CUDNN_DATA_FLOAT, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED,
                                     (int)group->steps, (int)group->sentences, (int)width, lengths, &padding);
}

/* lengths: those of the group as cuDNN reads them. */
static ft_status descriptors_init(struct descriptors *of, const struct birnn_group *group, const int *lengths,
                                  const struct recurrent_layer *layer, struct ft_error *error)
{
    int hidden = (int)layer->hidden, sentences = (int)group->sentences;
    const int shape[] = {2, sentences, hidden}, strides[] = {sentences * hidden, hidden, 1};
    *of = (struct descriptors){0};
    cudnnStatus_t result = describe_rows(&of->x, group, lengths, layer->in);
    if (result == CUDNN_STATUS_SUCCESS)
        result = describe_rows(&of->y, group, lengths, 2 * layer->hidden);
    if (result == CUDNN_STATUS_SUCCESS && (result = cudnnCreateTensorDescriptor(&of->states)) != CUDNN_STATUS_SUCCESS)
        of->states = NULL;
    if (result == CUDNN_STATUS_SUCCESS)
        result = cudnnSetTensorNdDescriptor(of->states, CUDNN_DATA_FLOAT, 3, shape, strides);
    return cuda_check_dnn(result, "describing sentences to cuDNN", error);
}

/* y [rows, 2 * hidden] of x [rows, in], both packed. */
static ft_status run_layer(struct cuda_backend *cuda, const struct recurrent_layer layers[2],
                           const struct birnn_group *group, const int *lengths, const float *x, float *y,
                           struct ft_error *error)
{
    cudnnRNNDescriptor_t rnn;
    struct descriptors describe;
    void *space;
    size_t space_bytes, work_bytes, reserve_bytes;
    float *h, *c;
    ft_status status = find_layer(cuda, layers, &rnn, &space, &space_bytes, error);
    if (status == FT_OK)
        status = initial_states(cuda, (const float *const[]){layers[0].init_h, layers[1].init_h}, group->sentences,
                                layers->hidden, &h, error);
    if (status == FT_OK)
        status = initial_states(cuda, (const float *const[]){layers[0].init_c, layers[1].init_c}, group->sentences,
                                layers->hidden, &c, error);
    if (status != FT_OK)
        return status;
    status = descriptors_init(&describe, group, lengths, layers, error);
    if (status == FT_OK)
        status = cuda_check_dnn(cudnnGetRNNTempSpaceSizes(cuda->dnn, rnn, CUDNN_FWD_MODE_INFERENCE, describe.x,
                                                          &work_bytes, &reserve_bytes),
                                "asking cuDNN for the size of its workspace", error);
    void *work = status == FT_OK ? cuda_scratch_take(cuda, work_bytes) : NULL;
    if (status == FT_OK && !work)
        status = cuda_nomem(cuda, "cuDNN's workspace", error);
    if (status == FT_OK)
        status = cuda_check_dnn(cudnnRNNForward(cuda->dnn, rnn, CUDNN_FWD_MODE_INFERENCE, NULL, describe.x, x,
                                                describe.y, y, describe.states, h, NULL, describe.states, c, NULL,
                                                space_bytes, space, work_bytes, work, 0, NULL),
                                "running an LSTM by cuDNN", error);
    descriptors_release(&describe);
    return status;
}

/* Packed row by packed row, calls of these pointers: rows of a piece, or rows of the result. */
static void packed_rows(const struct birnn_group *group, const uint32_t *first, const float *const *rows, float *base,
                        size_t width, const float **packed)
{
    for (size_t step = 0, r = 0; step < group->steps; step++)
        for (size_t s = 0; s < group->active[step]; s++, r++)
            packed[r] = rows ? rows[first[s] + step] : base + (first[s] + step) * width;
}

ft_status birnn_cudnn(struct cuda_backend *cuda, const struct birnn *net, const struct birnn_group *group,
                      struct ft_error *error)
{
    size_t in = net->layer[0][0].in, width = 2 * net->layer[0][0].hidden, rows = group->rows;
    const float **pointers = calloc(rows, sizeof *pointers);
    int *lengths = calloc(group->sentences, sizeof *lengths);
    float *x = cuda_scratch_take(cuda, rows * in * sizeof *x), *y = cuda_scratch_take(cuda, rows * width * sizeof *y);
    float *next = net->layers > 1 ? cuda_scratch_take(cuda, rows * width * sizeof *next) : y;
    ft_status status = FT_OK;
    if (!pointers || !lengths)
        status = ft_nomem(error, "the tagger's recurrent layers");
    else if (!x || !y || !next)
        status = cuda_nomem(cuda, "the tagger's recurrent layers", error);
    for (size_t s = 0; status == FT_OK && s < group->sentences; s++)
        lengths[s] = (int)group->lengths[s];
    for (size_t i = 0, column = 0; status == FT_OK && i < group->piece_count; column += group->pieces[i++].width) {
        packed_rows(group, group->first_row, group->pieces[i].rows, NULL, 0, pointers);
        status = cuda_gather_rows(cuda, pointers, rows, group->pieces[i].width, x + column, in, error);
    }
    for (size_t k = 0; status == FT_OK && k < net->layers; k++) {
        status = run_layer(cuda, net->layer[k], group, lengths, k ? next : x, y, error);
        if (k + 1 < net->layers) {
            float *other = next;
            next = y;
            y = other;
        }
    }
    if (status == FT_OK) {
        packed_rows(group, group->first_token, NULL, group->out, width, pointers);
        status = cuda_scatter_rows(cuda, (float *const *)pointers, rows, width, y, width, error);
    }
    free(pointers);
    free(lengths);
    return status;
}
