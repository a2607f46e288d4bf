/* Preloaded, it makes one allocation fail: the one that $FAIL_AT counts, and with $FAIL_ON=1 every later one too. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_long calls;
static long fail_at = -1;
static int fail_on;

static int fails(void)
{
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
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **at, size_t alignment, size_t bytes)
{
    *at = fails() ? NULL : __libc_memalign(alignment, bytes);
    return *at ? 0 : ENOMEM;
}
