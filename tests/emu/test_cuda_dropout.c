/* Dropout on CUDA: the bits of the CPU's, whatever is dropped of whatever shape. */
#include "device_backend.h"
#include "device_failures.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 5, STEPS = 9, MOST_ROWS = SEQUENCES * STEPS };

static uint32_t active[STEPS], first[STEPS], sequence[MOST_ROWS], step_of[MOST_ROWS];

/* Sequence s has STEPS - 2 s elements. */
static struct packed_batch packed(void)
{
    struct packed_batch batch = {.sequences = SEQUENCES,
                                 .steps = STEPS,
                                 .active = active,
                                 .first = first,
                                 .sequence = sequence,
                                 .step = step_of};
    for (size_t t = 0; t < STEPS; t++) {
        first[t] = (uint32_t)batch.rows;
        active[t] = 0;
        for (size_t s = 0; s < SEQUENCES && t < STEPS - 2 * s; s++) {
            active[t]++;
            sequence[batch.rows] = (uint32_t)s;
            step_of[batch.rows++] = (uint32_t)t;
        }
    }
    return batch;
}

static void expect_cpus_bits(struct backend *cuda, const struct dropout *dropout, size_t width, const float *x)
{
    struct packed_batch batch = packed();
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    size_t count = batch.rows * width;
    float *expected = malloc(count * sizeof *expected), *there = device_floats_put(cuda, x, count);
    memcpy(expected, x, count * sizeof *expected);
    ck_assert_int_eq(cpu_dropout(cpu, &batch, dropout, width, expected, &error), FT_OK);
    ck_assert_msg(cuda->ops->training->dropout(cuda, &batch, dropout, width, there, &error) == FT_OK, "%s", error.text);
    float *got = device_floats_get(cuda, there, count);
    size_t different = first_difference(got, expected, count);
    EXPECT(different == count, "width %zu, word %g, locked %g, plain %g: row %zu, column %zu is %.9g, on the CPU %.9g",
           width, (double)dropout->word, (double)dropout->locked, (double)dropout->plain, different / width,
           different % width, (double)got[different], (double)expected[different]);
    free(got);
    free(expected);
    cuda->ops->free_floats(cuda, there);
    cpu->ops->free(cpu);
}

START_TEST(every_kind_over_odd_widths)
{
    random_begin("every_kind_over_odd_widths");
    static const size_t widths[] = {1, 2, 3, 4, 5, 31, 127, 128, 129, 130, 1023, 1029, 2100};
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        float *x = random_floats(packed().rows * widths[i], 3);
        for (int kinds = 0; kinds < 8; kinds++) {
            struct dropout dropout = {.seed = (uint64_t)random_below(UINT32_MAX) << 32 | random_below(UINT32_MAX),
                                      .step = random_below(1000),
                                      .site = random_below(9)};
            dropout.word = kinds & 1 ? 0.3f : 0;
            dropout.locked = kinds & 2 ? 0.5f : 0;
            dropout.plain = kinds & 4 ? 0.1f : 0;
            expect_cpus_bits(cuda, &dropout, widths[i], x);
        }
        free(x);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* Also probabilities that keep or drop nearly everything, and steps that pass 32 bits. */
START_TEST(extreme_probabilities_and_values)
{
    random_begin("extreme_probabilities_and_values");
    static const float probabilities[] = {0x1p-24f, 1e-30f, 0.999999f, 1, 0.25f};
    static const float values[] = {NAN,   INFINITY, -INFINITY,
                                   -0.0f, 3e38f,    2e-38f}; /* the CPU takes smaller ones for 0 */
    enum { WIDTH = 37 };
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    float *x = random_floats(packed().rows * WIDTH, 3);
    for (size_t k = 0; k < packed().rows * WIDTH; k += 3)
        x[k] = values[random_below(6)];
    for (size_t i = 0; i < 5; i++)
        for (int kind = 0; kind < 3; kind++) {
            struct dropout dropout = {.seed = i, .step = ((uint64_t)1 << 32) + i, .site = 0xffffff};
            *(kind == 0 ? &dropout.word : kind == 1 ? &dropout.locked : &dropout.plain) = probabilities[i];
            expect_cpus_bits(cuda, &dropout, WIDTH, x);
        }
    free(x);
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(no_rows_and_no_columns_are_nothing_to_drop)
{
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct packed_batch none = {0}, some = packed();
    struct dropout dropout = {.plain = 0.5f};
    ck_assert_int_eq(cuda->ops->training->dropout(cuda, &none, &dropout, 5, NULL, NULL), FT_OK);
    ck_assert_int_eq(cuda->ops->training->dropout(cuda, &some, &dropout, 0, NULL, NULL), FT_OK);
    cuda->ops->free(cuda);
}
END_TEST

static int drop(void)
{
    enum { WIDTH = 6 };
    struct ft_error error = {""};
    struct packed_batch batch = packed();
    struct dropout dropout = {.word = 0.1f, .locked = 0.5f, .plain = 0.5f};
    struct backend *cuda = device_backend_try(&(struct cuda_options){0}, &error);
    bool failed = !cuda;
    float *x = cuda ? cuda->ops->new_floats(cuda, batch.rows * WIDTH) : NULL;
    failed |= !x || cuda->ops->training->dropout(cuda, &batch, &dropout, WIDTH, x, &error) != FT_OK;
    if (cuda) {
        cuda->ops->free_floats(cuda, x);
        cuda->ops->free(cuda);
    }
    return failed ? SCENE_FAILED : SCENE_WELL;
}

START_TEST(every_call_may_fail)
{
    with_every_failure(drop, 5);
}
END_TEST

int main(void)
{
    test_add(every_kind_over_odd_widths, NULL);
    test_add(extreme_probabilities_and_values, NULL);
    test_add(no_rows_and_no_columns_are_nothing_to_drop, NULL);
    test_add(every_call_may_fail, NULL);
    return test_run("cuda-dropout");
}
