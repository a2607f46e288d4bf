/* linear.c - y = x W^T + b: rows begin as the bias, and the product of each piece of the input with its columns of W is
 * added to them. */
#include "kernels/linear_cuda.h"
#include "cuda/cuda.h"

static dim3 element_grid(size_t rows, size_t columns)
{
    return (dim3){(unsigned)((rows * columns + LINEAR_THREADS - 1) / LINEAR_THREADS), 1, 1};
}

ft_status cuda_repeat_row(cudaStream_t stream, const float *row, size_t rows, size_t columns, float *out,
                          size_t out_stride, struct ft_error *error)
{
    if (!rows || !columns)
        return FT_OK;
    return cuda_launch(stream, CUDA_KERNEL(repeat_row), element_grid(rows, columns), (dim3){LINEAR_THREADS, 1, 1}, 0,
                       CUDA_ARGUMENTS(&row, &rows, &columns, &out, &out_stride), "writing a bias", error);
}

ft_status cuda_to_halves(cudaStream_t stream, const float *from, size_t rows, size_t columns, size_t from_stride,
                         uint16_t *to, struct ft_error *error)
{
    if (!rows || !columns)
        return FT_OK;
    return cuda_launch(stream, CUDA_KERNEL(round_to_halves), element_grid(rows, columns), (dim3){LINEAR_THREADS, 1, 1},
                       0, CUDA_ARGUMENTS(&from, &rows, &columns, &from_stride, &to), "rounding to half precision",
                       error);
}

ft_status cuda_linear(struct backend *backend, const struct linear_layer *layer, const struct input_piece *pieces,
                      size_t piece_count, size_t rows, float *out, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    struct cuda_linear weights;
    const uint16_t *halves = NULL;
    if (!rows)
        return FT_OK;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status = cuda_linear_weights(cuda, layer, &weights, error);
    if (status == FT_OK && cuda->options.math == CUDA_MATH_F16)
        status = cuda_half_weights(cuda, weights.w, layer->out * layer->in, &halves, error);
    if (status == FT_OK)
        status = cuda_repeat_row(cuda->stream, weights.b, rows, layer->out, out, layer->out, error);
    for (size_t i = 0, column = 0; status == FT_OK && i < piece_count; column += pieces[i++].width) {
        struct cuda_product product = {.m = rows,
                                       .n = layer->out,
                                       .k = pieces[i].width,
                                       .b = weights.w + column,
                                       .b_halves = halves ? halves + column : NULL,
                                       .b_stride = layer->in,
                                       .b_transposed = true,
                                       .c = out,
                                       .c_stride = layer->out,
                                       .alpha = 1,
                                       .beta = 1};
        status = cuda_piece_matrix(cuda, &pieces[i], 0, rows, &product.a, &product.a_stride, error);
        if (status == FT_OK)
            status = cuda_multiply(cuda, cuda->blas, &product, error);
    }
    cuda_scratch_end(cuda);
    return status;
}
