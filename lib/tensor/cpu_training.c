/* cpu_training.c - the CPU's training operations (training.h): their threads and memory, and linear layers. */
#include "tensor/cpu.h"
#include "base/memory.h"
#include "kernels/denormals.h"
#include "kernels/transpose.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void begin_thread(void)
{
    denormals_flush();
    gemm_thread_begin();
}

struct cpu_training *cpu_training_begin(struct backend *backend)
{
    struct cpu_backend *cpu = (struct cpu_backend *)backend;
    if (!cpu->training) {
        struct cpu_training *training = calloc(1, sizeof *training);
        if (training && gemm_prepare() == FT_OK)
            training->pool = pool_new(cpu->threads, begin_thread);
        if (training && !training->pool) {
            free(training);
            return NULL;
        }
        cpu->training = training;
    }
    if (cpu->training) {
        cpu->training->denormals = denormals_flush();
        cpu->training->library_threads = gemm_thread_begin();
    }
    return cpu->training;
}

void cpu_training_end(const struct cpu_training *training)
{
    denormals_restore(training->denormals);
    gemm_thread_end(training->library_threads);
}

void cpu_training_free(struct cpu_training *training)
{
    if (!training)
        return;
    pool_free(training->pool);
    free(training->scratch);
    free(training->turned);
    free(training);
}

static void *grow(void **block, size_t *held, size_t bytes)
{
    if (bytes > *held) {
        free(*block);
        bytes += bytes / 4; /* batches differ a little */
        *block = memory_new(bytes);
        *held = *block ? bytes : 0;
    }
    return *block;
}

void *cpu_training_scratch(struct cpu_training *training, size_t bytes)
{
    return grow(&training->scratch, &training->scratch_bytes, bytes);
}

struct gemms_job {
    const struct gemm *gemms;
    size_t count;
    _Atomic ft_status status;
};

static void gemms_work(void *argument, size_t item)
{
    struct gemms_job *job = argument;
    const struct gemm *gemm = job->gemms;
    size_t tiles;
    while (item >= (tiles = gemm_tiles(gemm))) {
        item -= tiles;
        gemm++;
    }
    ft_status status = gemm_tile(gemm, item);
    if (status != FT_OK)
        job->status = status;
}

ft_status cpu_gemms(struct cpu_training *training, const struct gemm *gemms, size_t count)
{
    struct gemms_job job = {gemms, count, FT_OK};
    size_t tiles = 0;
    for (size_t i = 0; i < count; i++)
        tiles += gemm_tiles(&gemms[i]);
    pool_run(training->pool, tiles, gemms_work, &job);
    return job.status;
}

/* Transposing x pays from so many outputs on, and transposing what comes out from so many inputs on (some 1 ns an
 * element, against 1 to 2 ns of 10 that the product itself takes less). TURN_ROWS: of x, a piece of work. */
enum { TURN_OUTPUTS = 64, TURN_INPUTS = 640, TURN_ROWS = 64 };

struct turn_job {
    const float *x;
    size_t rows, columns;
    float *to;
};

static void turn_work(void *argument, size_t item)
{
    const struct turn_job *job = argument;
    size_t first = item * TURN_ROWS, left = job->rows - first;
    transpose(job->x + first * job->columns, job->columns, left < TURN_ROWS ? left : TURN_ROWS, job->columns,
              job->to + first, job->rows);
}

ft_status cpu_layer_products(struct cpu_training *training, const float *x, size_t rows, size_t in,
                             const struct cpu_layer *layers, size_t count, struct gemm *products)
{
    size_t columns = 0;
    for (size_t i = 0; i < count; i++)
        columns += layers[i].out;
    bool turned = columns >= TURN_OUTPUTS && in >= TURN_INPUTS;
    if (turned) {
        struct turn_job job = {x, rows, in, grow(&training->turned, &training->turned_bytes, rows * in * sizeof *x)};
        if (!job.to)
            return FT_NOMEM;
        pool_run(training->pool, (rows + TURN_ROWS - 1) / TURN_ROWS, turn_work, &job);
        x = job.to;
    }
    for (size_t i = 0; i < count; i++)
        products[i] = (struct gemm){.rows = rows,
                                    .columns = layers[i].out,
                                    .c = layers[i].y,
                                    .c_stride = layers[i].out,
                                    .start = {layers[i].first, layers[i].second},
                                    .terms = 1,
                                    .term = {{.a = x,
                                              .a_stride = turned ? rows : in,
                                              .a_transposed = turned,
                                              .b = layers[i].w,
                                              .b_stride = in,
                                              .b_transposed = true,
                                              .inner = in}}};
    return FT_OK;
}

struct sums_job {
    const float *x;
    size_t rows, columns;
    float *sums;
};

static void sums_work(void *argument, size_t item)
{
    const struct sums_job *job = argument;
    size_t first = item * COLUMN_SUMS, left = job->columns - first;
    column_sums(job->x + first, job->columns, job->rows, left < COLUMN_SUMS ? left : COLUMN_SUMS, job->sums + first);
}

void cpu_column_sums(struct cpu_training *training, const float *x, size_t rows, size_t columns, float *sums)
{
    struct sums_job job = {x, rows, columns, sums};
    pool_run(training->pool, (columns + COLUMN_SUMS - 1) / COLUMN_SUMS, sums_work, &job);
}

static ft_status linear_layer_forward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                      const float *x, float *y, struct ft_error *error)
{
    struct cpu_training *training = cpu_training_begin(backend);
    struct cpu_layer how = {.w = layer->w, .out = layer->out, .first = layer->b, .y = y};
    struct gemm product;
    ft_status status = FT_NOMEM;
    if (training) {
        status = cpu_layer_products(training, x, rows, layer->in, &how, 1, &product);
        if (status == FT_OK)
            status = cpu_gemms(training, &product, 1);
        cpu_training_end(training);
    }
    return status == FT_OK ? FT_OK : ft_nomem(error, "a linear layer in training");
}

/*   dW = dy^T x;   db = sum of dy's rows;   dx = dy W */
static ft_status linear_layer_backward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                       const float *x, const float *dy, float *dx, struct linear_weights *gradients,
                                       struct ft_error *error)
{
    struct gemm products[2] = {
        {.rows = layer->out,
         .columns = layer->in,
         .c = gradients->w,
         .c_stride = layer->in,
         .terms = 1,
         .term =
             {{.a = dy, .a_stride = layer->out, .a_transposed = true, .b = x, .b_stride = layer->in, .inner = rows}}},
        {.rows = rows,
         .columns = layer->in,
         .c = dx,
         .c_stride = layer->in,
         .terms = 1,
         .term = {{.a = dy, .a_stride = layer->out, .b = layer->w, .b_stride = layer->in, .inner = layer->out}}}};
    struct cpu_training *training = cpu_training_begin(backend);
    ft_status status = FT_NOMEM;
    if (training) {
        status = cpu_gemms(training, products, dx ? 2 : 1);
        cpu_column_sums(training, dy, rows, layer->out, gradients->b);
        cpu_training_end(training);
    }
    return status == FT_OK ? FT_OK : ft_nomem(error, "a linear layer in training");
}

const struct training_ops cpu_training_ops = {
    .linear_forward = linear_layer_forward,
    .linear_backward = linear_layer_backward,
    .lstm_forward = cpu_lstm_forward,
    .lstm_backward = cpu_lstm_backward,
    .lookup_forward = cpu_lookup_forward,
    .lookup_backward = cpu_lookup_backward,
    .dropout = cpu_dropout,
    .crf_loss = cpu_crf_loss,
    .softmax_loss = cpu_softmax_loss,
    .squares = cpu_squares,
    .sgd = cpu_sgd,
    .adam = cpu_adam,
};
