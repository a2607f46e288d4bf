/* cudart_memory.c - the drop-in CUDA runtime: memory of devices and pinned memory of the host, copies and fills.
 *
 * A copy reads and writes when its turn in the stream comes, so that pinned memory that is changed too early shows.
 * From pageable memory it reads at once and to pageable memory it waits, as the real runtime does. */
#include "cudart.h"
#include <stdlib.h>
#include <string.h>

enum { NOISE = 0xAB }; /* in new pinned memory */

struct pinned {
    char *at;
    size_t bytes;
    struct pinned *next;
};
static struct pinned *pinned;

static struct pinned **find_pinned(const void *at)
{
    struct pinned **link = &pinned;
    while (*link != NULL && !((const char *)at >= (*link)->at && (const char *)at < (*link)->at + (*link)->bytes))
        link = &(*link)->next;
    return link;
}

size_t cudart_pinned_left(void)
{
    size_t bytes = 0;
    for (const struct pinned *block = pinned; block != NULL; block = block->next)
        bytes += block->bytes;
    return bytes;
}

cudaError_t cudaMalloc(void **at, size_t bytes)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    if (cudart_spoils_capture())
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    *at = bytes != 0 ? emu_allocate(bytes) : NULL;
    return cudart_result(bytes == 0 || *at != NULL ? cudaSuccess : cudaErrorMemoryAllocation);
}

/* Waits for the device, as the real one does. */
cudaError_t cudaFree(void *at)
{
    EMU_LOCKED;
    if (at == NULL)
        return cudaSuccess;
    if (cudart_spoils_capture())
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    const struct emu_allocation *allocation = emu_allocation_at(at);
    if (allocation != NULL && !cudart_device_lost())
        emu_queue_run_all(allocation->device);
    if (emu_free(at))
        return cudaSuccess;
    emu_mistake("cudaFree: nothing that is allocated (%p)", at);
    return cudart_result(cudaErrorInvalidValue);
}

static cudaError_t pin(void **at, size_t bytes)
{
    struct pinned *block = malloc(sizeof *block);
    *at = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (block == NULL || *at == NULL) {
        free(block);
        free(*at);
        return cudart_result(cudaErrorMemoryAllocation);
    }
    memset(*at, NOISE, bytes);
    *block = (struct pinned){*at, bytes, pinned};
    pinned = block;
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **at, size_t bytes, unsigned flags)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    (void)flags;
    return pin(at, bytes);
}

cudaError_t cudaMallocHost(void **at, size_t bytes)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    return pin(at, bytes);
}

cudaError_t cudaFreeHost(void *at)
{
    EMU_LOCKED;
    if (at == NULL)
        return cudaSuccess;
    struct pinned **link = find_pinned(at), *block = *link;
    if (block == NULL || block->at != (char *)at) {
        emu_mistake("cudaFreeHost: nothing that is allocated (%p)", at);
        return cudart_result(cudaErrorInvalidValue);
    }
    for (int device = 0; device < emu_settings()->devices && !cudart_device_lost(); device++)
        emu_queue_run_all(device);
    *link = block->next;
    free(block->at);
    free(block);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    CUDART_CALL(cudaErrorInvalidValue);
    size_t peak;
    emu_memory(available, total, &peak);
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *at)
{
    CUDART_CALL(cudaErrorInvalidValue);
    memset(attributes, 0, sizeof *attributes);
    if (emu_is_device(at)) {
        const struct emu_allocation *allocation = emu_allocation_at(at);
        if (allocation != NULL && allocation->alive && (const char *)at < allocation->at + allocation->bytes) {
            attributes->type = cudaMemoryTypeDevice;
            attributes->device = allocation->device;
            attributes->devicePointer = (void *)(uintptr_t)at;
            return cudaSuccess;
        }
    }
    attributes->type = *find_pinned(at) != NULL ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
    if (attributes->type == cudaMemoryTypeHost)
        attributes->hostPointer = attributes->devicePointer = (void *)(uintptr_t)at;
    return cudaSuccess;
}

struct copy {
    void *to;
    const void *from; /* NULL: what stands behind this struct */
    size_t bytes;
    enum emu_transfer kind;
};

static void do_copy(void *argument)
{
    const struct copy *copy = argument;
    const void *from = copy->from != NULL ? copy->from : copy + 1;
    if (copy->kind != EMU_TO_DEVICE && !emu_touch("cudaMemcpy", from, copy->bytes, false))
        return;
    if (copy->kind != EMU_TO_HOST && !emu_touch("cudaMemcpy", copy->to, copy->bytes, true))
        return;
    memmove(copy->to, from, copy->bytes);
    emu_count_transfer(copy->kind, copy->bytes);
}

/* The kind by the pointers; a mistake when the caller names another. */
static bool kind_of(void *to, const void *from, enum cudaMemcpyKind named, enum emu_transfer *kind)
{
    bool to_device = emu_is_device(to), from_device = emu_is_device(from);
    enum cudaMemcpyKind is = to_device     ? from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
                             : from_device ? cudaMemcpyDeviceToHost
                                           : cudaMemcpyHostToHost;
    if (is == cudaMemcpyHostToHost || (named != is && named != cudaMemcpyDefault)) {
        emu_mistake("cudaMemcpy of kind %d between pointers of kind %d", (int)named, (int)is);
        return false;
    }
    *kind = to_device ? from_device ? EMU_ON_DEVICE : EMU_TO_DEVICE : EMU_TO_HOST;
    return true;
}

static cudaError_t copy_in_stream(void *to, const void *from, size_t bytes, enum cudaMemcpyKind named,
                                  cudaStream_t stream)
{
    struct copy copy = {to, from, bytes, EMU_TO_HOST};
    if (bytes == 0)
        return cudaSuccess;
    if (!kind_of(to, from, named, &copy.kind))
        return cudart_result(cudaErrorInvalidValue);
    if (copy.kind == EMU_TO_DEVICE && *find_pinned(from) == NULL) {
        struct copy *whole = malloc(sizeof *whole + bytes);
        if (whole == NULL)
            return cudart_result(cudaErrorMemoryAllocation);
        *whole = copy;
        whole->from = NULL;
        memcpy(whole + 1, from, bytes);
        emu_enqueue(stream, do_copy, whole, sizeof *whole + bytes);
        free(whole);
        return cudaSuccess;
    }
    emu_enqueue(stream, do_copy, &copy, sizeof copy);
    if (copy.kind == EMU_TO_HOST && *find_pinned(to) == NULL) {
        if (cudart_is_capturing(stream))
            emu_mistake("a copy to pageable memory is captured");
        else
            cudart_wait_stream(stream);
    }
    return cudart_result(cudart_device_lost() ? cudaErrorIllegalAddress : cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    CUDART_CALL(cudaErrorInvalidValue);
    return copy_in_stream(to, from, bytes, kind, stream);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    CUDART_CALL(cudaErrorInvalidValue);
    cudaError_t result = copy_in_stream(to, from, bytes, kind, NULL);
    cudart_wait_stream(NULL);
    return result != cudaSuccess ? result : cudart_result(cudart_device_lost() ? cudaErrorIllegalAddress : cudaSuccess);
}

struct fill {
    void *at;
    int value;
    size_t bytes;
};

static void do_fill(void *argument)
{
    const struct fill *fill = argument;
    if (emu_touch("cudaMemset", fill->at, fill->bytes, true))
        memset(fill->at, fill->value, fill->bytes);
    emu_count_transfer(EMU_SET, fill->bytes);
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream)
{
    CUDART_CALL(cudaErrorInvalidValue);
    struct fill fill = {at, value, bytes};
    if (bytes != 0)
        emu_enqueue(stream, do_fill, &fill, sizeof fill);
    return cudaSuccess;
}

cudaError_t cudaMemset(void *at, int value, size_t bytes)
{
    CUDART_CALL(cudaErrorInvalidValue);
    struct fill fill = {at, value, bytes};
    if (bytes != 0)
        emu_enqueue(NULL, do_fill, &fill, sizeof fill);
    return cudaSuccess;
}
