/* cublas_gemm.c - the drop-in cuBLAS's matrix products: C = alpha op(A) op(B) + beta C, all column-major. */
#include "cublas.h"
#include <string.h>

/* One of A, B, C in one or many products. */
struct gemm_operand {
    const char *name;
    size_t rows, columns, leading; /* as it lies, before op() */
    bool transposed, half;
    char *at;      /* of the first product; NULL: `array` */
    size_t stride; /* bytes from one product's to the next's */
    void **array;  /* of the device: each product's address */
};

struct gemm {
    const char *call;
    size_t m, n, k, count;
    struct factor alpha, beta;
    struct gemm_operand a, b, c;
    enum product_rounding rounding;
    void *workspace;
    size_t workspace_bytes;
};

static size_t element_bytes(const struct gemm_operand *operand)
{
    return operand->half ? 2 : 4;
}

static struct operand in_product(const struct gemm_operand *from, size_t i)
{
    size_t bytes = element_bytes(from);
    return (struct operand){from->name, from->array ? from->array[i] : from->at + i * from->stride, from->rows * bytes,
                            from->columns, from->leading * bytes};
}

/* All operands of all products; no output over another's or over an input. */
static bool operands_are_valid(const struct gemm *gemm)
{
    for (size_t i = 0; i < gemm->count; i++) {
        struct operand read[] = {in_product(&gemm->a, i), in_product(&gemm->b, i)}, written = in_product(&gemm->c, i);
        if (!operand_is_valid(gemm->call, &read[0], element_bytes(&gemm->a)) ||
            !operand_is_valid(gemm->call, &read[1], element_bytes(&gemm->b)) ||
            !operand_is_valid(gemm->call, &written, element_bytes(&gemm->c)))
            return false;
        for (size_t j = 0; j < gemm->count; j++) {
            struct operand others[] = {in_product(&gemm->a, j), in_product(&gemm->b, j), in_product(&gemm->c, j)};
            if (!operand_is_apart(gemm->call, &written, others, j < i ? 3 : 2))
                return false;
        }
    }
    return true;
}

static struct product_matrix matrix_of(const struct gemm_operand *operand, size_t i)
{
    size_t row = operand->transposed ? operand->leading : 1, column = operand->transposed ? 1 : operand->leading;
    return (struct product_matrix){(void *)(uintptr_t)in_product(operand, i).at, row, column, operand->half};
}

/* What split sums leave in a workspace is nobody's business. */
static void scribble(const struct gemm *gemm)
{
    struct operand workspace = {"the workspace", gemm->workspace, gemm->workspace_bytes, 1, 0};
    if (gemm->workspace && operand_is_valid(gemm->call, &workspace, 1))
        memset(gemm->workspace, 0xff, gemm->workspace_bytes < 4096 ? gemm->workspace_bytes : 4096);
}

/* Checked once more: memory may be freed before a graph is launched, and arrays are read only here. */
static void gemm_run(void *argument)
{
    const struct gemm *gemm = argument;
    if (!operands_are_valid(gemm))
        return;
    scribble(gemm);
    float alpha = factor_value(&gemm->alpha), beta = factor_value(&gemm->beta);
    for (size_t i = 0; i < gemm->count; i++)
        if (!product(gemm->m, gemm->n, gemm->k, alpha, matrix_of(&gemm->a, i), matrix_of(&gemm->b, i), beta,
                     matrix_of(&gemm->c, i), gemm->rounding))
            emu_mistake("%s: no host memory to emulate it with", gemm->call);
    double m = (double)gemm->m, n = (double)gemm->n, k = (double)gemm->k, count = (double)gemm->count;
    emu_count(gemm->call, 2 * m * n * k * count,
              count * (m * k * (double)element_bytes(&gemm->a) + k * n * (double)element_bytes(&gemm->b) +
                       m * n * (double)element_bytes(&gemm->c) * (beta == 0 ? 1 : 2)));
}

/* A product as the callers' arguments give it; count 1 and strides 0 for a single one. */
struct gemm_arguments {
    cublasOperation_t transa, transb;
    int m, n, k, lda, ldb, ldc, count;
    const float *alpha, *beta;
    const void *a, *b;
    void *c;
    long long stride_a, stride_b, stride_c; /* elements */
    bool arrays, half, half_c;
    enum product_rounding rounding;
};

static bool is_operation(cublasOperation_t operation)
{
    return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

static struct gemm_operand operand_of(const char *name, const void *at, cublasOperation_t operation, int rows,
                                      int columns, int leading, long long stride, bool half, bool array)
{
    bool transposed = operation != CUBLAS_OP_N;
    struct gemm_operand operand = {.name = name,
                                   .rows = (size_t)(transposed ? columns : rows),
                                   .columns = (size_t)(transposed ? rows : columns),
                                   .leading = (size_t)leading,
                                   .transposed = transposed,
                                   .half = half,
                                   .stride = (size_t)stride * (half ? 2 : 4)};
    if (array)
        operand.array = (void **)(uintptr_t)at;
    else
        operand.at = (char *)(uintptr_t)at;
    return operand;
}

static cublasStatus_t leading_dimensions_check(const char *call, const struct gemm_arguments *g)
{
    int rows[] = {g->transa == CUBLAS_OP_N ? g->m : g->k, g->transb == CUBLAS_OP_N ? g->k : g->n, g->m},
        leading[] = {g->lda, g->ldb, g->ldc};
    static const char *const names[] = {"lda", "ldb", "ldc"};
    for (size_t i = 0; i < 3; i++)
        if (leading[i] < rows[i] || leading[i] < 1)
            return context_refuse(call, "%s is %d, less than its matrix's %d rows (or than 1)", names[i], leading[i],
                                  rows[i]);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t gemm(const char *call, cublasHandle_t handle, const struct gemm_arguments *g)
{
    cublasStatus_t status = context_begin(call, handle, CUBLAS_STATUS_EXECUTION_FAILED);
    if (status)
        return status;
    if (!is_operation(g->transa) || !is_operation(g->transb))
        return context_refuse(call, "transa or transb is none of N, T, C");
    if (g->m < 0 || g->n < 0 || g->k < 0 || g->count < 0)
        return context_refuse(call, "m = %d, n = %d, k = %d, batchCount = %d: none may be negative", g->m, g->n, g->k,
                              g->count);
    if ((status = leading_dimensions_check(call, g)))
        return status;
    if (g->stride_a < 0 || g->stride_b < 0 || g->stride_c < 0)
        return context_refuse(call, "a stride between matrices is negative");
    struct gemm gemm = {.call = call,
                        .m = (size_t)g->m,
                        .n = (size_t)g->n,
                        .k = (size_t)g->k,
                        .count = (size_t)g->count,
                        .rounding = g->rounding,
                        .workspace = handle->workspace,
                        .workspace_bytes = handle->workspace_bytes};
    if ((status = factor_init(&gemm.alpha, call, "alpha", handle, g->alpha)) ||
        (status = factor_init(&gemm.beta, call, "beta", handle, g->beta)))
        return status;
    if (g->m == 0 || g->n == 0 || g->count == 0)
        return CUBLAS_STATUS_SUCCESS;
    gemm.a = operand_of("A", g->a, g->transa, g->m, g->k, g->lda, g->stride_a, g->half, g->arrays);
    gemm.b = operand_of("B", g->b, g->transb, g->k, g->n, g->ldb, g->stride_b, g->half, g->arrays);
    gemm.c = operand_of("C", g->c, CUBLAS_OP_N, g->m, g->n, g->ldc, g->stride_c, g->half_c, g->arrays);
    const struct gemm_operand *operands[] = {&gemm.a, &gemm.b, &gemm.c};
    for (size_t i = 0; g->arrays && i < 3; i++) {
        struct operand array = {operands[i]->name, operands[i]->array, gemm.count * sizeof(void *), 1, 0};
        if (!operand_is_valid(call, &array, sizeof(void *)))
            return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    if (!g->arrays && !operands_are_valid(&gemm))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    emu_enqueue(handle->stream, gemm_run, &gemm, sizeof gemm);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                           int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
                           const float *beta, float *c, int ldc)
{
    return gemm("cublasSgemm", handle,
                &(struct gemm_arguments){transa, transb, m,     n,     k,     lda,   ldb,
                                         ldc,    1,      alpha, beta,  a,     b,     c,
                                         0,      0,      0,     false, false, false, context_rounding(handle)});
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                         int m, int n, int k, const float *alpha, const float *a, int lda,
                                         long long stride_a, const float *b, int ldb, long long stride_b,
                                         const float *beta, float *c, int ldc, long long stride_c, int count)
{
    return gemm("cublasSgemmStridedBatched", handle,
                &(struct gemm_arguments){transa,   transb,   m,        n,     k,     lda,   ldb,
                                         ldc,      count,    alpha,    beta,  a,     b,     c,
                                         stride_a, stride_b, stride_c, false, false, false, context_rounding(handle)});
}

cublasStatus_t cublasSgemmBatched(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                                  int n, int k, const float *alpha, const float *const a[], int lda,
                                  const float *const b[], int ldb, const float *beta, float *const c[], int ldc,
                                  int count)
{
    return gemm("cublasSgemmBatched", handle,
                &(struct gemm_arguments){transa, transb, m,     n,    k,     lda,   ldb,
                                         ldc,    count,  alpha, beta, a,     b,     (void *)(uintptr_t)c,
                                         0,      0,      0,     true, false, false, context_rounding(handle)});
}

/* Which of GemmEx's many combinations are emulated, and how they round. */
static bool types_are_emulated(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute)
{
    bool single = a == CUDA_R_32F && b == CUDA_R_32F && c == CUDA_R_32F,
         half = a == CUDA_R_16F && b == CUDA_R_16F && (c == CUDA_R_16F || c == CUDA_R_32F);
    switch ((int)compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC: return single || half;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
    case CUBLAS_COMPUTE_32F_FAST_16F: return single;
    default: return false;
    }
}

static enum product_rounding compute_rounding(cublasHandle_t handle, cudaDataType a, cublasComputeType_t compute)
{
    switch ((int)compute) {
    case CUBLAS_COMPUTE_32F_FAST_TF32: return PRODUCT_TF32;
    case CUBLAS_COMPUTE_32F_FAST_16F: return PRODUCT_F16;
    case CUBLAS_COMPUTE_32F_PEDANTIC: return PRODUCT_F32;
    default: /* halves are multiplied exactly */ return a == CUDA_R_16F ? PRODUCT_F32 : context_rounding(handle);
    }
}

static cublasStatus_t gemm_ex(const char *call, cublasHandle_t handle, struct gemm_arguments g, cudaDataType a,
                              cudaDataType b, cudaDataType c, cublasComputeType_t compute)
{
    if (!types_are_emulated(a, b, c, compute)) {
        context_refuse(call, "types %d, %d, %d with compute type %d are not emulated", (int)a, (int)b, (int)c,
                       (int)compute);
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    g.half = a == CUDA_R_16F;
    g.half_c = c == CUDA_R_16F;
    g.rounding = compute_rounding(handle, a, compute);
    return gemm(call, handle, &g);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void *alpha, const void *a, cudaDataType a_type, int lda, const void *b,
                            cudaDataType b_type, int ldb, const void *beta, void *c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm)
{
    (void)algorithm;
    struct gemm_arguments g = {transa, transb, m, n, k, lda, ldb,   ldc,   1,     alpha,      beta,
                               a,      b,      c, 0, 0, 0,   false, false, false, PRODUCT_F32};
    return gemm_ex("cublasGemmEx", handle, g, a_type, b_type, c_type, compute);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                          int m, int n, int k, const void *alpha, const void *a, cudaDataType a_type,
                                          int lda, long long stride_a, const void *b, cudaDataType b_type, int ldb,
                                          long long stride_b, const void *beta, void *c, cudaDataType c_type, int ldc,
                                          long long stride_c, int count, cublasComputeType_t compute,
                                          cublasGemmAlgo_t algorithm)
{
    (void)algorithm;
    struct gemm_arguments g = {transa, transb, m, n,        k,        lda,      ldb,   ldc,   count, alpha,      beta,
                               a,      b,      c, stride_a, stride_b, stride_c, false, false, false, PRODUCT_F32};
    return gemm_ex("cublasGemmStridedBatchedEx", handle, g, a_type, b_type, c_type, compute);
}
