/* test_cublas.c - the drop-in cuBLAS against plain sums in double precision, and what it refuses. */
#include "harness.h"
#include "library_case.h"
#include "numbers.h"
#include <cublas_v2.h>
#include <math.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 60 };

static cublasHandle_t new_handle(void)
{
    cublasHandle_t handle = NULL;
    ck_assert_int_eq(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
    return handle;
}

/* A column-major matrix with `leading` elements a column, of which those below `rows` must not matter. */
struct matrix {
    size_t rows, columns, leading;
    float *host, *device;
};

static struct matrix matrix_new(size_t rows, size_t columns, size_t slack)
{
    struct matrix m = {rows, columns, rows + slack, NULL, NULL};
    m.host = random_floats(m.leading * columns, 1);
    for (size_t j = 0; j < columns; j++)
        for (size_t i = rows; i < m.leading; i++)
            m.host[j * m.leading + i] = NAN;
    m.device = device_copy(m.host, m.leading * columns * sizeof(float));
    return m;
}

static void matrix_free(struct matrix *m)
{
    ck_assert_int_eq(cudaFree(m->device), cudaSuccess);
    free(m->host);
}

static double element(const struct matrix *m, bool transposed, size_t i, size_t j)
{
    return (double)(transposed ? m->host[i * m->leading + j] : m->host[j * m->leading + i]);
}

static double plain_product(const struct matrix *a, bool ta, const struct matrix *b, bool tb, size_t k, size_t i,
                            size_t j)
{
    double sum = 0;
    for (size_t p = 0; p < k; p++)
        sum += element(a, ta, i, p) * element(b, tb, p, j);
    return sum;
}

/* What lies between c's columns must be as it was. */
static void expect_product(const struct matrix *a, bool ta, const struct matrix *b, bool tb, const struct matrix *c,
                           size_t k, float alpha, float beta, double tolerance)
{
    float *result = host_floats(c->device, c->leading * c->columns);
    for (size_t j = 0; j < c->columns; j++)
        for (size_t i = 0; i < c->leading; i++) {
            float got = result[j * c->leading + i];
            if (i >= c->rows) {
                EXPECT(isnan(got), "wrote %g below column %zu", (double)got, j);
                continue;
            }
            double want = (double)alpha * plain_product(a, ta, b, tb, k, i, j) +
                          (beta == 0 ? 0 : (double)beta * element(c, false, i, j));
            EXPECT(distance_of((double)got, want) <= tolerance * (1 + sqrt((double)k)), "[%zu, %zu]: %.9g, not %.9g", i,
                   j, (double)got, want);
        }
    free(result);
}

START_TEST(sgemm_agrees_with_plain_sums_whatever_sizes_transposes_and_factors)
{
    random_begin("sgemm");
    cublasHandle_t handle = new_handle();
    for (int round = 0; round < ROUNDS; round++) {
        size_t m = random_between(1, 40), n = random_between(1, 40), k = random_between(1, round % 8 ? 40 : 600);
        bool ta = random_below(2), tb = random_below(2);
        float alpha = random_below(3) ? random_float(2) : 1, beta = random_below(2) ? random_float(2) : 0;
        struct matrix a = ta ? matrix_new(k, m, random_below(4)) : matrix_new(m, k, random_below(4)),
                      b = tb ? matrix_new(n, k, random_below(4)) : matrix_new(k, n, random_below(4)),
                      c = matrix_new(m, n, random_below(4));
        if (beta == 0) /* must not be read */
            ck_assert_int_eq(cudaMemset(c.device, 0xff, c.leading * n * sizeof(float)), cudaSuccess);
        ck_assert_int_eq(cublasSgemm(handle, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_C : CUBLAS_OP_N, (int)m,
                                     (int)n, (int)k, &alpha, a.device, (int)a.leading, b.device, (int)b.leading, &beta,
                                     c.device, (int)c.leading),
                         CUBLAS_STATUS_SUCCESS);
        expect_product(&a, ta, &b, tb, &c, k, alpha, beta, 1e-6);
        matrix_free(&a);
        matrix_free(&b);
        matrix_free(&c);
    }
    ck_assert_int_eq(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
}
END_TEST

START_TEST(an_empty_sum_scales_and_an_empty_result_does_nothing)
{
    cublasHandle_t handle = new_handle();
    float host[] = {1, 2, 3, 4}, alpha = 1, beta = 2, *c = device_copy(host, sizeof host);
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 0, &alpha, NULL, 2, NULL, 1, &beta, c, 2),
                     CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 0, 2, 3, &alpha, NULL, 1, NULL, 3, &beta, NULL, 1),
                     CUBLAS_STATUS_SUCCESS);
    float *result = host_floats(c, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(result[i], 2 * host[i]);
    free(result);
    cudaFree(c);
    cublasDestroy(handle);
}
END_TEST

/* Three products of [3, 4] and [4, 2], side by side in one matrix each; the results take parts of the same rows. */
START_TEST(products_come_in_batches_by_strides_and_by_addresses)
{
    random_begin("batches");
    enum { M = 3, N = 2, K = 4, COUNT = 3 };
    cublasHandle_t handle = new_handle();
    float alpha = 1.5f, beta = 0;
    struct matrix a = matrix_new(M, K * COUNT, 1), b = matrix_new(K, N * COUNT, 0), c = matrix_new(M * COUNT, N, 0);
    const float *a_host[COUNT], *b_host[COUNT];
    float *c_host[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        a_host[i] = a.device + i * K * a.leading;
        b_host[i] = b.device + i * N * b.leading;
        c_host[i] = c.device + i * M;
    }
    const float **a_array = device_copy(a_host, sizeof a_host), **b_array = device_copy(b_host, sizeof b_host);
    float **c_array = device_copy(c_host, sizeof c_host);
    for (int by_address = 0; by_address < 2; by_address++) {
        ck_assert_int_eq(cudaMemset(c.device, 0xff, c.leading * N * sizeof(float)), cudaSuccess);
        cublasStatus_t status =
            by_address
                ? cublasSgemmBatched(handle, CUBLAS_OP_N, CUBLAS_OP_N, M, N, K, &alpha, a_array, (int)a.leading,
                                     b_array, (int)b.leading, &beta, c_array, (int)c.leading, COUNT)
                : cublasSgemmStridedBatched(handle, CUBLAS_OP_N, CUBLAS_OP_N, M, N, K, &alpha, a.device, (int)a.leading,
                                            (long long)(K * a.leading), b.device, (int)b.leading,
                                            (long long)(N * b.leading), &beta, c.device, (int)c.leading, M, COUNT);
        ck_assert_int_eq(status, CUBLAS_STATUS_SUCCESS);
        float *result = host_floats(c.device, c.leading * N);
        for (size_t i = 0; i < COUNT; i++) {
            struct matrix ai = {M, K, a.leading, a.host + i * K * a.leading, NULL},
                          bi = {K, N, b.leading, b.host + i * N * b.leading, NULL};
            for (size_t row = 0; row < M; row++)
                for (size_t column = 0; column < N; column++)
                    ck_assert_double_eq_tol((double)result[column * c.leading + i * M + row],
                                            (double)alpha * plain_product(&ai, false, &bi, false, K, row, column),
                                            1e-5);
        }
        free(result);
    }
    cudaFree(a_array);
    cudaFree(b_array);
    cudaFree(c_array);
    matrix_free(&a);
    matrix_free(&b);
    matrix_free(&c);
    cublasDestroy(handle);
}
END_TEST

/* 1 + 2^-10 has TF32's last bit; 1 + 2^-11 lies between two numbers and goes up; 1 + 2^-12 goes down. */
START_TEST(tf32_rounds_operands_to_ten_bits_and_f32_does_not)
{
    cublasHandle_t handle = new_handle();
    float host[] = {1 + 0x1p-10f, 1 + 0x1p-11f, 1 + 0x1p-12f, -1 - 0x1p-11f}, one = 1, zero = 0,
          want[] = {1 + 0x1p-10f, 1 + 0x1p-10f, 1, -1 - 0x1p-10f};
    float *a = device_copy(host, sizeof host), *b = device_copy(&one, sizeof one), *c = device_copy(host, sizeof host);
    for (int way = 0; way < 3; way++) {
        ck_assert_int_eq(cublasSetMathMode(handle, way == 1 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
                         CUBLAS_STATUS_SUCCESS);
        cublasStatus_t status =
            way == 2 ? cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 1, 1, &one, a, CUDA_R_32F, 4, b, CUDA_R_32F, 1,
                                    &zero, c, CUDA_R_32F, 4, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_GEMM_DEFAULT)
                     : cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 1, 1, &one, a, 4, b, 1, &zero, c, 4);
        ck_assert_int_eq(status, CUBLAS_STATUS_SUCCESS);
        float *result = host_floats(c, 4);
        for (size_t i = 0; i < 4; i++)
            ck_assert_float_eq(result[i], way == 0 ? host[i] : want[i]);
        free(result);
    }
    cudaFree(a);
    cudaFree(b);
    cudaFree(c);
    cublasDestroy(handle);
}
END_TEST

/* 2049 is no half: a half result is rounded once, at the end; 60,000 + 60,000 is more than a half holds. */
START_TEST(halves_are_multiplied_exactly_and_summed_in_single_precision)
{
    cublasHandle_t handle = new_handle();
    /* 2048, 1; 60000, 60000 as rows of A; B is a column of ones */
    uint16_t a_host[] = {0x6800, 0x7b53, 0x3c00, 0x7b53}, b_host[] = {0x3c00, 0x3c00}, c_half[2];
    float one = 1, zero = 0, c_host[2] = {NAN, NAN};
    void *a = device_copy(a_host, sizeof a_host), *b = device_copy(b_host, sizeof b_host),
         *c = device_copy(c_host, sizeof c_host);
    ck_assert_int_eq(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 1, 2, &one, a, CUDA_R_16F, 2, b, CUDA_R_16F, 2,
                                  &zero, c, CUDA_R_32F, 2, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                     CUBLAS_STATUS_SUCCESS);
    float *result = host_floats(c, 2);
    ck_assert_float_eq(result[0], 2049);
    ck_assert_float_eq(result[1], 120000);
    free(result);
    ck_assert_int_eq(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 1, 2, &one, a, CUDA_R_16F, 2, 4, b,
                                                CUDA_R_16F, 2, 2, &zero, c, CUDA_R_16F, 2, 2, 1, CUBLAS_COMPUTE_32F,
                                                CUBLAS_GEMM_DEFAULT),
                     CUBLAS_STATUS_SUCCESS);
    result = host_floats(c, 1);
    memcpy(c_half, result, sizeof c_half);
    ck_assert_int_eq(c_half[0], 0x6800); /* ties to even */
    ck_assert_int_eq(c_half[1], 0x7c00);
    free(result);
    cudaFree(a);
    cudaFree(b);
    cudaFree(c);
    cublasDestroy(handle);
}
END_TEST

START_TEST(factors_may_lie_on_the_device_and_are_read_when_work_is_done)
{
    cublasHandle_t handle = new_handle();
    float host[] = {3, 5}, factors[] = {2, 1};
    float *a = device_copy(host, sizeof host), *c = device_copy(host, sizeof host),
          *factor = device_copy(factors, sizeof factors), *sum = device_copy(host, sizeof *host);
    ck_assert_int_eq(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, factor, a, 1, a + 1, 1, factor + 1, c, 1),
                     CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSdot(handle, 2, a, 1, c, 1, sum), CUBLAS_STATUS_SUCCESS);
    float *result = host_floats(sum, 1);
    ck_assert_float_eq(*result, 3 * (2 * 15 + 3) + 25);
    free(result);
    cudaFree(a);
    cudaFree(c);
    cudaFree(factor);
    cudaFree(sum);
    cublasDestroy(handle);
}
END_TEST

START_TEST(vectors_agree_with_plain_loops)
{
    random_begin("vectors");
    cublasHandle_t handle = new_handle();
    float alpha = 0.5f, beta = -2, dot = 0, norm = 0;
    struct matrix a = matrix_new(5, 7, 2), x = matrix_new(1, 7, 1), y = matrix_new(1, 5, 2);
    ck_assert_int_eq(cublasSgemv(handle, CUBLAS_OP_N, 5, 7, &alpha, a.device, 7, x.device, 2, &beta, y.device, 3),
                     CUBLAS_STATUS_SUCCESS);
    expect_product(&x, false, &a, true, &y, 7, alpha, beta, 1e-6);
    ck_assert_int_eq(cublasSgemv(handle, CUBLAS_OP_T, 5, 7, &alpha, a.device, 7, y.device, 3, &beta, x.device, 2),
                     CUBLAS_STATUS_SUCCESS);
    float *y_host = host_floats(y.device, 15), *x_host = host_floats(x.device, 14);
    for (size_t i = 0; i < 7; i++) {
        double sum = -2 * (double)x.host[2 * i];
        for (size_t j = 0; j < 5; j++)
            sum += 0.5 * (double)y_host[3 * j] * (double)a.host[i * 7 + j];
        ck_assert_double_eq_tol((double)x_host[2 * i], sum, 1e-5);
    }
    /* y = x's first five; y += alpha x; y *= beta */
    ck_assert_int_eq(cublasScopy(handle, 5, x.device, 2, y.device, 3), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSaxpy(handle, 5, &alpha, x.device, 2, y.device, 3), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSscal(handle, 5, &beta, y.device, 3), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSdot(handle, 5, x.device, 2, y.device, 3, &dot), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSnrm2(handle, 5, y.device, 3, &norm), CUBLAS_STATUS_SUCCESS);
    double squares = 0;
    for (size_t i = 0; i < 5; i++)
        squares += (double)x_host[2 * i] * (double)x_host[2 * i];
    ck_assert_double_eq_tol((double)dot, -3 * squares, 1e-4 * squares);
    ck_assert_double_eq_tol((double)norm, 3 * sqrt(squares), 1e-4 * sqrt(squares));
    free(x_host);
    free(y_host);
    matrix_free(&a);
    matrix_free(&x);
    matrix_free(&y);
    cublasDestroy(handle);
}
END_TEST

START_TEST(a_new_stream_takes_the_workspace_away_which_products_scribble_on)
{
    cublasHandle_t handle = new_handle();
    float one = 1, zero = 0, *a = device_copy(&one, sizeof one), *c = device_copy(&one, sizeof one), *space = NULL;
    cudaStream_t stream;
    ck_assert_int_eq(cudaStreamCreate(&stream), cudaSuccess);
    ck_assert_int_eq(cudaMalloc((void **)&space, 1024), cudaSuccess);
    ck_assert_int_eq(cudaMemset(space, 0, 1024), cudaSuccess);
    for (int with = 0; with < 2; with++) {
        ck_assert_int_eq(cublasSetWorkspace(handle, space, 1024), CUBLAS_STATUS_SUCCESS);
        if (!with)
            ck_assert_int_eq(cublasSetStream(handle, stream), CUBLAS_STATUS_SUCCESS);
        ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, a, 1, &zero, c, 1),
                         CUBLAS_STATUS_SUCCESS);
        float *result = host_floats(space, 256);
        ck_assert_msg(isnan(result[0]) == (with == 1), "workspace %s: %g", with ? "set" : "taken away",
                      (double)result[0]);
        free(result);
    }
    cudaStreamDestroy(stream);
    cudaFree(a);
    cudaFree(c);
    cudaFree(space);
    cublasDestroy(handle);
}
END_TEST

/* Scenes that end in a mistake; what the call returns is asserted, so that they exit 1 when it is something else. */
#define SCENE_EXPECTS(call, status) \
    do                              \
        if ((call) != (status))     \
            _exit(1);               \
    while (0)

static const float one = 1, zero;

static void scene_of_a_short_leading_dimension(void)
{
    cublasHandle_t handle = new_handle();
    float host[12] = {0}, *a = device_copy(host, sizeof host), *c = device_copy(host, sizeof host);
    SCENE_EXPECTS(cublasSgemm(handle, CUBLAS_OP_T, CUBLAS_OP_N, 2, 2, 3, &one, a, 2, a, 3, &zero, c, 2),
                  CUBLAS_STATUS_INVALID_VALUE);
    cudaFree(a);
    cudaFree(c);
    cublasDestroy(handle);
}

static void scene_of_an_operand_that_is_too_short(void)
{
    cublasHandle_t handle = new_handle();
    float host[12] = {0}, *a = device_copy(host, 5 * sizeof *host), *c = device_copy(host, sizeof host);
    SCENE_EXPECTS(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, a, 2, a, 3, &zero, c, 2),
                  CUBLAS_STATUS_EXECUTION_FAILED);
    cudaFree(a);
    cudaFree(c);
    cublasDestroy(handle);
}

static void scene_of_an_operand_on_the_host(void)
{
    cublasHandle_t handle = new_handle();
    float host[12] = {0}, *c = device_copy(host, sizeof host);
    SCENE_EXPECTS(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, host, 2, host, 3, &zero, c, 2),
                  CUBLAS_STATUS_EXECUTION_FAILED);
    cudaFree(c);
    cublasDestroy(handle);
}

static void scene_of_output_over_input(void)
{
    cublasHandle_t handle = new_handle();
    float host[12] = {0}, *a = device_copy(host, sizeof host);
    SCENE_EXPECTS(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a, 2, a + 4, 2, &zero, a + 7, 2),
                  CUBLAS_STATUS_EXECUTION_FAILED);
    cudaFree(a);
    cublasDestroy(handle);
}

static void scene_of_a_handle_that_is_left(void)
{
    new_handle();
}

/* C's columns lie between A's: nothing is wrong. */
static void scene_of_columns_between_columns(void)
{
    cublasHandle_t handle = new_handle();
    float host[16] = {0}, *a = device_copy(host, sizeof host), *b = device_copy(host, sizeof host);
    SCENE_EXPECTS(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 4, 4, &one, a, 4, b, 4, &zero, a + 2, 4),
                  CUBLAS_STATUS_SUCCESS);
    SCENE_EXPECTS(cudaDeviceSynchronize(), cudaSuccess);
    cudaFree(a);
    cudaFree(b);
    cublasDestroy(handle);
}

START_TEST(mistakes_are_noticed)
{
    ck_assert_int_eq(exit_status_of(scene_of_columns_between_columns), 0);
    ck_assert_int_eq(exit_status_of(scene_of_a_short_leading_dimension), MISTAKE_STATUS);
    ck_assert_int_eq(exit_status_of(scene_of_an_operand_that_is_too_short), MISTAKE_STATUS);
    ck_assert_int_eq(exit_status_of(scene_of_an_operand_on_the_host), MISTAKE_STATUS);
    ck_assert_int_eq(exit_status_of(scene_of_output_over_input), MISTAKE_STATUS);
    ck_assert_int_eq(exit_status_of(scene_of_a_handle_that_is_left), MISTAKE_STATUS);
}
END_TEST

START_TEST(without_a_handle_nothing_works)
{
    ck_assert_int_eq(cublasSetStream(NULL, NULL), CUBLAS_STATUS_NOT_INITIALIZED);
    ck_assert_int_eq(cublasSgemm(NULL, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, NULL, 1, NULL, 1, &zero, NULL, 1),
                     CUBLAS_STATUS_NOT_INITIALIZED);
    ck_assert_int_eq(cublasDestroy(NULL), CUBLAS_STATUS_NOT_INITIALIZED);
    ck_assert_str_eq(cublasGetStatusName(CUBLAS_STATUS_ALLOC_FAILED), "CUBLAS_STATUS_ALLOC_FAILED");
}
END_TEST

int main(void)
{
    test_add(sgemm_agrees_with_plain_sums_whatever_sizes_transposes_and_factors, NULL);
    test_add(an_empty_sum_scales_and_an_empty_result_does_nothing, NULL);
    test_add(products_come_in_batches_by_strides_and_by_addresses, NULL);
    test_add(tf32_rounds_operands_to_ten_bits_and_f32_does_not, NULL);
    test_add(halves_are_multiplied_exactly_and_summed_in_single_precision, NULL);
    test_add(factors_may_lie_on_the_device_and_are_read_when_work_is_done, NULL);
    test_add(vectors_agree_with_plain_loops, NULL);
    test_add(a_new_stream_takes_the_workspace_away_which_products_scribble_on, NULL);
    test_add(mistakes_are_noticed, NULL);
    test_add(without_a_handle_nothing_works, NULL);
    return test_run("emulated cublas");
}
