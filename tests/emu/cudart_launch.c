/* cudart_launch.c - the drop-in CUDA runtime: kernels. nvcc's objects register a host function for each, with the name
 * of the kernel; launching it runs the kernel of that name out of the library of emulated kernels. */
#include "cudart.h"
#include <stdlib.h>
#include <string.h>

/* What nvcc's objects call beside the documented functions. */
void **__cudaRegisterFatBinary(void *binary);
void __cudaRegisterFatBinaryEnd(void **handle);
void __cudaUnregisterFatBinary(void **handle);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads,
                            struct uint3 *thread, struct uint3 *block, struct dim3 *block_size, struct dim3 *grid_size,
                            int *warp);
unsigned __cudaPushCallConfiguration(struct dim3 grid, struct dim3 block, size_t shared, struct CUstream_st *stream);
cudaError_t __cudaPopCallConfiguration(struct dim3 *grid, struct dim3 *block, size_t *shared, void *stream);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, struct dim3 grid, struct dim3 block, void **arguments,
                               size_t shared, cudaStream_t stream);

enum { MOST = 512 };
static struct {
    const void *host;
    char name[128];
} functions[MOST];
static size_t function_count;

static __thread struct {
    struct dim3 grid, block;
    size_t shared;
    struct CUstream_st *stream;
} configuration;

void **__cudaRegisterFatBinary(void *binary)
{
    static void *handle;
    handle = binary;
    return &handle;
}

void __cudaRegisterFatBinaryEnd(void **handle)
{
    (void)handle;
}

void __cudaUnregisterFatBinary(void **handle)
{
    (void)handle;
}

void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads,
                            struct uint3 *thread, struct uint3 *block, struct dim3 *block_size, struct dim3 *grid_size,
                            int *warp)
{
    EMU_LOCKED;
    (void)handle, (void)device, (void)threads, (void)thread, (void)block, (void)block_size, (void)grid_size, (void)warp;
    if (function_count == MOST || strlen(name) >= sizeof functions->name)
        abort();
    functions[function_count].host = host;
    strcpy(functions[function_count++].name, name);
}

unsigned __cudaPushCallConfiguration(struct dim3 grid, struct dim3 block, size_t shared, struct CUstream_st *stream)
{
    configuration.grid = grid;
    configuration.block = block;
    configuration.shared = shared;
    configuration.stream = stream;
    return 0;
}

cudaError_t __cudaPopCallConfiguration(struct dim3 *grid, struct dim3 *block, size_t *shared, void *stream)
{
    *grid = configuration.grid;
    *block = configuration.block;
    *shared = configuration.shared;
    *(struct CUstream_st **)stream = configuration.stream;
    return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host)
{
    *kernel = (cudaKernel_t)(uintptr_t)host;
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, struct dim3 grid, struct dim3 block, void **arguments,
                               size_t shared, cudaStream_t stream)
{
    return cudaLaunchKernel((const void *)kernel, grid, block, arguments, shared, stream);
}

/* A launch that waits; behind it stand its arguments, each on a boundary of 16 bytes. */
struct waiting {
    const struct emu_kernel *kernel;
    struct emu_dim grid, block;
    size_t shared;
};
enum { MOST_ARGUMENTS = 64, ARGUMENT_ALIGNMENT = 16 };

static size_t padded(size_t bytes)
{
    return (bytes + ARGUMENT_ALIGNMENT - 1) / ARGUMENT_ALIGNMENT * ARGUMENT_ALIGNMENT;
}

static void run_waiting(void *argument)
{
    struct waiting *waiting = argument;
    void *arguments[MOST_ARGUMENTS];
    char *at = (char *)argument + padded(sizeof *waiting);
    for (size_t i = 0; i < waiting->kernel->count; i++) {
        arguments[i] = at;
        at += padded(waiting->kernel->sizes[i]);
    }
    struct emu_launch launch = {waiting->kernel, waiting->grid, waiting->block, waiting->shared, arguments};
    if (!cudart_device_lost() && !emu_run_grid(&launch))
        cudart_lose_device();
}

static bool may_launch(const struct dim3 *grid, const struct dim3 *block, size_t shared)
{
    size_t threads = (size_t)block->x * block->y * block->z;
    return threads != 0 && threads <= EMU_MOST_THREADS && block->z <= 64 && grid->x != 0 && grid->y != 0 &&
           grid->z != 0 && grid->x <= INT32_MAX && grid->y <= UINT16_MAX && grid->z <= UINT16_MAX &&
           shared <= EMU_SHARED_BYTES;
}

cudaError_t cudaLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments, size_t shared,
                             cudaStream_t stream)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    const struct emu_kernel *kernel = NULL;
    for (size_t i = 0; i < function_count && kernel == NULL; i++)
        if (functions[i].host == function)
            kernel = emu_find_kernel(functions[i].name);
    if (kernel == NULL) {
        emu_mistake("launch of a kernel that is not there");
        return cudart_result(cudaErrorInvalidDeviceFunction);
    }
    if (kernel->count > MOST_ARGUMENTS)
        abort();
    if (!may_launch(&grid, &block, shared)) {
        emu_mistake("%s: cannot be launched as (%u, %u, %u) blocks of (%u, %u, %u) threads with %zu bytes",
                    kernel->name, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared);
        return cudart_result(cudaErrorInvalidConfiguration);
    }
    size_t bytes = padded(sizeof(struct waiting));
    for (size_t i = 0; i < kernel->count; i++)
        bytes += padded(kernel->sizes[i]);
    struct waiting *waiting = aligned_alloc(ARGUMENT_ALIGNMENT, bytes);
    if (waiting == NULL)
        abort();
    *waiting = (struct waiting){kernel, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared};
    char *at = (char *)waiting + padded(sizeof *waiting);
    for (size_t i = 0; i < kernel->count; i++) {
        memcpy(at, arguments[i], kernel->sizes[i]);
        at += padded(kernel->sizes[i]);
    }
    emu_enqueue(stream, run_waiting, waiting, bytes);
    free(waiting);
    return cudart_result(cudart_device_lost() ? cudaErrorIllegalAddress : cudaSuccess);
}
