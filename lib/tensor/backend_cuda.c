/* backend_cuda.c - see backend_cuda.h. */
#include "tensor/backend_cuda.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "libflairtag_cuda.so";

bool backend_cuda_shows(void)
{
    /* a driver of Linux, of a container, of Windows beneath WSL 2 */
    static const char *const signs[] = {"/dev/nvidia0", "/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (!access(signs[i], F_OK))
            return true;
    return false;
}

/* Where the plug-in is. */
static ft_status find_file(char path[PATH_MAX], struct ft_error *error)
{
    const char *given = getenv("FLAIRTAG_CUDA_PLUGIN");
    if (given && *given) {
        snprintf(path, PATH_MAX, "%s", given);
        return !access(path, F_OK)
                   ? FT_OK
                   : ft_fail(error, FT_NOMEM, "there is no '%s', which FLAIRTAG_CUDA_PLUGIN names", given);
    }
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof file_name);
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (slash) {
        strcpy(slash + 1, file_name);
        if (!access(path, F_OK))
            return FT_OK;
    }
    snprintf(path, PATH_MAX, FLAIRTAG_LIB "/%s", file_name);
    if (!access(path, F_OK))
        return FT_OK;
    return ft_fail(error, FT_NOMEM,
                   "the plug-in %s is neither beside the program nor in " FLAIRTAG_LIB
                   " (build flairtag where CUDA's nvcc is, or install the package flairtag-cuda)",
                   file_name);
}

/* What dlopen says of a library that is not there, in so many words; else its own ones. */
static ft_status explain_libraries(struct ft_error *error)
{
    const char *why = dlerror();
    return ft_fail(
        error, FT_NOMEM,
        "%s (the plug-in needs the CUDA 13 runtime, cuBLAS and cuDNN 9, where the dynamic linker finds them: "
        "ldconfig, or LD_LIBRARY_PATH)",
        why ? why : "the plug-in cannot be loaded");
}

ft_status backend_cuda_find(const struct cuda_plugin **plugin, size_t *devices, enum cuda_lack *lack,
                            struct ft_error *error)
{
    char path[PATH_MAX];
    *lack = CUDA_LACKS_PLUGIN;
    ft_status status = find_file(path, error);
    if (status != FT_OK)
        return status;
    *lack = CUDA_LACKS_LIBRARIES;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return explain_libraries(error);
    *lack = CUDA_LACKS_PLUGIN;
    const struct cuda_plugin *(*table)(void);
    *(void **)&table = dlsym(library, CUDA_PLUGIN_SYMBOL); /* as POSIX has it: C gives no other way */
    const struct cuda_plugin *found = table ? table() : NULL;
    if (!found || found->abi != CUDA_PLUGIN_ABI || found->size != sizeof *found ||
        strcmp(found->version, FLAIRTAG_VERSION) != 0) {
        dlclose(library);
        return ft_fail(error, FT_NOMEM,
                       "%s is of another build of flairtag than " FLAIRTAG_VERSION " (install both together)", path);
    }
    *lack = CUDA_LACKS_DEVICE;
    struct ft_error why = {""};
    status = found->devices(devices, &why);
    if (status != FT_OK)
        return ft_fail(error, status,
                       "%s; the driver comes with the distribution or from nvidia.com, and nvidia-smi shows it",
                       why.text);
    *lack = CUDA_LACKS_NOTHING;
    *plugin = found;
    return FT_OK;
}
