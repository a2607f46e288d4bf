/* The pool of threads: every item is done once, whatever the number of threads, awake or asleep. */
#include "base/pool.h"
#include "harness.h"
#include "numbers.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static const size_t thread_counts[] = {1, 2, 3, 8};
enum { COUNTS = sizeof thread_counts / sizeof *thread_counts, MOST_ITEMS = 1000 };

struct work {
    int done[MOST_ITEMS]; /* plain: the pool alone keeps threads apart */
    int input;
};

static void add_input(void *argument, size_t item)
{
    struct work *work = argument;
    work->done[item] += work->input;
}

START_TEST(every_item_is_done_once_in_every_run)
{
    static const size_t items[] = {0, 1, 2, 3, 7, 64, MOST_ITEMS};
    for (size_t c = 0; c < COUNTS; c++) {
        struct pool *pool = pool_new(thread_counts[c], NULL);
        struct work *work = calloc(1, sizeof *work);
        int expected[MOST_ITEMS] = {0};
        ck_assert_uint_eq(pool_threads(pool), thread_counts[c]);
        for (int run = 0; run < 3000; run++) {
            size_t count = items[run % 7];
            work->input = run;
            pool_run(pool, count, add_input, work);
            for (size_t i = 0; i < count; i++)
                expected[i] += run;
            for (size_t i = 0; i < MOST_ITEMS; i++)
                EXPECT(work->done[i] == expected[i], "%zu threads, run %d: item %zu has %d, not %d", thread_counts[c],
                       run, i, work->done[i], expected[i]);
        }
        pool_free(pool);
        free(work);
    }
}
END_TEST

static void sleep_ms(long ms)
{
    struct timespec pause = {0, ms * 1000000};
    nanosleep(&pause, NULL);
}

START_TEST(threads_that_fell_asleep_wake_up)
{
    struct pool *pool = pool_new(4, NULL);
    struct work *work = calloc(1, sizeof *work);
    work->input = 1;
    for (int run = 1; run <= 20; run++) {
        sleep_ms(3);
        pool_run(pool, MOST_ITEMS, add_input, work);
        for (size_t i = 0; i < MOST_ITEMS; i++)
            EXPECT(work->done[i] == run, "run %d: item %zu was done %d times", run, i, work->done[i]);
    }
    sleep_ms(3);
    pool_free(pool); /* asleep */
    free(work);
}
END_TEST

/* Every third item takes longer than all others together, whoever does it. */
static void add_slowly(void *argument, size_t item)
{
    if (item % 3 == 0)
        sleep_ms(3);
    add_input(argument, item);
}

START_TEST(a_run_ends_when_its_slowest_item_has_ended)
{
    struct pool *pool = pool_new(4, NULL);
    struct work *work = calloc(1, sizeof *work);
    work->input = 1;
    for (int run = 1; run <= 20; run++) {
        pool_run(pool, 8, add_slowly, work);
        for (size_t i = 0; i < 8; i++)
            EXPECT(work->done[i] == run, "run %d: item %zu was done %d times", run, i, work->done[i]);
    }
    pool_free(pool);
    free(work);
}
END_TEST

struct meeting {
    atomic_int inside;
    atomic_bool met;
};

static void meet(void *argument, size_t item)
{
    struct meeting *meeting = argument;
    (void)item;
    meeting->inside++;
    for (int i = 0; i < 2000 && !meeting->met; i++) {
        if (meeting->inside == 3)
            meeting->met = true;
        sleep_ms(1);
    }
}

/* Three items that wait for each other need three threads. */
START_TEST(items_are_done_at_the_same_time)
{
    struct pool *pool = pool_new(3, NULL);
    struct meeting meeting = {0};
    pool_run(pool, 3, meet, &meeting);
    ck_assert(meeting.met);
    pool_free(pool);
}
END_TEST

static atomic_int begun;

static void begin(void)
{
    begun++;
}

START_TEST(every_started_thread_begins_once)
{
    for (size_t c = 0; c < COUNTS; c++) {
        begun = 0;
        pool_free(pool_new(thread_counts[c], begin));
        ck_assert_int_eq(begun, (int)thread_counts[c] - 1);
    }
    pool_free(NULL);
}
END_TEST

int main(void)
{
    test_add(every_item_is_done_once_in_every_run, NULL);
    test_add(threads_that_fell_asleep_wake_up, NULL);
    test_add(a_run_ends_when_its_slowest_item_has_ended, NULL);
    test_add(items_are_done_at_the_same_time, NULL);
    test_add(every_started_thread_begins_once, NULL);
    return test_run("pool");
}
