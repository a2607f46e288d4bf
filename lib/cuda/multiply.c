/* multiply.c - matrix products by cuBLAS, whose matrices are column by column: a row-major matrix is its transpose
 * there, and C = A B is C^T = B^T A^T. */
#include "cuda/context.h"
#include "cuda/weights.h"
#include <limits.h>

/* The operand as halves: given, kept beside weights, or made now. *stride becomes that of the halves. */
static ft_status as_halves(struct cuda_backend *cuda, cudaStream_t stream, const float *from, const uint16_t *given,
                           size_t rows, size_t columns, size_t *stride, const uint16_t **halves, struct ft_error *error)
{
    if ((*halves = given) || (*stride == columns && (*halves = cuda_known_halves(cuda, from))))
        return FT_OK;
    uint16_t *made = cuda_scratch_take(cuda, rows * columns * sizeof *made);
    if (!made)
        return cuda_nomem(cuda, "rows in half precision", error);
    ft_status status = cuda_to_halves(stream, from, rows, columns, *stride, made, error);
    *stride = columns;
    *halves = made;
    return status;
}

static ft_status multiply_halves(struct cuda_backend *cuda, cublasHandle_t blas, const struct cuda_product *p,
                                 struct ft_error *error)
{
    size_t a_stride = p->a_stride, b_stride = p->b_stride;
    const uint16_t *a, *b;
    cudaStream_t stream;
    ft_status status = cuda_check_blas(cublasGetStream(blas, &stream), "a matrix product", error);
    if (status == FT_OK)
        status = as_halves(cuda, stream, p->a, p->a_halves, p->a_transposed ? p->k : p->m,
                           p->a_transposed ? p->m : p->k, &a_stride, &a, error);
    if (status == FT_OK)
        status = as_halves(cuda, stream, p->b, p->b_halves, p->b_transposed ? p->n : p->k,
                           p->b_transposed ? p->k : p->n, &b_stride, &b, error);
    if (status != FT_OK)
        return status;
    return cuda_check_blas(cublasGemmEx(blas, p->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                                        p->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, (int)p->n, (int)p->m, (int)p->k,
                                        &p->alpha, b, CUDA_R_16F, (int)b_stride, a, CUDA_R_16F, (int)a_stride, &p->beta,
                                        p->c, CUDA_R_32F, (int)p->c_stride, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                           "a matrix product of halves", error);
}

ft_status cuda_multiply(struct cuda_backend *cuda, cublasHandle_t blas, const struct cuda_product *p,
                        struct ft_error *error)
{
    const size_t numbers[] = {p->m, p->n, p->k, p->a_stride, p->b_stride, p->c_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] > INT_MAX)
            return ft_fail(error, FT_NOMEM, "a matrix product of %zu x %zu x %zu is too large for cuBLAS", p->m, p->n,
                           p->k);
    if (!p->m || !p->n)
        return FT_OK;
    if (cuda->options.math == CUDA_MATH_F16 && !p->full)
        return multiply_halves(cuda, blas, p, error);
    return cuda_check_blas(cublasSgemm(blas, p->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                                       p->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, (int)p->n, (int)p->m, (int)p->k,
                                       &p->alpha, p->b, (int)p->b_stride, p->a, (int)p->a_stride, &p->beta, p->c,
                                       (int)p->c_stride),
                           "a matrix product", error);
}
