/* linear_training.c - linear layers in training on CUDA (training.h): cuBLAS, and a kernel for the bias's gradient. */
#include "cuda/training_ops.h"
#include "kernels/linear_train_cuda.h"

static ft_status forward(struct cuda_backend *cuda, const struct linear_weights *layer, size_t rows, const float *x,
                         float *y, struct ft_error *error)
{
    struct cuda_product product = {.m = rows,
                                   .n = layer->out,
                                   .k = layer->in,
                                   .a = x,
                                   .b = layer->w,
                                   .c = y,
                                   .a_stride = layer->in,
                                   .b_stride = layer->in,
                                   .c_stride = layer->out,
                                   .b_transposed = true,
                                   .full = true,
                                   .alpha = 1,
                                   .beta = 1};
    ft_status status = cuda_repeat_row(cuda->stream, layer->b, rows, layer->out, y, layer->out, error);
    return status == FT_OK ? cuda_multiply(cuda, cuda->blas, &product, error) : status;
}

ft_status cuda_linear_forward(struct backend *backend, const struct linear_weights *layer, size_t rows, const float *x,
                              float *y, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    if (rows)
        status = forward(cuda, layer, rows, x, y, error);
    cuda_scratch_end(cuda);
    return status;
}

ft_status cuda_column_sums(cudaStream_t stream, const float *x, size_t rows, size_t columns, float *sums, float *again,
                           struct ft_error *error)
{
    return cuda_launch(stream, CUDA_KERNEL(linear_train_sums), (dim3){(unsigned)((columns + 31) / 32), 1, 1},
                       (dim3){32, LINEAR_TRAIN_ROWS, 1}, 0, CUDA_ARGUMENTS(&x, &rows, &columns, &sums, &again),
                       "linear_train_sums", error);
}

ft_status cuda_clear(struct cuda_backend *cuda, float *floats, size_t count, struct ft_error *error)
{
    return cuda_check(cudaMemsetAsync(floats, 0, count * sizeof *floats, cuda->stream), "clearing the device's memory",
                      error);
}

/*   dW = dy^T x;   db = sum of dy's rows;   dx = dy W */
static ft_status backward(struct cuda_backend *cuda, const struct linear_weights *layer, size_t rows, const float *x,
                          const float *dy, float *dx, struct linear_weights *gradients, struct ft_error *error)
{
    size_t in = layer->in, out = layer->out;
    struct cuda_product dw = {.m = out,
                              .n = in,
                              .k = rows,
                              .a = dy,
                              .b = x,
                              .c = gradients->w,
                              .a_stride = out,
                              .b_stride = in,
                              .c_stride = in,
                              .a_transposed = true,
                              .full = true,
                              .alpha = 1};
    struct cuda_product through = {.m = rows,
                                   .n = in,
                                   .k = out,
                                   .a = dy,
                                   .b = layer->w,
                                   .c = dx,
                                   .a_stride = out,
                                   .b_stride = in,
                                   .c_stride = in,
                                   .full = true,
                                   .alpha = 1};
    ft_status status = cuda_multiply(cuda, cuda->blas, &dw, error);
    if (status == FT_OK)
        status = cuda_column_sums(cuda->stream, dy, rows, out, gradients->b, NULL, error);
    return status == FT_OK && dx ? cuda_multiply(cuda, cuda->blas, &through, error) : status;
}

ft_status cuda_linear_backward(struct backend *backend, const struct linear_weights *layer, size_t rows, const float *x,
                               const float *dy, float *dx, struct linear_weights *gradients, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    if (rows)
        status = backward(cuda, layer, rows, x, dy, dx, gradients, error);
    else if ((status = cuda_clear(cuda, gradients->w, layer->in * layer->out, error)) == FT_OK)
        status = cuda_clear(cuda, gradients->b, layer->out, error);
    cuda_scratch_end(cuda);
    return status;
}
