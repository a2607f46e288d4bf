/* The queue gives out every sequence once, the longest first; lanes keep their states when they change places. */
#include "base/parallel.h"
#include "harness.h"
#include "numbers.h"
#include "tensor/lanes.h"
#include <stdlib.h>
#include <string.h>

START_TEST(the_longest_comes_first_and_equal_ones_in_order)
{
    /* by hand: 7 (b), 7 (e), 3 (a), 1 (d), 1 (f); c has no length and is left out */
    static const uint32_t lengths[] = {3, 7, 0, 1, 7, 1}, expected[] = {1, 4, 0, 3, 5};
    struct lane_queue queue;
    uint32_t sequence;
    ck_assert(lane_queue_init(&queue, lengths, 6));
    ck_assert_uint_eq(queue.count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert(lane_queue_take(&queue, &sequence));
        ck_assert_uint_eq(sequence, expected[i]);
    }
    ck_assert(!lane_queue_take(&queue, &sequence));
    ck_assert(!lane_queue_take(&queue, &sequence));
    lane_queue_release(&queue);
}
END_TEST

START_TEST(a_random_queue_is_sorted_stable_and_whole)
{
    random_begin("a_random_queue_is_sorted_stable_and_whole");
    for (int round = 0; round < 200; round++) {
        size_t count = random_between(1, 300), taken = 0, real = 0;
        uint32_t *lengths = calloc(count, sizeof *lengths), most = (uint32_t[]){1, 5, 100, 70000}[round % 4];
        bool *seen = calloc(count, sizeof *seen);
        for (size_t i = 0; i < count; i++)
            real += (lengths[i] = random_below(most + 1)) > 0;
        struct lane_queue queue;
        uint32_t sequence, before = 0;
        ck_assert(lane_queue_init(&queue, lengths, count));
        for (; lane_queue_take(&queue, &sequence); before = sequence, taken++) {
            EXPECT(sequence < count && !seen[sequence] && lengths[sequence], "round %d: sequence %u", round, sequence);
            seen[sequence] = true;
            if (taken)
                EXPECT(lengths[before] > lengths[sequence] ||
                           (lengths[before] == lengths[sequence] && before < sequence),
                       "round %d: %u of length %u before %u of length %u", round, before, lengths[before], sequence,
                       lengths[sequence]);
        }
        EXPECT(taken == real, "round %d: %zu of %zu taken", round, taken, real);
        lane_queue_release(&queue);
        free(lengths);
        free(seen);
    }
}
END_TEST

START_TEST(a_long_sequence_gets_few_lanes_beside_it)
{
    enum { COUNT = 1000 };
    uint32_t lengths[COUNT];
    struct lane_queue queue;
    for (size_t i = 0; i < COUNT; i++)
        lengths[i] = 100;
    ck_assert(lane_queue_init(&queue, lengths, COUNT));
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 2, 96), 96);    /* 100000 / 2 / 100 = 500: as many as allowed */
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 20, 1000), 50); /* 100000 / 20 / 100 */
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 100, 96), 10);  /* a worker's share of the sequences */
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 700, 96), 4);   /* as if there were 250 threads */
    lane_queue_release(&queue);
    ck_assert(lane_queue_init(&queue, lengths, 3));
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 2, 96), 3); /* too few for two threads */
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 2, 1), 1);
    lane_queue_release(&queue);
    ck_assert(lane_queue_init(&queue, lengths, 9));
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 8, 96), 5); /* for two */
    lane_queue_release(&queue);
    lengths[7] = 10000;
    ck_assert(lane_queue_init(&queue, lengths, COUNT));
    ck_assert_uint_eq(lane_queue_lanes(&queue, lengths, 2, 96), 24); /* 109900 / 2 / 10000 = 5: not below 24 */
    lane_queue_release(&queue);
}
END_TEST

START_TEST(an_empty_queue_gives_nothing)
{
    struct lane_queue queue;
    uint32_t sequence, none[3] = {0, 0, 0};
    ck_assert(lane_queue_init(&queue, NULL, 0));
    ck_assert(!lane_queue_take(&queue, &sequence));
    lane_queue_release(&queue);
    ck_assert(lane_queue_init(&queue, none, 3));
    ck_assert_uint_eq(queue.count, 0);
    ck_assert(!lane_queue_take(&queue, &sequence));
    lane_queue_release(&queue);
}
END_TEST

enum { SHARED_COUNT = 20000, THREADS = 4 };
struct takers {
    struct lane_queue queue;
    unsigned char *taken; /* [THREADS][SHARED_COUNT] */
};

static void take_all(void *argument, size_t thread)
{
    struct takers *takers = argument;
    uint32_t sequence;
    while (lane_queue_take(&takers->queue, &sequence))
        takers->taken[thread * SHARED_COUNT + sequence]++;
}

START_TEST(threads_that_share_a_queue_take_every_sequence_once)
{
    uint32_t *lengths = calloc(SHARED_COUNT, sizeof *lengths);
    struct takers takers = {.taken = calloc(THREADS, SHARED_COUNT)};
    for (uint32_t i = 0; i < SHARED_COUNT; i++)
        lengths[i] = 1 + i % 37;
    ck_assert(lane_queue_init(&takers.queue, lengths, SHARED_COUNT));
    parallel_run(THREADS, take_all, &takers);
    for (size_t i = 0; i < SHARED_COUNT; i++) {
        int times = 0;
        for (size_t t = 0; t < THREADS; t++)
            times += takers.taken[t * SHARED_COUNT + i];
        EXPECT(times == 1, "sequence %zu was taken %d times", i, times);
    }
    lane_queue_release(&takers.queue);
    free(takers.taken);
    free(lengths);
}
END_TEST

START_TEST(lanes_start_turn_and_change_places)
{
    enum { PADDED = 16 }; /* whole panels, as every caller has it */
    static const float h[PADDED] = {1, 2, 3}, c[PADDED] = {4, 5, 6}, zero[PADDED];
    struct lane_states states;
    ck_assert(lane_states_init(&states, 2, PADDED));
    lane_states_start(&states, 0, PADDED, h, c);
    lane_states_start(&states, 1, PADDED, NULL, NULL);
    ck_assert_mem_eq(states.h_in[0], h, sizeof h);
    ck_assert_mem_eq(states.c[0], c, sizeof c);
    ck_assert_mem_eq(states.h_in[1], zero, sizeof zero);
    ck_assert_mem_eq(states.c[1], zero, sizeof zero);
    lane_states_swap(&states, 0, 1);
    ck_assert_mem_eq(states.h_in[1], h, sizeof h);
    ck_assert_mem_eq(states.c[1], c, sizeof c);
    ck_assert_mem_eq(states.h_in[0], zero, sizeof zero);
    float *in = states.h_in[0], *out = states.h_out[0];
    ck_assert_ptr_ne(in, out);
    lane_states_turn(&states);
    ck_assert_ptr_eq(states.h_in[0], out);
    ck_assert_ptr_eq(states.h_out[0], in);
    lane_states_release(&states);
}
END_TEST

int main(void)
{
    test_add(the_longest_comes_first_and_equal_ones_in_order, NULL);
    test_add(a_random_queue_is_sorted_stable_and_whole, NULL);
    test_add(a_long_sequence_gets_few_lanes_beside_it, NULL);
    test_add(an_empty_queue_gives_nothing, NULL);
    test_add(threads_that_share_a_queue_take_every_sequence_once, NULL);
    test_add(lanes_start_turn_and_change_places, NULL);
    return test_run("lanes");
}
