/* test_streams.c - work of streams, events and graphs: what nothing orders comes out wrong on the emulated device, and
 * what is ordered comes out right in every order that it has. Each scene is played in a process of its own (scene.h).
 */
#include "harness.h"
#include "scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = SCENE_COUNT, SEEDS = 20 };
enum { WRONG = 4 }; /* exit status of a scene that came out wrong */

static void read_back(bool wait)
{
    cudaStream_t stream = scene_stream();
    float *device = scene_floats(COUNT, 0), *host = scene_pinned();
    scene_change(device, 2, 1, stream);
    MUST(cudaMemcpyAsync(host, device, COUNT * sizeof *host, cudaMemcpyDeviceToHost, stream));
    if (wait)
        MUST(cudaStreamSynchronize(stream));
    bool right = scene_all_are(host, 1, 2);
    MUST(cudaStreamDestroy(stream));
    MUST(cudaFreeHost(host));
    MUST(cudaFree(device));
    if (!right)
        exit(WRONG);
}

static void reads_back(void)
{
    read_back(true);
}

static void reads_back_before_it_is_done(void)
{
    read_back(false);
}

START_TEST(pinned_memory_read_before_its_stream_is_done_is_wrong_where_streams_are_lazy)
{
    EXPECT_RIGHT_ALWAYS(reads_back, "");
    EXPECT_RIGHT(reads_back_before_it_is_done, "EMU_STREAMS=eager");
    ck_assert_int_eq(scene_play(reads_back_before_it_is_done, "EMU_STREAMS=lazy").status, WRONG);
}
END_TEST

/* Copies from memory that is written again before the stream has come to it. */
static bool reuse(float *host)
{
    cudaStream_t stream = scene_stream();
    float *device = scene_floats(COUNT, 0);
    for (size_t i = 0; i < COUNT; i++)
        host[i] = (float)i;
    MUST(cudaMemcpyAsync(device, host, COUNT * sizeof *host, cudaMemcpyHostToDevice, stream));
    memset(host, 0, COUNT * sizeof *host);
    scene_change(device, 3, 0, stream);
    MUST(cudaStreamSynchronize(stream));
    float *values = scene_values(device, COUNT);
    bool right = scene_all_are(values, 0, 3);
    free(values);
    MUST(cudaStreamDestroy(stream));
    MUST(cudaFree(device));
    return right;
}

static void reuses_pageable_memory(void)
{
    float host[COUNT];
    REQUIRE(reuse(host));
}

static void reuses_pinned_memory(void)
{
    float *host = scene_pinned();
    bool right = reuse(host);
    MUST(cudaFreeHost(host));
    if (!right)
        exit(WRONG);
}

START_TEST(memory_reused_behind_a_copy_is_right_when_pageable_and_wrong_when_pinned)
{
    EXPECT_RIGHT_ALWAYS(reuses_pageable_memory, "");
    EXPECT_RIGHT(reuses_pinned_memory, "EMU_STREAMS=eager");
    ck_assert_int_eq(scene_play(reuses_pinned_memory, "EMU_STREAMS=lazy").status, WRONG);
}
END_TEST

/* One stream writes, another reads. */
static void hand_over(bool wait)
{
    cudaStream_t writer = scene_stream(), reader = scene_stream();
    cudaEvent_t written = scene_event();
    float *a = scene_floats(COUNT, 0), *b = scene_floats(COUNT, 0);
    MUST(cudaDeviceSynchronize());
    scene_change(a, 2, 1, writer);
    MUST(cudaEventRecord(written, writer));
    if (wait)
        MUST(cudaStreamWaitEvent(reader, written, 0));
    MUST(cudaMemcpyAsync(b, a, COUNT * sizeof *a, cudaMemcpyDeviceToDevice, reader));
    scene_change(b, 2, 0, reader);
    float *values = scene_values(b, COUNT);
    bool right = scene_all_are(values, 2, 4);
    free(values);
    MUST(cudaStreamDestroy(writer));
    MUST(cudaStreamDestroy(reader));
    MUST(cudaEventDestroy(written));
    MUST(cudaFree(a));
    MUST(cudaFree(b));
    if (!right)
        exit(WRONG);
}

static void hands_over(void)
{
    hand_over(true);
}

static void hands_over_without_waiting(void)
{
    hand_over(false);
}

START_TEST(a_missing_wait_between_streams_shows_under_some_seed)
{
    size_t wrong = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        char variables[64];
        snprintf(variables, sizeof variables, "EMU_STREAMS=random EMU_SEED=%d", seed);
        EXPECT_RIGHT(hands_over, variables);
        struct ending ending = scene_play(hands_over_without_waiting, variables);
        ck_assert_msg(ending.status == 0 || ending.status == WRONG, "status %d: %s", ending.status, ending.told);
        wrong += ending.status == WRONG;
    }
    ck_assert_uint_gt(wrong, 0);
    EXPECT_RIGHT_ALWAYS(hands_over, "");
}
END_TEST

/* graphs */

struct fork {
    cudaStream_t origin, side;
    cudaEvent_t forked, joined;
    float *a, *b, *sum;
};

static struct fork fork_new(void)
{
    return (struct fork){scene_stream(),         scene_stream(),         scene_event(),         scene_event(),
                         scene_floats(COUNT, 0), scene_floats(COUNT, 0), scene_floats(COUNT, 0)};
}

static void fork_free(struct fork *f)
{
    MUST(cudaStreamDestroy(f->origin));
    MUST(cudaStreamDestroy(f->side));
    MUST(cudaEventDestroy(f->forked));
    MUST(cudaEventDestroy(f->joined));
    MUST(cudaFree(f->a));
    MUST(cudaFree(f->b));
    MUST(cudaFree(f->sum));
}

/* a = 2 a + 1; then b = 3 a + 2 aside while a = a - 5; sum = a + b. */
static void fork_work(struct fork *f, bool join)
{
    size_t count = COUNT;
    scene_change(f->a, 2, 1, f->origin);
    MUST(cudaMemcpyAsync(f->b, f->a, COUNT * sizeof *f->a, cudaMemcpyDeviceToDevice, f->origin));
    MUST(cudaEventRecord(f->forked, f->origin));
    MUST(cudaStreamWaitEvent(f->side, f->forked, 0));
    scene_change(f->b, 3, 2, f->side);
    scene_change(f->a, 1, -5, f->origin);
    if (!join)
        return;
    MUST(cudaEventRecord(f->joined, f->side));
    MUST(cudaStreamWaitEvent(f->origin, f->joined, 0));
    MUST(LAUNCH(add_up, 4, 32, 0, f->origin, &f->a, &f->b, &count, &f->sum));
}

/* What sum holds after that many rounds. */
static void fork_expect(const struct fork *f, int times)
{
    float *values = scene_values(f->sum, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        float a = (float)i, sum = 0;
        for (int t = 0; t < times; t++) {
            a = 2 * a + 1;
            sum = 3 * a + 2;
            a -= 5;
            sum += a;
        }
        REQUIRE(values[i] == sum);
    }
    free(values);
}

static void forks_and_joins(void)
{
    struct fork f = fork_new();
    for (int times = 1; times <= 3; times++)
        fork_work(&f, true);
    fork_expect(&f, 3);
    fork_free(&f);
}

static void forks_and_joins_in_a_graph(void)
{
    struct fork f = fork_new();
    cudaGraph_t graph;
    cudaGraphExec_t launched;
    MUST(cudaStreamBeginCapture(f.origin, cudaStreamCaptureModeThreadLocal));
    fork_work(&f, true);
    MUST(cudaStreamEndCapture(f.origin, &graph));
    float *before = scene_values(f.sum, COUNT);
    REQUIRE(scene_all_are(before, 0, 1)); /* captured, not done */
    free(before);
    MUST(cudaGraphInstantiate(&launched, graph, 0));
    MUST(cudaGraphDestroy(graph));
    for (int times = 1; times <= 3; times++)
        MUST(cudaGraphLaunch(launched, f.origin));
    MUST(cudaGraphExecDestroy(launched));
    fork_expect(&f, 3);
    fork_free(&f);
}

static void forks_without_joining(void)
{
    struct fork f = fork_new();
    cudaGraph_t graph;
    MUST(cudaStreamBeginCapture(f.origin, cudaStreamCaptureModeThreadLocal));
    fork_work(&f, false);
    REQUIRE(cudaStreamEndCapture(f.origin, &graph) == cudaErrorStreamCaptureUnjoined);
    REQUIRE(graph == NULL);
    fork_work(&f, true); /* the streams are as they were */
    fork_expect(&f, 1);
    fork_free(&f);
}

static void allocates_in_a_capture(void)
{
    struct fork f = fork_new();
    cudaGraph_t graph;
    void *at;
    MUST(cudaStreamBeginCapture(f.origin, cudaStreamCaptureModeGlobal));
    scene_change(f.a, 2, 1, f.origin);
    REQUIRE(cudaMalloc(&at, 4) == cudaErrorStreamCaptureUnsupported);
    REQUIRE(cudaStreamEndCapture(f.origin, &graph) == cudaErrorStreamCaptureInvalidated);
    MUST(cudaMalloc(&at, 4));
    MUST(cudaFree(at));
    fork_free(&f);
}

static void waits_in_a_capture(void)
{
    struct fork f = fork_new();
    cudaGraph_t graph;
    MUST(cudaStreamBeginCapture(f.origin, cudaStreamCaptureModeThreadLocal));
    scene_change(f.a, 2, 1, f.origin);
    REQUIRE(cudaStreamSynchronize(f.origin) == cudaErrorStreamCaptureUnsupported);
    REQUIRE(cudaStreamEndCapture(f.origin, &graph) == cudaErrorStreamCaptureInvalidated);
    fork_free(&f);
}

START_TEST(a_graph_with_a_fork_and_a_join_gives_what_launches_give_in_every_order)
{
    EXPECT_RIGHT_ALWAYS(forks_and_joins, "");
    EXPECT_RIGHT_ALWAYS(forks_and_joins_in_a_graph, "");
    for (int seed = 4; seed <= SEEDS; seed++) {
        char variables[64];
        snprintf(variables, sizeof variables, "EMU_STREAMS=random EMU_SEED=%d", seed);
        EXPECT_RIGHT(forks_and_joins, variables);
        EXPECT_RIGHT(forks_and_joins_in_a_graph, variables);
    }
}
END_TEST

START_TEST(captures_that_cannot_become_graphs_are_refused)
{
    EXPECT_RIGHT_ALWAYS(forks_without_joining, "");
    EXPECT_RIGHT_ALWAYS(allocates_in_a_capture, "");
    EXPECT_RIGHT_ALWAYS(waits_in_a_capture, "");
}
END_TEST

/* calls that fail */

int main(void)
{
    test_add(pinned_memory_read_before_its_stream_is_done_is_wrong_where_streams_are_lazy, NULL);
    test_add(memory_reused_behind_a_copy_is_right_when_pageable_and_wrong_when_pinned, NULL);
    test_add(a_missing_wait_between_streams_shows_under_some_seed, NULL);
    test_add(a_graph_with_a_fork_and_a_join_gives_what_launches_give_in_every_order, NULL);
    test_add(captures_that_cannot_become_graphs_are_refused, NULL);
    return test_run("the emulated device's streams");
}
