/* Optimizers' steps against PyTorch's results and against the same formulas in double; the norm against long double. */
#include "harness.h"
#include "numbers.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More than a block, so that several threads take part, and no multiple of anything. */
enum { MANY = (1 << 20) + 12345 };

static struct backend *new_backend(size_t threads)
{
    struct backend *backend;
    struct ft_error error;
    ck_assert_int_eq(backend_cpu_new(&backend, &(struct cpu_options){.threads = threads, .isa = "auto"}, &error),
                     FT_OK);
    return backend;
}

/* Four steps of three weights, with gradients (s/4 - 1/2, 3/2s, -s^2/8) at step s. The expected numbers are those of
 * PyTorch 2.15 in float64. */
enum { WEIGHTS = 3, STEPS = 4 };

struct weights {
    float w[WEIGHTS], velocity[WEIGHTS], mean[WEIGHTS], variance[WEIGHTS];
};

static const struct weights fresh = {.w = {0.5f, -1.25f, 2.0f}};

static void gradient_at(int step, float *gradient)
{
    gradient[0] = 0.25f * (float)step - 0.5f;
    gradient[1] = 1.5f / (float)step;
    gradient[2] = -0.125f * (float)(step * step);
}

static void expect_weights(const struct weights *got, const double *expected)
{
    for (int i = 0; i < WEIGHTS; i++)
        ck_assert_double_eq_tol((double)got->w[i], expected[i], 1e-6);
}

/* The gradients come doubled, and scale halves them again. */
static void expect_sgd(float rate, float momentum, float decay, const double *expected)
{
    struct backend *backend = new_backend(1);
    struct weights weights = fresh;
    for (int step = 1; step <= STEPS; step++) {
        float gradient[WEIGHTS];
        gradient_at(step, gradient);
        for (int i = 0; i < WEIGHTS; i++)
            gradient[i] *= 2;
        ck_assert_int_eq(cpu_sgd(backend, WEIGHTS, weights.w, gradient, momentum > 0 ? weights.velocity : NULL, rate,
                                 0.5f, momentum, decay, NULL),
                         FT_OK);
    }
    expect_weights(&weights, expected);
    backend->ops->free(backend);
}

static void expect_adam(struct adam how, const double *expected)
{
    struct backend *backend = new_backend(1);
    struct weights weights = fresh;
    for (int step = 1; step <= STEPS; step++) {
        float gradient[WEIGHTS];
        gradient_at(step, gradient);
        for (int i = 0; i < WEIGHTS; i++)
            gradient[i] *= 2;
        how.step = (uint64_t)step;
        ck_assert_int_eq(
            cpu_adam(backend, WEIGHTS, weights.w, gradient, weights.mean, weights.variance, 0.5f, &how, NULL), FT_OK);
    }
    expect_weights(&weights, expected);
    backend->ops->free(backend);
}

START_TEST(sgd_as_pytorch)
{
    expect_sgd(0.1f, 0, 0, (double[]){0.45, -1.5625, 2.375});
}
END_TEST

START_TEST(sgd_with_momentum_and_decay_as_pytorch)
{
    expect_sgd(0.1f, 0.9f, 0.01f, (double[]){0.48375680412549993, -2.08861745897625, 2.5737518928395002});
}
END_TEST

START_TEST(adam_with_decay_as_pytorch)
{
    expect_adam((struct adam){.rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.01},
                (double[]){0.5505898936407377, -1.4308897744762605, 2.1794417411301947});
}
END_TEST

START_TEST(adamw_as_pytorch)
{
    expect_adam(
        (struct adam){.rate = 0.05, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.1, .decoupled = true},
        (double[]){0.5424638035830742, -1.4050862549170327, 2.139740343477866});
}
END_TEST

/* An epsilon of 0.1 shows that it stands outside the root of the corrected variance. */
START_TEST(adams_epsilon_as_pytorch)
{
    expect_adam((struct adam){.rate = 0.05, .beta1 = 0.7, .beta2 = 0.8, .epsilon = 0.1, .decay = 0, .decoupled = true},
                (double[]){0.5187534385239954, -1.4136972894251958, 2.146207924766666});
}
END_TEST

START_TEST(sgd_agrees_with_double)
{
    enum { COUNT = 1001 };
    random_begin("sgd_agrees_with_double");
    struct backend *backend = new_backend(1);
    float *w = random_floats(COUNT, 1), *velocity = calloc(COUNT, sizeof *velocity);
    double plain_w[COUNT], plain_v[COUNT] = {0};
    for (int i = 0; i < COUNT; i++)
        plain_w[i] = (double)w[i];
    for (int step = 0; step < 20; step++) {
        float *gradient = random_floats(COUNT, 2);
        for (int i = 0; i < COUNT; i++) {
            double g = (double)0.3f * (double)gradient[i] + (double)0.01f * plain_w[i];
            plain_v[i] = (double)0.8f * plain_v[i] + g;
            plain_w[i] -= (double)0.1f * plain_v[i];
        }
        cpu_sgd(backend, COUNT, w, gradient, velocity, 0.1f, 0.3f, 0.8f, 0.01f, NULL);
        free(gradient);
    }
    for (int i = 0; i < COUNT; i++)
        EXPECT(distance_of((double)w[i], plain_w[i]) <= 1e-5, "weight %d is %.9g, not %.9g", i, (double)w[i],
               plain_w[i]);
    free(w);
    free(velocity);
    backend->ops->free(backend);
}
END_TEST

START_TEST(adam_agrees_with_double)
{
    enum { COUNT = 1001 };
    random_begin("adam_agrees_with_double");
    struct backend *backend = new_backend(1);
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        struct adam how = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-6, .decay = 0.1};
        how.decoupled = decoupled;
        float *w = random_floats(COUNT, 1), *mean = calloc(COUNT, sizeof *mean);
        float *variance = calloc(COUNT, sizeof *variance);
        double plain_w[COUNT], plain_m[COUNT] = {0}, plain_v[COUNT] = {0};
        for (int i = 0; i < COUNT; i++)
            plain_w[i] = (double)w[i];
        for (how.step = 1; how.step <= 50; how.step++) {
            float *gradient = random_floats(COUNT, 2);
            for (int i = 0; i < COUNT; i++) {
                double g = 0.25 * (double)gradient[i] + (decoupled ? 0 : how.decay * plain_w[i]);
                plain_m[i] = how.beta1 * plain_m[i] + (1 - how.beta1) * g;
                plain_v[i] = how.beta2 * plain_v[i] + (1 - how.beta2) * g * g;
                double m = plain_m[i] / (1 - pow(how.beta1, (double)how.step));
                double v = plain_v[i] / (1 - pow(how.beta2, (double)how.step));
                if (decoupled)
                    plain_w[i] -= how.rate * how.decay * plain_w[i];
                plain_w[i] -= how.rate * m / (sqrt(v) + how.epsilon);
            }
            cpu_adam(backend, COUNT, w, gradient, mean, variance, 0.25f, &how, NULL);
            free(gradient);
        }
        for (int i = 0; i < COUNT; i++)
            EXPECT(distance_of((double)w[i], plain_w[i]) <= 1e-5, "weight %d is %.9g, not %.9g", i, (double)w[i],
                   plain_w[i]);
        free(w);
        free(mean);
        free(variance);
    }
    backend->ops->free(backend);
}
END_TEST

START_TEST(squares_by_hand)
{
    struct backend *backend = new_backend(2);
    float x[20];
    double sum;
    for (int i = 0; i < 20; i++)
        x[i] = (float)(i + 1) * (i % 2 ? -1 : 1);
    for (int count = 0; count <= 20; count++) { /* n (n+1) (2n+1) / 6 */
        ck_assert_int_eq(cpu_squares(backend, x, (size_t)count, &sum, NULL), FT_OK);
        ck_assert_double_eq(sum, count * (count + 1) * (2 * count + 1) / 6);
    }
    x[3] = NAN;
    cpu_squares(backend, x, 20, &sum, NULL);
    ck_assert_double_nan(sum);
    x[3] = 3e38f; /* its square is no float */
    cpu_squares(backend, x, 20, &sum, NULL);
    ck_assert_double_eq_tol(sum / 9e76, 1, 1e-6);
    backend->ops->free(backend);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static const size_t threads[] = {1, 2, 3, 8};
    random_begin("threads_do_not_matter");
    float *start = random_floats(MANY, 1), *gradient = random_floats(MANY, 1);
    float *results[4][5] = {{0}};
    double sums[4];
    long double exact = 0;
    for (size_t i = 0; i < MANY; i++)
        exact += (long double)gradient[i] * (long double)gradient[i];
    for (size_t i = 0; i < 4; i++) {
        struct backend *backend = new_backend(threads[i]);
        struct adam how = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.1, .step = 3};
        for (size_t k = 0; k < 5; k++) {
            results[i][k] = malloc(MANY * sizeof(float));
            ck_assert_ptr_nonnull(results[i][k]);
            memcpy(results[i][k], start, MANY * sizeof *start);
        }
        for (size_t k = 0; k < MANY; k++)
            results[i][4][k] = fabsf(start[k]);
        cpu_squares(backend, gradient, MANY, &sums[i], NULL);
        ck_assert_double_eq_tol(sums[i] / (double)exact, 1, 1e-14);
        cpu_sgd(backend, MANY, results[i][0], gradient, results[i][1], 0.1f, 0.5f, 0.9f, 0.01f, NULL);
        cpu_adam(backend, MANY, results[i][2], gradient, results[i][3], results[i][4], 0.5f, &how, NULL);
        backend->ops->free(backend);
        ck_assert_mem_eq(&sums[i], &sums[0], sizeof *sums);
        for (size_t k = 0; k < 5; k++)
            ck_assert_mem_eq(results[i][k], results[0][k], MANY * sizeof(float));
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 5; k++)
            free(results[i][k]);
    free(start);
    free(gradient);
}
END_TEST

int main(void)
{
    test_add(sgd_as_pytorch, NULL);
    test_add(sgd_with_momentum_and_decay_as_pytorch, NULL);
    test_add(adam_with_decay_as_pytorch, NULL);
    test_add(adamw_as_pytorch, NULL);
    test_add(adams_epsilon_as_pytorch, NULL);
    test_add(sgd_agrees_with_double, NULL);
    test_add(adam_agrees_with_double, NULL);
    test_add(squares_by_hand, NULL);
    test_add(threads_do_not_matter, NULL);
    return test_run("optimizer");
}
