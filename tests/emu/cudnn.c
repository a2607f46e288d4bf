/* cudnn.c - the drop-in cuDNN's handles, errors, tensor and dropout descriptors. */
#include "cudnn_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char cudnn_handle_kind[] = "cuDNN handle", cudnn_tensor_kind[] = "cuDNN tensor descriptor",
           cudnn_dropout_kind[] = "cuDNN dropout descriptor", cudnn_rnn_kind[] = "cuDNN RNN descriptor",
           cudnn_data_kind[] = "cuDNN RNN data descriptor";

static _Thread_local char last_message[256];

static cudnnStatus_t keep_message(cudnnStatus_t status, const char *call, const char *format, va_list list)
{
    int at = snprintf(last_message, sizeof last_message, "%s: ", call);
    vsnprintf(last_message + at, sizeof last_message - (size_t)at, format, list);
    return status;
}

cudnnStatus_t cudnn_refuse(cudnnStatus_t status, const char *call, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    keep_message(status, call, format, list);
    va_end(list);
    return status;
}

cudnnStatus_t cudnn_mistake(cudnnStatus_t status, const char *call, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    keep_message(status, call, format, list);
    va_end(list);
    emu_mistake("%s", last_message);
    return status;
}

bool cudnn_fails(const char *call, cudnnStatus_t failure, cudnnStatus_t *status)
{
    int code = 0;
    if (!emu_fails(call, &code))
        return false;
    *status = cudnn_refuse(code ? (cudnnStatus_t)code : failure, call, "made to fail");
    return true;
}

cudnnStatus_t cudnn_object_check(const char *call, const char *kind, const void *at)
{
    if (!at)
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "the %s is NULL", kind);
    if (!object_is(kind, at))
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "the %s was destroyed or is none", kind);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnn_handle_check(const char *call, cudnnHandle_t handle)
{
    cudnnStatus_t status = cudnn_object_check(call, cudnn_handle_kind, handle);
    if (!status && handle->device != emu_device())
        return cudnn_mistake(CUDNN_STATUS_BAD_PARAM, call, "the handle is of device %d, but device %d is at hand",
                             handle->device, emu_device());
    return status;
}

void *cudnn_create(const char *call, const char *kind, size_t bytes, cudnnStatus_t *status)
{
    *status = CUDNN_STATUS_SUCCESS;
    if (cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, status))
        return NULL;
    void *object = object_new(kind, bytes);
    if (!object)
        *status = CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    return object;
}

cudnnStatus_t cudnn_destroy(const char *call, const char *kind, void *object)
{
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    if (!object || (status = cudnn_object_check(call, kind, object)))
        return status;
    object_free(object);
    cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status);
    return status;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM;
    if (handle && (*handle = cudnn_create("cudnnCreate", cudnn_handle_kind, sizeof **handle, &status)))
        (*handle)->device = emu_device();
    return status;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    return cudnn_destroy("cudnnDestroy", cudnn_handle_kind, handle);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    cudnnStatus_t status = cudnn_handle_check("cudnnSetStream", handle);
    if (!status && !cudnn_fails("cudnnSetStream", CUDNN_STATUS_INTERNAL_ERROR, &status))
        handle->stream = stream;
    return status;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream)
{
    cudnnStatus_t status = cudnn_handle_check("cudnnGetStream", handle);
    if (!status && !stream)
        return CUDNN_STATUS_BAD_PARAM;
    if (!status)
        *stream = handle->stream;
    return status;
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
#define NAME(status) {status, #status}
        NAME(CUDNN_STATUS_SUCCESS),
        NAME(CUDNN_STATUS_NOT_INITIALIZED),
        NAME(CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH),
        NAME(CUDNN_STATUS_BAD_PARAM),
        NAME(CUDNN_STATUS_BAD_PARAM_NULL_POINTER),
        NAME(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT),
        NAME(CUDNN_STATUS_NOT_SUPPORTED),
        NAME(CUDNN_STATUS_NOT_SUPPORTED_SHAPE),
        NAME(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH),
        NAME(CUDNN_STATUS_INTERNAL_ERROR),
        NAME(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED),
        NAME(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED),
        NAME(CUDNN_STATUS_EXECUTION_FAILED),
        NAME(CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER),
        NAME(CUDNN_STATUS_EXECUTION_FAILED_CUBLAS),
        NAME(CUDNN_STATUS_EXECUTION_FAILED_CUDART),
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == (int)status)
            return names[i].name;
    return "CUDNN_UNKNOWN_STATUS";
}

void cudnnGetLastErrorString(char *message, size_t bytes)
{
    if (message && bytes > 0)
        snprintf(message, bytes, "%s", last_message);
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *descriptor)
{
    cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM;
    if (descriptor)
        *descriptor = cudnn_create("cudnnCreateTensorDescriptor", cudnn_tensor_kind, sizeof **descriptor, &status);
    return status;
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor)
{
    return cudnn_destroy("cudnnDestroyTensorDescriptor", cudnn_tensor_kind, descriptor);
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int dimensions,
                                         const int sizes[], const int strides[])
{
    static const char call[] = "cudnnSetTensorNdDescriptor";
    cudnnStatus_t status = cudnn_object_check(call, cudnn_tensor_kind, descriptor);
    if (status || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (dimensions > CUDNN_DIM_MAX)
        return cudnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, call, "%d dimensions", dimensions);
    if (type < CUDNN_DATA_FLOAT || type > CUDNN_DATA_INT4 || dimensions < 2 || !sizes || !strides)
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "type %d, %d dimensions", (int)type, dimensions);
    for (int i = 0; i < dimensions; i++)
        if (sizes[i] < 1 || strides[i] == 0)
            return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "dimension %d: size %d, stride %d", i, sizes[i],
                                strides[i]);
    descriptor->type = type;
    descriptor->dimensions = dimensions;
    memcpy(descriptor->sizes, sizes, (size_t)dimensions * sizeof *sizes);
    memcpy(descriptor->strides, strides, (size_t)dimensions * sizeof *strides);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t descriptor, int requested, cudnnDataType_t *type,
                                         int *dimensions, int sizes[], int strides[])
{
    static const char call[] = "cudnnGetTensorNdDescriptor";
    cudnnStatus_t status = cudnn_object_check(call, cudnn_tensor_kind, descriptor);
    if (status || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (!type || !dimensions || !sizes || !strides)
        return CUDNN_STATUS_BAD_PARAM;
    *type = descriptor->type;
    *dimensions = descriptor->dimensions;
    for (int i = 0; i < requested && i < descriptor->dimensions; i++) {
        sizes[i] = descriptor->sizes[i];
        strides[i] = descriptor->strides[i];
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t *descriptor)
{
    cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM;
    if (descriptor)
        *descriptor = cudnn_create("cudnnCreateDropoutDescriptor", cudnn_dropout_kind, sizeof **descriptor, &status);
    return status;
}

cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t descriptor)
{
    return cudnn_destroy("cudnnDestroyDropoutDescriptor", cudnn_dropout_kind, descriptor);
}

enum { DROPOUT_STATE_BYTES = 4096 }; /* of the emulated generator, of which there is none */

cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, size_t *bytes)
{
    static const char call[] = "cudnnDropoutGetStatesSize";
    cudnnStatus_t status = cudnn_handle_check(call, handle);
    if (status || cudnn_fails(call, CUDNN_STATUS_INTERNAL_ERROR, &status))
        return status;
    if (!bytes)
        return CUDNN_STATUS_BAD_PARAM;
    *bytes = DROPOUT_STATE_BYTES;
    return CUDNN_STATUS_SUCCESS;
}

/* states: NULL where nothing is dropped. */
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle, float probability,
                                        void *states, size_t bytes, unsigned long long seed)
{
    static const char call[] = "cudnnSetDropoutDescriptor";
    (void)seed;
    cudnnStatus_t status = cudnn_handle_check(call, handle);
    if (status || (status = cudnn_object_check(call, cudnn_dropout_kind, descriptor)) ||
        cudnn_fails(call, CUDNN_STATUS_EXECUTION_FAILED, &status))
        return status;
    if (!(probability >= 0 && probability <= 1))
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "probability %g", (double)probability);
    struct operand operand = {"states", states, bytes, 1, 0};
    if (states && (bytes < DROPOUT_STATE_BYTES || !operand_is_valid(call, &operand, 1)))
        return cudnn_refuse(CUDNN_STATUS_BAD_PARAM, call, "%zu bytes of states", bytes);
    descriptor->probability = probability;
    return CUDNN_STATUS_SUCCESS;
}
