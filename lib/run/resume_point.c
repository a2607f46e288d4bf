/* resume_point.c - see resume_point.h. */
#include "run/resume_point.h"
#include "base/input.h"
#include "base/output.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { STATE_FORMAT = 1 };
/* Whole numbers up to here are exact in JSON's doubles. */
static const double LARGEST_NUMBER = 9007199254740992.0;

static uint32_t add_text(uint32_t sum, const char *text, size_t bytes)
{
    sum = (uint32_t)crc32_z(sum, (const unsigned char *)text, bytes);
    return (uint32_t)crc32_z(sum, (const unsigned char *)"\n", 1);
}

static void add_sentence(struct tagging_mark *mark, const struct sentence *sentence)
{
    uint32_t sum = mark->checksum;
    for (size_t i = 0; i < sentence->line_count; i++)
        sum = add_text(sum, sentence->lines[i].text, sentence->lines[i].bytes);
    /* Text and JSON: what a source holds is written too, and counts once for all its sentences. */
    if (!sentence->lines && sentence->first_of_source) {
        uint64_t start = sentence->source_start;
        sum = (uint32_t)crc32_z(sum, (const unsigned char *)&start, sizeof start);
        sum = add_text(sum, sentence->source, sentence->source_bytes);
        if (sentence->object)
            sum = add_text(sum, sentence->object, strlen(sentence->object));
    }
    mark->checksum = sum;
    mark->lines += sentence->lines ? sentence->line_count : 1;
}

void mark_add(struct tagging_mark *mark, const struct sentence *sentences, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_sentence(mark, &sentences[i]);
}

ft_status mark_pass(struct tagging_mark *mark, const struct tagging_mark *goal, const struct window *window,
                    size_t *passed, struct ft_error *error)
{
    size_t at = 0;
    const struct sentence *last = NULL;
    while (at < window->count && mark->lines < goal->lines) {
        last = &window->sentences[at++];
        add_sentence(mark, last);
    }
    *passed = at;
    bool same = mark->lines < goal->lines || (mark->lines == goal->lines && mark->checksum == goal->checksum);
    if (same || !last)
        return FT_OK;
    return ft_fail(error, FT_INPUT,
                   "%s:%zu: cannot go on behind this line: the input has changed before it since it was tagged",
                   last->file, last->line);
}

char *resume_point_path(const char *part)
{
    static const char ending[] = ".state";
    size_t bytes = strlen(part) + sizeof ending;
    char *path = malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s%s", part, ending);
    return path;
}

ft_status resume_point_write(const char *path, const cJSON *description, const struct tagging_mark *mark,
                             struct ft_error *error)
{
    cJSON *state = cJSON_CreateObject();
    bool whole = cJSON_AddNumberToObject(state, "format", STATE_FORMAT) &&
                 cJSON_AddItemReferenceToObject(state, "began", (cJSON *)(uintptr_t)description) &&
                 cJSON_AddNumberToObject(state, "lines", (double)mark->lines) &&
                 cJSON_AddNumberToObject(state, "checksum", (double)mark->checksum) &&
                 cJSON_AddNumberToObject(state, "bytes", (double)mark->bytes);
    char *text = whole ? cJSON_Print(state) : NULL;
    cJSON_Delete(state);
    ft_status status = text ? output_whole(path, text, strlen(text), error) : ft_nomem(error, "the state of a run");
    cJSON_free(text);
    return status;
}

/* What differs first; NULL: nothing. */
static const char *find_difference(const cJSON *one, const cJSON *other)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, one)
    {
        const char *here = cJSON_GetStringValue(item);
        const char *there = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(other, item->string));
        if (!here || !there || strcmp(here, there))
            return item->string;
    }
    return NULL;
}

static const char *shown(const cJSON *description, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(description, name));
    return value ? value : "not given";
}

static ft_status compare(const char *path, const cJSON *began, const cJSON *description, struct ft_error *error)
{
    const char *name = find_difference(description, began);
    if (!name)
        name = find_difference(began, description);
    if (!name)
        return FT_OK;
    if (strncmp(name, "--", 2))
        return ft_fail(error, FT_USAGE, "%s: cannot go on: this is not the %s that it was begun with", path, name);
    return ft_fail(error, FT_USAGE, "%s: cannot go on: it was begun with %s %s, now %s", path, name, shown(began, name),
                   shown(description, name));
}

static bool read_number(const cJSON *state, const char *name, double most, uint64_t *number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(state, name);
    bool good = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= most;
    *number = good ? (uint64_t)item->valuedouble : 0;
    return good;
}

ft_status resume_point_read(const char *path, const cJSON *description, struct tagging_mark *mark,
                            struct ft_error *error)
{
    char *text;
    size_t bytes;
    if (access(path, F_OK) && errno == ENOENT)
        return FT_END;
    ft_status status = input_slurp(path, &text, &bytes, error);
    if (status != FT_OK)
        return status;
    cJSON *state = cJSON_ParseWithLength(text, bytes);
    free(text);
    uint64_t format, checksum;
    const cJSON *began = cJSON_GetObjectItemCaseSensitive(state, "began");
    bool good = read_number(state, "format", LARGEST_NUMBER, &format) && format == STATE_FORMAT &&
                cJSON_IsObject(began) && read_number(state, "lines", LARGEST_NUMBER, &mark->lines) &&
                read_number(state, "checksum", UINT32_MAX, &checksum) &&
                read_number(state, "bytes", LARGEST_NUMBER, &mark->bytes);
    if (good)
        mark->checksum = (uint32_t)checksum;
    status = good ? compare(path, began, description, error)
                  : ft_fail(error, FT_INPUT, "%s: not a state that can be gone on from", path);
    cJSON_Delete(state);
    return status;
}
