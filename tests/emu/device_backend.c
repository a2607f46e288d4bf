/* device_backend.c - see device_backend.h. */
#include "device_backend.h"
#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* build/libflairtag_cuda.so as seen from build/tests/emu/test_NAME. */
const struct cuda_plugin *device_plugin(void)
{
    static const struct cuda_plugin *plugin;
    char path[4096];
    if (plugin)
        return plugin;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    strcpy(strrchr(path, '/'), "/../../libflairtag_cuda.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library, "%s", dlerror());
    const struct cuda_plugin *(*table)(void);
    *(void **)&table = dlsym(library, CUDA_PLUGIN_SYMBOL);
    ck_assert_msg(table, "%s", dlerror());
    plugin = table();
    ck_assert_uint_eq(plugin->abi, CUDA_PLUGIN_ABI);
    ck_assert_uint_eq(plugin->size, sizeof *plugin);
    return plugin;
}

struct backend *device_backend_try(const struct cuda_options *options, struct ft_error *error)
{
    struct backend *backend = NULL;
    return device_plugin()->open(options, &backend, error) == FT_OK ? backend : NULL;
}

struct backend *device_backend_new(const struct cuda_options *options)
{
    struct ft_error error = {""};
    struct backend *backend = device_backend_try(options, &error);
    ck_assert_msg(backend, "%s", error.text);
    return backend;
}
