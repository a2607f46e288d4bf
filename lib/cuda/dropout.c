/* dropout.c - dropout on CUDA (training.h), with the masks of kernels/dropout.h. */
#include "base/philox.h"
#include "cuda/training_ops.h"
#include "kernels/dropout_cuda.h"
#include <math.h>

static struct dropout_kind kind_of(enum philox_use use, uint32_t site, float p)
{
    if (!(p > 0))
        return (struct dropout_kind){0};
    return (struct dropout_kind){
        .stream = philox_stream(use, site), .threshold = (uint32_t)ceilf(p * 0x1p24f), .kept = 1.0f / (1.0f - p)};
}

/* Threads for a row: a warp takes 128 columns at a time. */
static unsigned threads_for(size_t width)
{
    size_t warps = (width + 127) / 128;
    return warps < DROPOUT_THREADS / 32 ? (unsigned)warps * 32 : DROPOUT_THREADS;
}

ft_status cuda_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                       size_t width, float *x, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    struct dropout_kind word = kind_of(PHILOX_WORD_DROPOUT, dropout->site, dropout->word);
    struct dropout_kind locked = kind_of(PHILOX_LOCKED_DROPOUT, dropout->site, dropout->locked);
    struct dropout_kind plain = kind_of(PHILOX_PLAIN_DROPOUT, dropout->site, dropout->plain);
    uint64_t seed = dropout->seed;
    uint32_t step = (uint32_t)dropout->step;
    if (!batch->rows || !width || !(word.threshold || locked.threshold || plain.threshold))
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    void *sequence = cuda_scratch_upload(cuda, batch->sequence, batch->rows * sizeof *batch->sequence, error), *element;
    if (sequence && (element = cuda_scratch_upload(cuda, batch->step, batch->rows * sizeof *batch->step, error)))
        status = cuda_launch(cuda->stream, CUDA_KERNEL(drop_rows), (dim3){(unsigned)batch->rows, 1, 1},
                             (dim3){threads_for(width), 1, 1}, 0,
                             CUDA_ARGUMENTS(&sequence, &element, &seed, &step, &word, &locked, &plain, &width, &x),
                             "dropping values", error);
    else
        status = FT_NOMEM;
    cuda_scratch_end(cuda);
    return status;
}
