/* Dropout over packed sequences of unequal lengths: what is dropped, how often, and what the masks depend on. */
#include "harness.h"
#include "numbers.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 23, STEPS = 60, MOST_ROWS = SEQUENCES * STEPS };

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

/* Drops from a copy of x, or from ones where x is NULL, on `threads` threads; the caller frees it. */
static float *dropped(const struct dropout *dropout, size_t width, const float *x, size_t threads)
{
    struct packed_batch batch = packed();
    struct backend *backend;
    struct ft_error error;
    float *y = malloc(batch.rows * width * sizeof *y);
    ck_assert_ptr_nonnull(y);
    for (size_t i = 0; i < batch.rows * width; i++)
        y[i] = x ? x[i] : 1;
    ck_assert_int_eq(backend_cpu_new(&backend, &(struct cpu_options){.threads = threads, .isa = "auto"}, &error),
                     FT_OK);
    ck_assert_int_eq(cpu_dropout(backend, &batch, dropout, width, y, &error), FT_OK);
    backend->ops->free(backend);
    return y;
}

static size_t zeros(const float *x, size_t count, size_t stride)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i * stride] == 0;
    return sum;
}

static void expect_rate(size_t found, size_t of, double p)
{
    ck_assert_double_eq_tol((double)found, (double)of * p, 5 * sqrt((double)of * p * (1 - p)));
}

START_TEST(probability_0_changes_nothing)
{
    size_t rows = packed().rows;
    float *x = random_floats(rows * 5, 3), *y = dropped(&(struct dropout){.seed = 1}, 5, x, 1);
    ck_assert_mem_eq(x, y, rows * 5 * sizeof *x);
    free(x);
    free(y);
}
END_TEST

START_TEST(probability_1_drops_all_even_what_is_no_number)
{
    size_t rows = packed().rows;
    for (int kind = 0; kind < 3; kind++) {
        struct dropout dropout = {.word = kind == 0, .locked = kind == 1, .plain = kind == 2};
        float *x = malloc(rows * 5 * sizeof *x);
        for (size_t i = 0; i < rows * 5; i++)
            x[i] = i % 2 ? NAN : INFINITY;
        float *y = dropped(&dropout, 5, x, 1);
        ck_assert_uint_eq(zeros(y, rows * 5, 1), rows * 5);
        free(x);
        free(y);
    }
}
END_TEST

START_TEST(word_dropout_zeroes_rows_and_scales_nothing)
{
    enum { WIDTH = 3 };
    size_t rows = packed().rows, count = 0;
    for (uint64_t step = 0; step < 50; step++) {
        float *y = dropped(&(struct dropout){.word = 0.1f, .seed = 7, .step = step, .site = 1}, WIDTH, NULL, 1);
        for (size_t r = 0; r < rows; r++) {
            size_t zero = zeros(y + r * WIDTH, WIDTH, 1);
            EXPECT(zero == 0 || zero == WIDTH, "row %zu has %zu zeros", r, zero);
            for (size_t c = 0; c < WIDTH; c++)
                EXPECT(y[r * WIDTH + c] == (zero ? 0.0f : 1.0f), "row %zu is scaled", r);
            count += zero > 0;
        }
        free(y);
    }
    expect_rate(count, 50 * rows, 0.1);
}
END_TEST

/* The width is more than a mask made at a time, and no multiple of 4. */
START_TEST(locked_dropout_is_one_mask_a_sequence)
{
    enum { WIDTH = 4099 };
    struct packed_batch batch = packed();
    float *y = dropped(&(struct dropout){.locked = 0.3f, .seed = 8, .step = 2, .site = 1}, WIDTH, NULL, 1);
    size_t equal_to_next = 0;
    for (size_t r = 0; r < batch.rows; r++) {
        size_t different = first_difference(y + r * WIDTH, y + sequence[r] * WIDTH, WIDTH);
        EXPECT(different == WIDTH, "row %zu differs from the first of its sequence in column %zu", r, different);
    }
    for (size_t s = 0; s < SEQUENCES; s++) {
        expect_rate(zeros(y + s * WIDTH, WIDTH, 1), WIDTH, 0.3);
        for (size_t c = 0; c < WIDTH; c++)
            EXPECT(y[s * WIDTH + c] == 0 || y[s * WIDTH + c] == 1.0f / (1.0f - 0.3f), "sequence %zu, column %zu", s, c);
        for (size_t c = 0; s + 1 < SEQUENCES && c < WIDTH; c++)
            equal_to_next += y[s * WIDTH + c] == y[(s + 1) * WIDTH + c];
    }
    expect_rate(equal_to_next, (SEQUENCES - 1) * WIDTH, 0.3 * 0.3 + 0.7 * 0.7);
    for (size_t c = 0; c < 8; c++) /* columns of one Philox call and of two */
        expect_rate(zeros(y + c, SEQUENCES, WIDTH), SEQUENCES, 0.3);
    free(y);
}
END_TEST

START_TEST(plain_dropout_drops_single_values)
{
    enum { WIDTH = 37 };
    size_t rows = packed().rows, equal_rows = 0;
    float *y = dropped(&(struct dropout){.plain = 0.5f, .seed = 9}, WIDTH, NULL, 1);
    expect_rate(zeros(y, rows * WIDTH, 1), rows * WIDTH, 0.5);
    for (size_t c = 0; c < WIDTH; c++)
        expect_rate(zeros(y + c, rows, WIDTH), rows, 0.5);
    for (size_t i = 0; i < rows * WIDTH; i++)
        EXPECT(y[i] == 0 || y[i] == 2, "value %zu is %.9g", i, (double)y[i]);
    for (size_t r = 1; r < rows; r++)
        equal_rows += first_difference(y + r * WIDTH, y + (r - 1) * WIDTH, WIDTH) == WIDTH;
    ck_assert_uint_eq(equal_rows, 0); /* by chance: 1,000 times 2^-37 */
    free(y);
}
END_TEST

START_TEST(all_three_together_multiply)
{
    enum { WIDTH = 11 };
    size_t rows = packed().rows;
    struct dropout all = {.word = 0.2f, .locked = 0.5f, .plain = 0.75f, .seed = 10, .step = 5, .site = 3};
    struct dropout word = all, locked = all, plain = all;
    word.locked = word.plain = locked.word = locked.plain = plain.word = plain.locked = 0;
    float *x = random_floats(rows * WIDTH, 3), *together = dropped(&all, WIDTH, x, 1);
    float *after_word = dropped(&word, WIDTH, x, 1), *after_locked = dropped(&locked, WIDTH, after_word, 1);
    float *one_by_one = dropped(&plain, WIDTH, after_locked, 1);
    for (size_t i = 0; i < rows * WIDTH; i++)
        EXPECT(together[i] == one_by_one[i], "value %zu is %.9g, not %.9g", i, (double)together[i],
               (double)one_by_one[i]);
    free(x);
    free(together);
    free(after_word);
    free(after_locked);
    free(one_by_one);
}
END_TEST

/* First elements have the same places in locked and in plain dropout. */
START_TEST(kinds_share_no_mask)
{
    enum { WIDTH = 4099 };
    struct dropout dropout = {.locked = 0.5f, .plain = 0.5f, .seed = 12, .step = 5, .site = 3};
    float *y = dropped(&dropout, WIDTH, NULL, 1);
    expect_rate(zeros(y, SEQUENCES * WIDTH, 1), SEQUENCES * WIDTH, 0.75);
    free(y);
}
END_TEST

/* Half of the values agree by chance. */
START_TEST(masks_depend_on_seed_step_and_site)
{
    enum { WIDTH = 8 };
    size_t rows = packed().rows;
    static const struct dropout others[] = {{.plain = 0.5f, .seed = 1, .step = 2, .site = 3},
                                            {.plain = 0.5f, .seed = 2, .step = 2, .site = 3},
                                            {.plain = 0.5f, .seed = (uint64_t)1 << 32 | 1, .step = 2, .site = 3},
                                            {.plain = 0.5f, .seed = 1, .step = 3, .site = 3},
                                            {.plain = 0.5f, .seed = 1, .step = 2, .site = 4}};
    float *y = dropped(&others[0], WIDTH, NULL, 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        float *z = dropped(&others[i], WIDTH, NULL, 1);
        size_t equal = 0;
        for (size_t k = 0; k < rows * WIDTH; k++)
            equal += y[k] == z[k];
        if (i == 0)
            ck_assert_uint_eq(equal, rows * WIDTH);
        else
            expect_rate(equal, rows * WIDTH, 0.5);
        free(z);
    }
    free(y);
}
END_TEST

START_TEST(threads_do_not_matter)
{
    enum { WIDTH = 1030 };
    size_t rows = packed().rows;
    struct dropout all = {.word = 0.1f, .locked = 0.5f, .plain = 0.5f, .seed = 11, .step = 5, .site = 3};
    float *x = random_floats(rows * WIDTH, 3), *y = dropped(&all, WIDTH, x, 1);
    static const size_t threads[] = {2, 3, 8};
    for (size_t i = 0; i < 3; i++) {
        float *z = dropped(&all, WIDTH, x, threads[i]);
        ck_assert_mem_eq(y, z, rows * WIDTH * sizeof *y);
        free(z);
    }
    free(x);
    free(y);
}
END_TEST

int main(void)
{
    test_add(probability_0_changes_nothing, NULL);
    test_add(probability_1_drops_all_even_what_is_no_number, NULL);
    test_add(word_dropout_zeroes_rows_and_scales_nothing, NULL);
    test_add(locked_dropout_is_one_mask_a_sequence, NULL);
    test_add(plain_dropout_drops_single_values, NULL);
    test_add(all_three_together_multiply, NULL);
    test_add(kinds_share_no_mask, NULL);
    test_add(masks_depend_on_seed_step_and_site, NULL);
    test_add(threads_do_not_matter, NULL);
    return test_run("dropout");
}
