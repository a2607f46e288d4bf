/* output.c - see output.h.
 *
 * What is no regular file (a terminal, a pipe, /dev/null) is written in place: there is nothing whole to wait for, and
 * a rename would put a file where a device stood. A symbolic link is followed, so that the file it names is replaced.
 */
#include "base/output.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 17 };

struct output {
    int fd;
    char *shown;  /* the name in messages; NULL: standard output */
    char *target; /* what the .part file is renamed to; NULL: written in place */
    char *part;
    size_t left;          /* bytes that were in the .part file */
    size_t used, written; /* bytes in `buffer`, and before them */
    ft_status status;     /* of the write that failed */
    struct ft_error failure;
    char buffer[BUFFER_BYTES];
};

static ft_status fail_by_errno(struct output *out, int code, struct ft_error *error)
{
    if (code == EPIPE)
        out->status = ft_fail(&out->failure, FT_END, "the reader of the output has gone");
    else if (code == ENOMEM)
        out->status = ft_nomem(&out->failure, "a file to write");
    else if (out->shown)
        out->status = ft_fail(&out->failure, FT_FAILED, "cannot write '%s': %s", out->shown, strerror(code));
    else
        out->status = ft_fail(&out->failure, FT_FAILED, "cannot write to standard output: %s", strerror(code));
    if (error)
        *error = out->failure;
    return out->status;
}

/* Locks of this kind are the process' own: children that outlive it do not keep them. */
static bool somebody_has(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &lock) && (errno == EAGAIN || errno == EACCES);
}

/* Opens the .part file for this process alone. One that its writer has just renamed is that writer's. */
static ft_status take_part(struct output *out, struct ft_error *error)
{
    for (;;) {
        struct stat taken, named;
        out->fd = open(out->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (out->fd < 0)
            return fail_by_errno(out, errno, error);
        if (somebody_has(out->fd))
            return ft_fail(error, FT_FAILED, "cannot write '%s': another process is writing it", out->shown);
        if (fstat(out->fd, &taken))
            return fail_by_errno(out, errno, error);
        out->left = (size_t)taken.st_size;
        if (!stat(out->part, &named) && named.st_ino == taken.st_ino && named.st_dev == taken.st_dev)
            return FT_OK;
        close(out->fd);
    }
}

static ft_status open_part(struct output *out, const char *path, const struct stat *there, struct ft_error *error)
{
    out->target = there ? realpath(path, NULL) : strdup(path);
    if (!out->target)
        return fail_by_errno(out, errno, error);
    size_t bytes = strlen(out->target) + sizeof ".part";
    out->part = malloc(bytes);
    if (!out->part)
        return ft_nomem(error, "a file to write");
    snprintf(out->part, bytes, "%s.part", out->target);
    /* A file that cannot be written is not replaced either, even where its folder would allow it. */
    if (there && access(out->target, W_OK))
        return fail_by_errno(out, errno, error);
    ft_status status = take_part(out, error);
    if (!status && there && fchmod(out->fd, there->st_mode & 07777))
        status = fail_by_errno(out, errno, error);
    if (status) { /* what is there is not ours to remove */
        free(out->part);
        out->part = NULL;
    }
    return status;
}

static ft_status open_path(struct output *out, const char *path, struct ft_error *error)
{
    out->shown = strdup(path);
    if (!out->shown)
        return ft_nomem(error, "a file to write");
    struct stat about;
    bool there = !stat(path, &about);
    if (!there || S_ISREG(about.st_mode))
        return open_part(out, path, there ? &about : NULL, error);
    out->fd = open(path, O_WRONLY | O_CLOEXEC);
    return out->fd < 0 ? fail_by_errno(out, errno, error) : FT_OK;
}

static struct output *new_output(struct ft_error *error)
{
    struct output *out = malloc(sizeof *out);
    if (!out) {
        ft_nomem(error, "the output's buffer");
        return NULL;
    }
    memset(out, 0, offsetof(struct output, buffer));
    out->fd = -1;
    return out;
}

ft_status output_open_left(struct output **output, const char *path, struct ft_error *error)
{
    *output = NULL;
    struct output *out = new_output(error);
    if (!out)
        return FT_NOMEM;
    ft_status status = FT_OK;
    if (path && strcmp(path, "-"))
        status = open_path(out, path, error);
    else
        out->fd = STDOUT_FILENO;
    if (status) {
        output_discard(out);
        return status;
    }
    *output = out;
    return FT_OK;
}

ft_status output_open(struct output **output, const char *path, struct ft_error *error)
{
    ft_status status = output_open_left(output, path, error);
    if (status || !(*output)->part)
        return status;
    status = output_cut(*output, 0, error);
    if (status) {
        output_discard(*output);
        *output = NULL;
    }
    return status;
}

size_t output_left(const struct output *out)
{
    return out->left;
}

ft_status output_open_descriptor(struct output **output, int descriptor, const char *shown, struct ft_error *error)
{
    struct output *out = *output = new_output(error);
    if (!out)
        return FT_NOMEM;
    out->shown = strdup(shown);
    if (!out->shown) {
        output_discard(out);
        *output = NULL;
        return ft_nomem(error, "a file to write");
    }
    out->fd = descriptor;
    return FT_OK;
}

ft_status output_cut(struct output *out, size_t bytes, struct ft_error *error)
{
    struct stat about;
    if (fstat(out->fd, &about))
        return fail_by_errno(out, errno, error);
    if ((size_t)about.st_size < bytes)
        return ft_fail(error, FT_INPUT, "'%s' has %zu bytes, not the %zu that were written", out->part,
                       (size_t)about.st_size, bytes);
    if (ftruncate(out->fd, (off_t)bytes) || lseek(out->fd, (off_t)bytes, SEEK_SET) < 0)
        return fail_by_errno(out, errno, error);
    out->written = bytes;
    return FT_OK;
}

static ft_status write_all(struct output *out, const char *bytes, size_t count, struct ft_error *error)
{
    while (count) {
        ssize_t wrote = write(out->fd, bytes, count);
        if (wrote < 0 && errno == EINTR)
            continue;
        struct pollfd waiting = {.fd = out->fd, .events = POLLOUT};
        if (wrote < 0 && errno == EAGAIN && poll(&waiting, 1, -1) >= 0) /* somebody made the pipe non-blocking */
            continue;
        if (wrote < 0)
            return fail_by_errno(out, errno, error);
        bytes += wrote;
        count -= (size_t)wrote;
        out->written += (size_t)wrote;
    }
    return FT_OK;
}

ft_status output_flush(struct output *out, struct ft_error *error)
{
    if (out->status) {
        if (error)
            *error = out->failure;
        return out->status;
    }
    ft_status status = write_all(out, out->buffer, out->used, error);
    out->used = 0;
    return status;
}

ft_status output_sync(struct output *out, struct ft_error *error)
{
    ft_status status = output_flush(out, error);
    if (!status && fdatasync(out->fd))
        status = fail_by_errno(out, errno, error);
    return status;
}

size_t output_bytes(const struct output *out)
{
    return out->written + out->used;
}

ft_status output_write(struct output *out, const void *bytes, size_t count, struct ft_error *error)
{
    if (count > BUFFER_BYTES - out->used || out->status) {
        ft_status status = output_flush(out, error);
        if (status)
            return status;
        if (count >= BUFFER_BYTES)
            return write_all(out, bytes, count, error);
    }
    if (count)
        memcpy(out->buffer + out->used, bytes, count);
    out->used += count;
    return FT_OK;
}

ft_status output_text(struct output *out, const char *text, struct ft_error *error)
{
    return output_write(out, text, strlen(text), error);
}

ft_status output_format(struct output *out, struct ft_error *error, const char *format, ...)
{
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    int needed = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (needed >= 0 && (size_t)needed < sizeof small)
        return output_write(out, small, (size_t)needed, error);
    char *large = needed < 0 ? NULL : malloc((size_t)needed + 1);
    if (!large)
        return ft_nomem(error, "a line of output");
    va_start(arguments, format);
    vsnprintf(large, (size_t)needed + 1, format, arguments);
    va_end(arguments);
    ft_status status = output_write(out, large, (size_t)needed, error);
    free(large);
    return status;
}

ft_status output_patch(struct output *out, size_t offset, const void *bytes, size_t count, struct ft_error *error)
{
    if (!out->part)
        return ft_fail(error, FT_USAGE, "cannot write to %s: only a regular file can be completed at its end",
                       out->shown ? out->shown : "standard output");
    ft_status status = output_flush(out, error);
    if (status)
        return status;
    for (size_t done = 0; done < count;) {
        ssize_t wrote = pwrite(out->fd, (const char *)bytes + done, count - done, (off_t)(offset + done));
        if (wrote < 0 && errno != EINTR)
            return fail_by_errno(out, errno, error);
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return FT_OK;
}

bool output_is_part(const struct output *out)
{
    return out->part;
}

const char *output_part(const struct output *out)
{
    return out->part;
}

/* So that a new name, too, is there after a power cut; where a system refuses this, there is nothing more to be done.
 */
static void sync_folder(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

ft_status output_close(struct output *out, struct ft_error *error)
{
    ft_status status = output_flush(out, error);
    if (!status && out->part) {
        int synced;
        while ((synced = fsync(out->fd)) && errno == EINTR)
            continue;
        if (synced)
            status = fail_by_errno(out, errno, error);
        /* Renamed while it is locked: nobody else can take it for a part. */
        if (!status && rename(out->part, out->target))
            status = fail_by_errno(out, errno, error);
        if (!status) {
            sync_folder(out->target);
            free(out->part);
            out->part = NULL;
        }
    }
    output_discard(out);
    return status;
}

ft_status output_keep_part(struct output *out, struct ft_error *error)
{
    ft_status status = output_flush(out, error);
    free(out->part);
    out->part = NULL;
    output_discard(out);
    return status;
}

void output_discard(struct output *out)
{
    if (!out)
        return;
    if (out->part) /* while it is locked: nobody else's */
        unlink(out->part);
    if (out->fd > STDERR_FILENO)
        close(out->fd);
    free(out->part);
    free(out->target);
    free(out->shown);
    free(out);
}

ft_status output_whole(const char *path, const void *bytes, size_t count, struct ft_error *error)
{
    struct output *output;
    ft_status status = output_open(&output, path, error);
    if (status != FT_OK)
        return status;
    status = output_write(output, bytes, count, error);
    if (status == FT_OK)
        return output_close(output, error);
    output_discard(output);
    return status;
}
