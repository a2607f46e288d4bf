/* The estimate is its formula: worked out by hand for a card of round figures, and the same for whatever is run twice.
 */
#include "harness.h"
#include "lm_case.h"
#include "numbers.h"
#include "run/gpu_price.h"
#include <math.h>
#include <stdlib.h>

/* 0.7 P = 1e12 operations a second in f32, 4e12 in halves; 0.8 BW = 1e11 bytes; 0.8 L = 1e9. */
static const struct gpu_card round_card = {"round", {1e12 / 0.7, 0, 4e12 / 0.7}, 1.25e11, 1.25e9, 1e6, 8};

static struct gpu_model *model_new(enum cuda_math math)
{
    struct backend *backend;
    struct ft_error error = {""};
    ck_assert_msg(gpu_model_new(&backend, &round_card, math, &error) == FT_OK, "%s", error.text);
    return (struct gpu_model *)backend;
}

static void check_seconds(double got, double expected)
{
    EXPECT(fabs(got - expected) <= 1e-9 * expected, "%.12g s, should be %.12g", got, expected);
}

START_TEST(a_launch_takes_the_longer_of_computing_and_memory)
{
    struct gpu_model *model = model_new(CUDA_MATH_F32), *halves = model_new(CUDA_MATH_F16);
    gpu_product(model, 1000, 1000, 1000); /* 2e9 operations: 2 ms; 12e6 bytes: 0.12 ms */
    check_seconds(model->sum.seconds, 2e-3 + 4e-6);
    gpu_product(model, 1, 1000, 1000); /* 2e6: 2 us; 4e6 + 8e3 bytes: 40.08 us */
    check_seconds(model->sum.seconds, 2e-3 + 40.08e-6 + 2 * 4e-6);
    gpu_launches(model, 10, &(struct gpu_launch){.bytes = 1e6, .chain = 5, .kernels = 2}); /* 10 us, 5 us, 8 us */
    check_seconds(model->sum.seconds, 2e-3 + 40.08e-6 + 2 * 4e-6 + 230e-6);
    ck_assert(model->sum.launches > 21.5 && model->sum.launches < 22.5);
    gpu_product(halves, 1000, 1000, 1000);
    check_seconds(halves->sum.seconds, 0.5e-3 + 4e-6);
    gpu_product(halves, 1, 1000, 1000); /* 2e6 + 8e3 bytes */
    check_seconds(halves->sum.seconds, 0.5e-3 + 20.08e-6 + 2 * 4e-6);
    gpu_upload(halves, 1e6); /* 1 ms */
    check_seconds(halves->sum.copy_seconds, 1e-3 + 10e-6);
    check_seconds(halves->sum.seconds, 0.5e-3 + 20.08e-6 + 2 * 4e-6 + 1e-3 + 10e-6);
    model->base.ops->free(&model->base);
    halves->base.ops->free(&halves->base);
}
END_TEST

START_TEST(a_step_of_a_language_model_takes_what_the_header_says)
{
    enum { HIDDEN = 40, STEPS = 40 };
    uint32_t ids[STEPS] = {0}, step = STEPS - 1, row = 0;
    struct char_sequence sequence = {ids, STEPS, 1, &step, &row};
    struct language_model lm;
    struct ft_error error = {""};
    random_begin("a_step_of_a_language_model_takes_what_the_header_says");
    language_model_init(&lm, CELL_LSTM, HIDDEN, 1, 0);
    struct gpu_model *model = model_new(CUDA_MATH_F32);
    struct lm_pass pass = {&lm.lm.net, &sequence, 1, NULL, NULL};
    ck_assert_int_eq(model->base.ops->lm_encode(&model->base, &pass, 1, &error), FT_OK);
    double operations = 8.0 * HIDDEN * HIDDEN, bytes = 4.0 * HIDDEN * HIDDEN * 4 + 64.0 * HIDDEN;
    double step_seconds = fmax(operations / 1e12, bytes / 1e11) + 8e-6;
    /* two runs are sent, 32 steps and 8, 16 bytes a step */
    check_seconds(model->sum.lm_seconds, STEPS * step_seconds + 2 * 10e-6 + STEPS * 16 / 1e9);
    ck_assert_uint_eq(model->sum.steps.taken, STEPS);
    check_seconds(model->sum.operations, STEPS * operations);
    model->base.ops->free(&model->base);
    language_model_release(&lm);
}
END_TEST

START_TEST(memory_ends_where_the_card_has_no_more)
{
    struct gpu_model *model = model_new(CUDA_MATH_F32);
    const struct backend_ops *ops = model->base.ops;
    float *most = ops->new_floats(&model->base, 200000);
    ck_assert(most && !((uintptr_t)most % 64));
    ck_assert(!ops->new_floats(&model->base, 100000));
    ops->free_floats(&model->base, most);
    most = ops->new_floats(&model->base, 240000);
    ck_assert(most);
    ops->free_floats(&model->base, most);
    ops->free_floats(&model->base, NULL);
    ck_assert(model->sum.memory < 1);
    ops->free(&model->base);
}
END_TEST

START_TEST(a_card_without_such_units_is_refused)
{
    struct backend *backend;
    struct ft_error error = {""};
    ck_assert_int_eq(gpu_model_new(&backend, &round_card, CUDA_MATH_TF32, &error), FT_USAGE);
    ck_assert_str_eq(error.text, "round has no units for tf32");
}
END_TEST

int main(void)
{
    test_add(a_launch_takes_the_longer_of_computing_and_memory, NULL);
    test_add(a_step_of_a_language_model_takes_what_the_header_says, NULL);
    test_add(memory_ends_where_the_card_has_no_more, NULL);
    test_add(a_card_without_such_units_is_refused, NULL);
    return test_run("gpu-model");
}
