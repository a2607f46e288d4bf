/* Which sentences an epoch reads, and in what order: by seed and epoch alone, none twice, the share that is asked for.
 */
#include "base/philox.h"
#include "harness.h"
#include "run/epoch_order.h"
#include <stdlib.h>
#include <string.h>

enum { SENTENCES = 30, EMPTY = 20, EPOCHS = 2000 };

/* Every third sentence has mentions. */
static const bool *flags(void)
{
    static bool has_mentions[SENTENCES];
    for (size_t i = 0; i < SENTENCES; i++)
        has_mentions[i] = i % 3 == 0;
    return has_mentions;
}

static struct epoch_order order_of(double left_out, bool shuffle, uint64_t seed)
{
    struct epoch_order order = {.shuffle = shuffle, .empty_left_out = left_out, .seed = seed};
    epoch_order_sentences(&order, flags(), SENTENCES);
    return order;
}

/* Adds 1 for each sentence that is read; none is twice, and all with mentions are. */
static void tally(const struct epoch_order *order, size_t epoch, size_t *times)
{
    size_t numbers[SENTENCES], count = epoch_order_count(order, epoch);
    bool read[SENTENCES] = {false};
    ck_assert_uint_le(count, SENTENCES);
    epoch_order_write(order, epoch, numbers);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(numbers[i], SENTENCES);
        ck_assert_msg(!read[numbers[i]], "epoch %zu: sentence %zu twice", epoch, numbers[i]);
        read[numbers[i]] = true;
        times[numbers[i]]++;
    }
    for (size_t i = 0; i < SENTENCES; i += 3)
        ck_assert_msg(read[i], "epoch %zu: sentence %zu, which has mentions, is not there", epoch, i);
}

START_TEST(where_none_is_left_out_all_are_shuffled_by_seed_and_epoch)
{
    for (size_t epoch = 1; epoch < 4; epoch++) {
        struct epoch_order order = order_of(0, true, 7);
        size_t numbers[SENTENCES], expected[SENTENCES];
        ck_assert_uint_eq(epoch_order_count(&order, epoch), SENTENCES);
        epoch_order_write(&order, epoch, numbers);
        for (size_t i = 0; i < SENTENCES; i++)
            expected[i] = i;
        philox_shuffle(7, philox_stream(PHILOX_SHUFFLE, 0), (uint32_t)epoch, expected, SENTENCES);
        ck_assert(!memcmp(numbers, expected, sizeof expected));
    }
}
END_TEST

START_TEST(sentences_without_mentions_are_read_as_often_as_asked_and_equally_often)
{
    static const double left_out[] = {0.25, 0.5, 0.9, 1};
    for (size_t i = 0; i < 4; i++) {
        struct epoch_order order = order_of(left_out[i], true, 3);
        size_t times[SENTENCES] = {0}, kept = EMPTY - (size_t)(left_out[i] * EMPTY);
        for (size_t epoch = 1; epoch <= EPOCHS; epoch++) {
            ck_assert_uint_eq(epoch_order_count(&order, epoch), SENTENCES - EMPTY + kept);
            tally(&order, epoch, times);
        }
        /* binomial: at most sqrt(EPOCHS) / 2 = 22 standard deviation; 5 of them */
        double expected = (double)(EPOCHS * kept) / EMPTY;
        for (size_t s = 0; s < SENTENCES; s++)
            if (s % 3)
                ck_assert_double_eq_tol((double)times[s], expected, 112);
    }
}
END_TEST

START_TEST(the_draw_is_another_one_for_another_epoch_and_seed_and_else_the_same)
{
    static const uint64_t seeds[] = {1, 1, 2, 1};
    static const size_t epochs[] = {4, 4, 4, 5};
    size_t read[4][SENTENCES] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        struct epoch_order order = order_of(0.5, true, seeds[i]);
        tally(&order, epochs[i], read[i]);
        ck_assert_int_eq(!memcmp(read[i], read[0], sizeof read[0]), i < 2);
    }
}
END_TEST

START_TEST(without_shuffling_sentences_keep_their_order)
{
    struct epoch_order order = order_of(0.5, false, 1);
    size_t numbers[SENTENCES];
    epoch_order_write(&order, 1, numbers);
    for (size_t i = 1; i < epoch_order_count(&order, 1); i++)
        ck_assert_uint_lt(numbers[i - 1], numbers[i]);
}
END_TEST

START_TEST(batches_are_counted_by_epoch_and_over_all)
{
    struct epoch_order order = order_of(0.5, true, 1); /* 10 with mentions, 10 of 20 without */
    ck_assert_uint_eq(epoch_order_batches(&order, 1, 20), 1);
    ck_assert_uint_eq(epoch_order_batches(&order, 2, 19), 2);
    ck_assert_uint_eq(epoch_order_batches(&order, 3, 1), 20);
    ck_assert_uint_eq(epoch_order_batches_total(&order, 7, 19), 14);
    ck_assert_uint_eq(epoch_order_batches_total(&order, 0, 19), 0);
}
END_TEST

/* Sentences 10 to 15, two of them with mentions, are for two epochs. */
START_TEST(some_sentences_are_read_in_the_first_epochs_alone)
{
    static const double left_out[] = {0, 0.5};
    for (size_t way = 0; way < 2; way++) {
        struct epoch_order order = {.shuffle = true, .empty_left_out = left_out[way], .seed = 3, .some = {10, 6, 2}};
        epoch_order_sentences(&order, flags(), SENTENCES);
        size_t all = way ? 10 + 10 : SENTENCES, rest = way ? 8 + 8 : SENTENCES - 6;
        ck_assert_uint_eq(epoch_order_batches_total(&order, 4, 7), 2 * ((all + 6) / 7) + 2 * ((rest + 6) / 7));
        for (size_t epoch = 1; epoch <= 4; epoch++) {
            size_t numbers[SENTENCES], count = epoch_order_count(&order, epoch);
            bool read[SENTENCES] = {false};
            ck_assert_uint_eq(count, epoch <= 2 ? all : rest);
            epoch_order_write(&order, epoch, numbers);
            for (size_t i = 0; i < count; i++) {
                ck_assert(numbers[i] < SENTENCES && !read[numbers[i]]);
                ck_assert(epoch <= 2 || numbers[i] < 10 || numbers[i] >= 16);
                read[numbers[i]] = true;
            }
            for (size_t i = 0; i < SENTENCES; i += 3)
                ck_assert_int_eq(read[i], epoch <= 2 || i < 10 || i >= 16);
        }
    }
}
END_TEST

int main(void)
{
    test_add(some_sentences_are_read_in_the_first_epochs_alone, NULL);
    test_add(where_none_is_left_out_all_are_shuffled_by_seed_and_epoch, NULL);
    test_add(sentences_without_mentions_are_read_as_often_as_asked_and_equally_often, NULL);
    test_add(the_draw_is_another_one_for_another_epoch_and_seed_and_else_the_same, NULL);
    test_add(without_shuffling_sentences_keep_their_order, NULL);
    test_add(batches_are_counted_by_epoch_and_over_all, NULL);
    return test_run("epoch_order");
}
