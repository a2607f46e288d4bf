/* cudart.c - the drop-in CUDA runtime: devices, errors, and what is looked at when the process ends. */
#include "cudart.h"
#include <stdio.h>
#include <string.h>

static __thread cudaError_t last_error;
static bool lost;

cudaError_t cudart_result(cudaError_t result)
{
    if (result != cudaSuccess)
        last_error = result;
    return result;
}

bool cudart_device_lost(void)
{
    return lost;
}

void cudart_lose_device(void)
{
    lost = true;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last_error;
}

static const struct {
    cudaError_t code;
    const char *name, *meaning;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"},
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == error)
            return errors[i].name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == error)
            return errors[i].meaning;
    return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    CUDART_CALL(cudaErrorInsufficientDriver);
    *count = emu_settings()->devices;
    return cudart_result(*count != 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    CUDART_CALL(cudaErrorInvalidDevice);
    if (device < 0 || device >= emu_settings()->devices)
        return cudart_result(cudaErrorInvalidDevice);
    emu_set_device(device);
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = emu_device();
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    CUDART_CALL(cudaErrorInvalidDevice);
    const struct emu_settings *settings = emu_settings();
    if (device < 0 || device >= settings->devices)
        return cudart_result(cudaErrorInvalidDevice);
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "emulated device %d", device);
    properties->totalGlobalMem = settings->capacity;
    properties->sharedMemPerBlock = EMU_SHARED_BYTES;
    properties->warpSize = EMU_LANES;
    properties->maxThreadsPerBlock = EMU_MOST_THREADS;
    properties->multiProcessorCount = settings->processors;
    properties->major = settings->compute_capability / 10;
    properties->minor = settings->compute_capability % 10;
    properties->concurrentKernels = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    CUDART_CALL(cudaErrorInvalidValue);
    const struct emu_settings *settings = emu_settings();
    if (device < 0 || device >= settings->devices)
        return cudart_result(cudaErrorInvalidDevice);
    switch ((int)attribute) {
    case cudaDevAttrMultiProcessorCount: *value = settings->processors; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = EMU_MOST_THREADS; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = EMU_SHARED_BYTES; break;
    case cudaDevAttrWarpSize: *value = EMU_LANES; break;
    case cudaDevAttrComputeCapabilityMajor: *value = settings->compute_capability / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = settings->compute_capability % 10; break;
    default:
        emu_mistake("cudaDeviceGetAttribute: the emulated device has no attribute %d", (int)attribute);
        return cudart_result(cudaErrorInvalidValue);
    }
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    if (cudart_spoils_capture())
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    emu_queue_run_all(emu_device());
    return cudart_result(lost ? cudaErrorIllegalAddress : cudaSuccess);
}

void emu_report_left(void)
{
    if (lost)
        return;
    cudart_report_streams_left();
    if (emu_left() != 0)
        emu_mistake("%zu bytes of device memory are left at the end", emu_left());
    if (cudart_pinned_left() != 0)
        emu_mistake("%zu bytes of pinned memory are left at the end", cudart_pinned_left());
}
