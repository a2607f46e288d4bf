/* linear.h - y = x W^T + b inside an operation: what linear layers and the inputs of recurrent ones share. */
#ifndef CUDA_LINEAR_H
#define CUDA_LINEAR_H
#include "cuda/cuda.h"

/* A piece of every row, as a matrix on the device. */
struct cuda_rows {
    const float *at;
    const uint16_t *halves; /* the same with CUDA_MATH_F16, else NULL */
    size_t stride, width;   /* stride: of halves, where there are any */
};

/* With CUDA_MATH_F16 adds the halves, in scratch. */
ft_status cuda_rows_halves(struct cuda_backend *cuda, size_t rows, struct cuda_rows *of, struct ft_error *error);

/* Pieces of `rows` rows as matrices: in place where rows lie evenly, else in scratch. to: [piece_count]. */
ft_status cuda_input_rows(struct cuda_backend *cuda, const struct input_piece *pieces, size_t piece_count, size_t rows,
                          struct cuda_rows *to, struct ft_error *error);

/* y [rows, out] = x W^T + b in the back end's stream. x: pieces, whose widths add up to `in`; w: [out, in], of a layer
 * that was uploaded; b: [out]. */
ft_status cuda_affine(struct cuda_backend *cuda, const struct cuda_rows *x, size_t piece_count, size_t rows,
                      const float *w, const float *b, size_t in, size_t out, float *y, struct ft_error *error);

#endif
