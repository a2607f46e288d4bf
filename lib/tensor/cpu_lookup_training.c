/* cpu_lookup_training.c - rows of a table by their numbers, and the table's gradient (training.h): what the characters
 * of a language model begin with.
 *
 * The forward pass is cut by rows, the backward one by columns: every element of the gradient is one sum in ascending
 * order of rows, whoever adds it up. */
#include "tensor/cpu.h"
#include <string.h>

enum {
    ROWS = 256,  /* a piece of the forward pass */
    COLUMNS = 32 /* a piece of the backward pass: two lines of the cache */
};

struct lookup_job {
    const float *table, *dout;
    const uint32_t *ids;
    size_t rows, width, items;
    float *out, *gradient;
};

static void copy_rows(void *argument, size_t piece)
{
    const struct lookup_job *job = argument;
    for (size_t r = piece * ROWS; r < job->rows && r < (piece + 1) * ROWS; r++)
        memcpy(job->out + r * job->width, job->table + job->ids[r] * job->width, job->width * sizeof *job->out);
}

static void add_columns(void *argument, size_t piece)
{
    const struct lookup_job *job = argument;
    size_t width = job->width, first = piece * COLUMNS, left = width - first;
    size_t count = left < COLUMNS ? left : COLUMNS;
    for (size_t i = 0; i < job->items; i++)
        memset(job->gradient + i * width + first, 0, count * sizeof *job->gradient);
    for (size_t r = 0; r < job->rows; r++) {
        const float *from = job->dout + r * width + first;
        float *to = job->gradient + job->ids[r] * width + first;
        for (size_t k = 0; k < count; k++)
            to[k] += from[k];
    }
}

static ft_status run(struct backend *backend, struct lookup_job *job, size_t pieces, void (*work)(void *, size_t),
                     struct ft_error *error)
{
    struct cpu_training *training = cpu_training_begin(backend);
    if (!training)
        return ft_nomem(error, "a table in training");
    pool_run(training->pool, pieces, work, job);
    cpu_training_end(training);
    return FT_OK;
}

ft_status cpu_lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                             size_t width, float *out, struct ft_error *error)
{
    struct lookup_job job = {.table = table, .ids = ids, .rows = rows, .width = width, .out = out};
    return run(backend, &job, (rows + ROWS - 1) / ROWS, copy_rows, error);
}

ft_status cpu_lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                              size_t items, size_t width, float *gradient, struct ft_error *error)
{
    struct lookup_job job = {
        .dout = dout, .ids = ids, .rows = rows, .width = width, .items = items, .gradient = gradient};
    return run(backend, &job, (width + COLUMNS - 1) / COLUMNS, add_columns, error);
}
