/* optimizer.c - the optimizers' steps and the norm that clipping needs, on CUDA (training.h). */
#include "kernels/optimizer.h"
#include "cuda/training_ops.h"
#include "kernels/optimizer_cuda.h"
#include "kernels/reduce_cuda.h"

/* Blocks that share a sum: enough to keep any device's memory busy, and a number that depends on the count alone. */
enum { MOST_BLOCKS = 1024 };

static size_t blocks_for(size_t count, size_t threads)
{
    return count / threads + (count % threads != 0);
}

static ft_status add_up(struct cuda_backend *cuda, const float *x, size_t count, double *sum, struct ft_error *error)
{
    size_t blocks = blocks_for(count, REDUCE_THREADS);
    if (blocks > MOST_BLOCKS)
        blocks = MOST_BLOCKS;
    double *sums = cuda_scratch_take(cuda, (blocks + 1) * sizeof *sums), *whole = sums + blocks;
    const size_t all[2] = {0, blocks};
    if (!sums)
        return cuda_nomem(cuda, "the norm of the gradients", error);
    void *pair = cuda_scratch_upload(cuda, all, sizeof all, error);
    if (!pair)
        return FT_NOMEM;
    ft_status status =
        cuda_launch(cuda->stream, CUDA_KERNEL(add_squares), (dim3){(unsigned)blocks, 1, 1},
                    (dim3){REDUCE_THREADS, 1, 1}, 0, CUDA_ARGUMENTS(&x, &count, &sums), "adding squares", error);
    if (status == FT_OK)
        status = cuda_launch(cuda->stream, CUDA_KERNEL(add_sentences), (dim3){1, 1, 1}, (dim3){REDUCE_THREADS, 1, 1}, 0,
                             CUDA_ARGUMENTS(&sums, &pair, &whole), "adding squares", error);
    return status == FT_OK ? cuda_download(cuda, sum, whole, sizeof *sum, error) : status;
}

ft_status cuda_squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    *sum = 0;
    if (!count)
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status = add_up(cuda, x, count, sum, error);
    cuda_scratch_end(cuda);
    return status;
}

static ft_status launch(struct cuda_backend *cuda, const void *kernel, size_t count, void **arguments,
                        struct ft_error *error)
{
    if (!count)
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error); /* which makes the device the current one */
    if (status != FT_OK)
        return status;
    dim3 grid = {(unsigned)blocks_for(count, OPTIMIZER_THREADS), 1, 1};
    status = cuda_launch(cuda->stream, kernel, grid, (dim3){OPTIMIZER_THREADS, 1, 1}, 0, arguments, "changing weights",
                         error);
    cuda_scratch_end(cuda);
    return status;
}

ft_status cuda_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity, float rate,
                   float scale, float momentum, float decay, struct ft_error *error)
{
    return launch((struct cuda_backend *)backend, CUDA_KERNEL(sgd_weights), count,
                  CUDA_ARGUMENTS(&count, &w, &gradient, &velocity, &rate, &scale, &momentum, &decay), error);
}

ft_status cuda_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean,
                    float *variance, float scale, const struct adam *how, struct ft_error *error)
{
    struct adam_step step;
    adam_step_init(&step, how, scale);
    return launch((struct cuda_backend *)backend, CUDA_KERNEL(adam_weights), count,
                  CUDA_ARGUMENTS(&count, &w, &gradient, &mean, &variance, &step.scale, &step.decay, &step.toward,
                                 &step.beta2, &step.rest2, &step.keep, &step.size, &step.root, &step.epsilon),
                  error);
}
