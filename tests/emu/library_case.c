/* library_case.c - see library_case.h. */
#include "library_case.h"
#include <check.h>
#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void *device_copy(const void *host, size_t bytes)
{
    void *device = NULL;
    ck_assert_int_eq(cudaMalloc(&device, bytes), cudaSuccess);
    ck_assert_int_eq(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), cudaSuccess);
    return device;
}

float *host_floats(const float *device, size_t count)
{
    float *host = malloc(count * sizeof *host);
    ck_assert_int_eq(cudaDeviceSynchronize(), cudaSuccess);
    ck_assert_int_eq(cudaMemcpy(host, device, count * sizeof *host, cudaMemcpyDeviceToHost), cudaSuccess);
    return host;
}

int exit_status_with_failure(void (*scene)(void), const char *failure)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (failure)
            setenv("EMU_FAIL", failure, 1);
        close(STDERR_FILENO); /* mistakes are told there */
        scene();
        exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int exit_status_of(void (*scene)(void))
{
    return exit_status_with_failure(scene, NULL);
}
