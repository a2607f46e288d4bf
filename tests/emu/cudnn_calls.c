/* cudnn_calls.c - the calls of the drop-in cuDNN that run an RNN forward and backward: what they check when they are
 * made, and what they do, and check again, when their turn in the stream comes.
 *
 * The reserve space begins with a header that says which pass left it and, by checksums, from what. So a backward pass
 * knows whether it was given the space of its forward pass, unchanged, and the same data and weights. */
#include "cudnn_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum rnn_pass { PASS_INFERENCE, PASS_TRAINING, PASS_DATA, PASS_WEIGHTS };

/* Who left the reserve space. */
enum { LEFT_BY_FORWARD = 0x66776421, LEFT_BY_DATA = 0x64617421 };
struct reserve_header {
    uint64_t left_by, shape, x, y, weights, hx, cx, content;
};
enum { HEADER_BYTES = sizeof(struct reserve_header) };

/* A call as it waits in the stream. Addresses are the device's, NULL where the pass has no such operand. */
struct rnn_work {
    const char *call, *count_as;
    enum rnn_pass pass;
    struct rnn_shape shape;
    cudnnRNNDataLayout_t layout;
    float fill; /* of y's padding */
    const int32_t *device_lengths;
    float *x, *y, *dx, *dy;
    struct rnn_ends initial, final, d_initial, d_final;
    float *weights, *gradients;
    void *work, *reserve;
    int lengths[];
};

static size_t y_width(const struct rnn_shape *shape)
{
    return shape->directions * shape->hidden;
}

static size_t reserve_bytes(const struct rnn_shape *shape)
{
    return HEADER_BYTES + rnn_state_floats(shape) * sizeof(float);
}

static bool is_packed(cudnnRNNDataLayout_t layout)
{
    return layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
}

/* Rows that the data have, padding and all. */
static size_t data_rows(const struct rnn_work *work)
{
    size_t rows = 0;
    for (size_t b = 0; b < work->shape.batch; b++)
        rows += is_packed(work->layout) ? (size_t)work->lengths[b] : work->shape.steps;
    return rows;
}

/* All operands; those that are written come last. Returns how many; *read: how many are read alone. */
enum { MOST_OPERANDS = 20 };
static size_t operands_of(const struct rnn_work *work, struct operand *operands, size_t *read)
{
    const struct rnn_shape *shape = &work->shape;
    size_t rows = data_rows(work), states = shape->layers * shape->directions * shape->batch * shape->hidden, count = 0,
           float_bytes = sizeof(float);
    bool forward = work->pass == PASS_INFERENCE || work->pass == PASS_TRAINING;
    struct operand all[] = {
        {"devSeqLengths", work->device_lengths, shape->batch * sizeof(int32_t), 1, 0},
        {"x", work->x, rows * shape->input * float_bytes, 1, 0},
        {"y", forward ? NULL : work->y, rows * y_width(shape) * float_bytes, 1, 0},
        {"dy", work->dy, rows * y_width(shape) * float_bytes, 1, 0},
        {"hx", work->initial.h, states * float_bytes, 1, 0},
        {"cx", work->initial.c, states * float_bytes, 1, 0},
        {"dhy", work->d_final.h, states * float_bytes, 1, 0},
        {"dcy", work->d_final.c, states * float_bytes, 1, 0},
        {"weightSpace", work->weights, rnn_weight_bytes(shape), 1, 0},
        {NULL, NULL, 0, 0, 0}, /* from here on they are written */
        {"y", forward ? work->y : NULL, rows * y_width(shape) * float_bytes, 1, 0},
        {"hy", work->final.h, states * float_bytes, 1, 0},
        {"cy", work->final.c, states * float_bytes, 1, 0},
        {"dx", work->dx, rows * shape->input * float_bytes, 1, 0},
        {"dhx", work->d_initial.h, states * float_bytes, 1, 0},
        {"dcx", work->d_initial.c, states * float_bytes, 1, 0},
        {"dweightSpace", work->gradients, rnn_weight_bytes(shape), 1, 0},
        {"workSpace", work->work, rnn_work_bytes(shape, work->pass != PASS_INFERENCE), 1, 0},
        {"reserveSpace", work->reserve, reserve_bytes(shape), 1, 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].at)
            operands[count++] = all[i];
        else if (!all[i].name)
            *read = count;
    return count;
}

static bool operands_are_valid(const struct rnn_work *work)
{
    struct operand operands[MOST_OPERANDS];
    size_t read = 0, count = operands_of(work, operands, &read);
    for (size_t i = 0; i < count; i++)
        if (!operand_is_valid(work->call, &operands[i], sizeof(float)) ||
            (i >= read && !operand_is_apart(work->call, &operands[i], operands, i)))
            return false;
    return true;
}

/* The row of x or y that holds a step of a sequence. first: [steps] of the packed layout. */
static size_t data_row(const struct rnn_work *work, const size_t *first, size_t step, size_t b)
{
    switch (work->layout) {
    case CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED: return first[step] + b;
    case CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED: return b * work->shape.steps + step;
    default: return step * work->shape.batch + b;
    }
}

static size_t *first_rows_new(const struct rnn_work *work)
{
    size_t *first = calloc(work->shape.steps + 1, sizeof *first), *active = calloc(work->shape.batch, sizeof *active);
    for (size_t t = 0; first && active && t < work->shape.steps; t++)
        first[t + 1] = first[t] + rnn_active(&work->shape, work->lengths, t, active);
    if (!active) {
        free(first);
        first = NULL;
    }
    free(active);
    return first;
}

/* Rows as the data have them to rows step * batch + sequence, or back. What is padding becomes `fill`. */
static bool move_rows(const struct rnn_work *work, bool back, float *data, float *rows, size_t width, float fill)
{
    size_t *first = first_rows_new(work);
    for (size_t t = 0; first && t < work->shape.steps; t++)
        for (size_t b = 0; b < work->shape.batch; b++) {
            bool present = t < (size_t)work->lengths[b];
            float *row = rows + (t * work->shape.batch + b) * width;
            if (!present && is_packed(work->layout)) {
                memset(row, 0, width * sizeof *row);
                continue;
            }
            float *at = data + data_row(work, first, t, b) * width, *to = back ? at : row;
            for (size_t i = 0; i < width; i++)
                to[i] = !present ? (back ? fill : 0) : back ? row[i] : at[i];
        }
    bool done = first != NULL;
    free(first);
    return done;
}

/* Fowler, Noll and Vo's hash, by words of four bytes. */
static uint64_t checksum(uint64_t hash, const void *at, size_t bytes)
{
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        uint32_t word;
        memcpy(&word, (const char *)at + i, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash;
}
static const uint64_t CHECKSUM_BEGIN = 0xcbf29ce484222325u;

static uint64_t checksum_of_shape(const struct rnn_work *work)
{
    const struct rnn_shape *s = &work->shape;
    const uint64_t fields[] = {s->gru,
                               (uint64_t)s->bias,
                               s->input,
                               s->hidden,
                               s->layers,
                               s->directions,
                               s->steps,
                               s->batch,
                               (uint64_t)s->rounding,
                               (uint64_t)work->layout};
    return checksum(checksum(CHECKSUM_BEGIN, fields, sizeof fields), work->lengths, s->batch * sizeof(int));
}

/* Zero where there are none. */
static uint64_t checksum_of_states(const struct rnn_work *work, const float *states)
{
    size_t bytes = work->shape.layers * work->shape.directions * work->shape.batch * work->shape.hidden * sizeof(float);
    return states ? checksum(CHECKSUM_BEGIN, states, bytes) : 0;
}

static uint64_t checksum_of_rows(const struct rnn_work *work, const float *rows, size_t width)
{
    return checksum(CHECKSUM_BEGIN, rows, work->shape.steps * work->shape.batch * width * sizeof *rows);
}

static uint64_t checksum_of_content(const struct rnn_work *work)
{
    return checksum(CHECKSUM_BEGIN, (char *)work->reserve + HEADER_BYTES, reserve_bytes(&work->shape) - HEADER_BYTES);
}

/* What a backward pass is given must be what the passes before had and left. */
static bool reserve_is_right(const struct rnn_work *work, const struct reserve_header *header, const float *x,
                             const float *y)
{
    bool of_data = work->pass == PASS_DATA;
    const char *wrong =
        header->left_by != LEFT_BY_FORWARD && header->left_by != LEFT_BY_DATA ? "the reserve space is none"
        : of_data && header->left_by == LEFT_BY_DATA     ? "the reserve space was used by a BackwardData before"
        : !of_data && header->left_by == LEFT_BY_FORWARD ? "BackwardData must come first"
        : header->shape != checksum_of_shape(work)       ? "the reserve space is of another RNN or other data"
        : header->content != checksum_of_content(work)   ? "the reserve space was changed"
        : header->hx != checksum_of_states(work, work->initial.h)            ? "hx is not the forward pass's"
        : of_data && header->cx != checksum_of_states(work, work->initial.c) ? "cx is not the forward pass's"
        : x && header->x != checksum_of_rows(work, x, work->shape.input)     ? "x is not the forward pass's"
        : y && header->y != checksum_of_rows(work, y, y_width(&work->shape)) ? "y is not what the forward pass wrote"
        : work->weights && header->weights != checksum(CHECKSUM_BEGIN, work->weights, rnn_weight_bytes(&work->shape))
            ? "the weights are not the forward pass's"
            : NULL;
    if (wrong)
        emu_mistake("%s: %s", work->call, wrong);
    return !wrong;
}

static bool device_lengths_are_right(const struct rnn_work *work)
{
    for (size_t b = 0; work->device_lengths && b < work->shape.batch; b++)
        if (work->device_lengths[b] != work->lengths[b]) {
            emu_mistake("%s: devSeqLengths has %d for sequence %zu, the descriptor %d", work->call,
                        work->device_lengths[b], b, work->lengths[b]);
            return false;
        }
    return true;
}

static bool run_forward(const struct rnn_work *work, float *x, float *y)
{
    const struct rnn_shape *shape = &work->shape;
    size_t rows = shape->steps * shape->batch;
    bool training = work->pass == PASS_TRAINING;
    float *memory =
        training ? (float *)work->reserve + HEADER_BYTES / sizeof(float) : malloc(rnn_state_floats(shape) * sizeof *x);
    if (!memory)
        return false;
    struct rnn_state state = rnn_state_of(shape, memory);
    bool done = move_rows(work, false, work->x, x, shape->input, 0) &&
                rnn_forward(shape, work->lengths, work->weights, x, work->initial, work->final, &state);
    if (done)
        memcpy(y, rnn_outputs(shape, &state, shape->layers - 1), rows * y_width(shape) * sizeof *y);
    done = done && move_rows(work, true, work->y, y, y_width(shape), work->fill);
    if (done && training)
        *(struct reserve_header *)work->reserve =
            (struct reserve_header){LEFT_BY_FORWARD,
                                    checksum_of_shape(work),
                                    checksum_of_rows(work, x, shape->input),
                                    checksum_of_rows(work, y, y_width(shape)),
                                    checksum(CHECKSUM_BEGIN, work->weights, rnn_weight_bytes(shape)),
                                    checksum_of_states(work, work->initial.h),
                                    checksum_of_states(work, work->initial.c),
                                    checksum_of_content(work)};
    if (!training)
        free(memory);
    return done;
}

/* x becomes dx; y: the outputs, dy their gradients. */
static bool run_data(const struct rnn_work *work, float *x, float *y)
{
    const struct rnn_shape *shape = &work->shape;
    struct reserve_header *header = work->reserve;
    struct rnn_state state = rnn_state_of(shape, (float *)work->reserve + HEADER_BYTES / sizeof(float));
    if (!move_rows(work, false, work->y, y, y_width(shape), 0))
        return false;
    if (!reserve_is_right(work, header, NULL, y))
        return true;
    bool done = move_rows(work, false, work->dy, y, y_width(shape), 0) &&
                rnn_backward_data(shape, work->lengths, work->weights, y, work->initial, work->d_final, work->d_initial,
                                  &state, x) &&
                move_rows(work, true, work->dx, x, shape->input, NAN);
    header->left_by = LEFT_BY_DATA;
    header->content = checksum_of_content(work);
    return done;
}

static bool run_weights(const struct rnn_work *work, float *x, float *y)
{
    const struct rnn_shape *shape = &work->shape;
    struct rnn_state state = rnn_state_of(shape, (float *)work->reserve + HEADER_BYTES / sizeof(float));
    if (!move_rows(work, false, work->x, x, shape->input, 0) || !move_rows(work, false, work->y, y, y_width(shape), 0))
        return false;
    return !reserve_is_right(work, work->reserve, x, y) ||
           rnn_backward_weights(shape, work->lengths, x, work->initial, &state, work->gradients);
}

/* A multiply-add a weight and row, of which BackwardData and BackwardWeights have as many as the forward pass. */
static void count_work(const struct rnn_work *work)
{
    const struct rnn_shape *shape = &work->shape;
    struct operand operands[MOST_OPERANDS];
    size_t read, count = operands_of(work, operands, &read);
    double rows = 0, products = 0, bytes = 0;
    for (size_t b = 0; b < shape->batch; b++)
        rows += work->lengths[b];
    for (size_t layer = 0; layer < shape->layers; layer++)
        products += (double)(shape->directions * shape->gates * shape->hidden *
                             (rnn_layer_input(shape, layer) + shape->hidden));
    for (size_t i = 0; i < count; i++)
        if (operands[i].at != work->work)
            bytes += (double)operand_span(&operands[i]);
    emu_count(work->count_as, 2 * rows * products, bytes);
}

static void work_run(void *argument)
{
    const struct rnn_work *work = argument;
    const struct rnn_shape *shape = &work->shape;
    size_t rows = shape->steps * shape->batch;
    if (!operands_are_valid(work) || !device_lengths_are_right(work))
        return;
    memset(work->work, 0xff, rnn_work_bytes(shape, work->pass != PASS_INFERENCE));
    float *x = calloc(rows * shape->input, sizeof *x), *y = calloc(rows * y_width(shape), sizeof *y);
    if (!x || !y ||
        !(work->pass == PASS_DATA      ? run_data(work, x, y)
          : work->pass == PASS_WEIGHTS ? run_weights(work, x, y)
                                       : run_forward(work, x, y)))
        emu_mistake("%s: no host memory to emulate it with", work->call);
    free(x);
    free(y);
    count_work(work);
}

/* hDesc and cDesc: [L * D, batch, H], fully packed. */
static cudnnStatus_t states_check(const char *call, const char *name, cudnnTensorDescriptor_t descriptor,
                                  const struct rnn_shape *shape)
{
    cudnnStatus_t status = cudnn_object_check(call, cudnn_tensor_kind, descriptor);
    if (status)
        return status;
    int layers = (int)(shape->layers * shape->directions), batch = (int)shape->batch, hidden = (int)shape->hidden;
    const int sizes[] = {layers, batch, hidden}, strides[] = {batch * hidden, hidden, 1};
    if (descriptor->type != CUDNN_DATA_FLOAT || descriptor->dimensions != 3 ||
        memcmp(descriptor->sizes, sizes, sizeof sizes) != 0 ||
        memcmp(descriptor->strides, strides, sizeof strides) != 0)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "%s is not packed floats, %d x %d x %d", name, layers, batch,
                             hidden);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t data_check(const char *call, cudnnRNNDescriptor_t rnn, const struct rnn_shape *shape,
                                const struct cudnnRNNDataStruct *x, const struct cudnnRNNDataStruct *y)
{
    if (x->batch == 0 || y->batch == 0)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "a data descriptor was not set");
    if (x->type != CUDNN_DATA_FLOAT || y->type != x->type || y->layout != x->layout || y->steps != x->steps ||
        y->batch != x->batch || memcmp(x->lengths, y->lengths, (size_t)x->batch * sizeof *x->lengths) != 0)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "xDesc and yDesc differ, or are not of floats");
    if ((size_t)x->width != shape->input || (size_t)y->width != y_width(shape))
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "x is %d wide and y %d, the RNN's are %zu and %zu", x->width,
                             y->width, shape->input, y_width(shape));
    if (is_packed(x->layout) == ((rnn->flags & CUDNN_RNN_PADDED_IO_ENABLED) != 0))
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call,
                             "unpacked layouts need CUDNN_RNN_PADDED_IO_ENABLED, the packed one is without it");
    for (int b = 0; b < x->batch; b++)
        if (x->lengths[b] == 0)
            return cudnn_refuse(CUDNN_STATUS_EXECUTION_FAILED, call, "sequence %d is empty", b);
    return CUDNN_STATUS_SUCCESS;
}

/* What the three calls have in common, as they were given it. */
struct rnn_call {
    const char *name;
    enum rnn_pass pass;
    cudnnHandle_t handle;
    cudnnRNNDescriptor_t rnn;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t h, c; /* BackwardWeights has no c */
    size_t weight_bytes, work_bytes, reserve_bytes;
};

static cudnnStatus_t spaces_check(const struct rnn_call *call, const struct rnn_work *given)
{
    const struct rnn_shape *shape = &given->shape;
    const struct {
        const char *name;
        const void *at;
        size_t bytes, least;
    } spaces[] = {
        {"weightSpace", call->pass == PASS_WEIGHTS ? given->gradients : given->weights, call->weight_bytes,
         rnn_weight_bytes(shape)},
        {"workSpace", given->work, call->work_bytes, rnn_work_bytes(shape, call->pass != PASS_INFERENCE)},
        {"reserveSpace", given->reserve, call->reserve_bytes, reserve_bytes(shape)},
    };
    for (size_t i = 0; i < (call->pass == PASS_INFERENCE ? 2 : 3); i++)
        if (!spaces[i].at || spaces[i].bytes < spaces[i].least)
            return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call->name, "%s has %zu bytes and needs %zu", spaces[i].name,
                                 spaces[i].at ? spaces[i].bytes : 0, spaces[i].least);
    return CUDNN_STATUS_SUCCESS;
}

/* What each call is counted as, by pass and math. */
static const char *count_name(enum rnn_pass pass, cudnnMathType_t math)
{
#define BY_MATH(call)                                                                                            \
    {                                                                                                            \
        call " CUDNN_DEFAULT_MATH", call " CUDNN_TENSOR_OP_MATH", call " CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION", \
            call " CUDNN_FMA_MATH"                                                                               \
    }
    static const char *const names[][4] = {BY_MATH("cudnnRNNForward"), BY_MATH("cudnnRNNForward"),
                                           BY_MATH("cudnnRNNBackwardData_v8"), BY_MATH("cudnnRNNBackwardWeights_v8")};
#undef BY_MATH
    return names[pass][math];
}

/* Checks a call and enqueues it. given: its addresses. */
static cudnnStatus_t rnn_enqueue(const struct rnn_call *call, struct rnn_work given)
{
    cudnnStatus_t status = cudnn_handle_check(call->name, call->handle);
    if (status || (status = cudnn_object_check(call->name, cudnn_data_kind, call->x)) ||
        (status = cudnn_object_check(call->name, cudnn_data_kind, call->y)) ||
        (status = rnn_shape_init(&given.shape, call->name, call->rnn)) ||
        cudnn_fails(call->name, CUDNN_STATUS_EXECUTION_FAILED, &status) ||
        (status = data_check(call->name, call->rnn, &given.shape, call->x, call->y)))
        return status;
    given.shape.steps = (size_t)call->x->steps;
    given.shape.batch = (size_t)call->x->batch;
    if ((status = states_check(call->name, "hDesc", call->h, &given.shape)) ||
        (!given.shape.gru && call->pass != PASS_WEIGHTS &&
         (status = states_check(call->name, "cDesc", call->c, &given.shape))) ||
        (status = spaces_check(call, &given)))
        return status;
    given.call = call->name;
    given.count_as = count_name(call->pass, call->rnn->math);
    given.pass = call->pass;
    given.layout = call->x->layout;
    given.fill = call->y->fills ? call->y->fill : NAN;
    if (given.shape.gru)
        given.initial.c = given.final.c = given.d_initial.c = given.d_final.c = NULL;
    size_t lengths_bytes = given.shape.batch * sizeof(int);
    struct rnn_work *work = malloc(sizeof *work + lengths_bytes);
    if (!work)
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    *work = given;
    memcpy(work->lengths, call->x->lengths, lengths_bytes);
    bool valid = operands_are_valid(work);
    if (valid)
        emu_enqueue(call->handle->stream, work_run, work, sizeof *work + lengths_bytes);
    free(work);
    return valid ? CUDNN_STATUS_SUCCESS
                 : cudnn_refuse(CUDNN_STATUS_EXECUTION_FAILED, call->name, "an operand is not where it may be");
}

static cudnnStatus_t missing(const char *call, const char *name)
{
    return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "%s is NULL", name);
}

/* Operands are only looked at; the structs have no const. */
static float *floats(const void *at)
{
    return (float *)(uintptr_t)at;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t x, size_t *work, size_t *reserve)
{
    static const char call[] = "cudnnGetRNNTempSpaceSizes";
    struct rnn_shape shape;
    cudnnStatus_t status = cudnn_handle_check(call, handle);
    if (status || (status = cudnn_object_check(call, cudnn_data_kind, x)) ||
        (status = rnn_shape_init(&shape, call, rnn)) || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (x->batch == 0)
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "the data descriptor was not set");
    shape.steps = (size_t)x->steps;
    shape.batch = (size_t)x->batch;
    if (work)
        *work = rnn_work_bytes(&shape, mode == CUDNN_FWD_MODE_TRAINING);
    if (reserve)
        *reserve = mode == CUDNN_FWD_MODE_TRAINING ? reserve_bytes(&shape) : 0;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void *x,
                              cudnnRNNDataDescriptor_t y_data, void *y, cudnnTensorDescriptor_t h, const void *hx,
                              void *hy, cudnnTensorDescriptor_t c, const void *cx, void *cy, size_t weight_bytes,
                              const void *weights, size_t work_bytes, void *work, size_t reserve_size, void *reserve)
{
    bool training = mode == CUDNN_FWD_MODE_TRAINING;
    struct rnn_call call = {"cudnnRNNForward",
                            training ? PASS_TRAINING : PASS_INFERENCE,
                            handle,
                            rnn,
                            x_data,
                            y_data,
                            h,
                            c,
                            weight_bytes,
                            work_bytes,
                            reserve_size};
    if (handle && (!x || !y))
        return missing(call.name, "x or y");
    return rnn_enqueue(&call, (struct rnn_work){.device_lengths = lengths,
                                                .x = floats(x),
                                                .y = y,
                                                .initial = {floats(hx), floats(cx)},
                                                .final = {hy, cy},
                                                .weights = floats(weights),
                                                .work = work,
                                                .reserve = training ? reserve : NULL});
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t lengths[],
                                      cudnnRNNDataDescriptor_t y_data, const void *y, const void *dy,
                                      cudnnRNNDataDescriptor_t x_data, void *dx, cudnnTensorDescriptor_t h,
                                      const void *hx, const void *dhy, void *dhx, cudnnTensorDescriptor_t c,
                                      const void *cx, const void *dcy, void *dcx, size_t weight_bytes,
                                      const void *weights, size_t work_bytes, void *work, size_t reserve_size,
                                      void *reserve)
{
    struct rnn_call call = {"cudnnRNNBackwardData_v8",
                            PASS_DATA,
                            handle,
                            rnn,
                            x_data,
                            y_data,
                            h,
                            c,
                            weight_bytes,
                            work_bytes,
                            reserve_size};
    if (handle && (!y || !dy || !dx))
        return missing(call.name, "y, dy or dx");
    return rnn_enqueue(&call, (struct rnn_work){.device_lengths = lengths,
                                                .y = floats(y),
                                                .dy = floats(dy),
                                                .dx = dx,
                                                .initial = {floats(hx), floats(cx)},
                                                .d_final = {floats(dhy), floats(dcy)},
                                                .d_initial = {dhx, dcx},
                                                .weights = floats(weights),
                                                .work = work,
                                                .reserve = reserve});
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                                         const int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void *x,
                                         cudnnTensorDescriptor_t h, const void *hx, cudnnRNNDataDescriptor_t y_data,
                                         const void *y, size_t weight_bytes, void *gradients, size_t work_bytes,
                                         void *work, size_t reserve_size, void *reserve)
{
    struct rnn_call call = {"cudnnRNNBackwardWeights_v8",
                            PASS_WEIGHTS,
                            handle,
                            rnn,
                            x_data,
                            y_data,
                            h,
                            NULL,
                            weight_bytes,
                            work_bytes,
                            reserve_size};
    if (handle && mode != CUDNN_WGRAD_MODE_ADD)
        return cudnn_mistake(CUDNN_STATUS_NOT_SUPPORTED, call.name, "gradients are added, CUDNN_WGRAD_MODE_ADD");
    if (handle && (!x || !y))
        return missing(call.name, "x or y");
    return rnn_enqueue(&call, (struct rnn_work){.device_lengths = lengths,
                                                .x = floats(x),
                                                .y = floats(y),
                                                .initial = {floats(hx), NULL},
                                                .gradients = gradients,
                                                .work = work,
                                                .reserve = reserve});
}
