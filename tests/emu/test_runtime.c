/* test_runtime.c - what host code does wrong with the CUDA runtime, the emulated device tells or shows in wrong
 * results; what is right it does in every order of streams; and it fails, counts and reports as it was asked to. Each
 * scene is played in a process of its own (scene.h). */
#include "harness.h"
#include "scene.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = SCENE_COUNT };
enum { FIRST_CALL = 10 }; /* exit status of a scene whose first call failed; the others' follow */

static void copy_as(enum cudaMemcpyKind kind, bool from_device, bool to_device, cudaError_t want)
{
    float host[2][COUNT] = {{0}}, *device[2] = {scene_floats(COUNT, 0), scene_floats(COUNT, 0)};
    const float *from = from_device ? device[0] : host[0];
    float *to = to_device ? device[1] : host[1];
    REQUIRE(cudaMemcpy(to, from, sizeof host[0], kind) == want);
    MUST(cudaFree(device[0]));
    MUST(cudaFree(device[1]));
}

static void copies_as_it_says(void)
{
    copy_as(cudaMemcpyHostToDevice, false, true, cudaSuccess);
    copy_as(cudaMemcpyDeviceToHost, true, false, cudaSuccess);
    copy_as(cudaMemcpyDeviceToDevice, true, true, cudaSuccess);
    copy_as(cudaMemcpyDefault, true, false, cudaSuccess);
}

static void says_to_the_device_for_to_the_host(void)
{
    copy_as(cudaMemcpyHostToDevice, true, false, cudaErrorInvalidValue);
}

static void says_to_the_host_for_to_the_device(void)
{
    copy_as(cudaMemcpyDeviceToHost, false, true, cudaErrorInvalidValue);
}

static void says_on_the_device_for_to_the_host(void)
{
    copy_as(cudaMemcpyDeviceToDevice, true, false, cudaErrorInvalidValue);
}

static void copies_more_than_there_is(void)
{
    float host[COUNT + 1] = {0}, *device = scene_floats(COUNT, 0);
    cudaMemcpy(device, host, sizeof host, cudaMemcpyHostToDevice);
    MUST(cudaFree(device));
}

static void fills_what_it_freed(void)
{
    float *device = scene_floats(COUNT, 0);
    MUST(cudaFree(device));
    cudaMemset(device, 0, COUNT * sizeof *device);
    cudaDeviceSynchronize();
}

static void frees_twice(void)
{
    float *device = scene_floats(COUNT, 0);
    MUST(cudaFree(device));
    REQUIRE(cudaFree(device) == cudaErrorInvalidValue);
}

START_TEST(copies_and_fills_that_do_not_fit_their_pointers_are_told)
{
    EXPECT_RIGHT_ALWAYS(copies_as_it_says, "");
    EXPECT_MISTAKE(says_to_the_device_for_to_the_host, "", "cudaMemcpy of kind 1 between pointers of kind 2");
    EXPECT_MISTAKE(says_to_the_host_for_to_the_device, "", "cudaMemcpy of kind 2 between pointers of kind 1");
    EXPECT_MISTAKE(says_on_the_device_for_to_the_host, "", "cudaMemcpy of kind 3 between pointers of kind 2");
    EXPECT_MISTAKE(copies_more_than_there_is, "", "cudaMemcpy: writes 404 bytes at byte 0 of an allocation of 400");
    EXPECT_MISTAKE(fills_what_it_freed, "", "cudaMemset: writes 400 bytes at byte 0 of a freed allocation");
    EXPECT_MISTAKE(frees_twice, "", "cudaFree: nothing that is allocated");
}
END_TEST

static void host_reads_device_memory(void)
{
    const volatile float *device = scene_floats(COUNT, 0);
    REQUIRE(device[0] == 0);
}

static void host_writes_device_memory(void)
{
    volatile float *device = scene_floats(COUNT, 0);
    scene_change((float *)(uintptr_t)device, 1, 1, NULL);
    MUST(cudaDeviceSynchronize());
    device[3] = 1;
}

START_TEST(host_code_that_touches_device_memory_is_told)
{
    EXPECT_MISTAKE(host_reads_device_memory, "", "host code touches device memory at");
    EXPECT_MISTAKE(host_writes_device_memory, "", "host code touches device memory at");
}
END_TEST

/* order of streams */

static void uses_the_capacity_up(void)
{
    size_t available, total;
    void *large = NULL, *small = NULL;
    REQUIRE(cudaMalloc(&large, 4097) == cudaErrorMemoryAllocation && large == NULL);
    REQUIRE(cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess);
    MUST(cudaMalloc(&large, 3840));
    MUST(cudaMemGetInfo(&available, &total));
    REQUIRE(available == 256 && total == 4096);
    REQUIRE(cudaMalloc(&small, 257) == cudaErrorMemoryAllocation);
    MUST(cudaMalloc(&small, 1));
    MUST(cudaFree(large));
    MUST(cudaMalloc(&large, 3840));
    MUST(cudaFree(large));
    MUST(cudaFree(small));
}

START_TEST(the_capacity_can_be_used_up_and_given_back)
{
    EXPECT_RIGHT_ALWAYS(uses_the_capacity_up, "EMU_CAPACITY=4096");
}
END_TEST

/* Allocates three times; exits FIRST_CALL + which failed, of 0, 1, 2; with 0 when none did. */
static void allocates_three_times(void)
{
    void *at[3] = {NULL};
    int failed = -1;
    for (int i = 0; i < 3; i++) {
        cudaError_t result = cudaMalloc(&at[i], 100);
        REQUIRE((result != cudaSuccess) == (at[i] == NULL));
        if (result == cudaSuccess)
            continue;
        REQUIRE(failed == -1 && (result == cudaErrorMemoryAllocation || result == cudaErrorLaunchFailure));
        REQUIRE((getenv("EMU_FAIL") != NULL && strstr(getenv("EMU_FAIL"), ":719") != NULL) ==
                (result == cudaErrorLaunchFailure));
        failed = i;
    }
    for (int i = 0; i < 3; i++)
        MUST(cudaFree(at[i]));
    if (failed >= 0)
        exit(FIRST_CALL + failed);
}

START_TEST(the_call_that_is_to_fail_does_and_no_other)
{
    EXPECT_RIGHT(allocates_three_times, "EMU_FAIL=cudaMalloc:4");
    EXPECT_RIGHT(allocates_three_times, "EMU_FAIL=cudaMallocHost:1");
    for (int n = 1; n <= 3; n++) {
        char variables[64];
        snprintf(variables, sizeof variables, "EMU_FAIL=cudaMalloc:%d", n);
        ck_assert_int_eq(scene_play(allocates_three_times, variables).status, FIRST_CALL + n - 1);
        strcat(variables, ":719");
        ck_assert_int_eq(scene_play(allocates_three_times, variables).status, FIRST_CALL + n - 1);
    }
}
END_TEST

/* Exits FIRST_CALL + which of these calls failed; with 0 when none did. */
static void calls_four_functions(void)
{
    float *at = NULL, host[COUNT], by = 2, plus = 1;
    size_t count = COUNT;
    int results[] = {cudaMalloc((void **)&at, sizeof host), cudaErrorUnknown, cudaErrorUnknown, cudaErrorUnknown};
    if (results[0] == cudaSuccess) {
        results[1] = cudaMemset(at, 0, sizeof host);
        results[2] = LAUNCH(multiply_add, 4, 32, 0, NULL, &at, &count, &by, &plus);
        results[3] = cudaMemcpy(host, at, sizeof host, cudaMemcpyDeviceToHost);
    }
    MUST(cudaFree(at));
    for (int i = 0; i < 4; i++)
        if (results[i] != cudaSuccess) {
            for (int rest = i + 1; i != 0 && rest < 4; rest++)
                REQUIRE(results[rest] == cudaSuccess);
            exit(FIRST_CALL + i);
        }
}

START_TEST(the_nth_of_all_calls_fails_when_asked_to)
{
    EXPECT_RIGHT(calls_four_functions, "");
    for (int n = 1; n <= 4; n++) {
        char variables[64];
        snprintf(variables, sizeof variables, "EMU_FAIL_ANY=%d", n);
        ck_assert_int_eq(scene_play(calls_four_functions, variables).status, FIRST_CALL + n - 1);
    }
    EXPECT_RIGHT(calls_four_functions, "EMU_FAIL_ANY=5");
}
END_TEST

/* what is left at the end */

static void leaves_memory(void)
{
    scene_floats(COUNT, 0);
}

static void leaves_pinned_memory(void)
{
    scene_pinned();
}

static void leaves_a_stream(void)
{
    scene_stream();
}

static void leaves_an_event(void)
{
    scene_event();
}

static cudaGraph_t new_graph(void)
{
    cudaStream_t stream = scene_stream();
    cudaGraph_t graph;
    MUST(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    MUST(cudaStreamEndCapture(stream, &graph));
    MUST(cudaStreamDestroy(stream));
    return graph;
}

static void leaves_a_graph(void)
{
    new_graph();
}

static void leaves_an_instance_of_a_graph(void)
{
    cudaGraph_t graph = new_graph();
    cudaGraphExec_t instance;
    MUST(cudaGraphInstantiate(&instance, graph, 0));
    MUST(cudaGraphDestroy(graph));
}

static void leaves_one_of_each(void)
{
    leaves_a_stream();
    leaves_an_event();
    leaves_a_graph();
}

START_TEST(what_is_left_at_the_end_is_told)
{
    EXPECT_MISTAKE(leaves_memory, "", "512 bytes of device memory are left at the end");
    EXPECT_MISTAKE(leaves_pinned_memory, "", "400 bytes of pinned memory are left at the end");
    EXPECT_MISTAKE(leaves_a_stream, "", "1 streams are left at the end");
    EXPECT_MISTAKE(leaves_an_event, "", "1 events are left at the end");
    EXPECT_MISTAKE(leaves_a_graph, "", "1 graphs are left at the end");
    EXPECT_MISTAKE(leaves_an_instance_of_a_graph, "", "1 graphs are left at the end");
    struct ending ending = scene_play(leaves_one_of_each, "");
    ck_assert_int_eq(ending.status, SCENE_MISTAKE);
    ck_assert_msg(strstr(ending.told, "1 streams are") && strstr(ending.told, "1 events are") &&
                      strstr(ending.told, "1 graphs are"),
                  "%s", ending.told);
}
END_TEST

/* two devices */

static void uses_both_devices(void)
{
    int devices = 0;
    float *at[2];
    MUST(cudaGetDeviceCount(&devices));
    REQUIRE(devices == 2);
    for (int d = 0; d < 2; d++) {
        MUST(cudaSetDevice(d));
        at[d] = scene_floats(COUNT, (float)d);
        scene_change(at[d], 2, 1, NULL);
    }
    for (int d = 0; d < 2; d++) {
        MUST(cudaSetDevice(d));
        float *values = scene_values(at[d], COUNT);
        REQUIRE(scene_all_are(values, (float)(2 * d + 1), 2));
        free(values);
        MUST(cudaFree(at[d]));
    }
    REQUIRE(cudaSetDevice(2) == cudaErrorInvalidDevice);
}

static void asks_for_a_second_device(void)
{
    REQUIRE(cudaSetDevice(1) == cudaErrorInvalidDevice);
    MUST(cudaSetDevice(0));
}

static void uses_a_pointer_of_the_other_device(void)
{
    float *at = scene_floats(COUNT, 0);
    MUST(cudaSetDevice(1));
    scene_change(at, 2, 1, NULL);
    REQUIRE(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
}

static void uses_a_stream_of_the_other_device(void)
{
    cudaStream_t stream = scene_stream();
    float *at = scene_floats(COUNT, 0);
    MUST(cudaSetDevice(1));
    scene_change(at, 2, 1, stream);
    MUST(cudaSetDevice(0));
    MUST(cudaFree(at));
    MUST(cudaStreamDestroy(stream));
}

START_TEST(two_devices_are_kept_apart)
{
    EXPECT_RIGHT_ALWAYS(uses_both_devices, "EMU_DEVICES=2");
    EXPECT_RIGHT(asks_for_a_second_device, "");
    EXPECT_MISTAKE(uses_a_pointer_of_the_other_device, "EMU_DEVICES=2 EMU_STREAMS=lazy", "of another device, 0");
    EXPECT_MISTAKE(uses_a_stream_of_the_other_device, "EMU_DEVICES=2 EMU_STREAMS=lazy",
                   "a stream of device 0 while device 1 is current");
}
END_TEST

/* the report */

static void does_what_can_be_counted(void)
{
    float *at = scene_floats(COUNT, 0), *to = scene_floats(COUNT, 0);
    size_t count = COUNT / 8, stride = 8;
    for (int i = 0; i < 3; i++)
        scene_change(at, 1, 1, NULL);
    MUST(LAUNCH(gather_stride, 1, 32, 0, NULL, &at, &count, &stride, &to));
    MUST(cudaMemset(to, 0, 40));
    MUST(cudaMemcpy(to, at, 80, cudaMemcpyDeviceToDevice));
    free(scene_values(to, COUNT));
    MUST(cudaFree(at));
    MUST(cudaFree(to));
}

static double counted(const cJSON *report, const char *group, const char *name, const char *what)
{
    const cJSON *item = report;
    const char *const path[] = {group, name, what};
    for (int i = 0; i < 3 && item != NULL; i++)
        if (path[i] != NULL)
            item = cJSON_GetObjectItemCaseSensitive(item, path[i]);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

/* Sectors a request, of accesses by this kernel with that many requests. */
static bool has_access(const cJSON *report, const char *kernel, double requests, double sectors)
{
    const cJSON *access;
    cJSON_ArrayForEach(access, cJSON_GetObjectItemCaseSensitive(report, "accesses"))
    {
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(access, "kernel");
        if (cJSON_IsString(of) && strcmp(of->valuestring, kernel) == 0 &&
            counted(access, "requests", NULL, NULL) == requests && counted(access, "sectors", NULL, NULL) == sectors)
            return true;
    }
    return false;
}

START_TEST(the_report_counts_what_was_done)
{
    char path[] = "/tmp/emulated-report-XXXXXX", variables[128], text[16384];
    int made = mkstemp(path);
    ck_assert_int_ge(made, 0);
    close(made);
    snprintf(variables, sizeof variables, "EMU_REPORT=%s EMU_SECTORS=1", path);
    EXPECT_RIGHT(does_what_can_be_counted, variables);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(path);
    cJSON *report = cJSON_Parse(text);
    ck_assert_msg(report != NULL, "%s", text);

    const struct {
        const char *group, *name, *what;
        double want;
    } wants[] = {
        {"launches", NULL, NULL, 4},
        {"blocks", NULL, NULL, 13},
        {"mistakes", NULL, NULL, 0},
        {"memory", "peak", NULL, 1024},
        {"memory", "left", NULL, 0},
        {"transfers", "to_device", "count", 2},
        {"transfers", "to_device", "bytes", 800},
        {"transfers", "to_host", "count", 1},
        {"transfers", "to_host", "bytes", 400},
        {"transfers", "on_device", "bytes", 80},
        {"transfers", "set", "bytes", 40},
        {"kernels", "multiply_add", "launches", 3},
        {"kernels", "multiply_add", "blocks", 12},
        {"kernels", "multiply_add", "threads", 384},
        {"kernels", "multiply_add", "read", 1200},
        {"kernels", "multiply_add", "written", 1200},
        {"kernels", "gather_stride", "read", 48},
        {"calls", "cudaMalloc", NULL, 2},
        {"calls", "cudaLaunchKernel", NULL, 4},
    };
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        double got = counted(report, wants[i].group, wants[i].name, wants[i].what);
        ck_assert_msg(got == wants[i].want, "%s %s %s: %g, not %g: %s", wants[i].group,
                      wants[i].name ? wants[i].name : "", wants[i].what ? wants[i].what : "", got, wants[i].want, text);
    }
    /* 100 floats: three warps of 4 sectors and one of half a sector, thrice; 12 floats 32 bytes apart, one warp. */
    ck_assert_msg(has_access(report, "multiply_add", 12, 39), "%s", text);
    ck_assert_msg(has_access(report, "gather_stride", 1, 12), "%s", text);
    cJSON_Delete(report);
}
END_TEST

int main(void)
{
    test_add(copies_and_fills_that_do_not_fit_their_pointers_are_told, NULL);
    test_add(host_code_that_touches_device_memory_is_told, NULL);
    test_add(the_capacity_can_be_used_up_and_given_back, NULL);
    test_add(the_call_that_is_to_fail_does_and_no_other, NULL);
    test_add(the_nth_of_all_calls_fails_when_asked_to, NULL);
    test_add(what_is_left_at_the_end_is_told, NULL);
    test_add(two_devices_are_kept_apart, NULL);
    test_add(the_report_counts_what_was_done, NULL);
    return test_run("the emulated device's runtime");
}
