/* rnn_case.c - see rnn_case.h. */
#include "rnn_case.h"
#include "library_case.h"
#include "numbers.h"
#include <cuda_runtime_api.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool rnn_case_row(const struct rnn_case *c, size_t step, size_t sequence, size_t *row)
{
    const struct rnn_case_shape *shape = &c->shape;
    if (step >= (size_t)shape->lengths[sequence])
        return false;
    *row = 0;
    switch (shape->layout) {
    case CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED:
        for (size_t t = 0; t <= step; t++)
            for (size_t s = 0; s < (t < step ? shape->batch : sequence); s++)
                *row += (size_t)shape->lengths[s] > t;
        break;
    case CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED: *row = sequence * c->steps + step; break;
    default: *row = step * shape->batch + sequence;
    }
    return true;
}

/* Random where there is a step, NaN where there is padding. */
static float *rows_new(const struct rnn_case *c, size_t width)
{
    float *rows = malloc(c->rows * width * sizeof *rows);
    for (size_t i = 0; i < c->rows * width; i++)
        rows[i] = NAN;
    for (size_t t = 0, row; t < c->steps; t++)
        for (size_t s = 0; s < c->shape.batch; s++)
            if (rnn_case_row(c, t, s, &row))
                random_fill(rows + row * width, width, 1);
    return rows;
}

static bool has_bias(const struct rnn_case *c, bool recurrent)
{
    return c->shape.bias == CUDNN_RNN_DOUBLE_BIAS ||
           c->shape.bias == (recurrent ? CUDNN_RNN_SINGLE_REC_BIAS : CUDNN_RNN_SINGLE_INP_BIAS);
}

void rnn_case_init(struct rnn_case *c, const struct rnn_case_shape *shape)
{
    *c = (struct rnn_case){.shape = *shape};
    for (size_t s = 0; s < shape->batch; s++) {
        size_t length = (size_t)shape->lengths[s];
        c->steps = length > c->steps ? length : c->steps;
        c->rows += length;
    }
    if (shape->layout != CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED)
        c->rows = c->steps * shape->batch;
    c->width = shape->directions * shape->hidden;
    c->states = shape->layers * shape->directions * shape->batch * shape->hidden;
    for (size_t p = 0; p < shape->layers * shape->directions; p++) {
        size_t gates = gate_count(shape->cell) * shape->hidden;
        c->plain[p] = plain_layer_new(shape->cell, p < shape->directions ? shape->in : c->width, shape->hidden);
        if (!has_bias(c, false))
            memset(c->plain[p].b_ih, 0, gates * sizeof(float));
        if (!has_bias(c, true))
            memset(c->plain[p].b_hh, 0, gates * sizeof(float));
    }
    c->x = rows_new(c, shape->in);
    c->dy = rows_new(c, c->width);
    c->hx = shape->initial ? random_floats(c->states, 1) : NULL;
    c->cx = shape->initial ? random_floats(c->states, 1) : NULL;
    c->dhy = shape->final ? random_floats(c->states, 1) : NULL;
    c->dcy = shape->final && shape->cell == CELL_LSTM ? random_floats(c->states, 1) : NULL;
    c->y = calloc(c->rows * c->width, sizeof *c->y);
    c->hy = calloc(c->states, sizeof *c->hy);
    c->cy = calloc(c->states, sizeof *c->cy);
}

void rnn_case_release(struct rnn_case *c)
{
    for (size_t p = 0; p < c->shape.layers * c->shape.directions; p++)
        plain_layer_free(&c->plain[p]);
    void *all[] = {c->x, c->dy, c->hx, c->cx, c->dhy, c->dcy, c->y, c->hy, c->cy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* One direction over one sequence. from: [length, the layer's input]; to: [length, width]. */
static void direction_forward(struct rnn_case *c, size_t pseudo_layer, size_t sequence, const double *from, double *to)
{
    const struct rnn_case_shape *shape = &c->shape;
    const struct plain_layer *plain = &c->plain[pseudo_layer];
    size_t second = pseudo_layer % shape->directions, length = (size_t)shape->lengths[sequence],
           at = (pseudo_layer * shape->batch + sequence) * shape->hidden;
    double *h = c->hy + at, *cell = c->cy + at;
    for (size_t u = 0; u < shape->hidden; u++) {
        h[u] = c->hx ? (double)c->hx[at + u] : 0;
        cell[u] = c->cx ? (double)c->cx[at + u] : 0;
    }
    for (size_t k = 0; k < length; k++) {
        size_t t = second ? length - 1 - k : k;
        plain_step(plain, from + t * plain->in, h, cell);
        memcpy(to + t * c->width + second * shape->hidden, h, shape->hidden * sizeof *h);
    }
}

static void sequence_forward(struct rnn_case *c, size_t sequence)
{
    const struct rnn_case_shape *shape = &c->shape;
    size_t length = (size_t)shape->lengths[sequence], row;
    double *from = calloc(length * (shape->in + c->width), sizeof *from), *to = calloc(length * c->width, sizeof *to);
    for (size_t t = 0; t < length && rnn_case_row(c, t, sequence, &row); t++)
        for (size_t i = 0; i < shape->in; i++)
            from[t * shape->in + i] = (double)c->x[row * shape->in + i];
    for (size_t layer = 0; layer < shape->layers; layer++) {
        for (size_t d = 0; d < shape->directions; d++)
            direction_forward(c, layer * shape->directions + d, sequence, from, to);
        memcpy(from, to, length * c->width * sizeof *from);
    }
    for (size_t t = 0; t < length && rnn_case_row(c, t, sequence, &row); t++)
        memcpy(c->y + row * c->width, to + t * c->width, c->width * sizeof *to);
    free(from);
    free(to);
}

double rnn_case_loss(struct rnn_case *c)
{
    double loss = 0;
    for (size_t s = 0; s < c->shape.batch; s++)
        sequence_forward(c, s);
    for (size_t t = 0, row; t < c->steps; t++)
        for (size_t s = 0; s < c->shape.batch; s++)
            for (size_t u = 0; rnn_case_row(c, t, s, &row) && u < c->width; u++)
                loss += c->y[row * c->width + u] * (double)c->dy[row * c->width + u];
    for (size_t i = 0; i < c->states; i++) {
        loss += c->dhy ? c->hy[i] * (double)c->dhy[i] : 0;
        loss += c->dcy ? c->cy[i] * (double)c->dcy[i] : 0;
    }
    return loss;
}

float *rnn_case_parameter(const struct rnn_case *c, size_t pseudo_layer, enum rnn_tensor tensor, size_t gate)
{
    const struct plain_layer *plain = &c->plain[pseudo_layer];
    size_t hidden = c->shape.hidden;
    return (float *[]){plain->w_ih + gate * hidden * plain->in, plain->w_hh + gate * hidden * hidden,
                       plain->b_ih + gate * hidden, plain->b_hh + gate * hidden}[tensor];
}

float *rnn_run_parameter(const struct rnn_run *run, const float *space, const struct rnn_case *c, size_t pseudo_layer,
                         enum rnn_tensor tensor, size_t gate, size_t *count)
{
    cudnnTensorDescriptor_t matrix, bias;
    cudnnDataType_t type;
    void *matrix_at = NULL, *bias_at = NULL;
    int dimensions = 0, sizes[3] = {0}, strides[3] = {0};
    bool recurrent = tensor == RNN_W_HH || tensor == RNN_B_HH, is_bias = tensor == RNN_B_IH || tensor == RNN_B_HH;
    ck_assert_int_eq(cudnnCreateTensorDescriptor(&matrix), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateTensorDescriptor(&bias), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnGetRNNWeightParams(run->handle, run->rnn, (int)pseudo_layer, run->weight_bytes, space,
                                             (int)(gate + (recurrent ? gate_count(c->shape.cell) : 0)), matrix,
                                             &matrix_at, bias, &bias_at),
                     CUDNN_STATUS_SUCCESS);
    void *at = is_bias ? bias_at : matrix_at;
    *count = 0;
    if (at) {
        ck_assert_int_eq(cudnnGetTensorNdDescriptor(is_bias ? bias : matrix, 3, &type, &dimensions, sizes, strides),
                         CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(dimensions, 3);
        *count = (size_t)sizes[0] * (size_t)sizes[1] * (size_t)sizes[2];
    }
    cudnnDestroyTensorDescriptor(matrix);
    cudnnDestroyTensorDescriptor(bias);
    return at;
}

static void describe(struct rnn_run *run, const struct rnn_case *c, cudnnMathType_t math)
{
    const struct rnn_case_shape *shape = &c->shape;
    float fill = -7;
    int layers = (int)(shape->layers * shape->directions), batch = (int)shape->batch, hidden = (int)shape->hidden,
        sizes[] = {layers, batch, hidden}, strides[] = {batch * hidden, hidden, 1};
    bool padded = shape->layout != CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    ck_assert_int_eq(cudnnCreate(&run->handle), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateDropoutDescriptor(&run->dropout), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnSetDropoutDescriptor(run->dropout, run->handle, 0, NULL, 0, 0), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateRNNDescriptor(&run->rnn), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnSetRNNDescriptor_v8(run->rnn, CUDNN_RNN_ALGO_STANDARD,
                                              shape->cell == CELL_LSTM ? CUDNN_LSTM : CUDNN_GRU, shape->bias,
                                              shape->directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL,
                                              CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT, math,
                                              (int)shape->in, hidden, hidden, (int)shape->layers, run->dropout,
                                              padded ? CUDNN_RNN_PADDED_IO_ENABLED : CUDNN_RNN_PADDED_IO_DISABLED),
                     CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateRNNDataDescriptor(&run->x_data), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnSetRNNDataDescriptor(run->x_data, CUDNN_DATA_FLOAT, shape->layout, (int)c->steps, batch,
                                               (int)shape->in, shape->lengths, NULL),
                     CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateRNNDataDescriptor(&run->y_data), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnSetRNNDataDescriptor(run->y_data, CUDNN_DATA_FLOAT, shape->layout, (int)c->steps, batch,
                                               (int)c->width, shape->lengths, &fill),
                     CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnCreateTensorDescriptor(&run->states), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnSetTensorNdDescriptor(run->states, CUDNN_DATA_FLOAT, 3, sizes, strides),
                     CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnGetRNNWeightSpaceSize(run->handle, run->rnn, &run->weight_bytes), CUDNN_STATUS_SUCCESS);
    ck_assert_int_eq(cudnnGetRNNTempSpaceSizes(run->handle, run->rnn, CUDNN_FWD_MODE_TRAINING, run->x_data,
                                               &run->work_bytes, &run->reserve_bytes),
                     CUDNN_STATUS_SUCCESS);
}

/* Not a number, so that nothing passes that was left as it was. */
static void *unset_new(size_t bytes)
{
    void *at = NULL;
    ck_assert_int_eq(cudaMalloc(&at, bytes), cudaSuccess);
    ck_assert_int_eq(cudaMemset(at, 0xff, bytes), cudaSuccess);
    return at;
}

static float *copy_new(const float *host, size_t count)
{
    return host ? device_copy(host, count * sizeof *host) : NULL;
}

void rnn_run_init(struct rnn_run *run, const struct rnn_case *c, cudnnMathType_t math)
{
    size_t state_bytes = c->states * sizeof(float);
    bool lstm = c->shape.cell == CELL_LSTM;
    *run = (struct rnn_run){0};
    describe(run, c, math);
    run->weights = unset_new(run->weight_bytes);
    run->gradients = unset_new(run->weight_bytes);
    ck_assert_int_eq(cudaMemset(run->gradients, 0, run->weight_bytes), cudaSuccess);
    for (size_t p = 0; p < c->shape.layers * c->shape.directions; p++)
        for (enum rnn_tensor tensor = 0; tensor < RNN_TENSORS; tensor++)
            for (size_t gate = 0; gate < gate_count(c->shape.cell); gate++) {
                size_t count;
                float *at = rnn_run_parameter(run, run->weights, c, p, tensor, gate, &count);
                if (at)
                    ck_assert_int_eq(cudaMemcpy(at, rnn_case_parameter(c, p, tensor, gate), count * sizeof *at,
                                                cudaMemcpyHostToDevice),
                                     cudaSuccess);
            }
    run->x = copy_new(c->x, c->rows * c->shape.in);
    run->dy = copy_new(c->dy, c->rows * c->width);
    run->hx = copy_new(c->hx, c->states);
    run->cx = lstm ? copy_new(c->cx, c->states) : NULL;
    run->dhy = copy_new(c->dhy, c->states);
    run->dcy = copy_new(c->dcy, c->states);
    run->y = unset_new(c->rows * c->width * sizeof(float));
    run->dx = unset_new(c->rows * c->shape.in * sizeof(float));
    run->hy = unset_new(state_bytes);
    run->cy = lstm ? unset_new(state_bytes) : NULL;
    run->dhx = unset_new(state_bytes);
    run->dcx = lstm ? unset_new(state_bytes) : NULL;
    run->work = unset_new(run->work_bytes);
    run->reserve = unset_new(run->reserve_bytes);
}

void rnn_run_release(struct rnn_run *run)
{
    void *all[] = {run->weights, run->gradients, run->x,   run->y,   run->dx,  run->dy,  run->hx,   run->cx,
                   run->hy,      run->cy,        run->dhy, run->dcy, run->dhx, run->dcx, run->work, run->reserve};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_int_eq(cudaFree(all[i]), cudaSuccess);
    cudnnDestroyTensorDescriptor(run->states);
    cudnnDestroyRNNDataDescriptor(run->x_data);
    cudnnDestroyRNNDataDescriptor(run->y_data);
    cudnnDestroyRNNDescriptor(run->rnn);
    cudnnDestroyDropoutDescriptor(run->dropout);
    cudnnDestroy(run->handle);
}

cudnnStatus_t rnn_run_forward(const struct rnn_run *run, bool training)
{
    return cudnnRNNForward(run->handle, run->rnn, training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, NULL,
                           run->x_data, run->x, run->y_data, run->y, run->states, run->hx, run->hy, run->states,
                           run->cx, run->cy, run->weight_bytes, run->weights, run->work_bytes, run->work,
                           training ? run->reserve_bytes : 0, training ? run->reserve : NULL);
}

cudnnStatus_t rnn_run_data(const struct rnn_run *run)
{
    return cudnnRNNBackwardData_v8(run->handle, run->rnn, NULL, run->y_data, run->y, run->dy, run->x_data, run->dx,
                                   run->states, run->hx, run->dhy, run->dhx, run->states, run->cx, run->dcy, run->dcx,
                                   run->weight_bytes, run->weights, run->work_bytes, run->work, run->reserve_bytes,
                                   run->reserve);
}

cudnnStatus_t rnn_run_weights(const struct rnn_run *run)
{
    return cudnnRNNBackwardWeights_v8(run->handle, run->rnn, CUDNN_WGRAD_MODE_ADD, NULL, run->x_data, run->x,
                                      run->states, run->hx, run->y_data, run->y, run->weight_bytes, run->gradients,
                                      run->work_bytes, run->work, run->reserve_bytes, run->reserve);
}
