/* input.c - see input.h.
 *
 * One buffer holds the bytes from the current line on; a line longer than it makes it grow. Raw bytes of a gz file pass
 * through a second, small buffer. A read that fails is remembered and told by the call that needs the bytes, so that
 * input_ready can look ahead without an error of its own. */
#include "base/input.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_BYTES = 1 << 18, RAW_BYTES = 1 << 16, PIPE_BYTES = 1 << 20 };
/* Lengths of lines are kept in 32 bits from here on. */
static const size_t LONGEST_LINE = (size_t)1 << 31;

struct input {
    char *name;
    int fd;
    bool lent; /* the descriptor is the caller's */
    bool regular, gz, at_end;
    bool in_member;   /* gz: between the header of a member and its last byte */
    ft_status status; /* of the read that failed */
    struct ft_error failure;
    char *buffer;
    size_t capacity, start, end, scanned; /* no LF lies in [start, scanned) */
    unsigned char *raw;
    size_t raw_start, raw_end;
    z_stream stream;
    bool stream_ready;
    size_t line_number, done, total;
    size_t most_bytes; /* of a line; 0: no bound but LONGEST_LINE */
    bool too_long;
};

/* The name in messages, with its quotes. */
static const char *quote(const struct input *in)
{
    return strcmp(in->name, "-") ? "'" : "";
}

static const char *shown_name(const struct input *in)
{
    return strcmp(in->name, "-") ? in->name : in->fd == STDIN_FILENO ? "standard input" : "the file descriptor";
}

static ft_status cannot_read(const struct input *in, int code, struct ft_error *error)
{
    return ft_fail(error, FT_INPUT, "cannot read %s%s%s: %s", quote(in), shown_name(in), quote(in), strerror(code));
}

static ft_status fail_by_errno(struct input *in, int code)
{
    /* Only a handler installed without SA_RESTART lets a read end so: the user wants to leave. */
    if (code == EINTR)
        return in->status = ft_fail(&in->failure, FT_INTERRUPTED, "interrupted while reading %s", shown_name(in));
    return in->status = cannot_read(in, code, &in->failure);
}

/* One read of what there is; at_end where nothing is left. */
static bool read_raw(struct input *in, void *to, size_t room, size_t *count)
{
    ssize_t got;
    while ((got = read(in->fd, to, room)) < 0 && errno == EAGAIN) { /* somebody made the pipe non-blocking */
        struct pollfd waiting = {.fd = in->fd, .events = POLLIN};
        if (poll(&waiting, 1, -1) < 0)
            break;
    }
    if (got < 0) {
        fail_by_errno(in, errno);
        return false;
    }
    in->at_end = got == 0;
    in->done += (size_t)got;
    *count = (size_t)got;
    return true;
}

static ft_status too_long(struct input *in)
{
    in->too_long = true;
    return in->status =
               ft_fail(&in->failure, FT_NOMEM, "%s:%zu: line longer than the %zu bytes that --max-mem has room for",
                       in->name, in->line_number + 1, in->most_bytes);
}

static bool make_room(struct input *in)
{
    if (in->start == in->end)
        in->start = in->end = in->scanned = 0;
    if (in->capacity - in->end >= BUFFER_BYTES / 4)
        return true;
    if (in->start) {
        memmove(in->buffer, in->buffer + in->start, in->end - in->start);
        in->end -= in->start;
        in->scanned -= in->start;
        in->start = 0;
    }
    if (in->capacity - in->end >= BUFFER_BYTES / 2)
        return true;
    if (in->end > LONGEST_LINE) {
        in->status = ft_fail(&in->failure, FT_INPUT, "%s:%zu: line longer than 2 GiB", in->name, in->line_number + 1);
        return false;
    }
    if (in->most_bytes && in->end > in->most_bytes) {
        too_long(in);
        return false;
    }
    char *grown = realloc(in->buffer, in->capacity * 2);
    if (!grown) {
        in->status = ft_nomem(&in->failure, "a line of input");
        return false;
    }
    in->buffer = grown;
    in->capacity *= 2;
    return true;
}

static void fail_gz(struct input *in, const char *what)
{
    if (in->line_number)
        in->status = ft_fail(&in->failure, FT_INPUT, "%s: %s (after line %zu)", in->name, what, in->line_number);
    else
        in->status = ft_fail(&in->failure, FT_INPUT, "%s: %s", in->name, what);
}

/* Between two members: the next one begins with the magic number; zeros pad tape blocks and end the file. */
static bool next_member(struct input *in)
{
    while (in->raw_start < in->raw_end && !in->raw[in->raw_start])
        in->raw_start++;
    if (in->raw_start == in->raw_end)
        return true;
    if (in->raw[in->raw_start] != 0x1f || inflateReset(&in->stream) != Z_OK) {
        fail_gz(in, "damaged gz file: bytes that are no gz data follow its end");
        return false;
    }
    in->in_member = true;
    return true;
}

static bool fill_gz(struct input *in)
{
    if (in->raw_start == in->raw_end) {
        size_t got;
        if (!read_raw(in, in->raw, RAW_BYTES, &got))
            return false;
        in->raw_start = 0;
        in->raw_end = got;
    }
    if (in->at_end && in->in_member) {
        fail_gz(in, "truncated gz file");
        return false;
    }
    if (!in->in_member && !next_member(in))
        return false;
    if (!in->in_member)
        return true;
    in->stream.next_in = in->raw + in->raw_start;
    in->stream.avail_in = (uInt)(in->raw_end - in->raw_start);
    size_t room = in->capacity - in->end;
    in->stream.next_out = (Bytef *)in->buffer + in->end;
    in->stream.avail_out = room < BUFFER_BYTES ? (uInt)room : BUFFER_BYTES;
    uInt before = in->stream.avail_out;
    int result = inflate(&in->stream, Z_NO_FLUSH);
    in->raw_start = in->raw_end - in->stream.avail_in;
    in->end += before - in->stream.avail_out;
    if (result == Z_STREAM_END) {
        in->in_member = false;
    } else if (result == Z_MEM_ERROR) {
        in->status = ft_nomem(&in->failure, "gz data");
        return false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail_gz(in, "damaged gz file");
        return false;
    }
    return true;
}

/* Adds bytes to the buffer, by one read at most. False after an error. */
static bool fill(struct input *in)
{
    if (in->status)
        return false;
    if (!make_room(in))
        return false;
    if (in->gz)
        return fill_gz(in);
    size_t got;
    if (!read_raw(in, in->buffer + in->end, in->capacity - in->end, &got))
        return false;
    in->end += got;
    return true;
}

/* Reads the first bytes; what begins with 1f 8b is gz. */
static bool start_reading(struct input *in)
{
    while (in->end < 2 && !in->at_end && (in->end == 0 || (unsigned char)in->buffer[0] == 0x1f))
        if (!fill(in))
            return false;
    if (in->end < 2 || memcmp(in->buffer, "\x1f\x8b", 2))
        return true;
    in->raw = malloc(in->end > RAW_BYTES ? in->end : RAW_BYTES);
    if (!in->raw || inflateInit2(&in->stream, 15 + 16) != Z_OK) { /* 15: window bits; 16: a gz header */
        in->status = ft_nomem(&in->failure, "gz data");
        return false;
    }
    in->stream_ready = in->gz = in->in_member = true;
    memcpy(in->raw, in->buffer, in->end);
    in->raw_end = in->end;
    in->end = 0;
    in->at_end = false; /* the raw bytes come first; the next read finds the end again */
    return true;
}

static ft_status open_file(struct input *in, struct ft_error *error)
{
    struct stat about;
    if (!in->lent)
        in->fd = open(in->name, O_RDONLY | O_CLOEXEC);
    int code = in->fd < 0 || fstat(in->fd, &about) ? errno : S_ISDIR(about.st_mode) ? EISDIR : 0;
    if (code)
        return cannot_read(in, code, error);
    in->regular = S_ISREG(about.st_mode);
    if (in->regular && about.st_size > 0)
        in->total = (size_t)about.st_size;
    if (S_ISFIFO(about.st_mode)) /* a wish: what fits in the pipe is written while we work on what came before */
        fcntl(in->fd, F_SETPIPE_SZ, PIPE_BYTES);
    return FT_OK;
}

/* path: NULL to read the descriptor. */
static ft_status open_input(struct input **input, const char *path, int descriptor, struct ft_error *error)
{
    *input = NULL;
    struct input *in = calloc(1, sizeof *in);
    if (!in)
        return ft_nomem(error, "a file to read");
    in->lent = !path;
    in->fd = in->lent ? descriptor : -1;
    in->capacity = BUFFER_BYTES;
    in->name = strdup(path ? path : "-");
    in->buffer = malloc(in->capacity);
    ft_status status = in->name && in->buffer ? open_file(in, error) : ft_nomem(error, "a file to read");
    if (!status && in->regular && !start_reading(in)) {
        if (error)
            *error = in->failure;
        status = in->status;
    }
    if (status) {
        input_close(in);
        return status;
    }
    *input = in;
    return FT_OK;
}

ft_status input_open(struct input **input, const char *path, struct ft_error *error)
{
    return open_input(input, path && strcmp(path, "-") ? path : NULL, STDIN_FILENO, error);
}

ft_status input_open_descriptor(struct input **input, int descriptor, struct ft_error *error)
{
    return open_input(input, NULL, descriptor, error);
}

void input_close(struct input *in)
{
    if (!in)
        return;
    if (in->fd >= 0 && !in->lent)
        close(in->fd);
    if (in->stream_ready)
        inflateEnd(&in->stream);
    free(in->raw);
    free(in->buffer);
    free(in->name);
    free(in);
}

void input_limit(struct input *in, size_t most_bytes)
{
    in->most_bytes = most_bytes;
}

bool input_too_long(const struct input *in)
{
    return in->too_long;
}

/* A pipe's first bytes are waited for when they are asked for, not when it is opened. */
static bool fill_from_start(struct input *in)
{
    return in->done == 0 && !in->at_end && !in->gz ? !in->status && start_reading(in) : fill(in);
}

/* True when a whole line lies in the buffer; *length is its length without the LF. */
static bool find_line(struct input *in, size_t *length)
{
    char *lf = memchr(in->buffer + in->scanned, '\n', in->end - in->scanned);
    in->scanned = lf ? (size_t)(lf - in->buffer) : in->end;
    *length = in->scanned - in->start;
    return lf;
}

ft_status input_line(struct input *in, char **line, size_t *bytes, bool *ended_by_newline, struct ft_error *error)
{
    size_t length;
    while (!find_line(in, &length)) {
        if (in->at_end && !in->status)
            break;
        if (!fill_from_start(in)) {
            if (error)
                *error = in->failure;
            return in->status;
        }
    }
    if (in->start == in->end)
        return FT_END;
    if (in->most_bytes && length > in->most_bytes) {
        too_long(in);
        if (error)
            *error = in->failure;
        return in->status;
    }
    *ended_by_newline = in->scanned < in->end;
    *line = in->buffer + in->start;
    *bytes = length;
    in->start += length + *ended_by_newline;
    in->scanned = in->start;
    in->line_number++;
    return FT_OK;
}

/* True when a read would not wait, or not beyond `until`. */
static bool bytes_come(const struct input *in, double until)
{
    struct pollfd waiting = {.fd = in->fd, .events = POLLIN};
    double left = until > 0 ? until - clock_seconds() : 0;
    return poll(&waiting, 1, left > 0 ? (int)(left * 1000) + 1 : 0) > 0;
}

bool input_ready(struct input *in, double until)
{
    if (in->regular)
        return true;
    size_t length;
    while (!find_line(in, &length) && !in->at_end && !in->status) {
        bool raw_left = in->gz && in->raw_start < in->raw_end;
        if (!raw_left && !bytes_come(in, until))
            return false;
        fill_from_start(in);
    }
    return true;
}

const char *input_name(const struct input *in)
{
    return in->name;
}

size_t input_line_number(const struct input *in)
{
    return in->line_number;
}

void input_progress(const struct input *in, size_t *done, size_t *total)
{
    *done = in->gz ? in->done : in->done - (in->end - in->start);
    *total = in->total;
}

ft_status input_bytes(const char *path, size_t *bytes, struct ft_error *error)
{
    struct input *in;
    ft_status status = input_open(&in, path, error);
    *bytes = 0;
    if (status)
        return status;
    if (!in->regular)
        status = ft_fail(error, FT_USAGE, "%s%s%s is no regular file: its size is not known", quote(in), shown_name(in),
                         quote(in));
    else if (!in->gz)
        *bytes = in->total;
    else
        while (!status) {
            *bytes += in->end;
            in->start = in->end = in->scanned = 0;
            if (in->at_end)
                break;
            if (!fill(in)) {
                status = in->status;
                if (error)
                    *error = in->failure;
            }
        }
    input_close(in);
    return status;
}

ft_status input_slurp(const char *path, char **bytes, size_t *count, struct ft_error *error)
{
    struct input *in;
    ft_status status = input_open(&in, path, error);
    *bytes = NULL;
    *count = 0;
    if (status)
        return status;
    char *all = NULL;
    size_t used = 0, capacity = 0;
    for (bool more = true; more;) {
        if (used + (in->end - in->start) + 1 > capacity) {
            capacity = (used + (in->end - in->start)) * 2 + 1;
            if (!in->gz && capacity < in->total + 1)
                capacity = in->total + 1;
            char *grown = realloc(all, capacity);
            if (!grown) {
                status = ft_nomem(error, "a file");
                break;
            }
            all = grown;
        }
        memcpy(all + used, in->buffer + in->start, in->end - in->start);
        used += in->end - in->start;
        in->start = in->end = in->scanned = 0;
        more = !in->at_end;
        if (more && !fill_from_start(in)) {
            if (error)
                *error = in->failure;
            status = in->status;
            break;
        }
    }
    input_close(in);
    if (status) {
        free(all);
        return status;
    }
    all[used] = '\0';
    *bytes = all;
    *count = used;
    return FT_OK;
}
