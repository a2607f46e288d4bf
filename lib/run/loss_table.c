/* loss_table.c - see loss_table.h. */
#include "run/loss_table.h"
#include "base/number_text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(char text[LOSS_LINE_BYTES], const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, LOSS_LINE_BYTES - used, "%s%s", used ? "\t" : "", more);
}

static void append_split_names(char text[LOSS_LINE_BYTES], enum flair_era era, const char *split)
{
    static const char *const columns[] = {"LOSS", "PRECISION", "RECALL", "F1", "ACCURACY"};
    for (size_t i = 0; i < (era == LIKE_FLAIR_0_4 ? 4 : 5); i++) {
        char name[32];
        snprintf(name, sizeof name, "%s_%s", split, columns[i]);
        append(text, name);
    }
}

void loss_header(char text[LOSS_LINE_BYTES], enum flair_era era, const struct epoch_record *record)
{
    text[0] = '\0';
    append(text, "EPOCH\tTIMESTAMP");
    if (era == LIKE_FLAIR_0_4)
        append(text, "BAD_EPOCHS");
    append(text, "LEARNING_RATE\tTRAIN_LOSS");
    if (record->dev.there)
        append_split_names(text, era, "DEV");
    if (record->test.there)
        append_split_names(text, era, "TEST");
}

static void append_loss(char text[LOSS_LINE_BYTES], enum flair_era era, double loss)
{
    char number[NUMBER_TEXT_BYTES];
    if (era == LIKE_FLAIR_0_4)
        number_shortest(number, loss);
    else
        number_fixed(number, loss, 4);
    append(text, number);
}

static void append_split(char text[LOSS_LINE_BYTES], enum flair_era era, const struct split_record *split)
{
    if (!split->there)
        return;
    append_loss(text, era, split->loss);
    const double scores[] = {split->precision, split->recall, split->f1, split->accuracy};
    for (size_t i = 0; i < (era == LIKE_FLAIR_0_4 ? 3 : 4); i++) {
        char number[NUMBER_TEXT_BYTES];
        if (era == LIKE_FLAIR_0_4)
            number_rounded(number, scores[i], 4);
        else
            number_fixed(number, scores[i], 4);
        append(text, number);
    }
}

void loss_row(char text[LOSS_LINE_BYTES], enum flair_era era, const struct epoch_record *record)
{
    char field[64];
    struct tm at = {.tm_hour = 0};
    localtime_r(&record->end, &at);
    text[0] = '\0';
    snprintf(field, sizeof field, "%zu\t%02d:%02d:%02d", record->epoch, at.tm_hour, at.tm_min, at.tm_sec);
    append(text, field);
    if (era == LIKE_FLAIR_0_4) {
        snprintf(field, sizeof field, "%ld", record->bad_epochs);
        append(text, field);
    }
    number_fixed(field, record->rate, 4);
    append(text, field);
    append_loss(text, era, record->train_loss);
    append_split(text, era, &record->dev);
    append_split(text, era, &record->test);
}

/* What is left of a row: fields are taken from the front. */
struct fields {
    const char *at, *end; /* at NULL: the last one has been taken */
    const char *problem;  /* the first one */
};

static bool next_field(struct fields *row, const char **text, size_t *bytes)
{
    if (!row->at) {
        row->problem = row->problem ? row->problem : "fewer fields than columns";
        return false;
    }
    const char *tab = memchr(row->at, '\t', (size_t)(row->end - row->at));
    *text = row->at;
    *bytes = (size_t)((tab ? tab : row->end) - row->at);
    row->at = tab ? tab + 1 : NULL;
    return true;
}

static double next_number(struct fields *row, double least, double most, const char *problem)
{
    const char *text;
    size_t bytes;
    double value = 0;
    bool read = next_field(row, &text, &bytes) && number_read(text, bytes, &value);
    if ((!read || value < least || value > most || (isnan(value) && least > -INFINITY)) && !row->problem)
        row->problem = problem;
    return value;
}

static double next_loss(struct fields *row)
{
    return next_number(row, -INFINITY, INFINITY, "a loss is no number");
}

static size_t next_count(struct fields *row, const char *problem)
{
    const char *text;
    size_t bytes, value = 0;
    bool read = next_field(row, &text, &bytes) && bytes && bytes < 10;
    for (size_t i = 0; read && i < bytes; i++) {
        read = text[i] >= '0' && text[i] <= '9';
        value = value * 10 + (size_t)(text[i] - '0');
    }
    if (!read && !row->problem)
        row->problem = problem;
    return value;
}

static void next_time(struct fields *row)
{
    static const char pattern[] = "29:59:59"; /* the largest digit at each place, but for 24 to 29 */
    const char *text;
    size_t bytes;
    bool read = next_field(row, &text, &bytes) && bytes == sizeof pattern - 1;
    for (size_t i = 0; read && i < bytes; i++)
        read = pattern[i] == ':' ? text[i] == ':' : text[i] >= '0' && text[i] <= pattern[i];
    if ((!read || memcmp(text, "24", 2) >= 0) && !row->problem)
        row->problem = "the timestamp is no time of day";
}

static struct split_record next_split(struct fields *row, enum flair_era era)
{
    static const char problem[] = "a score is no number from 0 to 1";
    struct split_record split = {.there = true, .loss = next_loss(row)};
    split.precision = next_number(row, 0, 1, problem);
    split.recall = next_number(row, 0, 1, problem);
    split.f1 = next_number(row, 0, 1, problem);
    if (era == LIKE_FLAIR_0_15)
        split.accuracy = next_number(row, 0, 1, problem);
    return split;
}

bool loss_row_read(const char *text, size_t bytes, enum flair_era era, const struct epoch_record *like, size_t epoch,
                   struct epoch_record *record, const char **what)
{
    struct fields row = {.at = text, .end = text + bytes};
    *record = (struct epoch_record){.epoch = next_count(&row, "the epoch is no number")};
    next_time(&row);
    if (era == LIKE_FLAIR_0_4)
        record->bad_epochs = (long)next_count(&row, "the number of bad epochs is no number");
    record->rate = next_number(&row, 0, 1e300, "the learning rate is no number");
    record->train_loss = next_loss(&row);
    if (like->dev.there)
        record->dev = next_split(&row, era);
    if (like->test.there)
        record->test = next_split(&row, era);
    if (!row.problem && row.at)
        row.problem = "more fields than columns";
    if (!row.problem && record->epoch != epoch)
        row.problem = "not the epoch that comes next";
    *what = row.problem;
    return !row.problem;
}

/* Which splits a header names. False: it is none of this era's. */
static bool header_read(const char *text, size_t bytes, enum flair_era era, struct epoch_record *like)
{
    for (int splits = 0; splits < 4; splits++) {
        char header[LOSS_LINE_BYTES];
        *like = (struct epoch_record){.dev.there = splits & 1, .test.there = splits & 2};
        loss_header(header, era, like);
        if (strlen(header) == bytes && !memcmp(header, text, bytes))
            return true;
    }
    return false;
}

ft_status loss_table_read(const char *bytes, size_t count, enum flair_era era, const char *path,
                          struct epoch_record **records, size_t *rows, struct ft_error *error)
{
    static const char advice[] = "the run folder was changed";
    struct epoch_record like;
    size_t capacity = 0;
    *records = NULL;
    *rows = 0;
    if (!count)
        return FT_OK;
    const char *at = bytes, *end = bytes + count;
    bool ends = end[-1] == '\n'; /* a newline at the end belongs to 0.15's rows alone */
    ft_status status = FT_OK;
    if (ends != (era == LIKE_FLAIR_0_15))
        status = ft_fail(error, FT_INPUT, "%s: the last line is not whole (%s)", path, advice);
    end -= ends;
    for (size_t line = 1; at <= end && !status; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);
        const char *what;
        if (line == 1) {
            if (!header_read(at, length, era, &like))
                status = ft_fail(error, FT_INPUT, "%s:1: not the columns of this run's loss.tsv (%s)", path, advice);
        } else {
            if (*rows == capacity) {
                capacity = capacity ? 2 * capacity : 64;
                struct epoch_record *grown = realloc(*records, capacity * sizeof *grown);
                if (!grown) {
                    status = ft_nomem(error, "the epochs so far");
                    break;
                }
                *records = grown;
            }
            if (!loss_row_read(at, length, era, &like, line - 1, *records + *rows, &what))
                status = ft_fail(error, FT_INPUT, "%s:%zu: %s (%s)", path, line, what, advice);
            else
                ++*rows;
        }
        at += length + 1;
    }
    if (status) {
        free(*records);
        *records = NULL;
        *rows = 0;
    }
    return status;
}
