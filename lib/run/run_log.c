/* run_log.c - see run_log.h.
 *
 * Every line is one write to the system, so nothing is lost when the program is killed, and a mark is no more than the
 * bytes written. */
#include "run/run_log.h"
#include "base/text_stream.h"
#include "base/map.h"
#include "base/number_text.h"
#include "base/output.h"
#include "run/loss_chart.h"
#include "run/loss_table.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_FILE, LOSS_FILE, WEIGHTS_FILE, FILES };
static const char *const file_names[FILES] = {"training.log", "loss.tsv", "weights.txt"};

enum { WATCHED = 10 }; /* positions of a tensor in weights.txt */

struct log_file {
    int fd; /* -1: not wanted */
    char *path;
    uint64_t bytes;
};

struct run_log {
    enum flair_era era;
    struct log_file files[FILES];
    char *chart_path;
    struct epoch_record *records; /* as loss.tsv has them */
    size_t count, capacity;
};

static char *path_in(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

static ft_status fail_to_write(const struct log_file *file, struct ft_error *error)
{
    return ft_fail(error, FT_FAILED, "cannot write '%s': %s", file->path, strerror(errno));
}

/* Opens what a mark speaks of without changing it. */
static ft_status open_marked(struct log_file *file, uint64_t mark, struct ft_error *error)
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

static ft_status open_new(struct log_file *file, struct ft_error *error)
{
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return file->fd < 0 ? fail_to_write(file, error) : FT_OK;
}

static ft_status cut(struct log_file *file, struct ft_error *error)
{
    if (ftruncate(file->fd, (off_t)file->bytes) || lseek(file->fd, (off_t)file->bytes, SEEK_SET) < 0)
        return fail_to_write(file, error);
    return FT_OK;
}

static ft_status read_back(struct run_log *log, struct ft_error *error)
{
    struct log_file *file = &log->files[LOSS_FILE];
    char *bytes = malloc(file->bytes + 1);
    if (!bytes)
        return ft_nomem(error, "the epochs so far");
    ft_status status = FT_OK;
    for (uint64_t done = 0; done < file->bytes && !status;) {
        ssize_t got = pread(file->fd, bytes + done, file->bytes - done, (off_t)done);
        if (got > 0)
            done += (uint64_t)got;
        else if (!got || errno != EINTR)
            status = ft_fail(error, FT_INPUT, "cannot read '%s': %s", file->path,
                             got ? strerror(errno) : "it was cut while it was read");
    }
    if (!status)
        status = loss_table_read(bytes, file->bytes, log->era, file->path, &log->records, &log->count, error);
    log->capacity = log->count;
    free(bytes);
    return status;
}

static ft_status open_files(struct run_log *log, const struct run_log_marks *marks, struct ft_error *error)
{
    const uint64_t lengths[FILES] = {marks ? marks->log : 0, marks ? marks->loss : 0, marks ? marks->weights : 0};
    ft_status status = FT_OK;
    for (size_t i = 0; i < FILES && !status; i++)
        if (log->files[i].path)
            status = marks ? open_marked(&log->files[i], lengths[i], error) : open_new(&log->files[i], error);
    if (!status && marks)
        status = read_back(log, error);
    for (size_t i = 0; i < FILES && !status && marks; i++)
        if (log->files[i].path)
            status = cut(&log->files[i], error);
    return status;
}

ft_status run_log_open(struct run_log **made, const char *folder, enum flair_era era, bool weights,
                       const struct run_log_marks *marks, struct ft_error *error)
{
    *made = NULL;
    struct run_log *log = calloc(1, sizeof *log);
    if (!log)
        return ft_nomem(error, "the run's log");
    log->era = era;
    log->chart_path = path_in(folder, "loss.svg");
    bool named = log->chart_path;
    for (size_t i = 0; i < FILES; i++) {
        log->files[i].fd = -1;
        if (i == WEIGHTS_FILE && !weights)
            continue;
        log->files[i].path = path_in(folder, file_names[i]);
        named = named && log->files[i].path;
    }
    ft_status status = named ? open_files(log, marks, error) : ft_nomem(error, "the run's log");
    if (status)
        run_log_close(log, NULL);
    else
        *made = log;
    return status;
}

ft_status run_log_close(struct run_log *log, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (!log)
        return status;
    for (size_t i = 0; i < FILES; i++) {
        struct log_file *file = &log->files[i];
        if (file->fd >= 0 && close(file->fd) && !status)
            status = fail_to_write(file, error);
        free(file->path);
    }
    free(log->chart_path);
    free(log->records);
    free(log);
    return status;
}

/* All of it or nothing: half a line would stand before the first line of a run that goes on. */
static ft_status append(struct log_file *file, const char *bytes, size_t count, struct ft_error *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t wrote = write(file->fd, bytes + done, count - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            ft_status status = fail_to_write(file, error);
            cut(file, NULL);
            return status;
        }
        done += (size_t)wrote;
    }
    file->bytes += count;
    return FT_OK;
}

ft_status run_log_line(struct run_log *log, struct ft_error *error, const char *format, ...)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm at = {.tm_hour = 0};
    localtime_r(&now.tv_sec, &at);
    struct text_stream stream;
    size_t bytes = 0;
    if (!text_stream_open(&stream))
        return ft_nomem(error, "a line of training.log");
    FILE *to = stream.file;
    locale_t before = plain_numbers_begin();
    fprintf(to, "%04d-%02d-%02d %02d:%02d:%02d,%03ld ", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour,
            at.tm_min, at.tm_sec, now.tv_nsec / 1000000);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(to, format, arguments);
    va_end(arguments);
    fputc('\n', to);
    plain_numbers_end(before);
    char *line = text_stream_close(&stream, &bytes);
    ft_status status =
        line ? append(&log->files[LOG_FILE], line, bytes, error) : ft_nomem(error, "a line of training.log");
    free(line);
    return status;
}

static ft_status room_for_record(struct run_log *log, struct ft_error *error)
{
    if (log->count < log->capacity)
        return FT_OK;
    size_t capacity = log->capacity ? 2 * log->capacity : 64;
    struct epoch_record *grown = realloc(log->records, capacity * sizeof *grown);
    if (!grown)
        return ft_nomem(error, "the epochs so far");
    log->records = grown;
    log->capacity = capacity;
    return FT_OK;
}

ft_status run_log_epoch(struct run_log *log, const struct epoch_record *record, struct ft_error *error)
{
    ft_status status = room_for_record(log, error);
    if (status)
        return status;
    const struct epoch_record *like = log->count ? log->records : record;
    if (record->dev.there != like->dev.there || record->test.there != like->test.there)
        return ft_fail(error, FT_USAGE, "epoch %zu was evaluated on other splits than those before", record->epoch);
    char header[LOSS_LINE_BYTES] = "", row[LOSS_LINE_BYTES], lines[2 * LOSS_LINE_BYTES + 2];
    loss_row(row, log->era, record);
    const char *what;
    if (!loss_row_read(row, strlen(row), log->era, like, log->count + 1, log->records + log->count, &what))
        return ft_fail(error, FT_USAGE, "epoch %zu cannot be written to '%s': %s", record->epoch,
                       log->files[LOSS_FILE].path, what);
    if (!log->count)
        loss_header(header, log->era, record);
    const char *between = log->count && log->era == LIKE_FLAIR_0_15 ? "" : "\n";
    int bytes = snprintf(lines, sizeof lines, "%s%s%s%s", header, between, row, log->era == LIKE_FLAIR_0_4 ? "" : "\n");
    status = append(&log->files[LOSS_FILE], lines, (size_t)bytes, error);
    log->count += !status;
    return status;
}

/* Ten different positions below count, by hashes of seed, name and a counter; all of a tensor that has no more. */
static size_t choose_positions(size_t positions[WATCHED], const char *name, size_t count, uint64_t seed)
{
    size_t chosen = 0;
    uint64_t hash = map_hash(name, strlen(name)) ^ seed * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t draw = 1; chosen < WATCHED && chosen < count; draw++) {
        /* The finaliser of SplitMix64 (Steele, Lea and Flood 2014): names that differ in one letter hash alike. */
        uint64_t x = hash + draw * UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        size_t position = count <= WATCHED ? chosen : (size_t)((x ^ x >> 31) % count);
        bool known = false;
        for (size_t i = 0; i < chosen; i++)
            known = known || positions[i] == position;
        if (!known)
            positions[chosen++] = position;
    }
    return chosen;
}

ft_status run_log_weights(struct run_log *log, size_t iteration, const char *name, const float *values, size_t count,
                          uint64_t seed, struct ft_error *error)
{
    struct log_file *file = &log->files[WEIGHTS_FILE];
    if (file->fd < 0)
        return FT_OK;
    size_t positions[WATCHED];
    size_t chosen = choose_positions(positions, name, count, seed);
    struct text_stream stream;
    size_t bytes = 0;
    if (!text_stream_open(&stream))
        return ft_nomem(error, "lines of weights.txt");
    FILE *to = stream.file;
    for (size_t i = 0; i < chosen; i++) {
        char number[NUMBER_TEXT_BYTES];
        number_shortest(number, values[positions[i]]);
        fprintf(to, "%zu\t%s\t%zu\t%s\n", iteration, name, i, number);
    }
    char *lines = text_stream_close(&stream, &bytes);
    ft_status status = lines ? append(file, lines, bytes, error) : ft_nomem(error, "lines of weights.txt");
    free(lines);
    return status;
}

ft_status run_log_chart(struct run_log *log, struct ft_error *error)
{
    if (!log->count)
        return FT_OK;
    size_t bytes;
    char *text = loss_chart(log->records, log->count, &bytes);
    if (!text)
        return ft_nomem(error, "the chart of losses");
    struct output *output;
    ft_status status = output_open(&output, log->chart_path, error);
    if (!status) {
        status = output_write(output, text, bytes, error);
        if (status)
            output_discard(output);
        else
            status = output_close(output, error);
    }
    free(text);
    return status;
}

ft_status run_log_mark(struct run_log *log, struct run_log_marks *marks, struct ft_error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        /* EINVAL: what stands there is a device, which has no disk behind it. */
        if (log->files[i].fd >= 0 && fdatasync(log->files[i].fd) && errno != EINVAL)
            return fail_to_write(&log->files[i], error);
    }
    *marks = (struct run_log_marks){.log = log->files[LOG_FILE].bytes,
                                    .loss = log->files[LOSS_FILE].bytes,
                                    .weights = log->files[WEIGHTS_FILE].bytes};
    return FT_OK;
}
