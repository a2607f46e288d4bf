/* context.c - errors, memory that is counted, launches, and the streams beside the back end's. */
#include "cuda/context.h"
#include <stdlib.h>
#include <string.h>

ft_status cuda_check(cudaError_t result, const char *what, struct ft_error *error)
{
    if (result == cudaSuccess)
        return FT_OK;
    cudaGetLastError(); /* or the next launch would tell it once more */
    return ft_fail(error, FT_NOMEM, "%s failed: %s (%s)", what, cudaGetErrorString(result), cudaGetErrorName(result));
}

ft_status cuda_check_blas(cublasStatus_t result, const char *what, struct ft_error *error)
{
    if (result == CUBLAS_STATUS_SUCCESS)
        return FT_OK;
    cudaGetLastError();
    return ft_fail(error, FT_NOMEM, "%s failed: %s (%s)", what, cublasGetStatusString(result),
                   cublasGetStatusName(result));
}

ft_status cuda_check_dnn(cudnnStatus_t result, const char *what, struct ft_error *error)
{
    if (result == CUDNN_STATUS_SUCCESS)
        return FT_OK;
    cudaGetLastError();
    return ft_fail(error, FT_NOMEM, "%s failed: %s (cuDNN's status %d)", what, cudnnGetErrorString(result), result);
}

ft_status cuda_nomem(const struct cuda_backend *cuda, const char *what, struct ft_error *error)
{
    return ft_fail(error, FT_NOMEM, "out of memory of device %d for %s: %zu of at most %zu MiB are taken", cuda->device,
                   what, cuda->allocated >> 20, cuda->budget >> 20);
}

enum { ALIGNMENT = 256 };

/* The index of the first allocation behind this address. */
static size_t behind(const struct cuda_backend *cuda, const void *at)
{
    size_t first = 0, count = cuda->allocation_count;
    while (count) {
        size_t half = count / 2;
        bool before = (uintptr_t)cuda->allocations[first + half].at <= (uintptr_t)at;
        first += before ? half + 1 : 0;
        count = before ? count - half - 1 : half;
    }
    return first;
}

bool cuda_in_one_allocation(const struct cuda_backend *cuda, const void *at, size_t bytes)
{
    size_t i = behind(cuda, at);
    if (!i)
        return false;
    const struct cuda_allocation *allocation = &cuda->allocations[i - 1];
    size_t into = (uintptr_t)at - (uintptr_t)allocation->at;
    return into <= allocation->bytes && bytes <= allocation->bytes - into;
}

/* Room for one more in the list. */
static bool grow_list(struct cuda_backend *cuda)
{
    if (cuda->allocation_count < cuda->allocation_room)
        return true;
    size_t room = cuda->allocation_room ? cuda->allocation_room * 2 : 64;
    struct cuda_allocation *grown = realloc(cuda->allocations, room * sizeof *grown);
    if (!grown)
        return false;
    cuda->allocations = grown;
    cuda->allocation_room = room;
    return true;
}

static void *try_allocation(struct cuda_backend *cuda, size_t bytes)
{
    void *at;
    if (bytes > cuda->budget || cuda->allocated > cuda->budget - bytes)
        return NULL;
    if (cudaMalloc(&at, bytes) != cudaSuccess) {
        cudaGetLastError();
        return NULL;
    }
    return at;
}

void *cuda_allocate(struct cuda_backend *cuda, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGNMENT || !grow_list(cuda))
        return NULL;
    bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    void *at = try_allocation(cuda, bytes);
    if (!at && cuda_scratch_shrink(cuda))
        at = try_allocation(cuda, bytes);
    if (!at)
        return NULL;
    size_t i = behind(cuda, at);
    struct cuda_allocation *place = &cuda->allocations[i];
    memmove(place + 1, place, (cuda->allocation_count++ - i) * sizeof *place);
    *place = (struct cuda_allocation){at, bytes};
    cuda->allocated += bytes;
    if (cuda->allocated > cuda->peak)
        cuda->peak = cuda->allocated;
    return at;
}

void cuda_free(struct cuda_backend *cuda, void *at)
{
    size_t i = at ? behind(cuda, at) : 0;
    if (!i || cuda->allocations[i - 1].at != at)
        return;
    struct cuda_allocation *place = &cuda->allocations[i - 1];
    cuda->allocated -= place->bytes;
    memmove(place, place + 1, (cuda->allocation_count-- - i) * sizeof *place);
    cudaStreamSynchronize(cuda->stream);
    cudaFree(at);
}

ft_status cuda_launch(cudaStream_t stream, const void *kernel, dim3 grid, dim3 block, size_t shared_bytes,
                      void **arguments, const char *name, struct ft_error *error)
{
    return cuda_check(cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream), name, error);
}

ft_status cuda_new_blas(struct cuda_backend *cuda, cudaStream_t stream, cublasHandle_t *blas, void **workspace,
                        struct ft_error *error)
{
    /* f32 is the reference: nothing, not even an environment variable, may make its products coarser */
    static const cublasMath_t math[] = {
        [CUDA_MATH_F32] = CUBLAS_PEDANTIC_MATH,
        [CUDA_MATH_TF32] = CUBLAS_TF32_TENSOR_OP_MATH,
        [CUDA_MATH_F16] = CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION,
    };
    ft_status status = cuda_check_blas(cublasCreate(blas), "starting cuBLAS", error);
    if (status != FT_OK) {
        *blas = NULL;
        return status;
    }
    if (!(*workspace = cuda_allocate(cuda, cuda->workspace_bytes)))
        return cuda_nomem(cuda, "the workspace of matrix products", error);
    if ((status = cuda_check_blas(cublasSetStream(*blas, stream), "giving cuBLAS a stream", error)) != FT_OK ||
        (status = cuda_check_blas(cublasSetWorkspace(*blas, *workspace, cuda->workspace_bytes),
                                  "giving cuBLAS a workspace", error)) != FT_OK)
        return status;
    return cuda_check_blas(cublasSetMathMode(*blas, math[cuda->options.math]), "setting the precision of cuBLAS",
                           error);
}

static void branch_free(struct cuda_backend *cuda, struct cuda_branch *branch)
{
    if (branch->blas)
        cublasDestroy(branch->blas);
    cuda_free(cuda, branch->workspace);
    if (branch->joined)
        cudaEventDestroy(branch->joined);
    if (branch->stream)
        cudaStreamDestroy(branch->stream);
    *branch = (struct cuda_branch){0};
}

void cuda_branches_free(struct cuda_backend *cuda)
{
    while (cuda->branch_count)
        branch_free(cuda, &cuda->branches[--cuda->branch_count]);
}

static ft_status branch_new(struct cuda_backend *cuda, struct cuda_branch *branch, struct ft_error *error)
{
    *branch = (struct cuda_branch){0};
    ft_status status =
        cuda_check(cudaStreamCreateWithFlags(&branch->stream, cudaStreamNonBlocking), "making a stream", error);
    if (status == FT_OK)
        status =
            cuda_check(cudaEventCreateWithFlags(&branch->joined, cudaEventDisableTiming), "making an event", error);
    if (status == FT_OK)
        status = cuda_new_blas(cuda, branch->stream, &branch->blas, &branch->workspace, error);
    if (status != FT_OK)
        branch_free(cuda, branch);
    return status;
}

ft_status cuda_fork(struct cuda_backend *cuda, size_t count, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (; status == FT_OK && cuda->branch_count < count; cuda->branch_count += status == FT_OK)
        status = branch_new(cuda, &cuda->branches[cuda->branch_count], error);
    if (status == FT_OK)
        status = cuda_check(cudaEventRecord(cuda->forked, cuda->stream), "forking a stream", error);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        status = cuda_check(cudaStreamWaitEvent(cuda->branches[i].stream, cuda->forked, 0), "forking a stream", error);
        cuda->branches_forked += status == FT_OK;
    }
    return status;
}

ft_status cuda_join(struct cuda_backend *cuda, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t i = 0; i < cuda->branches_forked; i++) {
        struct cuda_branch *branch = &cuda->branches[i];
        cudaError_t result = cudaEventRecord(branch->joined, branch->stream);
        if (result == cudaSuccess)
            result = cudaStreamWaitEvent(cuda->stream, branch->joined, 0);
        if (result != cudaSuccess && status == FT_OK)
            status = cuda_check(result, "joining a stream", error);
    }
    if (status != FT_OK) /* what could not be joined is waited for here */
        cudaDeviceSynchronize();
    cuda->branches_forked = 0;
    return status;
}
