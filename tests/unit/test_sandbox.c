/* Opening a model, good or hostile, takes no system call but read, fstat, mmap, munmap, brk, close and exit, and write
 * to standard error: a filter of the kernel's stands behind it in a process of its own. What is opened by name is
 * opened before: `open` here hands out descriptors that are there already. */
#include "harness.h"
#include "import/model_open.h"
#include "numbers.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The library opens a file once to see what it is and once to map it. */
enum { OPENED = 2, STOPPED = 99 };
static int opened[OPENED], opened_count, sealed;

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!sealed)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (opened_count < OPENED && !strcmp(path, "model"))
        return opened[opened_count++];
    errno = ENOENT;
    return -1;
}

static void tell(int signal, siginfo_t *about, void *context)
{
    char text[64];
    (void)signal;
    (void)context;
    int bytes = snprintf(text, sizeof text, "system call %d\n", about->si_syscall);
    syscall(SYS_write, STDERR_FILENO, text, bytes);
    syscall(SYS_exit_group, STOPPED);
}

#if defined __x86_64__
#define THIS_MACHINE AUDIT_ARCH_X86_64
#else
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#endif
#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define STOP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static bool seal(bool large)
{
    static struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0),
        STOP,
        LOAD(nr),
        ALLOW(read),
        ALLOW(fstat),
#ifdef SYS_newfstatat
        ALLOW(newfstatat), /* glibc's fstat */
#endif
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(brk),
        ALLOW(close),
        ALLOW(exit),
        ALLOW(exit_group),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        STOP,
    };
    static struct sock_filter more[] = {LOAD(nr), ALLOW(mremap), ALLOW(madvise)};
    struct sock_filter all[sizeof rules / sizeof *rules + sizeof more / sizeof *more];
    size_t count = 0;
    memcpy(all, rules, 3 * sizeof *rules); /* the machine */
    count = 3;
    if (large) {
        memcpy(all + count, more, sizeof more);
        count += sizeof more / sizeof *more;
    }
    memcpy(all + count, rules + 3, sizeof rules - 3 * sizeof *rules);
    count += sizeof rules / sizeof *rules - 3;
    struct sock_fprog filter = {(unsigned short)count, all};
    struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};
    sealed = 1;
    return !sigaction(SIGSYS, &action, NULL) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static struct backend *backend;

/* Opens the bytes as a model in a process that can do nothing else. Its status, or STOPPED. */
static int open_sealed(const char *bytes, size_t count, bool large)
{
    for (int i = 0; i < OPENED; i++) {
        opened[i] = memfd_create("model", MFD_CLOEXEC);
        ck_assert_int_eq(write(opened[i], bytes, count), (ssize_t)count);
        ck_assert_int_eq(lseek(opened[i], 0, SEEK_SET), 0);
    }
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        struct model model;
        struct ft_error error = {""};
        if (!seal(large))
            _exit(98);
        ft_status status = model_open("model", backend, &model, &error);
        if (status == FT_OK)
            model_close(&model);
        _exit((int)status);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (int i = 0; i < OPENED; i++)
        close(opened[i]);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static char *slurp(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*count + 1);
    ck_assert_uint_eq(fread(bytes, 1, *count, file), *count);
    ck_assert_int_eq(fclose(file), 0);
    return bytes;
}

/* The file as it is, cut off, and with bytes changed. */
static void try_file(const char *path, bool good)
{
    size_t count;
    char *bytes = slurp(path, &count);
    int status = open_sealed(bytes, count, false);
    ck_assert_msg(good ? status == FT_OK : status != STOPPED, "%s: %d", path, status);
    for (int round = 0; round < 24; round++) {
        size_t cut = round % 3 ? count : random_below((uint32_t)count), at = random_below((uint32_t)count);
        char before = bytes[at];
        bytes[at] = (char)random_below(256);
        status = open_sealed(bytes, cut, false);
        ck_assert_msg(status == FT_OK || status == FT_MODEL, "%s, %zu bytes, byte %zu is %d: %d", path, cut, at,
                      bytes[at], status);
        bytes[at] = before;
    }
    free(bytes);
}

static void try_folder(const char *folder)
{
    struct dirent **names;
    char path[4096];
    snprintf(path, sizeof path, "tests/fuzz/seeds/%s", folder);
    int count = scandir(path, &names, NULL, alphasort);
    ck_assert_msg(count > 2, "no seeds in %s", path);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "tests/fuzz/seeds/%s/%s", folder, names[i]->d_name);
        if (*names[i]->d_name != '.')
            try_file(path, strcmp(names[i]->d_name, "separate") && strncmp(names[i]->d_name, "found-", 6));
        free(names[i]);
    }
    free(names);
}

static const char *const folders[] = {"zip", "legacy", "gensim", "safetensors", "words"};

START_TEST(opening_a_model_asks_the_system_for_nothing_else)
{
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error;
    random_begin("sandbox");
    ck_assert_int_eq(backend_cpu_new(&backend, &options, &error), FT_OK);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        try_folder(folders[i]);
    backend->ops->free(backend);
}
END_TEST

START_TEST(large_models_also_take_mremap_and_madvise)
{
    enum { WORDS = 30000, COLUMNS = 20, LINE = 8 + COLUMNS * 7 };
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error;
    ck_assert_int_eq(backend_cpu_new(&backend, &options, &error), FT_OK);
    char *glove = malloc(WORDS * LINE);
    size_t count = 0;
    for (int w = 0; w < WORDS; w++) {
        count += (size_t)sprintf(glove + count, "w%d", w);
        for (int c = 0; c < COLUMNS; c++)
            count += (size_t)sprintf(glove + count, " 0.%d", w % 97 + c);
        glove[count++] = '\n';
    }
    ck_assert_int_eq(open_sealed(glove, count, true), FT_OK);
    ck_assert_int_eq(open_sealed(glove, count - 5, true), FT_MODEL);
    free(glove);
    char *own = slurp("models/small.safetensors", &count);
    ck_assert_int_eq(open_sealed(own, count, true), FT_OK);
    ck_assert_int_eq(open_sealed(own, count - 1, false), FT_MODEL);
    free(own);
    backend->ops->free(backend);
}
END_TEST

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

int main(void)
{
    if (SANITIZED) {
        puts("sandbox: 0 passed, 0 failed, 1 skipped"); /* sanitizers make calls of their own */
        return 0;
    }
    test_add(opening_a_model_asks_the_system_for_nothing_else, NULL);
    test_add(large_models_also_take_mremap_and_madvise, NULL);
    return test_run("sandbox");
}
