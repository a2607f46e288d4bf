/* checkpoint.c - see checkpoint.h. */
#include "run/checkpoint.h"
#include "model/safetensors.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1 };

static const char *const vector_names[TRAINER_VECTORS] = {"weights", "best", "moment", "second_moment"};

/* One table for both ways. */
enum number_kind { NUMBER_SIZE, NUMBER_U64, NUMBER_LONG, NUMBER_DOUBLE, NUMBER_BOOL };
struct number {
    const char *name;
    enum number_kind kind;
    size_t offset;
};
#define STATE(name, kind, member)                          \
    {                                                      \
        name, kind, offsetof(struct trainer_state, member) \
    }
static const struct number state_numbers[] = {
    STATE("epoch", NUMBER_SIZE, epoch),
    STATE("batch", NUMBER_SIZE, batch),
    STATE("step", NUMBER_U64, step),
    STATE("loss", NUMBER_DOUBLE, loss),
    STATE("loss_parts", NUMBER_DOUBLE, loss_parts),
    STATE("best_score", NUMBER_DOUBLE, best_score),
    STATE("best_epoch", NUMBER_SIZE, best_epoch),
    STATE("finished", NUMBER_BOOL, finished),
    STATE("schedule_effective_patience", NUMBER_LONG, schedule.effective_patience),
    STATE("schedule_rate", NUMBER_DOUBLE, schedule.rate),
    STATE("schedule_best", NUMBER_DOUBLE, schedule.best),
    STATE("schedule_best_aux", NUMBER_DOUBLE, schedule.best_aux),
    STATE("schedule_has_best", NUMBER_BOOL, schedule.has_best),
    STATE("schedule_has_best_aux", NUMBER_BOOL, schedule.has_best_aux),
    STATE("schedule_bad_epochs", NUMBER_LONG, schedule.bad_epochs),
};
#define MARK(name, member)                                       \
    {                                                            \
        name, NUMBER_U64, offsetof(struct run_log_marks, member) \
    }
static const struct number mark_numbers[] = {MARK("log_bytes", log), MARK("loss_bytes", loss),
                                             MARK("weights_bytes", weights)};

static bool add_number(cJSON *object, const struct number *number, const void *from)
{
    const char *at = (const char *)from + number->offset;
    char text[64] = "";
    switch (number->kind) {
    case NUMBER_SIZE: snprintf(text, sizeof text, "%zu", *(const size_t *)at); break;
    case NUMBER_U64: snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)at); break;
    case NUMBER_LONG: snprintf(text, sizeof text, "%ld", *(const long *)at); break;
    case NUMBER_DOUBLE: snprintf(text, sizeof text, "%a", *(const double *)at); break;
    case NUMBER_BOOL: snprintf(text, sizeof text, "%d", *(const bool *)at); break;
    }
    return cJSON_AddStringToObject(object, number->name, text);
}

static bool get_number(const cJSON *object, const struct number *number, void *to)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, number->name));
    char *at = (char *)to + number->offset, *end;
    if (!text || !*text || (number->kind != NUMBER_LONG && number->kind != NUMBER_DOUBLE && *text == '-'))
        return false;
    errno = 0;
    switch (number->kind) {
    case NUMBER_SIZE: *(size_t *)at = strtoull(text, &end, 10); break;
    case NUMBER_U64: *(uint64_t *)at = strtoull(text, &end, 10); break;
    case NUMBER_LONG: *(long *)at = strtol(text, &end, 10); break;
    case NUMBER_DOUBLE: *(double *)at = strtod(text, &end); break;
    case NUMBER_BOOL: *(bool *)at = *text == '1'; return (*text == '0' || *text == '1') && !text[1];
    }
    return !errno && !*end;
}

static bool get_numbers(const cJSON *object, const struct number *numbers, size_t count, void *to)
{
    for (size_t i = 0; i < count; i++)
        if (!get_number(object, &numbers[i], to))
            return false;
    return true;
}

enum {
    STATE_NUMBERS = sizeof state_numbers / sizeof *state_numbers,
    MARKS = sizeof mark_numbers / sizeof *mark_numbers
};

static char *describe(const struct trainer *trainer, const struct run_log_marks *marks, const char *identity)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    bool made = cJSON_AddNumberToObject(object, "format", FORMAT) && cJSON_AddStringToObject(object, "run", identity);
    for (size_t i = 0; made && i < STATE_NUMBERS; i++)
        made = add_number(object, &state_numbers[i], trainer_state(trainer));
    for (size_t i = 0; made && i < MARKS; i++)
        made = add_number(object, &mark_numbers[i], marks);
    if (made)
        text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

ft_status checkpoint_write(const char *path, const struct trainer *trainer, const struct run_log_marks *marks,
                           const char *identity, struct ft_error *error)
{
    size_t floats = trainer_network(trainer)->parameters.floats, count = 0;
    struct safetensors_entry entries[TRAINER_VECTORS];
    float *copies[TRAINER_VECTORS] = {NULL};
    struct output *output = NULL;
    char *text = describe(trainer, marks, identity);
    ft_status status = text ? FT_OK : ft_nomem(error, "a checkpoint");
    for (int v = 0; status == FT_OK && v < TRAINER_VECTORS; v++) {
        if (!trainer_has_vector(trainer, (enum trainer_vector)v))
            continue;
        copies[v] = malloc(floats * sizeof(float));
        status = copies[v] ? trainer_read_vector(trainer, (enum trainer_vector)v, copies[v], error)
                           : ft_nomem(error, "a checkpoint");
        entries[count++] = (struct safetensors_entry){
            vector_names[v], {.data = copies[v], .dtype = DTYPE_F32, .rank = 1, .shape = {floats}, .stride = {1}}};
    }
    if (status == FT_OK)
        status = output_open(&output, path, error);
    if (status == FT_OK) {
        const char *const metadata[1][2] = {{"checkpoint", text}};
        status = safetensors_write(output, entries, count, metadata, 1, error);
        if (status == FT_OK)
            status = output_close(output, error);
        else
            output_discard(output);
    }
    for (int v = 0; v < TRAINER_VECTORS; v++)
        free(copies[v]);
    free(text);
    return status;
}

static ft_status damaged(const char *path, struct ft_error *error)
{
    return ft_fail(error, FT_INPUT, "%s: not a whole checkpoint (without it, --resume begins the run anew)", path);
}

/* Opens the file and its JSON object, both the caller's. */
static ft_status open_checkpoint(const char *path, const char *identity, struct safetensors **file, cJSON **about,
                                 struct ft_error *error)
{
    *about = NULL;
    *file = NULL;
    if (access(path, F_OK))
        return FT_END;
    ft_status status = safetensors_open(path, file, error);
    if (status != FT_OK)
        return status == FT_NOMEM ? status : damaged(path, error);
    const char *text = safetensors_metadata(*file, "checkpoint");
    *about = text ? cJSON_Parse(text) : NULL;
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(*about, "format");
    const char *run = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*about, "run"));
    if (!run || !cJSON_IsNumber(format) || format->valuedouble != FORMAT)
        return damaged(path, error);
    if (strcmp(run, identity))
        return ft_fail(error, FT_INPUT,
                       "%s: written by another run, or its corpus, embeddings or options have changed since", path);
    return FT_OK;
}

ft_status checkpoint_marks(const char *path, const char *identity, struct run_log_marks *marks, struct ft_error *error)
{
    struct safetensors *file;
    cJSON *about;
    ft_status status = open_checkpoint(path, identity, &file, &about, error);
    if (status == FT_OK && !get_numbers(about, mark_numbers, MARKS, marks))
        status = damaged(path, error);
    cJSON_Delete(about);
    safetensors_close(file);
    return status;
}

ft_status checkpoint_resume(const char *path, const char *identity, struct trainer *trainer, struct ft_error *error)
{
    struct safetensors *file;
    cJSON *about;
    const float *vectors[TRAINER_VECTORS] = {NULL};
    struct trainer_state state = *trainer_state(trainer);
    ft_status status = open_checkpoint(path, identity, &file, &about, error);
    if (status == FT_OK && !get_numbers(about, state_numbers, STATE_NUMBERS, &state))
        status = damaged(path, error);
    for (int v = 0; status == FT_OK && v < TRAINER_VECTORS; v++) {
        if (!trainer_has_vector(trainer, (enum trainer_vector)v))
            continue;
        const struct tensor *tensor = safetensors_find(file, vector_names[v]);
        if (!tensor || tensor->dtype != DTYPE_F32 ||
            !tensor_is_vector(tensor, trainer_network(trainer)->parameters.floats))
            status = damaged(path, error);
        else
            vectors[v] = tensor->data;
    }
    if (status == FT_OK)
        status = trainer_resume(trainer, &state, vectors, error);
    if (status == FT_USAGE) /* the numbers are not those of this run */
        status = damaged(path, error);
    cJSON_Delete(about);
    safetensors_close(file);
    return status;
}
