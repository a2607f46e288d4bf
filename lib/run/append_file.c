/* append_file.c - see append_file.h.
 *
 * Every line is one write to the system, so nothing is lost when the program is killed, and a mark is no more than the
 * bytes written. */
#include "run/append_file.h"
#include "base/number_text.h"
#include "base/text_stream.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static ft_status fail_to_write(const struct append_file *file, struct ft_error *error)
{
    return ft_fail(error, FT_FAILED, "cannot write '%s': %s", file->path, strerror(errno));
}

ft_status append_file_init(struct append_file *file, const char *folder, const char *name, struct ft_error *error)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    *file = (struct append_file){.fd = -1, .path = malloc(bytes)};
    if (!file->path)
        return ft_nomem(error, "the run's log");
    snprintf(file->path, bytes, "%s/%s", folder, name);
    return FT_OK;
}

ft_status append_file_begin(struct append_file *file, struct ft_error *error)
{
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return file->fd < 0 ? fail_to_write(file, error) : FT_OK;
}

ft_status append_file_resume(struct append_file *file, uint64_t mark, struct ft_error *error)
{
    file->fd = open(file->path, O_RDWR | O_CLOEXEC | (mark ? 0 : O_CREAT), 0666);
    if (file->fd < 0 && errno == ENOENT && mark)
        return ft_fail(error, FT_INPUT, "'%s' is missing (the run folder was changed since its checkpoint)",
                       file->path);
    struct stat about;
    if (file->fd < 0 || fstat(file->fd, &about))
        return fail_to_write(file, error);
    if (!S_ISREG(about.st_mode) || (uint64_t)about.st_size < mark)
        return ft_fail(error, FT_INPUT,
                       "'%s' has %lld bytes, at its checkpoint it had %llu (the run folder was changed since)",
                       file->path, (long long)about.st_size, (unsigned long long)mark);
    file->bytes = mark;
    return FT_OK;
}

ft_status append_file_cut(struct append_file *file, struct ft_error *error)
{
    if (ftruncate(file->fd, (off_t)file->bytes) || lseek(file->fd, (off_t)file->bytes, SEEK_SET) < 0)
        return fail_to_write(file, error);
    return FT_OK;
}

ft_status append_file_read(struct append_file *file, char **bytes, struct ft_error *error)
{
    ft_status status = FT_OK;
    *bytes = malloc(file->bytes + 1);
    if (!*bytes)
        return ft_nomem(error, "the run's log");
    for (uint64_t done = 0; done < file->bytes && !status;) {
        ssize_t got = pread(file->fd, *bytes + done, file->bytes - done, (off_t)done);
        if (got > 0)
            done += (uint64_t)got;
        else if (!got || errno != EINTR)
            status = ft_fail(error, FT_INPUT, "cannot read '%s': %s", file->path,
                             got ? strerror(errno) : "it was cut while it was read");
    }
    (*bytes)[file->bytes] = '\0';
    return status;
}

ft_status append_file_write(struct append_file *file, const char *bytes, size_t count, struct ft_error *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t wrote = write(file->fd, bytes + done, count - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            ft_status status = fail_to_write(file, error);
            append_file_cut(file, NULL);
            return status;
        }
        done += (size_t)wrote;
    }
    file->bytes += count;
    return FT_OK;
}

ft_status append_file_log(struct append_file *file, struct ft_error *error, const char *format, va_list arguments)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm at = {.tm_hour = 0};
    localtime_r(&now.tv_sec, &at);
    struct text_stream stream;
    size_t bytes = 0;
    if (!text_stream_open(&stream))
        return ft_nomem(error, "a line of a log");
    FILE *to = stream.file;
    locale_t before = plain_numbers_begin();
    fprintf(to, "%04d-%02d-%02d %02d:%02d:%02d,%03ld ", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour,
            at.tm_min, at.tm_sec, now.tv_nsec / 1000000);
    vfprintf(to, format, arguments);
    fputc('\n', to);
    plain_numbers_end(before);
    char *line = text_stream_close(&stream, &bytes);
    ft_status status = line ? append_file_write(file, line, bytes, error) : ft_nomem(error, "a line of a log");
    free(line);
    return status;
}

ft_status append_file_sync(struct append_file *file, struct ft_error *error)
{
    /* EINVAL: what stands there is a device, which has no disk behind it. */
    while (file->fd >= 0 && fdatasync(file->fd) && errno != EINVAL)
        if (errno != EINTR)
            return fail_to_write(file, error);
    return FT_OK;
}

ft_status append_file_close(struct append_file *file, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (file->path && file->fd >= 0 && close(file->fd))
        status = fail_to_write(file, error);
    free(file->path);
    *file = (struct append_file){.fd = -1};
    return status;
}
