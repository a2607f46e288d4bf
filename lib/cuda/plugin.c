/* plugin.c - the table of libflairtag_cuda.so, and a back end from its beginning to its end. */
#include "cuda/context.h"
#include <stdlib.h>

/* The first driver that CUDA 13's runtime works with. */
#define DRIVER "580"

static ft_status plugin_devices(size_t *count, struct ft_error *error)
{
    int found = 0;
    cudaError_t result = cudaGetDeviceCount(&found);
    if (result == cudaErrorInsufficientDriver)
        return ft_fail(error, FT_NOMEM, "no NVIDIA driver, or one older than " DRIVER " (which CUDA %d needs)",
                       CUDART_VERSION / 1000);
    if (result == cudaErrorNoDevice || (result == cudaSuccess && !found))
        return ft_fail(error, FT_NOMEM, "no NVIDIA device is visible (see nvidia-smi and CUDA_VISIBLE_DEVICES)");
    *count = (size_t)found;
    return cuda_check(result, "looking for NVIDIA devices", error);
}

static ft_status check_device(int device, struct ft_error *error)
{
    size_t count;
    ft_status status = plugin_devices(&count, error);
    if (status == FT_OK && (device < 0 || (size_t)device >= count))
        return ft_fail(error, FT_NOMEM, "no device %d: there %s %zu, counted from 0", device, count == 1 ? "is" : "are",
                       count);
    return status == FT_OK ? cuda_check(cudaSetDevice(device), "choosing the device", error) : status;
}

static ft_status plugin_describe(int device, struct cuda_device_info *info, struct ft_error *error)
{
    struct cudaDeviceProp properties;
    *info = (struct cuda_device_info){0};
    ft_status status = check_device(device, error);
    if (status != FT_OK)
        return status;
    status = cuda_check(cudaGetDeviceProperties(&properties, device), "asking for the device's properties", error);
    if (status != FT_OK)
        return status;
    for (size_t i = 0; i + 1 < sizeof info->name && i < sizeof properties.name && properties.name[i]; i++)
        info->name[i] = properties.name[i];
    info->compute_major = properties.major;
    info->compute_minor = properties.minor;
    info->processors = properties.multiProcessorCount;
    return cuda_check(cudaMemGetInfo(&info->available, &info->memory), "asking for the device's memory", error);
}

static struct cuda_backend *of(struct backend *backend)
{
    return (struct cuda_backend *)backend;
}

static float *cuda_new_floats(struct backend *backend, size_t count)
{
    struct cuda_backend *cuda = of(backend);
    if (count > SIZE_MAX / 8 || cudaSetDevice(cuda->device) != cudaSuccess)
        return NULL;
    void *at = cuda_allocate(cuda, count * sizeof(float));
    if (at && cudaMemsetAsync(at, 0, count * sizeof(float), cuda->stream) != cudaSuccess) {
        cuda_free(cuda, at);
        cudaGetLastError();
        return NULL;
    }
    return at;
}

static void cuda_free_floats(struct backend *backend, float *floats)
{
    cudaSetDevice(of(backend)->device);
    cuda_training_forget(of(backend), floats);
    cuda_free(of(backend), floats);
}

static ft_status upload_floats(struct backend *backend, float *to, const float *host, size_t count,
                               struct ft_error *error)
{
    ft_status status = cuda_check(cudaSetDevice(of(backend)->device), "choosing the device", error);
    return status == FT_OK ? cuda_upload(of(backend), to, host, count * sizeof(float), error) : status;
}

static ft_status download_floats(struct backend *backend, float *host, const float *from, size_t count,
                                 struct ft_error *error)
{
    ft_status status = cuda_check(cudaSetDevice(of(backend)->device), "choosing the device", error);
    return status == FT_OK ? cuda_download(of(backend), host, from, count * sizeof(float), error) : status;
}

/* Also of a back end that was only made in part. */
static void cuda_backend_free(struct backend *backend)
{
    struct cuda_backend *cuda = of(backend);
    cudaSetDevice(cuda->device);
    if (cuda->stream)
        cudaStreamSynchronize(cuda->stream);
    if (cuda->lm.free)
        cuda->lm.free(backend, cuda->lm.state);
    if (cuda->training.free)
        cuda->training.free(backend, cuda->training.state);
    cuda_weights_free(cuda);
    cuda_branches_free(cuda);
    cuda_scratch_free(cuda);
    if (cuda->no_dropout)
        cudnnDestroyDropoutDescriptor(cuda->no_dropout);
    if (cuda->dnn)
        cudnnDestroy(cuda->dnn);
    if (cuda->blas)
        cublasDestroy(cuda->blas);
    cuda_free(cuda, cuda->workspace);
    if (cuda->forked)
        cudaEventDestroy(cuda->forked);
    if (cuda->stream)
        cudaStreamDestroy(cuda->stream);
    free(cuda->allocations);
    free(cuda);
}

static const struct backend_ops cuda_ops = {.name = "cuda",
                                            .free = cuda_backend_free,
                                            .on_host = false,
                                            .new_floats = cuda_new_floats,
                                            .free_floats = cuda_free_floats,
                                            .upload = upload_floats,
                                            .download = download_floats,
                                            .lm_encode = cuda_lm_encode,
                                            .gather = cuda_gather,
                                            .linear = cuda_linear,
                                            .birnn = cuda_birnn,
                                            .decode = cuda_decode,
                                            .forget = cuda_forget,
                                            .training = &cuda_training_ops};

static ft_status start_cudnn(struct cuda_backend *cuda, struct ft_error *error)
{
    ft_status status = cuda_check_dnn(cudnnCreate(&cuda->dnn), "starting cuDNN", error);
    if (status != FT_OK) {
        cuda->dnn = NULL;
        return status;
    }
    status = cuda_check_dnn(cudnnSetStream(cuda->dnn, cuda->stream), "giving cuDNN a stream", error);
    if (status != FT_OK)
        return status;
    status = cuda_check_dnn(cudnnCreateDropoutDescriptor(&cuda->no_dropout), "describing dropout to cuDNN", error);
    if (status != FT_OK) {
        cuda->no_dropout = NULL;
        return status;
    }
    return cuda_check_dnn(cudnnSetDropoutDescriptor(cuda->no_dropout, cuda->dnn, 0, NULL, 0, 0),
                          "describing dropout to cuDNN", error);
}

static ft_status cuda_backend_init(struct cuda_backend *cuda, struct ft_error *error)
{
    size_t available, whole;
    int major;
    ft_status status = check_device(cuda->device, error);
    if (status == FT_OK)
        status = cuda_check(cudaDeviceGetAttribute(&cuda->processors, cudaDevAttrMultiProcessorCount, cuda->device),
                            "asking for the device's processors", error);
    if (status == FT_OK)
        status = cuda_check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, cuda->device),
                            "asking for the device's kind", error);
    if (status == FT_OK)
        status = cuda_check(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), "making a stream", error);
    if (status == FT_OK)
        status = cuda_check(cudaEventCreateWithFlags(&cuda->forked, cudaEventDisableTiming), "making an event", error);
    if (status == FT_OK && !cuda->options.native)
        status = start_cudnn(cuda, error);
    if (status == FT_OK)
        status = cuda_check(cudaMemGetInfo(&available, &whole), "asking for the device's memory", error);
    if (status != FT_OK)
        return status;
    /* A sixteenth is left to the driver, which loads kernels when they are first used, and to other programs. */
    size_t reserve = available / 16 < (size_t)512 << 20 ? available / 16 : (size_t)512 << 20;
    cuda->budget = available - reserve;
    if (cuda->options.memory && cuda->options.memory < cuda->budget)
        cuda->budget = cuda->options.memory;
    cuda->workspace_bytes = major >= 9 ? (size_t)32 << 20 : (size_t)4 << 20; /* cuBLAS's own defaults */
    if (cuda->workspace_bytes > cuda->budget / 16)
        cuda->workspace_bytes = cuda->budget / 16 / 256 * 256;
    status = cuda_new_blas(cuda, cuda->stream, &cuda->blas, &cuda->workspace, error);
    if (status == FT_OK)
        status = cuda_scratch_new(cuda, error);
    return status == FT_OK ? cuda_weights_new(cuda, error) : status;
}

static ft_status plugin_open(const struct cuda_options *options, struct backend **backend, struct ft_error *error)
{
    struct cuda_backend *cuda = calloc(1, sizeof *cuda);
    if (!cuda)
        return ft_nomem(error, "the CUDA back end");
    cuda->base.ops = &cuda_ops;
    cuda->options = *options;
    cuda->device = options->device;
    ft_status status = cuda_backend_init(cuda, error);
    if (status != FT_OK)
        cuda_backend_free(&cuda->base);
    else
        *backend = &cuda->base;
    return status;
}

static const struct cuda_plugin plugin = {.abi = CUDA_PLUGIN_ABI,
                                          .size = sizeof plugin,
                                          .version = FLAIRTAG_VERSION,
                                          .devices = plugin_devices,
                                          .describe = plugin_describe,
                                          .open = plugin_open};

__attribute__((visibility("default"))) const struct cuda_plugin *flairtag_cuda_plugin(void)
{
    return &plugin;
}
