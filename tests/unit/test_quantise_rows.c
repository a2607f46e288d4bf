/* kernels.h's `largest`, `squares`, `quantise` and `restore`: every set does what they are defined to do, to the bit,
 * for numbers of any kind and rows of any length. */
#include "harness.h"
#include "kernel_cases.h"
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float odd[] = {
    0.0f,    -0.0f, NAN,  INFINITY, -INFINITY,   FLT_MIN,      -FLT_MIN, FLT_TRUE_MIN, FLT_MAX,      -FLT_MAX, 1e-40f,
    -1e-40f, 127,   -127, 127.5f,   -127.5f,     4096,         -4096,    4096.5f,      -4096.5f,     126.5f,   0.5f,
    -0.5f,   1.5f,  2.5f, -2.5f,    0.49999997f, -0.49999997f, 1e9f,     -1e9f,        2147483648.0f};
enum { ODD = sizeof odd / sizeof *odd };

/* Random, ties, and odd ones. */
static void fill(float *x, size_t count, float most)
{
    for (size_t i = 0; i < count; i++)
        switch (random_below(4)) {
        case 0: x[i] = odd[random_below(ODD)]; break;
        case 1: x[i] = (float)random_below(9000) - 4500.5f; break;
        default: x[i] = random_float(most);
        }
}

/* Begins at any place and ends where its memory ends. */
static float *ending(size_t count, float **memory)
{
    size_t before = random_below(17);
    *memory = malloc((before + count) * sizeof(float) + 1);
    ck_assert_ptr_nonnull(*memory);
    return *memory + before;
}

START_TEST(largest_is_the_greatest_magnitude)
{
    random_begin("largest_is_the_greatest_magnitude");
    for (size_t count = 0; count < 300; count++) {
        float *memory, *x = ending(count, &memory), expected = 0;
        if (count % 3)
            random_fill(x, count, 5);
        else
            fill(x, count, 5);
        if (count)
            x[random_below((uint32_t)count)] = (float[]){7, -7, -FLT_TRUE_MIN}[count % 3];
        for (size_t i = 0; i < count; i++)
            if (fabsf(x[i]) > expected) /* a NaN is no number to be the largest */
                expected = fabsf(x[i]);
        for (const struct kernels *const *set = every_set(); *set; set++) {
            float got = (*set)->largest(x, count);
            EXPECT(same_float(got, expected), "%s: of %zu numbers %a, should be %a", (*set)->name, count, (double)got,
                   (double)expected);
        }
        free(memory);
    }
}
END_TEST

START_TEST(largest_sees_every_place)
{
    for (size_t count = 1; count < 70; count++)
        for (size_t at = 0; at < count; at++) {
            float x[70] = {0};
            x[at] = at % 2 ? 3.0f : -3.0f;
            for (const struct kernels *const *set = every_set(); *set; set++)
                EXPECT(same_float((*set)->largest(x, count), 3), "%s: place %zu of %zu", (*set)->name, at, count);
        }
}
END_TEST

START_TEST(squares_are_sixteen_chains)
{
    random_begin("squares_are_sixteen_chains");
    for (size_t count = 0; count < 200; count++) {
        float *memory, *x = ending(count, &memory), chains[16] = {0}, expected = 0;
        random_fill(x, count, 5);
        for (size_t i = 0; i < count; i++)
            chains[i % 16] = fmaf(x[i], x[i], chains[i % 16]);
        for (size_t i = 0; i < 16; i++)
            expected += chains[i];
        for (const struct kernels *const *set = every_set(); *set; set++) {
            float got = (*set)->squares(x, count);
            EXPECT(same_float(got, expected), "%s: of %zu numbers %a, should be %a", (*set)->name, count, (double)got,
                   (double)expected);
        }
        free(memory);
    }
}
END_TEST

/* Round to nearest, ties to even, then held. What is no number stands for the limit in every set. */
static int quantised(float x, float factor, int limit)
{
    float scaled = x * factor;
    if (isnan(scaled))
        return limit;
    double whole = floor((double)scaled), rest = (double)scaled - whole;
    if (rest > 0.5 || (rest >= 0.5 && fmod(whole, 2) != 0)) /* NaN for infinities: they stay */
        whole++;
    return whole > limit ? limit : whole < -limit ? -limit : (int)whole;
}

static void check_quantise(const struct kernels *set, enum precision precision, const float *x, size_t count,
                           float factor)
{
    enum { GUARD = 64 };
    size_t elements = group_elements(precision), groups = group_count(precision, count), bytes = groups * GROUP_BYTES;
    unsigned char *q = malloc(bytes + GUARD);
    ck_assert_ptr_nonnull(q);
    memset(q, 0xa5, bytes + GUARD);
    set->quantise[precision](x, count, factor, q);
    for (size_t i = 0; i < groups * elements; i++) {
        int expected = i < count ? quantised(x[i], factor, row_limit(precision)) : 0, got;
        if (precision == PRECISION_INT16)
            got = ((const int16_t *)(const void *)q)[i];
        else
            got = set->signed_rows ? (int)(signed char)q[i] : q[i] - 128;
        EXPECT(got == expected, "%s, precision %d: place %zu of %zu, %a * %a, is %d, should be %d", set->name,
               precision, i, count, i < count ? (double)x[i] : 0, (double)factor, got, expected);
    }
    for (size_t i = 0; i < GUARD; i++)
        EXPECT(q[bytes + i] == 0xa5, "%s, precision %d: wrote behind %zu numbers", set->name, precision, count);
    free(q);
}

static void check_every_quantise(const float *x, size_t count, float factor)
{
    for (const struct kernels *const *set = every_set(); *set; set++)
        for (int p = PRECISION_INT16; p < PRECISIONS; p++)
            check_quantise(*set, (enum precision)p, x, count, factor);
}

START_TEST(rows_are_rounded_and_held)
{
    static const float factors[] = {1, 1, 1, 0.5f, 127 / 5.0f, 4096 / 5.0f, 0, 1e-30f, 1e30f};
    random_begin("rows_are_rounded_and_held");
    for (size_t count = 0; count < 140; count++)
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
            float *memory, *x = ending(count, &memory);
            fill(x, count, i % 2 ? 200 : 6);
            check_every_quantise(x, count, factors[i]);
            free(memory);
        }
    for (int round = 0; round < 10; round++) {
        size_t count = random_between(140, 3000);
        float *memory, *x = ending(count, &memory);
        random_fill(x, count, 3);
        check_every_quantise(x, count, 127 / 3.0f);
        check_every_quantise(x, count, 4096 / 3.0f);
        free(memory);
    }
}
END_TEST

/* Every odd number at every place of a vector and of its tail. */
START_TEST(odd_numbers_are_the_same_at_every_place)
{
    for (size_t number = 0; number < ODD; number++)
        for (size_t at = 0; at < 35; at++) {
            float x[35] = {0};
            x[at] = odd[number];
            check_every_quantise(x, 35, 1);
        }
}
END_TEST

START_TEST(sums_are_restored_to_the_bit)
{
    random_begin("sums_are_restored_to_the_bit");
    for (int round = 0; round < 40; round++) {
        size_t rows = random_between(0, 200), numbers = rows * PANEL;
        float *start = random_floats(numbers, 3), *scale = random_floats(PANEL, 1e-3f);
        float *row_scale = random_floats(rows, 0.1f), *expected = random_floats(numbers, 1);
        float *z = aligned_floats(numbers);
        int32_t *sums = (int32_t *)aligned_floats(numbers);
        for (size_t i = 0; i < numbers; i++) {
            sums[i] = random_below(20) ? (int32_t)random_below(2000000) - 1000000
                                       : (int32_t[]){INT32_MAX, INT32_MIN, 0, 16777217}[random_below(4)];
            expected[i] = fmaf(scale[i % PANEL] * row_scale[i / PANEL], (float)sums[i], start[i]);
        }
        for (const struct kernels *const *set = every_set(); *set; set++) {
            if (numbers)
                memcpy(z, start, numbers * sizeof *z);
            (*set)->restore(z, rows, sums, scale, row_scale);
            size_t at = first_difference(expected, z, numbers);
            EXPECT(at == numbers, "%s: row %zu, column %zu is %a, should be %a", (*set)->name, at / PANEL, at % PANEL,
                   (double)z[at], (double)expected[at]);
        }
        free(start);
        free(scale);
        free(row_scale);
        free(expected);
        free(z);
        free(sums);
    }
}
END_TEST

int main(void)
{
    test_add(largest_is_the_greatest_magnitude, NULL);
    test_add(largest_sees_every_place, NULL);
    test_add(squares_are_sixteen_chains, NULL);
    test_add(rows_are_rounded_and_held, NULL);
    test_add(odd_numbers_are_the_same_at_every_place, NULL);
    test_add(sums_are_restored_to_the_bit, NULL);
    return test_run("quantise-rows");
}
