/* faults.c - preloaded, it makes one call of the program's fail.
 *
 *     FAULTS_IN   "memory": allocations, mappings, threads; "files": what writes, syncs, renames, makes or cuts a file
 *     FAULTS_AT   the call that fails, counted from main's first on; 0: none
 *     FAULTS_ON   1: every later one fails too
 *     FAULTS_HOW  files: ENOSPC, EIO, EINTR, or "short": a write takes half of its bytes. The last two leave alone what
 *                 cannot end so
 *     FAULTS_SAY  a file that is given the number of calls when the program ends
 *
 * What libraries allocate when they are loaded is not counted, nor what oneDNN and its own libraries ask for at any
 * time: the program has no part in it. Standard error is never broken, since the message is to be seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

enum family { MEMORY, FILES };
static atomic_long calls;
static long fail_at;
static int on, family, how; /* how: an errno, or 0: short */
static int main_runs;

static int is_foreign(const void *caller)
{
    Dl_info about;
    return dladdr(caller, &about) && about.dli_fname &&
           (strstr(about.dli_fname, "libdnnl") || strstr(about.dli_fname, "libgomp") ||
            strstr(about.dli_fname, "libstdc++"));
}

static int fails(int of, const void *caller)
{
    if (!main_runs || of != family || is_foreign(caller))
        return 0;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (!fail_at || (on ? call < fail_at : call != fail_at))
        return 0;
    errno = of == MEMORY ? ENOMEM : how;
    return 1;
}
#define MEMORY_FAILS fails(MEMORY, __builtin_return_address(0))
#define FILES_FAIL fails(FILES, __builtin_return_address(0))

void *malloc(size_t bytes)
{
    return MEMORY_FAILS ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return MEMORY_FAILS ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return MEMORY_FAILS ? NULL : __libc_realloc(old, bytes);
}

void *reallocarray(void *old, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return MEMORY_FAILS ? NULL : __libc_realloc(old, all);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return MEMORY_FAILS ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **at, size_t alignment, size_t bytes)
{
    *at = MEMORY_FAILS ? NULL : __libc_memalign(alignment, bytes);
    return *at ? 0 : ENOMEM;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    if (MEMORY_FAILS)
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...)
{
    return MEMORY_FAILS ? MAP_FAILED : (void *)syscall(SYS_mremap, at, bytes, wanted, flags, 0);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    return MEMORY_FAILS ? EAGAIN : REAL(pthread_create)(thread, attributes, body, argument);
}

/* What is left of `count` bytes to write: fewer where the fault is a short write; -1: the call fails. */
static ssize_t cut(int fd, size_t count, const void *caller)
{
    if (fd == STDERR_FILENO || !fails(FILES, caller))
        return (ssize_t)count;
    return how ? -1 : (ssize_t)(count - count / 2);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    ssize_t left = cut(fd, count, __builtin_return_address(0));
    return left < 0 ? -1 : syscall(SYS_write, fd, bytes, left);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    ssize_t left = cut(fd, count, __builtin_return_address(0));
    return left < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, left, offset);
}

/* Where there is nothing to write, nothing can fail; and text streams in memory are no files. */
int fflush(FILE *stream)
{
    if (stream && __fpending(stream) && fileno(stream) >= 0 && stream != stderr && FILES_FAIL && how && how != EINTR)
        return EOF;
    return REAL(fflush)(stream);
}

int fsync(int fd)
{
    return FILES_FAIL && how ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return FILES_FAIL && how ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    return FILES_FAIL && how && how != EINTR ? -1 : (int)syscall(SYS_rename, from, to);
}

int ftruncate(int fd, off_t bytes)
{
    return FILES_FAIL && how && how != EINTR ? -1 : (int)syscall(SYS_ftruncate, fd, bytes);
}

int mkdir(const char *path, mode_t mode)
{
    return FILES_FAIL && how && how != EINTR ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if ((flags & O_ACCMODE) != O_RDONLY && FILES_FAIL && how && how != EINTR)
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
static main_function *real_main;

static void settle(void)
{
    const char *in = getenv("FAULTS_IN"), *at = getenv("FAULTS_AT"), *later = getenv("FAULTS_ON");
    const char *what = getenv("FAULTS_HOW");
    family = in && !strcmp(in, "files") ? FILES : MEMORY;
    fail_at = at ? atol(at) : 0;
    on = later && *later == '1';
    how = !what                    ? ENOSPC
          : !strcmp(what, "EIO")   ? EIO
          : !strcmp(what, "EINTR") ? EINTR
          : !strcmp(what, "short") ? 0
                                   : ENOSPC;
}

static void say(void)
{
    char text[32];
    const char *path = getenv("FAULTS_SAY");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    int bytes = snprintf(text, sizeof text, "%ld\n", (long)calls);
    if (fd >= 0 && syscall(SYS_write, fd, text, bytes) == bytes)
        close(fd);
}

static int counted_main(int argc, char **argv, char **environment)
{
    settle();
    main_runs = 1;
    int status = real_main(argc, argv, environment);
    main_runs = 0;
    say();
    return status;
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    start_function *start = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
