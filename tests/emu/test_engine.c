/* test_engine.c - what kernels do wrong, the emulated device tells, and right kernels pass, in every order of threads
 * that it has. Each mistake is made in a process of its own (scene.h). */
#include "harness.h"
#include "scene.h"
#include <math.h>
#include <stdlib.h>

enum { COUNT = SCENE_COUNT };

/* A kernel that goes where it may not: the launch is given up, and the device with it. */
#define GIVEN_UP(launch)                                                           \
    do {                                                                           \
        cudaError_t launched_ = (launch);                                          \
        REQUIRE(launched_ == cudaSuccess || launched_ == cudaErrorIllegalAddress); \
        REQUIRE(cudaDeviceSynchronize() == cudaErrorIllegalAddress);               \
    } while (0)

/* Between allocations, in memory of `count` floats. */
static void copy_between(long long from_index, long long to_index, bool right)
{
    float *from = scene_floats(COUNT, 0), *to = scene_floats(COUNT, 0);
    cudaError_t launched = LAUNCH(copy_one, 1, 1, 0, NULL, &from, &from_index, &to, &to_index);
    if (!right)
        GIVEN_UP(launched);
    else
        MUST(launched);
    if (right) {
        float *values = scene_values(to, COUNT);
        REQUIRE(values[to_index] == (float)from_index);
        free(values);
        MUST(cudaFree(from));
        MUST(cudaFree(to));
    }
}

static void copies_last_to_first(void)
{
    copy_between(COUNT - 1, 0, true);
}

static void copies_first_to_last(void)
{
    copy_between(0, COUNT - 1, true);
}

static void writes_one_past_the_end(void)
{
    copy_between(0, COUNT, false);
}

static void reads_one_past_the_end(void)
{
    copy_between(COUNT, 0, false);
}

static void writes_one_before(void)
{
    copy_between(0, -1, false);
}

static void writes_far_away(void)
{
    copy_between(0, 100000000, false);
}

static void reads_far_away(void)
{
    copy_between(-100000000, 0, false);
}

static void counts_one_too_far(void)
{
    float *at = scene_floats(COUNT, 0);
    size_t count = COUNT + 1;
    GIVEN_UP(LAUNCH(count_up, 2, SEEDED_THREADS, 0, NULL, &at, &count));
}

static void counts_up(void)
{
    float *at = scene_floats(COUNT, 7);
    size_t count = COUNT;
    MUST(LAUNCH(count_up, 2, SEEDED_THREADS, 0, NULL, &at, &count));
    float *values = scene_values(at, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(values[i] == (float)i);
    free(values);
    MUST(cudaFree(at));
}

START_TEST(accesses_beside_an_allocation_are_told)
{
    EXPECT_RIGHT_ALWAYS(copies_last_to_first, "");
    EXPECT_RIGHT_ALWAYS(copies_first_to_last, "");
    EXPECT_RIGHT_ALWAYS(counts_up, "");
    EXPECT_MISTAKE(writes_one_past_the_end, "", "writes 4 bytes at byte 400 of an allocation of 400");
    EXPECT_MISTAKE(reads_one_past_the_end, "", "reads 4 bytes at byte 400 of an allocation of 400");
    EXPECT_MISTAKE(writes_one_before, "", "writes 4 bytes");
    EXPECT_MISTAKE(writes_far_away, "", "copy_one, block 0, thread 0: writes 4 bytes");
    EXPECT_MISTAKE(reads_far_away, "", "copy_one, block 0, thread 0: reads 4 bytes");
    EXPECT_MISTAKE_ALWAYS(counts_one_too_far, "", "count_up, block 1, thread 36: writes 4 bytes at byte 400");
}
END_TEST

static void reads_memory_of_the_host(void)
{
    float *from = malloc(COUNT * sizeof *from), *to = scene_floats(COUNT, 0);
    long long zero = 0;
    GIVEN_UP(LAUNCH(copy_one, 1, 1, 0, NULL, &from, &zero, &to, &zero));
}

static void writes_a_variable_of_the_host(void)
{
    static float variable = 1;
    float *from = scene_floats(COUNT, 0), *to = &variable;
    long long zero = 0;
    GIVEN_UP(LAUNCH(copy_one, 1, 1, 0, NULL, &from, &zero, &to, &zero));
    REQUIRE(variable == 1);
}

START_TEST(host_pointers_in_a_kernel_are_told)
{
    EXPECT_MISTAKE(reads_memory_of_the_host, "", "reads 4 bytes of host memory");
    EXPECT_MISTAKE(writes_a_variable_of_the_host, "", "writes 4 bytes of host memory");
}
END_TEST

static void uses_what_it_freed(void)
{
    float *from = scene_floats(COUNT, 0), *to = scene_floats(COUNT, 0);
    long long zero = 0, three = 3;
    MUST(cudaFree(from));
    float *another = scene_floats(COUNT, 0);
    REQUIRE(another != from);
    GIVEN_UP(LAUNCH(copy_one, 1, 1, 0, NULL, &from, &three, &to, &zero));
}

START_TEST(use_after_free_is_told)
{
    EXPECT_MISTAKE(uses_what_it_freed, "", "reads 4 bytes at byte 12 of a freed allocation of 400");
}
END_TEST

static void read_byte(size_t byte, bool right)
{
    float *from = scene_floats(COUNT, 0), *to = scene_floats(1, -1);
    cudaError_t launched = LAUNCH(read_at_byte, 1, 1, 0, NULL, &from, &byte, &to);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    float *values = scene_values(to, 1);
    REQUIRE(values[0] == 2);
    free(values);
    MUST(cudaFree(from));
    MUST(cudaFree(to));
}

static void reads_the_eighth_byte(void)
{
    read_byte(8, true);
}

static void reads_the_ninth_byte(void)
{
    read_byte(9, false);
}

static void reads_the_tenth_byte(void)
{
    read_byte(10, false);
}

static void copy_four_from(size_t index, bool right)
{
    float *from = scene_floats(COUNT, 0), *to = scene_floats(COUNT, 0), *at = from + index;
    cudaError_t launched = LAUNCH(copy_four, 1, 1, 0, NULL, &at, &to);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    float *values = scene_values(to, 5);
    for (size_t i = 0; i < 5; i++)
        REQUIRE(values[i] == (float)(i < 4 ? index + i : i));
    free(values);
    MUST(cudaFree(from));
    MUST(cudaFree(to));
}

static void copies_the_third_four(void)
{
    copy_four_from(8, true);
}

static void copies_four_from_the_second(void)
{
    copy_four_from(1, false);
}

static void copies_four_from_the_third(void)
{
    copy_four_from(2, false);
}

START_TEST(addresses_that_are_not_aligned_are_told)
{
    EXPECT_RIGHT(reads_the_eighth_byte, "");
    EXPECT_RIGHT(copies_the_third_four, "");
    EXPECT_MISTAKE(reads_the_ninth_byte, "", "reads 4 bytes that are not aligned");
    EXPECT_MISTAKE(reads_the_tenth_byte, "", "reads 4 bytes that are not aligned");
    EXPECT_MISTAKE(copies_four_from_the_second, "", "that are not aligned");
    EXPECT_MISTAKE(copies_four_from_the_third, "", "that are not aligned");
}
END_TEST

/* kernel(at, flag) over SEEDED_THREADS values 0, 1, ...; check: when not NULL they are held against it. */
static void run_flagged(void (*kernel)(float *, int), int flag, unsigned threads, float (*want)(size_t i))
{
    float *at = scene_floats(threads, 0);
    MUST(LAUNCH(kernel, 1, threads, 0, NULL, &at, &flag));
    float *values = scene_values(at, threads);
    for (size_t i = 0; i < threads && want != NULL; i++)
        REQUIRE(values[i] == want(i));
    free(values);
    MUST(cudaFree(at));
}

static float backwards(size_t i)
{
    return (float)(SEEDED_THREADS - 1 - i);
}

static void reverses(void)
{
    run_flagged(reverse_block, 1, SEEDED_THREADS, backwards);
}

static void reverses_without_barrier(void)
{
    run_flagged(reverse_block, 0, SEEDED_THREADS, NULL);
}

static void sum_with(int barrier)
{
    float *from = scene_floats(SEEDED_THREADS, 1), *to = scene_floats(1, 0);
    MUST(LAUNCH(sum_block, 1, SEEDED_THREADS, 0, NULL, &from, &to, &barrier));
    float *sum = scene_values(to, 1);
    REQUIRE(!barrier || sum[0] == SEEDED_THREADS * (SEEDED_THREADS + 1) / 2);
    free(sum);
    MUST(cudaFree(from));
    MUST(cudaFree(to));
}

static void sums(void)
{
    sum_with(1);
}

static void sums_without_barrier(void)
{
    sum_with(0);
}

START_TEST(missing_syncthreads_are_told)
{
    EXPECT_RIGHT_ALWAYS(reverses, "");
    EXPECT_RIGHT_ALWAYS(sums, "");
    EXPECT_MISTAKE_ALWAYS(reverses_without_barrier, "", "race on shared memory");
    EXPECT_MISTAKE_ALWAYS(sums_without_barrier, "", "race on shared memory");
}
END_TEST

static float backwards_by_warps(size_t i)
{
    return (float)(i ^ 31);
}

static void reverses_warps(void)
{
    run_flagged(reverse_warps, 1, SEEDED_THREADS, backwards_by_warps);
}

static void reverses_warps_without_barrier(void)
{
    run_flagged(reverse_warps, 0, SEEDED_THREADS, NULL);
}

static float backwards_by_half_warps(size_t i)
{
    return (float)(i ^ 15);
}

static void reverses_half_warps(void)
{
    run_flagged(reverse_half_warps, 1, SEEDED_THREADS, backwards_by_half_warps);
}

static void reverses_half_warps_without_barrier(void)
{
    run_flagged(reverse_half_warps, 0, SEEDED_THREADS, NULL);
}

START_TEST(missing_syncwarps_are_told)
{
    EXPECT_RIGHT_ALWAYS(reverses_half_warps, "");
    EXPECT_MISTAKE_ALWAYS(reverses_half_warps_without_barrier, "", "race on shared memory");
    EXPECT_RIGHT_ALWAYS(reverses_warps, "");
    EXPECT_MISTAKE_ALWAYS(reverses_warps_without_barrier, "", "race on shared memory");
}
END_TEST

enum { BLOCKS = 7 };

static void count_with(int atomic)
{
    unsigned *to = NULL, counted = 0;
    MUST(cudaMalloc((void **)&to, sizeof *to));
    MUST(cudaMemset(to, 0, sizeof *to));
    MUST(LAUNCH(count_threads, BLOCKS, SEEDED_THREADS, 0, NULL, &to, &atomic));
    MUST(cudaMemcpy(&counted, to, sizeof counted, cudaMemcpyDeviceToHost));
    REQUIRE(!atomic || counted == BLOCKS * SEEDED_THREADS);
    MUST(cudaFree(to));
}

static void counts_atomically(void)
{
    count_with(1);
}

static void counts_as_one_reads_and_writes(void)
{
    count_with(0);
}

/* Blocks of one thread: nothing but other blocks is there to race with. */
static void shift(bool in_place)
{
    float *from = scene_floats(COUNT, 0), *to = in_place ? from : scene_floats(COUNT, 0);
    size_t count = COUNT - 1;
    MUST(LAUNCH(shift_down, (unsigned)count, 1, 0, NULL, &from, &count, &to));
    float *values = scene_values(to, COUNT);
    for (size_t i = 0; i < count && !in_place; i++)
        REQUIRE(values[i] == (float)(i + 1));
    free(values);
    MUST(cudaFree(from));
    if (!in_place)
        MUST(cudaFree(to));
}

static void shifts(void)
{
    shift(false);
}

static void shifts_in_place(void)
{
    shift(true);
}

/* What one launch writes the next may read and write, whichever blocks do it. */
static void shifts_there_and_back(void)
{
    float *a = scene_floats(COUNT, 0), *b = scene_floats(COUNT, 0);
    size_t count = COUNT - 1;
    for (int round = 0; round < 2; round++) {
        MUST(LAUNCH(shift_down, 10, 10, 0, NULL, &a, &count, &b));
        MUST(LAUNCH(shift_down, 20, 5, 0, NULL, &b, &count, &a));
    }
    float *values = scene_values(a, COUNT);
    REQUIRE(values[0] == 4);
    free(values);
    MUST(cudaFree(a));
    MUST(cudaFree(b));
}

START_TEST(races_between_blocks_are_told)
{
    EXPECT_RIGHT_ALWAYS(counts_atomically, "");
    EXPECT_RIGHT_ALWAYS(shifts, "");
    EXPECT_RIGHT_ALWAYS(shifts_there_and_back, "");
    EXPECT_MISTAKE_ALWAYS(counts_as_one_reads_and_writes, "", "race on device memory");
    EXPECT_MISTAKE_ALWAYS(shifts_in_place, "", "race on device memory");
}
END_TEST

static void sum_over_warps(int fitted, bool right)
{
    float *at = scene_floats(COUNT, 0);
    cudaError_t launched = LAUNCH(sum_warps, 1, COUNT, 0, NULL, &at, &fitted);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    float *values = scene_values(at, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        size_t first = i / 32 * 32, end = first + 32 < COUNT ? first + 32 : COUNT;
        REQUIRE(values[i] == (float)((first + end - 1) * (end - first)) / 2);
    }
    free(values);
    MUST(cudaFree(at));
}

static void sums_lanes_that_are_there(void)
{
    sum_over_warps(1, true);
}

static void sums_lanes_that_are_not(void)
{
    sum_over_warps(0, false);
}

static float next_in_half(size_t i)
{
    return (float)(i < 15 ? i + 1 : i);
}

static void shifts_within_the_half(void)
{
    run_flagged(shift_half_warp, 16, 32, next_in_half);
}

static void shifts_from_an_inactive_lane(void)
{
    run_flagged(shift_half_warp, 32, 32, NULL);
}

static void vote_with(int other, bool right)
{
    unsigned *to = NULL, votes[32];
    MUST(cudaMalloc((void **)&to, sizeof votes));
    cudaError_t launched = LAUNCH(vote, 1, 32, 0, NULL, &to, &other);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    MUST(cudaMemcpy(votes, to, sizeof votes, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 32; i++)
        REQUIRE(votes[i] == 0x49249249u);
    MUST(cudaFree(to));
}

static void votes_together(void)
{
    vote_with(0, true);
}

static void votes_outside_its_mask(void)
{
    vote_with(1, false);
}

START_TEST(masks_that_do_not_fit_the_lanes_are_told)
{
    EXPECT_RIGHT_ALWAYS(sums_lanes_that_are_there, "");
    EXPECT_RIGHT_ALWAYS(shifts_within_the_half, "");
    EXPECT_RIGHT_ALWAYS(votes_together, "");
    EXPECT_MISTAKE_ALWAYS(sums_lanes_that_are_not, "", "names lanes that a block of 100 threads does not have");
    EXPECT_MISTAKE_ALWAYS(shifts_from_an_inactive_lane, "",
                          "lane 15 shuffles from lane 16, which is not in the mask 0000ffff");
    EXPECT_MISTAKE(votes_outside_its_mask, "", "is not in its own mask fffffffe");
}
END_TEST

static float one(size_t i)
{
    (void)i;
    return 1;
}

static void waits_together(void)
{
    run_flagged(wait_in_halves, 1, SEEDED_THREADS, one);
}

static void waits_in_two_places(void)
{
    run_flagged(wait_in_halves, 0, SEEDED_THREADS, NULL);
}

static void waits_for_the_block_alone(void)
{
    run_flagged(wait_for_ever, 0, SEEDED_THREADS, one);
}

static void waits_for_ever(void)
{
    float *at = scene_floats(SEEDED_THREADS, 0);
    int lonely = 1;
    GIVEN_UP(LAUNCH(wait_for_ever, 1, SEEDED_THREADS, 0, NULL, &at, &lonely));
}

START_TEST(barriers_that_threads_do_not_share_are_told)
{
    EXPECT_RIGHT_ALWAYS(waits_together, "");
    EXPECT_RIGHT_ALWAYS(waits_for_the_block_alone, "");
    EXPECT_MISTAKE_ALWAYS(waits_in_two_places, "", "waits in another at");
    EXPECT_MISTAKE_ALWAYS(waits_for_ever, "", "deadlock: 64 of 64 threads wait for ever, thread 0 in a warp operation");
}
END_TEST

/* The second launch must not see what the first left in shared memory. */
static void reads_shared_memory_before_it_is_written(void)
{
    for (int written = 1; written >= 0; written--) {
        float *to = scene_floats(SEEDED_THREADS, 0);
        MUST(LAUNCH(read_shared, 1, SEEDED_THREADS, 0, NULL, &to, &written));
        float *values = scene_values(to, SEEDED_THREADS);
        for (size_t i = 0; i < SEEDED_THREADS; i++)
            REQUIRE(written ? values[i] == backwards(i) : isnan(values[i]));
        free(values);
        MUST(cudaFree(to));
    }
}

static void reads_new_device_memory(void)
{
    float *at = NULL;
    MUST(cudaMalloc((void **)&at, COUNT * sizeof *at));
    float *values = scene_values(at, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        REQUIRE(isnan(values[i]));
    free(values);
    MUST(cudaFree(at));
}

START_TEST(memory_that_nobody_wrote_holds_no_number)
{
    EXPECT_RIGHT(reads_shared_memory_before_it_is_written, "");
    EXPECT_RIGHT(reads_new_device_memory, "");
}
END_TEST

static void reverse_with_room(size_t bytes, bool right)
{
    float *at = scene_floats(SEEDED_THREADS, 0);
    cudaError_t launched = LAUNCH(reverse_dynamic, 1, SEEDED_THREADS, bytes, NULL, &at);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    float *values = scene_values(at, SEEDED_THREADS);
    for (size_t i = 0; i < SEEDED_THREADS; i++)
        REQUIRE(values[i] == backwards(i));
    free(values);
    MUST(cudaFree(at));
}

static void reverses_in_dynamic_memory(void)
{
    reverse_with_room(SEEDED_THREADS * sizeof(float), true);
}

static void reverses_in_one_float_too_few(void)
{
    reverse_with_room((SEEDED_THREADS - 1) * sizeof(float), false);
}

static void reverses_in_no_memory(void)
{
    reverse_with_room(0, false);
}

static void write_shared(unsigned index, bool right)
{
    float *to = scene_floats(1, 0);
    unsigned read_index = right ? index : 0;
    cudaError_t launched = LAUNCH(write_shared_at, 1, 1, 0, NULL, &to, &index, &read_index);
    if (!right) {
        GIVEN_UP(launched);
        return;
    }
    float *values = scene_values(to, 1);
    REQUIRE(values[0] == 1);
    free(values);
    MUST(cudaFree(to));
}

static void writes_the_last_of_shared_memory(void)
{
    write_shared(SEEDED_THREADS - 1, true);
}

static void writes_behind_all_shared_memory(void)
{
    write_shared(600, false);
}

START_TEST(overruns_of_shared_memory_are_told)
{
    EXPECT_RIGHT_ALWAYS(writes_the_last_of_shared_memory, "");
    EXPECT_MISTAKE(writes_behind_all_shared_memory, "", "thread 0: writes 4 bytes");
    EXPECT_RIGHT_ALWAYS(reverses_in_dynamic_memory, "");
    EXPECT_MISTAKE_ALWAYS(reverses_in_one_float_too_few, "",
                          "thread 63: writes 4 bytes behind the dynamic shared memory");
    EXPECT_MISTAKE(reverses_in_no_memory, "", "writes 4 bytes behind the dynamic shared memory");
}
END_TEST

static void launch_as(unsigned blocks, unsigned threads, size_t shared, bool right)
{
    float *at = scene_floats(2 * COUNT, 0);
    size_t count = COUNT;
    cudaError_t launched = LAUNCH(count_up, blocks, threads, shared, NULL, &at, &count);
    REQUIRE(launched == (right ? cudaSuccess : cudaErrorInvalidConfiguration));
    REQUIRE(cudaGetLastError() == launched);
    MUST(cudaDeviceSynchronize());
    MUST(cudaFree(at));
}

static void launches_the_largest_block(void)
{
    launch_as(1, 1024, 48 << 10, true);
}

static void launches_a_thread_too_many(void)
{
    launch_as(1, 1025, 0, false);
}

static void launches_no_block(void)
{
    launch_as(0, 32, 0, false);
}

static void launches_with_too_much_shared_memory(void)
{
    launch_as(1, 32, (48 << 10) + 1, false);
}

START_TEST(launches_that_hardware_refuses_are_refused)
{
    EXPECT_RIGHT(launches_the_largest_block, "");
    EXPECT_MISTAKE(launches_a_thread_too_many, "", "count_up: cannot be launched as (1, 1, 1) blocks of (1025, 1, 1)");
    EXPECT_MISTAKE(launches_no_block, "", "cannot be launched as (0, 1, 1)");
    EXPECT_MISTAKE(launches_with_too_much_shared_memory, "", "with 49153 bytes");
}
END_TEST

int main(void)
{
    test_add(accesses_beside_an_allocation_are_told, NULL);
    test_add(host_pointers_in_a_kernel_are_told, NULL);
    test_add(use_after_free_is_told, NULL);
    test_add(addresses_that_are_not_aligned_are_told, NULL);
    test_add(missing_syncthreads_are_told, NULL);
    test_add(missing_syncwarps_are_told, NULL);
    test_add(races_between_blocks_are_told, NULL);
    test_add(masks_that_do_not_fit_the_lanes_are_told, NULL);
    test_add(barriers_that_threads_do_not_share_are_told, NULL);
    test_add(memory_that_nobody_wrote_holds_no_number, NULL);
    test_add(overruns_of_shared_memory_are_told, NULL);
    test_add(launches_that_hardware_refuses_are_refused, NULL);
    return test_run("the emulated device's kernels");
}
