/* run_log.c - see run_log.h. */
#include "run/run_log.h"
#include "base/map.h"
#include "base/number_text.h"
#include "base/output.h"
#include "base/text_stream.h"
#include "run/append_file.h"
#include "run/loss_chart.h"
#include "run/loss_table.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_FILE, LOSS_FILE, WEIGHTS_FILE, FILES };
static const char *const file_names[FILES] = {"training.log", "loss.tsv", "weights.txt"};

enum { WATCHED = 10 }; /* positions of a tensor in weights.txt */

struct run_log {
    enum flair_era era;
    struct append_file files[FILES];
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

static ft_status read_back(struct run_log *log, struct ft_error *error)
{
    struct append_file *file = &log->files[LOSS_FILE];
    char *bytes;
    ft_status status = append_file_read(file, &bytes, error);
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
            status = marks ? append_file_resume(&log->files[i], lengths[i], error)
                           : append_file_begin(&log->files[i], error);
    if (!status && marks)
        status = read_back(log, error);
    for (size_t i = 0; i < FILES && !status && marks; i++)
        if (log->files[i].path)
            status = append_file_cut(&log->files[i], error);
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
    ft_status status = log->chart_path ? FT_OK : ft_nomem(error, "the run's log");
    for (size_t i = 0; i < FILES; i++)
        log->files[i].fd = -1;
    for (size_t i = 0; i < FILES && !status; i++)
        if (i != WEIGHTS_FILE || weights)
            status = append_file_init(&log->files[i], folder, file_names[i], error);
    if (!status)
        status = open_files(log, marks, error);
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
        ft_status closed = append_file_close(&log->files[i], status ? NULL : error);
        status = status ? status : closed;
    }
    free(log->chart_path);
    free(log->records);
    free(log);
    return status;
}

ft_status run_log_line(struct run_log *log, struct ft_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ft_status status = append_file_log(&log->files[LOG_FILE], error, format, arguments);
    va_end(arguments);
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
    status = append_file_write(&log->files[LOSS_FILE], lines, (size_t)bytes, error);
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
    struct append_file *file = &log->files[WEIGHTS_FILE];
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
    ft_status status = lines ? append_file_write(file, lines, bytes, error) : ft_nomem(error, "lines of weights.txt");
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
    ft_status status = output_whole(log->chart_path, text, bytes, error);
    free(text);
    return status;
}

ft_status run_log_mark(struct run_log *log, struct run_log_marks *marks, struct ft_error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        ft_status status = append_file_sync(&log->files[i], error);
        if (status)
            return status;
    }
    *marks = (struct run_log_marks){.log = log->files[LOG_FILE].bytes,
                                    .loss = log->files[LOSS_FILE].bytes,
                                    .weights = log->files[WEIGHTS_FILE].bytes};
    return FT_OK;
}
