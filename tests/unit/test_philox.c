/* Philox against the published vectors, and what is made of it against what chance allows: five standard deviations,
 * with fixed seeds, so that these tests give the same answer every time. */
#include "base/philox.h"
#include "harness.h"
#include "numbers.h"
#include <math.h>
#include <string.h>

/* The known answers of philox4x32 with 10 rounds that its authors publish with Random123. */
START_TEST(published_vectors)
{
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *c = cases[i].counter, *k = cases[i].key;
        struct philox_words words = philox_at((uint64_t)k[1] << 32 | k[0], (uint64_t)c[1] << 32 | c[0], c[2], c[3]);
        for (int w = 0; w < 4; w++)
            ck_assert_uint_eq(words.at[w], cases[i].expected[w]);
    }
}
END_TEST

START_TEST(a_sequence_is_the_words_of_its_places)
{
    uint32_t stream = philox_stream(PHILOX_WEIGHTS, 7);
    struct philox from;
    philox_init(&from, 42, stream, 3);
    for (uint64_t place = 0; place < 5; place++) {
        struct philox_words words = philox_at(42, place, stream, 3);
        for (int w = 0; w < 4; w++)
            ck_assert_uint_eq(philox_next(&from), words.at[w]);
    }
}
END_TEST

START_TEST(uses_share_no_stream)
{
    ck_assert_uint_eq(philox_stream(PHILOX_WEIGHTS, 5), 5);
    ck_assert_uint_eq(philox_stream(PHILOX_SHUFFLE, 5), 0x1000005);
    ck_assert_uint_ne(philox_stream(PHILOX_LOCKED_DROPOUT, 1), philox_stream(PHILOX_PLAIN_DROPOUT, 1));
    ck_assert_uint_ne(philox_stream(PHILOX_LOCKED_DROPOUT, 1), philox_stream(PHILOX_LOCKED_DROPOUT, 2));
}
END_TEST

START_TEST(floats_are_uniform_below_one)
{
    enum { COUNT = 100000, BINS = 10 };
    struct philox from;
    double sum = 0;
    int bins[BINS] = {0};
    philox_init(&from, 1, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        float x = philox_float(&from);
        EXPECT(x >= 0 && x < 1, "number %d is %.9g", i, (double)x);
        sum += (double)x;
        bins[(int)(x * BINS)]++;
    }
    ck_assert_double_eq_tol(sum / COUNT, 0.5, 5 * sqrt(1.0 / 12 / COUNT));
    for (int b = 0; b < BINS; b++)
        ck_assert_double_eq_tol(bins[b], COUNT / BINS, 5 * sqrt(COUNT * 0.1 * 0.9));
    ck_assert_float_eq(philox_unit(0xffffffff), 1 - 0x1p-24f);
    ck_assert_float_eq(philox_unit(0xff), 0);
}
END_TEST

/* Moments 1 to 4 of the normal distribution are 0, 1, 0, 3; their variances 1, 2, 15, 96. */
START_TEST(normals_have_the_moments_of_normals)
{
    enum { COUNT = 200000 };
    struct philox from;
    double sums[4] = {0}, neighbours = 0, before = 0;
    philox_init(&from, 2, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        double x = philox_normal(&from), power = 1;
        for (int m = 0; m < 4; m++)
            sums[m] += power *= x;
        neighbours += x * before;
        before = x;
    }
    static const double moments[] = {0, 1, 0, 3}, variances[] = {1, 2, 15, 96};
    for (int m = 0; m < 4; m++)
        ck_assert_double_eq_tol(sums[m] / COUNT, moments[m], 5 * sqrt(variances[m] / COUNT));
    ck_assert_double_eq_tol(neighbours / COUNT, 0, 5 * sqrt(1.0 / COUNT));
}
END_TEST

START_TEST(every_number_below_a_bound_is_equally_likely)
{
    enum { COUNT = 70000, BOUND = 7 };
    struct philox from;
    int counts[BOUND] = {0};
    philox_init(&from, 3, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        uint64_t number = philox_below(&from, BOUND);
        EXPECT(number < BOUND, "number %d is %llu", i, (unsigned long long)number);
        counts[number]++;
    }
    for (int n = 0; n < BOUND; n++)
        ck_assert_double_eq_tol(counts[n], COUNT / BOUND, 5 * sqrt(COUNT / 7.0 * 6 / 7));
    ck_assert_uint_eq(philox_below(&from, 1), 0);
}
END_TEST

/* With 3/4 of 2^64, a remainder alone would give the lowest third twice as often as the others. */
START_TEST(large_bounds_are_not_biased)
{
    enum { COUNT = 30000 };
    uint64_t bound = (uint64_t)3 << 62;
    struct philox from;
    int lowest = 0;
    philox_init(&from, 4, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        uint64_t number = philox_below(&from, bound);
        EXPECT(number < bound, "number %d is not below the bound", i);
        lowest += number < bound / 3;
    }
    ck_assert_double_eq_tol(lowest, COUNT / 3, 5 * sqrt(COUNT * 2.0 / 9));
}
END_TEST

START_TEST(every_order_is_equally_likely)
{
    enum { COUNT = 24000, ORDERS = 24 };
    int counts[4 * 4 * 4] = {0}, seen = 0;
    for (uint32_t epoch = 0; epoch < COUNT; epoch++) {
        size_t order[4] = {0, 1, 2, 3};
        philox_shuffle(5, philox_stream(PHILOX_SHUFFLE, 0), epoch, order, 4);
        EXPECT((1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3]) == 15, "epoch %u: numbers lost", epoch);
        counts[order[0] * 16 + order[1] * 4 + order[2]]++;
    }
    for (int i = 0; i < 64; i++) {
        seen += counts[i] > 0;
        if (counts[i])
            ck_assert_double_eq_tol(counts[i], COUNT / ORDERS, 5 * sqrt(COUNT / 24.0 * 23 / 24));
    }
    ck_assert_int_eq(seen, ORDERS);
}
END_TEST

/* 3 of 7: each of the 35 choices. */
START_TEST(every_choice_is_equally_likely)
{
    enum { DRAWS = 35000 };
    size_t times[128] = {0}, choices = 0;
    struct philox from;
    philox_init(&from, 9, philox_stream(PHILOX_EMPTY, 0), 0);
    for (int draw = 0; draw < DRAWS; draw++) {
        size_t wanted = 3, left = 7, choice = 0;
        for (int i = 0; i < 7; i++)
            choice = choice << 1 | philox_takes(&from, &wanted, &left);
        ck_assert_uint_eq(wanted, 0);
        ck_assert_uint_eq(left, 0);
        times[choice]++;
    }
    for (size_t choice = 0; choice < 128; choice++)
        if (times[choice]) { /* standard deviation 31 */
            ck_assert_double_eq_tol((double)times[choice], DRAWS / 35.0, 156);
            choices++;
        }
    ck_assert_uint_eq(choices, 35);
}
END_TEST

START_TEST(a_shuffle_depends_on_seed_stream_and_step)
{
    enum { COUNT = 100 };
    size_t orders[5][COUNT];
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < COUNT; k++)
            orders[i][k] = k;
    philox_shuffle(1, 2, 3, orders[0], COUNT);
    philox_shuffle(1, 2, 3, orders[1], COUNT);
    philox_shuffle((uint64_t)1 << 32 | 1, 2, 3, orders[2], COUNT);
    philox_shuffle(1, 3, 3, orders[3], COUNT);
    philox_shuffle(1, 2, 4, orders[4], COUNT);
    ck_assert_mem_eq(orders[0], orders[1], sizeof orders[0]);
    for (size_t i = 2; i < 5; i++)
        ck_assert_mem_ne(orders[0], orders[i], sizeof orders[0]);
    philox_shuffle(1, 2, 3, NULL, 0);
}
END_TEST

int main(void)
{
    test_add(published_vectors, NULL);
    test_add(a_sequence_is_the_words_of_its_places, NULL);
    test_add(uses_share_no_stream, NULL);
    test_add(floats_are_uniform_below_one, NULL);
    test_add(normals_have_the_moments_of_normals, NULL);
    test_add(every_number_below_a_bound_is_equally_likely, NULL);
    test_add(large_bounds_are_not_biased, NULL);
    test_add(every_order_is_equally_likely, NULL);
    test_add(every_choice_is_equally_likely, NULL);
    test_add(a_shuffle_depends_on_seed_stream_and_step, NULL);
    return test_run("philox");
}
