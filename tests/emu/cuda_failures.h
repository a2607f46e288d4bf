/* cuda_failures.h - every call of the CUDA libraries made to fail in turn. */
#ifndef EMU_CUDA_FAILURES_H
#define EMU_CUDA_FAILURES_H
#include "numbers.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a scene ends: all went well; something failed, was said and was cleaned up. */
enum { SCENE_WELL, SCENE_FAILED = 3 };

static inline int cuda_failure_status(int (*scene)(void), const char *failure)
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

/* Plays the scene, which opens the plug-in itself, in a process of its own for the first, second ... call of each
 * function, as long as there are so many. A scene that fails must end with SCENE_FAILED, without a mistake or a leak
 * that the emulated device would tell. The test may not have used the device before. */
static inline void cuda_with_every_failure(int (*scene)(void))
{
    static const char *const functions[] = {
        "cudaMalloc",           "cudaMallocHost",        "cudaMemcpyAsync",
        "cudaMemsetAsync",      "cudaLaunchKernel",      "cudaEventRecord",
        "cudaEventSynchronize", "cudaStreamSynchronize", "cudaPointerGetAttributes"};
    size_t failed = 0;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        int status = SCENE_FAILED;
        for (int nth = 1; status == SCENE_FAILED; nth++) {
            char failure[80];
            snprintf(failure, sizeof failure, "%s:%d", functions[f], nth);
            status = cuda_failure_status(scene, failure);
            EXPECT(status == SCENE_WELL || status == SCENE_FAILED, "%s ends with %d", failure, status);
            failed += status == SCENE_FAILED;
        }
    }
    ck_assert_uint_gt(failed, 5);
}

#endif
