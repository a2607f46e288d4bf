/* cuda_case.h - what tests of the CUDA back end share: the plug-in, opened as the program opens it, and its floats. */
#ifndef EMU_CUDA_CASE_H
#define EMU_CUDA_CASE_H
#include "numbers.h"
#include "tensor/plugin.h"
#include <dlfcn.h>
#include <stdlib.h>

/* The plug-in of the build (FLAIRTAG_CUDA, else build/libflairtag_cuda.so); it stays open. */
static inline const struct cuda_plugin *cuda_case_plugin(void)
{
    const char *path = getenv("FLAIRTAG_CUDA");
    void *library = dlopen(path ? path : "build/libflairtag_cuda.so", RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    const struct cuda_plugin *(*table)(void);
    *(void **)&table = dlsym(library, CUDA_PLUGIN_SYMBOL);
    ck_assert_msg(table != NULL, "%s", dlerror());
    return table();
}

static inline struct backend *cuda_case_open(const struct cuda_options *options)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    ck_assert_msg(cuda_case_plugin()->open(options, &backend, &error) == FT_OK, "%s", error.text);
    return backend;
}

/* A copy on the back end's side; NULL of NULL. */
static inline float *cuda_case_put(struct backend *backend, const float *host, size_t count)
{
    struct ft_error error = {""};
    if (!host)
        return NULL;
    float *there = backend->ops->new_floats(backend, count);
    ck_assert_ptr_nonnull(there);
    ck_assert_msg(backend->ops->upload(backend, there, host, count, &error) == FT_OK, "%s", error.text);
    return there;
}

/* Floats of the back end's, none of which is what a result may be. */
static inline float *cuda_case_unset(struct backend *backend, size_t count)
{
    float *host = malloc((count ? count : 1) * sizeof *host);
    for (size_t i = 0; i < count; i++)
        host[i] = __builtin_nanf("");
    float *there = cuda_case_put(backend, host, count);
    free(host);
    return there;
}

/* A copy on the host, the caller's. */
static inline float *cuda_case_get(struct backend *backend, const float *there, size_t count)
{
    struct ft_error error = {""};
    float *host = malloc((count ? count : 1) * sizeof *host);
    ck_assert_msg(backend->ops->download(backend, host, there, count, &error) == FT_OK, "%s", error.text);
    return host;
}

/* Rows of `width` floats agree within `limit` of the largest magnitude of their row; one row: of the tensor. */
static inline void cuda_case_close(const char *what, const float *got, const float *expected, size_t rows, size_t width,
                                   double limit)
{
    for (size_t r = 0; r < rows; r++) {
        double largest = 0;
        for (size_t k = 0; k < width; k++)
            largest = __builtin_fmax(largest, __builtin_fabs((double)expected[r * width + k]));
        for (size_t k = 0; k < width; k++) {
            double off = distance_of((double)got[r * width + k], (double)expected[r * width + k]);
            EXPECT(off <= limit * largest, "%s: row %zu, column %zu: %.9g, on the CPU %.9g (the largest: %.9g)", what,
                   r, k, (double)got[r * width + k], (double)expected[r * width + k], largest);
        }
    }
}

#endif
