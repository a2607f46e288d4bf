/* lookup.c - rows of a table by their numbers, and the table's gradient, on CUDA (training.h). The host sorts the rows
 * by their ids, which it has; the device adds each id's rows one after the other, in the order and so with the bits of
 * the CPU. */
#include "cuda/training_ops.h"
#include "kernels/lookup_cuda.h"
#include <stdlib.h>
#include <string.h>

ft_status cuda_lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                              size_t width, float *out, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    if (!rows || !width)
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    uint32_t *there = cuda_scratch_upload(cuda, ids, rows * sizeof *ids, error);
    unsigned blocks = (unsigned)((rows + LOOKUP_ROWS - 1) / LOOKUP_ROWS);
    status = there
                 ? cuda_launch(cuda->stream, CUDA_KERNEL(lookup_rows), (dim3){blocks, 1, 1}, (dim3){32, LOOKUP_ROWS, 1},
                               0, CUDA_ARGUMENTS(&table, &there, &rows, &width, &out), "lookup_rows", error)
                 : FT_NOMEM;
    cuda_scratch_end(cuda);
    return status;
}

/* order: [rows], the rows by their ids, each id's ascending; starts: [items + 1], where each id's begin. */
static void sort_rows(const uint32_t *ids, size_t rows, size_t items, uint32_t *order, uint32_t *starts)
{
    memset(starts, 0, (items + 1) * sizeof *starts);
    for (size_t r = 0; r < rows; r++)
        starts[ids[r]]++;
    for (size_t i = 0, before = 0; i <= items; i++) {
        size_t count = starts[i];
        starts[i] = (uint32_t)before;
        before += count;
    }
    for (size_t r = 0; r < rows; r++)
        order[starts[ids[r]]++] = (uint32_t)r;
    memmove(starts + 1, starts, items * sizeof *starts); /* each has moved on to where the next begins */
    starts[0] = 0;
}

/* sorted: starts and order, host. */
static ft_status add_rows(struct cuda_backend *cuda, const uint32_t *sorted, size_t rows, const float *dout,
                          size_t items, size_t width, float *gradient, struct ft_error *error)
{
    enum { THREADS = 128 };
    unsigned threads = width < THREADS ? (unsigned)(width + 31) / 32 * 32 : THREADS;
    uint32_t *starts = cuda_scratch_upload(cuda, sorted, (items + 1 + rows) * sizeof *sorted, error);
    if (!starts)
        return FT_NOMEM;
    uint32_t *order = starts + items + 1;
    return cuda_launch(cuda->stream, CUDA_KERNEL(lookup_sums),
                       (dim3){(unsigned)items, (unsigned)((width + threads - 1) / threads), 1}, (dim3){threads, 1, 1},
                       0, CUDA_ARGUMENTS(&dout, &order, &starts, &width, &gradient), "lookup_sums", error);
}

ft_status cuda_lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                               size_t items, size_t width, float *gradient, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    if (!items || !width)
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    uint32_t *sorted = malloc((items + 1 + rows) * sizeof *sorted);
    if (sorted) {
        sort_rows(ids, rows, items, sorted + items + 1, sorted);
        status = add_rows(cuda, sorted, rows, dout, items, width, gradient, error);
    } else {
        status = ft_nomem(error, "a table in training");
    }
    free(sorted);
    cuda_scratch_end(cuda);
    return status;
}
