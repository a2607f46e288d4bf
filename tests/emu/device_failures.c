/* device_failures.c - see device_failures.h. */
#include "device_failures.h"
#include "numbers.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_with(int (*scene)(void), const char *variable, const char *failure)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv(variable, failure, 1);
        exit(scene());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Behind so many failures in a row that change nothing there are no more calls: those that free may fail unheard. */
enum { UNHEARD = 40, MOST = 2000 };

void with_every_failure(int (*scene)(void), size_t least)
{
    size_t failed = 0, unheard = 0;
    for (int nth = 1; unheard < UNHEARD && nth < MOST; nth++) {
        char text[32];
        snprintf(text, sizeof text, "%d", nth);
        int status = status_with(scene, "EMU_FAIL_ANY", text);
        EXPECT(status == SCENE_WELL || status == SCENE_FAILED, "with call %d failing it ends with %d", nth, status);
        unheard = status == SCENE_WELL ? unheard + 1 : 0;
        failed += status == SCENE_FAILED;
    }
    ck_assert_uint_eq(unheard, UNHEARD);
    ck_assert_uint_gt(failed, least);
}

void with_first_failures(int (*scene)(void), int most)
{
    static const char *const functions[] = {
        "cudaSetDevice",
        "cudaMalloc",
        "cudaMallocHost",
        "cudaHostAlloc",
        "cudaMemcpyAsync",
        "cudaMemsetAsync",
        "cudaPointerGetAttributes",
        "cudaLaunchKernel",
        "cudaEventCreateWithFlags",
        "cudaEventRecord",
        "cudaEventSynchronize",
        "cudaStreamCreateWithFlags",
        "cudaStreamSynchronize",
        "cudaStreamWaitEvent",
        "cudaStreamBeginCapture",
        "cudaStreamEndCapture",
        "cudaGraphInstantiate",
        "cudaGraphLaunch",
        "cublasCreate",
        "cublasSgemm",
        "cublasSetWorkspace",
    };
    size_t failed = 0, well = 0;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (int nth = 1; nth <= most; nth++) {
            char failure[80];
            snprintf(failure, sizeof failure, "%s:%d", functions[f], nth);
            int status = status_with(scene, "EMU_FAIL", failure);
            EXPECT(status == SCENE_WELL || status == SCENE_FAILED, "%s ends with %d", failure, status);
            failed += status == SCENE_FAILED;
            well += status == SCENE_WELL;
        }
    ck_assert_uint_gt(failed, 5);
    ck_assert_uint_gt(well, 5);
}
