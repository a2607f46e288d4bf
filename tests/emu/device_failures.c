/* device_failures.c - see device_failures.h. */
#include "device_failures.h"
#include "numbers.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const functions[] = {
    "cudaSetDevice",    "cudaMalloc",      "cudaMallocHost",       "cudaMemcpyAsync",       "cudaMemsetAsync",
    "cudaLaunchKernel", "cudaEventRecord", "cudaEventSynchronize", "cudaStreamSynchronize", "cudaPointerGetAttributes",
};

static int status_with(int (*scene)(void), const char *failure)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("EMU_FAIL", failure, 1);
        exit(scene());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void with_every_failure(int (*scene)(void))
{
    size_t failed = 0;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        int status = SCENE_FAILED;
        for (int nth = 1; status == SCENE_FAILED; nth++) {
            char failure[80];
            snprintf(failure, sizeof failure, "%s:%d", functions[f], nth);
            status = status_with(scene, failure);
            EXPECT(status == SCENE_WELL || status == SCENE_FAILED, "%s ends with %d", failure, status);
            failed += status == SCENE_FAILED;
        }
    }
    ck_assert_uint_gt(failed, 5);
}

void with_first_failures(int (*scene)(void), int most)
{
    static const char *const others[] = {
        "cudaHostAlloc",        "cudaStreamCreateWithFlags", "cudaEventCreateWithFlags",
        "cudaStreamWaitEvent",  "cudaStreamBeginCapture",    "cudaStreamEndCapture",
        "cudaGraphInstantiate", "cudaGraphLaunch",           "cublasCreate",
        "cublasSgemm",          "cublasSetWorkspace",
    };
    size_t first = sizeof functions / sizeof *functions, count = first + sizeof others / sizeof *others;
    size_t failed = 0, well = 0;
    for (size_t f = 0; f < count; f++)
        for (int nth = 1; nth <= most; nth++) {
            char failure[80];
            snprintf(failure, sizeof failure, "%s:%d", f < first ? functions[f] : others[f - first], nth);
            int status = status_with(scene, failure);
            EXPECT(status == SCENE_WELL || status == SCENE_FAILED, "%s ends with %d", failure, status);
            failed += status == SCENE_FAILED;
            well += status == SCENE_WELL;
        }
    ck_assert_uint_gt(failed, 5);
    ck_assert_uint_gt(well, 5);
}
