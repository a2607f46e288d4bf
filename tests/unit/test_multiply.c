/* kernels.h's `multiply`: every set gives the same bits in every precision, and those are the definition's. */
#include "harness.h"
#include "kernel_cases.h"
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const void *const *pointers(const struct rows *rows)
{
    return (const void *const *)rows->at;
}

static void check_f32(size_t rows, size_t k)
{
    struct rows a = random_rows(rows, k, 2);
    float *w = aligned_floats(k * PANEL), *start = random_floats(rows * PANEL, 1);
    float *expected = aligned_floats(rows * PANEL), *got = aligned_floats(rows * PANEL);
    random_fill(w, k * PANEL, 1);
    memcpy(expected, start, rows * PANEL * sizeof *start);
    scalar_set()->multiply[PRECISION_F32](expected, rows, pointers(&a), w, k, NULL, 0);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < PANEL; j++) {
            double sum = (double)start[r * PANEL + j], size = fabs(sum);
            for (size_t i = 0; i < k; i++) {
                double product = (double)a.at[r][i] * (double)w[i * PANEL + j];
                sum += product;
                size += fabs(product);
            }
            double limit = (double)(k + 1) * 0.5 * (double)FLT_EPSILON * size, one = (double)expected[r * PANEL + j];
            EXPECT(distance_of(sum, one) <= limit, "%zu rows, k %zu: [%zu, %zu] is %.9g, should be %.9g", rows, k, r, j,
                   one, sum);
        }
    for (const struct kernels *const *set = every_set(); *set; set++) {
        memcpy(got, start, rows * PANEL * sizeof *start);
        size_t next_bytes = random_below(4) ? random_below((uint32_t)(k * PANEL * sizeof *w)) : 0;
        (*set)->multiply[PRECISION_F32](got, rows, pointers(&a), w, k, (const char *)w, next_bytes);
        size_t at = first_difference(expected, got, rows * PANEL);
        EXPECT(at == rows * PANEL, "%s: %zu rows, k %zu: [%zu, %zu] is %a, the scalar set has %a", (*set)->name, rows,
               k, at / PANEL, at % PANEL, (double)got[at], (double)expected[at]);
    }
    rows_free(&a);
    free(w);
    free(start);
    free(expected);
    free(got);
}

/* Quantised rows and weights, each as plain numbers and as the kernels take them. */
struct integers {
    enum precision precision;
    size_t rows, k, groups; /* k: elements, in whole groups */
    int32_t *a, *w, *start; /* [rows, k], [k, PANEL], [rows, PANEL] */
};

static struct integers integers_new(enum precision precision, size_t rows, size_t groups)
{
    size_t k = groups * group_elements(precision);
    return (struct integers){precision,
                             rows,
                             k,
                             groups,
                             calloc(rows * k + 1, sizeof(int32_t)),
                             calloc(k * PANEL + 1, sizeof(int32_t)),
                             calloc(rows * PANEL + 1, sizeof(int32_t))};
}

static void integers_free(struct integers *c)
{
    free(c->a);
    free(c->w);
    free(c->start);
}

static int32_t random_integer(int32_t most)
{
    return (int32_t)random_below((uint32_t)(2 * most + 1)) - most;
}

/* Anything inside the documented ranges. For 16 bits a column's sum of |w| stays below 2^31 / 32767. */
static void integers_fill(struct integers *c)
{
    int row = row_limit(c->precision), weight = weight_limit(c->precision);
    for (size_t i = 0; i < c->rows * c->k; i++)
        c->a[i] = random_below(20) ? random_integer(row) : random_below(2) ? row : -row;
    for (size_t i = 0; i < c->rows * PANEL; i++)
        c->start[i] = random_integer(100000);
    for (size_t j = 0; j < PANEL; j++) {
        int32_t left = c->precision == PRECISION_INT16 ? 65000 : INT32_MAX;
        for (size_t k = 0; k < c->k; k++) {
            int32_t most = left < weight ? left : weight;
            int32_t w = random_below(8) ? random_integer(most) : random_below(2) ? most : -most;
            c->w[k * PANEL + j] = w;
            left -= abs(w);
        }
    }
}

/* The sums that a set must give, whose rows of 8 bits may have 128 added. */
static void integers_expect(const struct integers *c, int offset, int32_t *expected)
{
    int64_t *sum = malloc(PANEL * sizeof *sum);
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t j = 0; j < PANEL; j++)
            sum[j] = c->start[r * PANEL + j];
        for (size_t k = 0; k < c->k; k++)
            for (size_t j = 0; j < PANEL; j++)
                sum[j] += (int64_t)(c->a[r * c->k + k] + offset) * c->w[k * PANEL + j];
        for (size_t j = 0; j < PANEL; j++) {
            EXPECT(sum[j] <= INT32_MAX && sum[j] >= INT32_MIN, "the case is wrong: %lld", (long long)sum[j]);
            expected[r * PANEL + j] = (int32_t)sum[j];
        }
    }
    free(sum);
}

static void put(enum precision precision, char *to, size_t place, int32_t value)
{
    int16_t word = (int16_t)value;
    if (precision == PRECISION_INT16)
        memcpy(to + place * sizeof word, &word, sizeof word);
    else
        to[place] = (char)value;
}

static void check_integers(const struct integers *c)
{
    size_t elements = group_elements(c->precision), bytes = c->groups * GROUP_BYTES, numbers = c->rows * PANEL;
    size_t stride = bytes + GROUP_BYTES * random_below(20);
    char *w = (char *)aligned_floats(c->groups * PANEL), *a = malloc(c->rows * stride + 1);
    const void **at = calloc(c->rows + 1, sizeof *at);
    int32_t *expected = calloc(numbers + 1, sizeof *expected), *got = (int32_t *)aligned_floats(numbers);
    for (size_t k = 0; k < c->k; k++)
        for (size_t j = 0; j < PANEL; j++)
            put(c->precision, w, (k / elements * PANEL + j) * elements + k % elements, c->w[k * PANEL + j]);
    for (const struct kernels *const *set = every_set(); *set; set++) {
        int offset = elements == 4 && !(*set)->signed_rows ? 128 : 0;
        size_t turn = random_below((uint32_t)c->rows + 1);
        integers_expect(c, offset, expected);
        for (size_t r = 0; r < c->rows; r++) {
            char *row = a + (c->rows - 1 - (r + turn) % c->rows) * stride;
            at[r] = row;
            for (size_t k = 0; k < c->k; k++)
                put(c->precision, row, k, c->a[r * c->k + k] + offset);
        }
        for (int ahead = 0; ahead < 2; ahead++) {
            memcpy(got, c->start, numbers * sizeof *got);
            (*set)->multiply[c->precision](got, c->rows, at, w, c->groups, ahead ? w : NULL,
                                           ahead ? random_below((uint32_t)(bytes * PANEL + 1)) : 0);
            for (size_t i = 0; i < numbers; i++)
                EXPECT(got[i] == expected[i], "%s, precision %d, %zu rows, %zu groups: [%zu, %zu] is %d, should be %d",
                       (*set)->name, c->precision, c->rows, c->groups, i / PANEL, i % PANEL, got[i], expected[i]);
        }
    }
    free(w);
    free(a);
    free(at);
    free(expected);
    free(got);
}

static void check_random(enum precision precision, size_t rows, size_t groups)
{
    if (precision == PRECISION_F32) {
        check_f32(rows, groups);
        return;
    }
    struct integers c = integers_new(precision, rows, groups);
    integers_fill(&c);
    check_integers(&c);
    integers_free(&c);
}

START_TEST(products_have_the_same_bits_in_every_set)
{
    random_begin("products_have_the_same_bits_in_every_set");
    for (int p = 0; p < PRECISIONS; p++) {
        enum precision precision = (enum precision)p;
        for (size_t rows = 1; rows <= 20; rows++)
            for (size_t groups = 1; groups <= 9; groups++)
                check_random(precision, rows, groups);
        check_random(precision, 200, 150);
        check_random(precision, 1, 600);
        check_random(precision, 200, 1);
        check_random(precision, 3, 5000); /* more than one stretch of every set */
        for (int round = 0; round < 6; round++)
            check_random(precision, random_between(1, 200), random_between(1, 300));
    }
}
END_TEST

START_TEST(nothing_times_nothing_leaves_sums_alone)
{
    float *sums = aligned_floats(PANEL), *w = aligned_floats(PANEL);
    const void *row = w;
    random_begin("nothing_times_nothing_leaves_sums_alone");
    random_fill(w, PANEL, 1);
    for (const struct kernels *const *set = every_set(); *set; set++)
        for (int p = 0; p < PRECISIONS; p++) {
            memcpy(sums, w, PANEL * sizeof *w);
            (*set)->multiply[p](sums, 0, NULL, w, 1, NULL, 0);
            (*set)->multiply[p](sums, 1, &row, w, 0, (const char *)w, GROUP_ROW);
            EXPECT(!memcmp(sums, w, PANEL * sizeof *w), "%s, precision %d", (*set)->name, p);
        }
    free(sums);
    free(w);
}
END_TEST

/* The widest segment with everything at its limit, begun as a product begins it: at minus 128 times the column's sum.
 * Column j's weights are all positive, all negative, or alternate, and so are the rows. */
START_TEST(extremes_of_the_widest_input_do_not_overflow)
{
    enum { WIDEST = 65536, ROWS = 5 };
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        enum precision precision = (enum precision)p;
        struct integers c = integers_new(precision, ROWS, group_count(precision, WIDEST));
        int row = precision == PRECISION_INT16 ? 4096 : row_limit(precision);
        int weight = precision == PRECISION_INT16 ? 7 : weight_limit(precision);
        for (size_t k = 0; k < WIDEST; k++) {
            for (size_t r = 0; r < ROWS; r++)
                c.a[r * WIDEST + k] = r == 0 || (r == 2 && k % 2) || (r == 3 && k < WIDEST / 2) ? row : -row;
            for (size_t j = 0; j < PANEL; j++)
                c.w[k * PANEL + j] =
                    j % 4 == 0 || (j % 4 == 1 && k % 2) || (j % 4 == 2 && k < WIDEST / 2) ? weight : -weight;
        }
        for (size_t j = 0; j < PANEL && precision != PRECISION_INT16; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < WIDEST; k++)
                sum += c.w[k * PANEL + j];
            for (size_t r = 0; r < ROWS; r++)
                c.start[r * PANEL + j] = -128 * sum;
        }
        check_integers(&c);
        integers_free(&c);
    }
}
END_TEST

/* Two weights and two numbers of 32767 fill a sum of 16 bits' products: one group is its widest step. */
START_TEST(extremes_of_16_bits_do_not_overflow)
{
    enum { ROWS = 7, WIDTH = 2 };
    struct integers c = integers_new(PRECISION_INT16, ROWS, WIDTH / 2);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < WIDTH; k++)
            c.a[r * WIDTH + k] = r % 3 == 0 || (r % 3 == 1 && k % 2) ? 32767 : -32767;
    for (size_t k = 0; k < WIDTH; k++)
        for (size_t j = 0; j < PANEL; j++)
            c.w[k * PANEL + j] = j % 3 == 0 || (j % 3 == 1 && k % 2) ? 32767 : -32767;
    check_integers(&c);
    integers_free(&c);
}
END_TEST

/* By hand: one group of 1 2 3 4 times 5 6 7 8 is 70; of 8 bits with 128 added, 70 + 128 * 26 = 3398. */
START_TEST(one_group_by_hand)
{
    for (int p = PRECISION_INT8; p < PRECISIONS; p++) {
        struct integers c = integers_new((enum precision)p, 1, 1);
        for (size_t k = 0; k < 4; k++) {
            c.a[k] = (int32_t)k + 1;
            for (size_t j = 0; j < PANEL; j++)
                c.w[k * PANEL + j] = (int32_t)k + 5;
        }
        int32_t expected[PANEL];
        integers_expect(&c, 128, expected);
        ck_assert_int_eq(expected[63], 3398);
        integers_expect(&c, 0, expected);
        ck_assert_int_eq(expected[0], 70);
        check_integers(&c);
        integers_free(&c);
    }
}
END_TEST

int main(void)
{
    test_add(products_have_the_same_bits_in_every_set, NULL);
    test_add(nothing_times_nothing_leaves_sums_alone, NULL);
    test_add(extremes_of_the_widest_input_do_not_overflow, NULL);
    test_add(extremes_of_16_bits_do_not_overflow, NULL);
    test_add(one_group_by_hand, NULL);
    return test_run("multiply");
}
