/* cpu_training.c - the CPU's training operations (training.h): their threads and memory, and linear layers. */
#include "tensor/cpu.h"
#include "base/memory.h"
#include "kernels/denormals.h"
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
    free(training);
}

void *cpu_training_scratch(struct cpu_training *training, size_t bytes)
{
    if (bytes > training->scratch_bytes) {
        free(training->scratch);
        bytes += bytes / 4; /* batches differ a little */
        training->scratch = memory_new(bytes);
        training->scratch_bytes = training->scratch ? bytes : 0;
    }
    return training->scratch;
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

static float *new_floats(struct backend *backend, size_t count)
{
    (void)backend;
    if (count > SIZE_MAX / sizeof(float))
        return NULL;
    float *floats = memory_new(count * sizeof *floats);
    if (floats)
        memset(floats, 0, count * sizeof *floats);
    return floats;
}

static void free_floats(struct backend *backend, float *floats)
{
    (void)backend;
    free(floats);
}

static ft_status move(struct backend *backend, float *to, const float *from, size_t count, struct ft_error *error)
{
    (void)backend;
    (void)error;
    memcpy(to, from, count * sizeof *to);
    return FT_OK;
}

static ft_status run_products(struct backend *backend, const struct gemm *gemms, size_t count, const float *dy,
                              const struct linear_weights *gradients, size_t rows, struct ft_error *error)
{
    struct cpu_training *training = cpu_training_begin(backend);
    if (!training)
        return ft_nomem(error, "a linear layer in training");
    ft_status status = cpu_gemms(training, gemms, count);
    if (gradients)
        cpu_column_sums(training, dy, rows, gradients->out, gradients->b);
    cpu_training_end(training);
    return status == FT_OK ? FT_OK : ft_nomem(error, "a linear layer in training");
}

static ft_status linear_layer_forward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                      const float *x, float *y, struct ft_error *error)
{
    struct gemm product = {.rows = rows,
                           .columns = layer->out,
                           .c = y,
                           .c_stride = layer->out,
                           .start = {layer->b},
                           .terms = 1,
                           .term = {{.a = x,
                                     .a_stride = layer->in,
                                     .b = layer->w,
                                     .b_stride = layer->in,
                                     .b_transposed = true,
                                     .inner = layer->in}}};
    return run_products(backend, &product, 1, NULL, NULL, rows, error);
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
    return run_products(backend, products, dx ? 2 : 1, dy, gradients, rows, error);
}

const struct training_ops cpu_training_ops = {
    .new_floats = new_floats,
    .free_floats = free_floats,
    .upload = move,
    .download = move,
    .linear_forward = linear_layer_forward,
    .linear_backward = linear_layer_backward,
    .lstm_forward = cpu_lstm_forward,
    .lstm_backward = cpu_lstm_backward,
    .dropout = cpu_dropout,
    .crf_loss = cpu_crf_loss,
    .softmax_loss = cpu_softmax_loss,
    .squares = cpu_squares,
    .sgd = cpu_sgd,
    .adam = cpu_adam,
};
