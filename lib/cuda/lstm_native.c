/* lstm_native.c - LSTM layers in training by cuBLAS and kernels of our own (lstm_training.h): the input's product over
 * all rows at once, a product and a pointwise kernel a step, and in the backward pass one product over all rows for
 * each gradient. Two directions run on two streams; their sum, dx, comes when both are done.
 *
 * The rows of a step that have a step before them come first, and the states before them lie in a row each as they do
 * (training.h), so that cuBLAS reads and writes them where they are. */
#include "cuda/lstm_training.h"
#include "cuda/training_ops.h"
#include "kernels/lstm_train_cuda.h"

enum { THREADS = 128 };

/* A direction on its stream. */
struct way {
    struct lstm_pass *pass;
    cudaStream_t stream;
    cublasHandle_t blas;
    const float *dout;
    float *dh, *dc; /* [sequences, H] */
    float *before;  /* [rows, H], h(t-1) of every row */
};

/* A step's rows: `first` is its first, `running` of them have a step before, whose first row is `from`. */
struct step {
    uint32_t rows, running, last_from;
    size_t first, from;
};

static struct step step_at(const struct packed_batch *batch, bool reverse, size_t t)
{
    struct step step = {.rows = batch->active[t], .first = batch->first[t]};
    uint32_t next = t + 1 < batch->steps ? batch->active[t + 1] : 0;
    if (reverse) {
        step.running = next;
        step.from = next ? batch->first[t + 1] : 0;
        step.last_from = t ? step.rows : 0;
    } else {
        step.running = t ? step.rows : 0;
        step.from = t ? batch->first[t - 1] : 0;
        step.last_from = next;
    }
    return step;
}

static ft_status begin(const struct cuda_lstm *lstm, struct way *ways, struct ft_error *error)
{
    struct cuda_backend *cuda = lstm->cuda;
    ways[0] = (struct way){.pass = lstm->directions, .stream = cuda->stream, .blas = cuda->blas};
    if (lstm->count == 1)
        return FT_OK;
    ft_status status = cuda_fork(cuda, 1, error);
    ways[1] =
        (struct way){.pass = lstm->directions + 1, .stream = cuda->branches[0].stream, .blas = cuda->branches[0].blas};
    return status;
}

/* The branch is joined whatever failed, since it works in memory that is given away next. */
static ft_status end(const struct cuda_lstm *lstm, ft_status status, struct ft_error *error)
{
    struct ft_error later;
    ft_status joined = lstm->count == 1 ? FT_OK : cuda_join(lstm->cuda, status == FT_OK ? error : &later);
    return status == FT_OK ? joined : status;
}

/*   gates += states W_hh^T */
static ft_status add_states(const struct cuda_lstm *lstm, const struct way *way, const float *states, size_t stride,
                            size_t rows, float *gates, struct ft_error *error)
{
    struct cuda_product product = {.m = rows,
                                   .n = 4 * lstm->hidden,
                                   .k = lstm->hidden,
                                   .a = states,
                                   .b = way->pass->weights->w_hh,
                                   .c = gates,
                                   .a_stride = stride,
                                   .b_stride = lstm->hidden,
                                   .c_stride = 4 * lstm->hidden,
                                   .b_transposed = true,
                                   .full = true,
                                   .alpha = 1,
                                   .beta = 1};
    return rows ? cuda_multiply(lstm->cuda, way->blas, &product, error) : FT_OK;
}

static dim3 block_of(size_t hidden)
{
    return (dim3){hidden < THREADS ? (unsigned)(hidden + 31) / 32 * 32 : THREADS, 1, 1};
}

static dim3 grid_of(const struct step *step, size_t hidden)
{
    return (dim3){step->rows, (unsigned)((hidden + THREADS - 1) / THREADS), 1};
}

static ft_status forward_step(const struct cuda_lstm *lstm, const struct way *way, size_t t, struct ft_error *error)
{
    const struct lstm_pass *pass = way->pass;
    struct step step = step_at(lstm->batch, pass->reverse, t);
    size_t hidden = lstm->hidden, stride = pass->out_stride;
    uint32_t units = (uint32_t)hidden;
    const float *before = pass->cells + step.from * hidden, *c0 = pass->c0, *b_ih = pass->weights->b_ih,
                *b_hh = pass->weights->b_hh;
    float *gates = pass->gates + step.first * 4 * hidden, *cells = pass->cells + step.first * hidden,
          *out = pass->out + step.first * stride, *h_last = pass->h_last, *c_last = pass->c_last;
    ft_status status = add_states(lstm, way, pass->out + step.from * stride, stride, step.running, gates, error);
    if (status == FT_OK && pass->h0)
        status = add_states(lstm, way, pass->h0 + step.running * hidden, hidden, step.rows - step.running,
                            gates + step.running * 4 * hidden, error);
    if (status != FT_OK)
        return status;
    return cuda_launch(way->stream, CUDA_KERNEL(lstm_train_forward), grid_of(&step, hidden), block_of(hidden), 0,
                       CUDA_ARGUMENTS(&gates, &b_ih, &b_hh, &before, &c0, &cells, &out, &stride, &h_last, &c_last,
                                      &step.running, &step.last_from, &units),
                       "lstm_train_forward", error);
}

ft_status cuda_lstm_native_forward(const struct cuda_lstm *lstm, struct ft_error *error)
{
    struct way ways[CUDA_LSTM_DIRECTIONS];
    size_t steps = lstm->batch->steps;
    ft_status status = begin(lstm, ways, error);
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++) {
        struct cuda_product product = {.m = lstm->batch->rows,
                                       .n = 4 * lstm->hidden,
                                       .k = lstm->in,
                                       .a = lstm->x,
                                       .b = ways[d].pass->weights->w_ih,
                                       .c = ways[d].pass->gates,
                                       .a_stride = lstm->in,
                                       .b_stride = lstm->in,
                                       .c_stride = 4 * lstm->hidden,
                                       .b_transposed = true,
                                       .full = true,
                                       .alpha = 1};
        status = cuda_multiply(lstm->cuda, ways[d].blas, &product, error);
    }
    /* the directions take turns, so that neither stream waits for the host to be done with the other */
    for (size_t k = 0; k < steps; k++)
        for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
            status = forward_step(lstm, &ways[d], ways[d].pass->reverse ? steps - 1 - k : k, error);
    return end(lstm, status, error);
}

static ft_status backward_step(const struct cuda_lstm *lstm, const struct way *way, size_t t, struct ft_error *error)
{
    const struct lstm_pass *pass = way->pass;
    struct step step = step_at(lstm->batch, pass->reverse, t);
    size_t hidden = lstm->hidden, stride = pass->out_stride;
    uint32_t units = (uint32_t)hidden;
    const float *cells = pass->cells + step.first * hidden, *cells_before = pass->cells + step.from * hidden,
                *c0 = pass->c0, *h_before = pass->out + step.from * stride, *h0 = pass->h0,
                *dout = way->dout + step.first * stride, *dh = way->dh;
    float *gates = pass->gates + step.first * 4 * hidden, *before = way->before + step.first * hidden, *dc = way->dc;
    ft_status status =
        cuda_launch(way->stream, CUDA_KERNEL(lstm_train_backward), grid_of(&step, hidden), block_of(hidden), 0,
                    CUDA_ARGUMENTS(&gates, &cells, &cells_before, &c0, &h_before, &h0, &before, &dout, &stride, &dh,
                                   &dc, &step.running, &units),
                    "lstm_train_backward", error);
    if (status != FT_OK || !step.running)
        return status;
    /*   dh(t-1) = dgates W_hh */
    struct cuda_product product = {.m = step.running,
                                   .n = hidden,
                                   .k = 4 * hidden,
                                   .a = gates,
                                   .b = pass->weights->w_hh,
                                   .c = way->dh,
                                   .a_stride = 4 * hidden,
                                   .b_stride = hidden,
                                   .c_stride = hidden,
                                   .full = true,
                                   .alpha = 1};
    return cuda_multiply(lstm->cuda, way->blas, &product, error);
}

/*   dW = dgates^T [rows of x, or of h(t-1)] */
static ft_status weight_gradient(const struct cuda_lstm *lstm, const struct way *way, const float *rows, size_t width,
                                 float *gradient, struct ft_error *error)
{
    struct cuda_product product = {.m = 4 * lstm->hidden,
                                   .n = width,
                                   .k = lstm->batch->rows,
                                   .a = way->pass->gates,
                                   .b = rows,
                                   .c = gradient,
                                   .a_stride = 4 * lstm->hidden,
                                   .b_stride = width,
                                   .c_stride = width,
                                   .a_transposed = true,
                                   .full = true,
                                   .alpha = 1};
    return cuda_multiply(lstm->cuda, way->blas, &product, error);
}

static ft_status weight_gradients(const struct cuda_lstm *lstm, const struct way *way, struct lstm_weights *gradients,
                                  struct ft_error *error)
{
    ft_status status = weight_gradient(lstm, way, lstm->x, lstm->in, gradients->w_ih, error);
    if (status == FT_OK)
        status = weight_gradient(lstm, way, way->before, lstm->hidden, gradients->w_hh, error);
    if (status == FT_OK)
        status = cuda_column_sums(way->stream, way->pass->gates, lstm->batch->rows, 4 * lstm->hidden, gradients->b_ih,
                                  gradients->b_hh, error);
    return status;
}

/*   dx = the directions' sum of dgates W_ih */
static ft_status input_gradient(const struct cuda_lstm *lstm, float *dx, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++) {
        struct cuda_product product = {.m = lstm->batch->rows,
                                       .n = lstm->in,
                                       .k = 4 * lstm->hidden,
                                       .a = lstm->directions[d].gates,
                                       .b = lstm->directions[d].weights->w_ih,
                                       .c = dx,
                                       .a_stride = 4 * lstm->hidden,
                                       .b_stride = lstm->in,
                                       .c_stride = lstm->in,
                                       .full = true,
                                       .alpha = 1,
                                       .beta = d ? 1 : 0};
        status = cuda_multiply(lstm->cuda, lstm->cuda->blas, &product, error);
    }
    return status;
}

/* Scratch of a direction; zero is what steps after the last one give. */
static ft_status take_scratch(const struct cuda_lstm *lstm, struct way *way, const float *dout, struct ft_error *error)
{
    size_t bytes = lstm->batch->sequences * lstm->hidden * sizeof(float);
    way->dout = dout + (way->pass->out - lstm->directions[0].out);
    way->before = cuda_scratch_take(lstm->cuda, lstm->batch->rows * lstm->hidden * sizeof(float));
    way->dh = cuda_scratch_take(lstm->cuda, bytes);
    way->dc = cuda_scratch_take(lstm->cuda, bytes);
    if (!way->before || !way->dh || !way->dc)
        return cuda_nomem(lstm->cuda, "a recurrent layer in training", error);
    ft_status status = cuda_check(cudaMemsetAsync(way->dh, 0, bytes, way->stream), "clearing gradients", error);
    return status == FT_OK ? cuda_check(cudaMemsetAsync(way->dc, 0, bytes, way->stream), "clearing gradients", error)
                           : status;
}

ft_status cuda_lstm_native_backward(const struct cuda_lstm *lstm, const float *dout, float *dx,
                                    struct lstm_weights *gradients, struct ft_error *error)
{
    struct way ways[CUDA_LSTM_DIRECTIONS];
    size_t steps = lstm->batch->steps;
    ft_status status = begin(lstm, ways, error);
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
        status = take_scratch(lstm, &ways[d], dout, error);
    for (size_t k = 0; k < steps; k++)
        for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
            status = backward_step(lstm, &ways[d], ways[d].pass->reverse ? k : steps - 1 - k, error);
    for (size_t d = 0; status == FT_OK && d < lstm->count; d++)
        status = weight_gradients(lstm, &ways[d], &gradients[d], error);
    status = end(lstm, status, error);
    return status == FT_OK && dx ? input_gradient(lstm, dx, error) : status;
}
