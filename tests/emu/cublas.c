/* cublas.c - the drop-in cuBLAS's handles and settings. */
#include "cublas.h"
#include "objects.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char kind[] = "cuBLAS handle";

static bool fails(const char *call, cublasStatus_t failure, cublasStatus_t *status)
{
    int code = 0;
    if (!emu_fails(call, &code))
        return false;
    *status = code ? (cublasStatus_t)code : failure;
    return true;
}

cublasStatus_t context_begin(const char *call, cublasHandle_t context, cublasStatus_t failure)
{
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    if (!context)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!object_is(kind, context)) {
        emu_mistake("%s: the handle was destroyed or is none", call);
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    if (context->device != emu_device()) {
        emu_mistake("%s: the handle is of device %d, but device %d is at hand", call, context->device, emu_device());
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    fails(call, failure, &status);
    return status;
}

cublasStatus_t context_refuse(const char *call, const char *format, ...)
{
    char reason[200];
    va_list list;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    emu_mistake("%s: %s", call, reason);
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t factor_init(struct factor *factor, const char *call, const char *name, cublasHandle_t context,
                           const float *at)
{
    *factor = (struct factor){0, NULL};
    if (!at)
        return context_refuse(call, "%s is NULL", name);
    if (context->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
        factor->device = at;
        struct operand operand = {name, at, sizeof *at, 1, 0};
        return operand_is_valid(call, &operand, sizeof *at) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
    }
    if (emu_is_device(at))
        return context_refuse(call, "%s is memory of the device, but the pointer mode is the host's", name);
    factor->value = *at;
    return CUBLAS_STATUS_SUCCESS;
}

float factor_value(const struct factor *factor)
{
    return factor->device ? *factor->device : factor->value;
}

enum product_rounding context_rounding(cublasHandle_t context)
{
    if (!object_is(kind, context))
        return PRODUCT_F32;
    int math = context->math & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    return math == CUBLAS_TF32_TENSOR_OP_MATH ? PRODUCT_TF32
           : math == CUBLAS_TENSOR_OP_MATH    ? PRODUCT_F16
                                              : PRODUCT_F32;
}

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    cublasStatus_t status;
    if (!handle)
        return CUBLAS_STATUS_INVALID_VALUE;
    *handle = NULL;
    if (fails("cublasCreate", CUBLAS_STATUS_ALLOC_FAILED, &status))
        return status;
    struct cublasContext *context = object_new(kind, sizeof *context);
    if (!context)
        return CUBLAS_STATUS_ALLOC_FAILED;
    context->device = emu_device();
    *handle = context;
    return CUBLAS_STATUS_SUCCESS;
}

/* Queued work needs no handle any more; unlike the real one it is not waited for. A failure that was asked for leaves
 * nothing either. */
cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    cublasStatus_t status = context_begin("cublasDestroy", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    object_free(handle);
    return status;
}

/* "Resets the workspace to the default": documented, and easily overlooked. */
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    cublasStatus_t status = context_begin("cublasSetStream", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (status)
        return status;
    handle->stream = stream;
    handle->workspace = NULL;
    handle->workspace_bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t *stream)
{
    cublasStatus_t status = context_begin("cublasGetStream", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (!status && stream)
        *stream = handle->stream;
    return !status && !stream ? CUBLAS_STATUS_INVALID_VALUE : status;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    cublasStatus_t status = context_begin("cublasSetWorkspace", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (status)
        return status;
    struct operand operand = {"workspace", workspace, bytes, 1, 0};
    if (!operand_is_valid("cublasSetWorkspace", &operand, 256))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    handle->workspace_bytes = workspace ? bytes : 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    cublasStatus_t status = context_begin("cublasSetMathMode", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    int math = mode & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    if (!status && (math < CUBLAS_DEFAULT_MATH || math > CUBLAS_TF32_TENSOR_OP_MATH))
        return context_refuse("cublasSetMathMode", "%d is no mode, or not one that is emulated", (int)mode);
    if (!status)
        handle->math = mode;
    return status;
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode)
{
    cublasStatus_t status = context_begin("cublasGetMathMode", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (!status && mode)
        *mode = handle->math;
    return !status && !mode ? CUBLAS_STATUS_INVALID_VALUE : status;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode)
{
    cublasStatus_t status = context_begin("cublasSetPointerMode", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (!status && mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE)
        return context_refuse("cublasSetPointerMode", "%d is no mode", (int)mode);
    if (!status)
        handle->pointer_mode = mode;
    return status;
}

cublasStatus_t cublasGetPointerMode(cublasHandle_t handle, cublasPointerMode_t *mode)
{
    cublasStatus_t status = context_begin("cublasGetPointerMode", handle, CUBLAS_STATUS_NOT_INITIALIZED);
    if (!status && mode)
        *mode = handle->pointer_mode;
    return !status && !mode ? CUBLAS_STATUS_INVALID_VALUE : status;
}

/* Nothing here adds atomically, so that either mode is the same. */
cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode)
{
    (void)mode;
    return context_begin("cublasSetAtomicsMode", handle, CUBLAS_STATUS_NOT_INITIALIZED);
}

/* The version whose behaviour is emulated; the handle may be NULL. */
cublasStatus_t cublasGetVersion(cublasHandle_t handle, int *version)
{
    (void)handle;
    if (!version)
        return CUBLAS_STATUS_INVALID_VALUE;
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
}

static const struct {
    cublasStatus_t status;
    const char *name, *text;
} statuses[] = {
    {CUBLAS_STATUS_SUCCESS, "CUBLAS_STATUS_SUCCESS", "success"},
    {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
    {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
    {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE",
     "an unsupported value or parameter was passed to the function"},
    {CUBLAS_STATUS_ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH",
     "the function requires an architectural feature absent from the device"},
    {CUBLAS_STATUS_MAPPING_ERROR, "CUBLAS_STATUS_MAPPING_ERROR", "an access to GPU memory space failed"},
    {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED", "the function failed to launch on the GPU"},
    {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
    {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED", "the requested functionality is not supported"},
    {CUBLAS_STATUS_LICENSE_ERROR, "CUBLAS_STATUS_LICENSE_ERROR", "the license check failed"},
};

const char *cublasGetStatusName(cublasStatus_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return "unrecognized status";
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "unrecognized status";
}
