/* Preloaded, it makes one allocation fail: the one that $FAIL_AT counts from main's first on, and with $FAIL_ON=1 every
 * later one too. What libraries allocate when they are loaded is not counted: the program has no part in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_long calls;
static long fail_at = -1;
static int fail_on;
static int main_runs;

/* A library of mathematics that the program can only give room to before it calls it. */
static int is_foreign(const void *caller)
{
    Dl_info about;
    return dladdr(caller, &about) && about.dli_fname &&
           (strstr(about.dli_fname, "libdnnl") || strstr(about.dli_fname, "libgomp") ||
            strstr(about.dli_fname, "libstdc++"));
}

static int fails(const void *caller)
{
    if (!main_runs || is_foreign(caller))
        return 0;
    if (fail_at < 0) {
        const char *at = getenv("FAIL_AT"), *on = getenv("FAIL_ON");
        fail_at = at ? atol(at) : 0;
        fail_on = on && *on == '1';
    }
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (!fail_at || (fail_on ? call < fail_at : call != fail_at))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **at, size_t alignment, size_t bytes)
{
    *at = fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
    return *at ? 0 : ENOMEM;
}

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
static main_function *real_main;

static int counted_main(int argc, char **argv, char **environment)
{
    main_runs = 1;
    int status = real_main(argc, argv, environment);
    main_runs = 0;
    return status;
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    start_function *start = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
