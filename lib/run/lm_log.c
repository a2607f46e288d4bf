/* lm_log.c - see lm_log.h. */
#include "run/lm_log.h"
#include "base/number_text.h"
#include "base/output.h"
#include "run/append_file.h"
#include "run/lm_chart.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_FILE, LOSS_FILE, TABLE_FILE, FILES, LINE_BYTES = 512 };
static const char *const file_names[FILES] = {"training.log", "loss.txt", "loss.tsv"};
static const char header[] = "CHARACTERS\tEPOCH\tSPLIT\tLEARNING_RATE\tTRAIN_BITS\tVALID_LOSS\tVALID_BITS\n";

struct lm_log {
    enum flair_era era;
    struct append_file files[FILES];
    char *chart_path;
    struct lm_chart_point *points; /* as loss.tsv has them */
    size_t count, capacity;
};

static ft_status add_point(struct lm_log *log, const char *row, struct ft_error *error)
{
    struct lm_chart_point point;
    double numbers[7];
    if (log->count == log->capacity) {
        size_t capacity = log->capacity ? 2 * log->capacity : 64;
        struct lm_chart_point *grown = realloc(log->points, capacity * sizeof *grown);
        if (!grown)
            return ft_nomem(error, "the validations so far");
        log->points = grown;
        log->capacity = capacity;
    }
    for (size_t i = 0; i < 7; i++) {
        size_t bytes = strcspn(row, "\t\n");
        if (!number_read(row, bytes, &numbers[i]) || (row[bytes] == '\t') != (i < 6))
            return ft_fail(error, FT_INPUT, "'%s' holds a row that this run cannot have written",
                           log->files[TABLE_FILE].path);
        row += bytes + 1;
    }
    point = (struct lm_chart_point){numbers[0], numbers[4], numbers[6], numbers[3]};
    log->points[log->count++] = point;
    return FT_OK;
}

static ft_status read_back(struct lm_log *log, struct ft_error *error)
{
    char *bytes;
    ft_status status = append_file_read(&log->files[TABLE_FILE], &bytes, error);
    const char *row = status ? NULL : strchr(bytes, '\n');
    for (row = row ? row + 1 : NULL; !status && row && *row; row = strchr(row, '\n') + 1) {
        if (!strchr(row, '\n'))
            status = ft_fail(error, FT_INPUT, "'%s' ends within a row", log->files[TABLE_FILE].path);
        else
            status = add_point(log, row, error);
        if (status)
            break;
    }
    free(bytes);
    return status;
}

static ft_status open_files(struct lm_log *log, const struct lm_log_marks *marks, struct ft_error *error)
{
    const uint64_t lengths[FILES] = {marks ? marks->log : 0, marks ? marks->loss : 0, marks ? marks->table : 0};
    ft_status status = FT_OK;
    for (size_t i = 0; i < FILES && !status; i++)
        status =
            marks ? append_file_resume(&log->files[i], lengths[i], error) : append_file_begin(&log->files[i], error);
    if (!status && marks)
        status = read_back(log, error);
    for (size_t i = 0; i < FILES && !status && marks; i++)
        status = append_file_cut(&log->files[i], error);
    if (!status && !log->files[TABLE_FILE].bytes)
        status = append_file_write(&log->files[TABLE_FILE], header, strlen(header), error);
    return status;
}

ft_status lm_log_open(struct lm_log **made, const char *folder, enum flair_era era, const struct lm_log_marks *marks,
                      struct ft_error *error)
{
    *made = NULL;
    struct lm_log *log = calloc(1, sizeof *log);
    if (!log)
        return ft_nomem(error, "the run's log");
    log->era = era;
    for (size_t i = 0; i < FILES; i++)
        log->files[i].fd = -1;
    size_t bytes = strlen(folder) + sizeof "/loss.svg";
    log->chart_path = malloc(bytes);
    ft_status status = log->chart_path ? FT_OK : ft_nomem(error, "the run's log");
    if (!status)
        snprintf(log->chart_path, bytes, "%s/loss.svg", folder);
    for (size_t i = 0; i < FILES && !status; i++)
        status = append_file_init(&log->files[i], folder, file_names[i], error);
    if (!status)
        status = open_files(log, marks, error);
    if (status)
        lm_log_close(log, NULL);
    else
        *made = log;
    return status;
}

ft_status lm_log_close(struct lm_log *log, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (!log)
        return status;
    for (size_t i = 0; i < FILES; i++) {
        ft_status closed = append_file_close(&log->files[i], status ? NULL : error);
        status = status ? status : closed;
    }
    free(log->chart_path);
    free(log->points);
    free(log);
    return status;
}

ft_status lm_log_line(struct lm_log *log, struct ft_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ft_status status = append_file_log(&log->files[LOG_FILE], error, format, arguments);
    va_end(arguments);
    return status;
}

/* Losses with two decimals up to 0.4, with four later; perplexities likewise. */
static int format_loss(char text[LINE_BYTES], enum flair_era era, double loss, bool test)
{
    if (era == LIKE_FLAIR_0_4)
        return snprintf(text, LINE_BYTES, "valid loss %5.2f | valid ppl %8.2f", loss, exp(loss));
    return snprintf(text, LINE_BYTES,
                    test ? "valid loss %5.4f | valid ppl %8.4f" : "valid loss %5.4f | valid ppl %5.4f", loss,
                    exp(loss));
}

ft_status lm_log_record(struct lm_log *log, const struct lm_record *record, struct ft_error *error)
{
    char row[LINE_BYTES], line[LINE_BYTES + 128], loss[LINE_BYTES];
    locale_t before = plain_numbers_begin();
    int row_bytes =
        snprintf(row, sizeof row, "%" PRIu64 "\t%zu\t%zu\t%.6g\t%.5f\t%.6f\t%.5f\n", record->chars, record->epoch,
                 record->split, record->rate, record->train_bits, record->valid_loss, record->valid_bits);
    format_loss(loss, log->era, record->valid_loss, false);
    int bytes = snprintf(line, sizeof line,
                         "| end of split %3zu /%3zu | epoch %3zu | time: %5.2fs | %s | learning rate %3.4f\n",
                         record->split, record->splits, record->epoch, record->seconds, loss, record->rate);
    plain_numbers_end(before);
    ft_status status = append_file_write(&log->files[TABLE_FILE], row, (size_t)row_bytes, error);
    if (!status)
        status = add_point(log, row, error);
    if (!status && record->split_ended)
        status = append_file_write(&log->files[LOSS_FILE], line, (size_t)bytes, error);
    return status;
}

ft_status lm_log_test(struct lm_log *log, double loss, struct ft_error *error)
{
    char line[LINE_BYTES + 16], text[LINE_BYTES];
    locale_t before = plain_numbers_begin();
    format_loss(text, log->era, loss, true);
    int bytes = snprintf(line, sizeof line, "TEST: %s\n", text);
    plain_numbers_end(before);
    return append_file_write(&log->files[LOSS_FILE], line, (size_t)bytes, error);
}

ft_status lm_log_chart(struct lm_log *log, struct ft_error *error)
{
    size_t bytes;
    if (!log->count)
        return FT_OK;
    char *text = lm_chart(log->points, log->count, &bytes);
    if (!text)
        return ft_nomem(error, "the chart of losses");
    ft_status status = output_whole(log->chart_path, text, bytes, error);
    free(text);
    return status;
}

ft_status lm_log_mark(struct lm_log *log, struct lm_log_marks *marks, struct ft_error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        ft_status status = append_file_sync(&log->files[i], error);
        if (status)
            return status;
    }
    *marks =
        (struct lm_log_marks){log->files[LOG_FILE].bytes, log->files[LOSS_FILE].bytes, log->files[TABLE_FILE].bytes};
    return FT_OK;
}
