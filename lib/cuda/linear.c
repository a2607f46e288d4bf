/* linear.c - y = x W^T + b: rows begin as the bias, and the product of each piece of the input with its columns of W is
 * added to them. */
#include "kernels/linear_cuda.h"
#include "cuda/linear.h"
#include <stdlib.h>

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

ft_status cuda_rows_halves(struct cuda_backend *cuda, size_t rows, struct cuda_rows *of, struct ft_error *error)
{
    if (cuda->options.math != CUDA_MATH_F16)
        return FT_OK;
    uint16_t *halves = cuda_scratch_take(cuda, rows * of->width * sizeof *halves);
    if (!halves)
        return cuda_nomem(cuda, "rows in half precision", error);
    ft_status status = cuda_to_halves(cuda->stream, of->at, rows, of->width, of->stride, halves, error);
    of->halves = halves;
    of->stride = of->width;
    return status;
}

ft_status cuda_input_rows(struct cuda_backend *cuda, const struct input_piece *pieces, size_t piece_count, size_t rows,
                          struct cuda_rows *to, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < piece_count; i++) {
        to[i] = (struct cuda_rows){.width = pieces[i].width};
        status = cuda_piece_matrix(cuda, &pieces[i], 0, rows, &to[i].at, &to[i].stride, error);
        if (status == FT_OK)
            status = cuda_rows_halves(cuda, rows, &to[i], error);
    }
    return status;
}

ft_status cuda_affine(struct cuda_backend *cuda, const struct cuda_rows *x, size_t piece_count, size_t rows,
                      const float *w, const float *b, size_t in, size_t out, float *y, struct ft_error *error)
{
    const uint16_t *halves = NULL;
    ft_status status = cuda_repeat_row(cuda->stream, b, rows, out, y, out, error);
    if (status == FT_OK && cuda->options.math == CUDA_MATH_F16)
        status = cuda_half_weights(cuda, w, out * in, &halves, error);
    for (size_t i = 0, column = 0; status == FT_OK && i < piece_count; column += x[i++].width) {
        struct cuda_product product = {.m = rows,
                                       .n = out,
                                       .k = x[i].width,
                                       .a = x[i].at,
                                       .a_halves = x[i].halves,
                                       .a_stride = x[i].stride,
                                       .b = w + column,
                                       .b_halves = halves ? halves + column : NULL,
                                       .b_stride = in,
                                       .b_transposed = true,
                                       .c = y,
                                       .c_stride = out,
                                       .alpha = 1,
                                       .beta = 1};
        status = cuda_multiply(cuda, cuda->blas, &product, error);
    }
    return status;
}

ft_status cuda_linear(struct backend *backend, const struct linear_layer *layer, const struct input_piece *pieces,
                      size_t piece_count, size_t rows, float *out, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    struct cuda_linear weights;
    if (!rows)
        return FT_OK;
    struct cuda_rows *x = calloc(piece_count + 1, sizeof *x);
    if (!x)
        return ft_nomem(error, "a linear layer");
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status == FT_OK) {
        status = cuda_linear_weights(cuda, layer, &weights, error);
        if (status == FT_OK)
            status = cuda_input_rows(cuda, pieces, piece_count, rows, x, error);
        if (status == FT_OK)
            status = cuda_affine(cuda, x, piece_count, rows, weights.w, weights.b, layer->in, layer->out, out, error);
        cuda_scratch_end(cuda);
    }
    free(x);
    return status;
}
