/* The optimizers' steps and the norm of the gradients on CUDA against the CPU. */
#include "device_backend.h"
#include "device_failures.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The last is more than all blocks of a sum have threads. */
static const size_t counts[] = {0, 1, 2, 31, 255, 256, 257, 5003, 300007};
enum { COUNTS = sizeof counts / sizeof *counts };

/* What an optimizer changes, on one back end. */
struct weights {
    float *w, *first, *second; /* velocity, or mean and variance */
};

static struct weights weights_new(struct backend *backend, const float *start, size_t count)
{
    struct weights weights = {backend->ops->new_floats(backend, count), backend->ops->new_floats(backend, count),
                              backend->ops->new_floats(backend, count)};
    ck_assert_int_eq(backend->ops->upload(backend, weights.w, start, count, NULL), FT_OK);
    return weights;
}

static void weights_free(struct backend *backend, struct weights *weights)
{
    backend->ops->free_floats(backend, weights->w);
    backend->ops->free_floats(backend, weights->first);
    backend->ops->free_floats(backend, weights->second);
}

static void expect_same_weights(struct backend *cuda, const struct weights *got, const struct weights *expected,
                                size_t count)
{
    float *const there[] = {got->w, got->first, got->second}, *const here[] = {expected->w, expected->first,
                                                                               expected->second};
    static const char *const names[] = {"weights", "first moments", "second moments"};
    for (int i = 0; i < 3; i++) {
        float *host = device_floats_get(cuda, there[i], count);
        device_floats_close(names[i], host, here[i], 1, count, 1e-5);
        free(host);
    }
}

/* One step on any back end: Adam, or SGD with momentum and decay, or without. */
enum kind { PLAIN, MOMENTUM, ADAM, ADAMW, KINDS };

static ft_status step(struct backend *backend, enum kind kind, size_t count, const struct weights *weights,
                      const float *gradient, uint64_t number, struct ft_error *error)
{
    const struct training_ops *ops = backend->ops->training;
    struct adam how = {.rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.1};
    how.step = number;
    how.decoupled = kind == ADAMW;
    if (kind < ADAM)
        return ops->sgd(backend, count, weights->w, gradient, kind == MOMENTUM ? weights->first : NULL, 0.1f, 0.5f,
                        kind == MOMENTUM ? 0.9f : 0, kind == MOMENTUM ? 0.01f : 0, error);
    return ops->adam(backend, count, weights->w, gradient, weights->first, weights->second, 0.5f, &how, error);
}

START_TEST(steps_agree_over_odd_counts)
{
    random_begin("steps_agree_over_odd_counts");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0}), *cpu = backend_new(1, 0, "auto");
    for (size_t i = 0; i < COUNTS; i++)
        for (enum kind kind = 0; kind < KINDS; kind++) {
            float *start = random_floats(counts[i], 1);
            struct weights there = weights_new(cuda, start, counts[i]), here = weights_new(cpu, start, counts[i]);
            for (uint64_t number = 1; number <= (counts[i] > 10000 ? 2 : 6); number++) {
                float *gradient = random_floats(counts[i], 2),
                      *on_device = device_floats_put(cuda, gradient, counts[i]);
                struct ft_error error = {""};
                ck_assert_int_eq(step(cpu, kind, counts[i], &here, gradient, number, &error), FT_OK);
                ck_assert_msg(step(cuda, kind, counts[i], &there, on_device, number, &error) == FT_OK, "%s",
                              error.text);
                cuda->ops->free_floats(cuda, on_device);
                free(gradient);
            }
            expect_same_weights(cuda, &there, &here, counts[i]);
            weights_free(cuda, &there);
            weights_free(cpu, &here);
            free(start);
        }
    cuda->ops->free(cuda);
    cpu->ops->free(cpu);
}
END_TEST

START_TEST(squares_agree_over_odd_counts)
{
    random_begin("squares_agree_over_odd_counts");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (size_t i = 0; i < COUNTS; i++) {
        float *x = random_floats(counts[i], 3), *there = device_floats_put(cuda, x, counts[i]);
        long double exact = 0;
        double sums[2] = {-1, -1};
        for (size_t k = 0; k < counts[i]; k++)
            exact += (long double)x[k] * (long double)x[k];
        for (int again = 0; again < 2; again++)
            ck_assert_int_eq(cuda->ops->training->squares(cuda, there, counts[i], &sums[again], NULL), FT_OK);
        ck_assert_double_le(fabs(sums[0] - (double)exact), 1e-13 * (double)exact);
        ck_assert_double_eq(sums[0], sums[1]);
        cuda->ops->free_floats(cuda, there);
        free(x);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* n (n+1) (2n+1) / 6 */
START_TEST(squares_by_hand)
{
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    float x[20];
    double sum;
    for (int i = 0; i < 20; i++)
        x[i] = (float)(i + 1) * (i % 2 ? -1 : 1);
    for (int kind = 0; kind < 3; kind++) {
        if (kind)
            x[3] = kind == 1 ? NAN : 3e38f; /* its square is no float */
        float *there = device_floats_put(cuda, x, 20);
        for (size_t count = 4; count <= 20; count++) {
            ck_assert_int_eq(cuda->ops->training->squares(cuda, there, count, &sum, NULL), FT_OK);
            if (kind == 0)
                ck_assert_double_eq(sum, (double)(count * (count + 1) * (2 * count + 1) / 6));
            else if (kind == 1)
                ck_assert_double_nan(sum);
            else
                ck_assert_double_eq_tol(sum / 9e76, 1, 1e-6);
        }
        cuda->ops->free_floats(cuda, there);
    }
    cuda->ops->free(cuda);
}
END_TEST

static int take_steps(void)
{
    enum { COUNT = 300 };
    struct ft_error error = {""};
    double sum;
    struct backend *cuda = device_backend_try(&(struct cuda_options){0}, &error);
    bool failed = !cuda;
    struct weights weights = {0};
    if (cuda)
        weights = (struct weights){cuda->ops->new_floats(cuda, COUNT), cuda->ops->new_floats(cuda, COUNT),
                                   cuda->ops->new_floats(cuda, COUNT)};
    failed |= !weights.w || !weights.first || !weights.second;
    failed |= !failed && cuda->ops->training->squares(cuda, weights.w, COUNT, &sum, &error) != FT_OK;
    for (enum kind kind = 0; !failed && kind < KINDS; kind++)
        failed = step(cuda, kind, COUNT, &weights, weights.w, 1, &error) != FT_OK;
    if (cuda) {
        weights_free(cuda, &weights);
        cuda->ops->free(cuda);
    }
    return failed ? SCENE_FAILED : SCENE_WELL;
}

START_TEST(every_call_may_fail)
{
    with_every_failure(take_steps, 5);
}
END_TEST

int main(void)
{
    test_add(steps_agree_over_odd_counts, NULL);
    test_add(squares_agree_over_odd_counts, NULL);
    test_add(squares_by_hand, NULL);
    test_add(every_call_may_fail, NULL);
    return test_run("cuda-optimizer");
}
