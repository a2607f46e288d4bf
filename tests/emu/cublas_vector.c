/* cublas_vector.c - the drop-in cuBLAS's operations on vectors: gemv, axpy, scal, copy, dot, nrm2. Elements lie `inc`
 * apart, 1 or more: cuBLAS's negative increments are not emulated. Sums run in double precision in ascending order. */
#include "cublas.h"
#include <math.h>

enum vector_operation { GEMV, AXPY, SCAL, COPY, DOT, NRM2 };

struct vector {
    float *at;
    size_t count, inc;
};

struct vector_work {
    const char *call;
    enum vector_operation operation;
    struct vector x, y; /* y: read or written or both, as the operation has it; count 0 where there is none */
    struct factor alpha, beta;
    const float *a; /* GEMV's */
    size_t rows, columns, leading;
    bool transposed;
    float *result; /* DOT's and NRM2's, of the host or of the device */
};

static bool is_written(const struct vector_work *work)
{
    return work->operation == GEMV || work->operation == AXPY || work->operation == COPY;
}

static struct operand vector_operand(const char *name, const struct vector *vector)
{
    return (struct operand){name, vector->at, sizeof(float), vector->count, vector->inc * sizeof(float)};
}

static bool vectors_are_valid(const struct vector_work *work)
{
    struct operand x = vector_operand("x", &work->x), y = vector_operand("y", &work->y),
                   a = {"A", work->a, work->rows * sizeof(float), work->columns, work->leading * sizeof(float)};
    struct operand read[] = {x, a};
    return operand_is_valid(work->call, &x, sizeof(float)) && operand_is_valid(work->call, &y, sizeof(float)) &&
           operand_is_valid(work->call, &a, sizeof(float)) &&
           (!is_written(work) || operand_is_apart(work->call, &y, read, 2));
}

static void gemv(const struct vector_work *work, float alpha, float beta)
{
    size_t row = work->transposed ? work->leading : 1, column = work->transposed ? 1 : work->leading;
    for (size_t i = 0; i < work->y.count; i++) {
        float *y = work->y.at + i * work->y.inc;
        double sum = 0;
        for (size_t j = 0; j < work->x.count && alpha != 0; j++)
            sum += (double)work->a[i * row + j * column] * (double)work->x.at[j * work->x.inc];
        *y = (float)((double)alpha * sum + (beta == 0 ? 0 : (double)beta * (double)*y));
    }
}

static void vector_run(void *argument)
{
    const struct vector_work *work = argument;
    if (!vectors_are_valid(work))
        return;
    const struct vector *x = &work->x, *y = &work->y;
    float alpha = factor_value(&work->alpha), beta = factor_value(&work->beta);
    double sum = 0;
    if (work->operation == GEMV)
        gemv(work, alpha, beta);
    for (size_t i = 0; work->operation != GEMV && i < x->count; i++) {
        float *xi = x->at + i * x->inc, *yi = y->at + i * y->inc;
        if (work->operation == AXPY)
            *yi += alpha * *xi;
        else if (work->operation == SCAL)
            *xi *= alpha;
        else if (work->operation == COPY)
            *yi = *xi;
        else
            sum += (double)*xi * (double)(work->operation == DOT ? *yi : *xi);
    }
    if (work->result)
        *work->result = (float)(work->operation == NRM2 ? sqrt(sum) : sum);
    double products = work->operation == GEMV ? (double)(x->count * y->count) : (double)x->count;
    emu_count(work->call, 2 * products,
              (double)sizeof(float) * ((work->operation == GEMV ? products : 0) + (double)(x->count + y->count)));
}

static cublasStatus_t vector_begin(struct vector_work *work, const char *call, enum vector_operation operation,
                                   cublasHandle_t handle, int n)
{
    *work = (struct vector_work){.call = call, .operation = operation};
    cublasStatus_t status = context_begin(call, handle, CUBLAS_STATUS_EXECUTION_FAILED);
    if (!status && n < 0)
        return context_refuse(call, "%d elements", n);
    return status;
}

static cublasStatus_t vector_set(const char *call, const char *name, struct vector *vector, const float *at, size_t n,
                                 int inc)
{
    if (inc < 1)
        return context_refuse(call, "the increment of %s is %d, which is not emulated", name, inc);
    *vector = (struct vector){(float *)(uintptr_t)at, n, (size_t)inc};
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t vector_enqueue(cublasHandle_t handle, const struct vector_work *work)
{
    if (!vectors_are_valid(work))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    emu_enqueue(handle->stream, vector_run, work, sizeof *work);
    return CUBLAS_STATUS_SUCCESS;
}

/* y = alpha op(A) x + beta y; A: [m, n] */
cublasStatus_t cublasSgemv(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const float *alpha,
                           const float *a, int lda, const float *x, int incx, const float *beta, float *y, int incy)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasSgemv", GEMV, handle, n);
    if (status)
        return status;
    if (m < 0 || lda < 1 || lda < m)
        return context_refuse("cublasSgemv", "m = %d, lda = %d", m, lda);
    work.transposed = trans != CUBLAS_OP_N;
    work.a = a;
    work.rows = (size_t)m;
    work.columns = (size_t)n;
    work.leading = (size_t)lda;
    if ((status = factor_init(&work.alpha, work.call, "alpha", handle, alpha)) ||
        (status = factor_init(&work.beta, work.call, "beta", handle, beta)) ||
        (status = vector_set(work.call, "x", &work.x, x, work.transposed ? work.rows : work.columns, incx)) ||
        (status = vector_set(work.call, "y", &work.y, y, work.transposed ? work.columns : work.rows, incy)))
        return status;
    return m == 0 || n == 0 ? CUBLAS_STATUS_SUCCESS : vector_enqueue(handle, &work);
}

cublasStatus_t cublasSaxpy(cublasHandle_t handle, int n, const float *alpha, const float *x, int incx, float *y,
                           int incy)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasSaxpy", AXPY, handle, n);
    if (status || (status = factor_init(&work.alpha, work.call, "alpha", handle, alpha)) ||
        (status = vector_set(work.call, "x", &work.x, x, (size_t)n, incx)) ||
        (status = vector_set(work.call, "y", &work.y, y, (size_t)n, incy)))
        return status;
    return vector_enqueue(handle, &work);
}

cublasStatus_t cublasSscal(cublasHandle_t handle, int n, const float *alpha, float *x, int incx)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasSscal", SCAL, handle, n);
    if (status || (status = factor_init(&work.alpha, work.call, "alpha", handle, alpha)) ||
        (status = vector_set(work.call, "x", &work.x, x, (size_t)n, incx)))
        return status;
    return vector_enqueue(handle, &work);
}

cublasStatus_t cublasScopy(cublasHandle_t handle, int n, const float *x, int incx, float *y, int incy)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasScopy", COPY, handle, n);
    if (status || (status = vector_set(work.call, "x", &work.x, x, (size_t)n, incx)) ||
        (status = vector_set(work.call, "y", &work.y, y, (size_t)n, incy)))
        return status;
    return vector_enqueue(handle, &work);
}

/* In the host's pointer mode the call waits for its result. */
static cublasStatus_t reduction(cublasHandle_t handle, struct vector_work *work, float *result)
{
    bool on_device = handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
    struct operand operand = {"the result", result, sizeof *result, 1, 0};
    if (!result)
        return context_refuse(work->call, "the result is NULL");
    if (on_device && !operand_is_valid(work->call, &operand, sizeof *result))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (!on_device && emu_is_device(result))
        return context_refuse(work->call, "the result is the device's, but the pointer mode is the host's");
    work->result = result;
    cublasStatus_t status = vector_enqueue(handle, work);
    if (!status && !on_device && cudaStreamSynchronize(handle->stream) != cudaSuccess)
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return status;
}

cublasStatus_t cublasSdot(cublasHandle_t handle, int n, const float *x, int incx, const float *y, int incy,
                          float *result)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasSdot", DOT, handle, n);
    if (status || (status = vector_set(work.call, "x", &work.x, x, (size_t)n, incx)) ||
        (status = vector_set(work.call, "y", &work.y, y, (size_t)n, incy)))
        return status;
    return reduction(handle, &work, result);
}

cublasStatus_t cublasSnrm2(cublasHandle_t handle, int n, const float *x, int incx, float *result)
{
    struct vector_work work;
    cublasStatus_t status = vector_begin(&work, "cublasSnrm2", NRM2, handle, n);
    if (status || (status = vector_set(work.call, "x", &work.x, x, (size_t)n, incx)))
        return status;
    return reduction(handle, &work, result);
}
