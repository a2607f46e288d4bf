/* state_file.c - see state_file.h. */
#include "run/state_file.h"
#include "model/safetensors.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1 };

struct state_file {
    char *path;
    struct safetensors *tensors;
    cJSON *about;
};

static bool add_number(cJSON *object, const struct state_number *number, const void *from)
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

static bool get_number(const cJSON *object, const struct state_number *number, void *to)
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

static char *describe(const char *identity, const struct state_numbers *numbers, const void *const *structs,
                      size_t count)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;
    bool made = cJSON_AddNumberToObject(object, "format", FORMAT) && cJSON_AddStringToObject(object, "run", identity);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; made && i < numbers[s].count; i++)
            made = add_number(object, &numbers[s].list[i], structs[s]);
    if (made)
        text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

ft_status state_file_write(const char *path, const char *identity, const struct state_numbers *numbers,
                           const void *const *structs, size_t count, const struct state_vector *vectors,
                           size_t vector_count, struct ft_error *error)
{
    struct safetensors_entry *entries = calloc(vector_count + 1, sizeof *entries);
    struct output *output = NULL;
    char *text = describe(identity, numbers, structs, count);
    ft_status status = text && entries ? output_open(&output, path, error) : ft_nomem(error, "a checkpoint");
    for (size_t i = 0; entries && i < vector_count; i++)
        entries[i] = (struct safetensors_entry){
            vectors[i].name,
            {.data = vectors[i].at, .dtype = DTYPE_F32, .rank = 1, .shape = {vectors[i].floats}, .stride = {1}}};
    if (status == FT_OK) {
        const char *const metadata[1][2] = {{"checkpoint", text}};
        status = safetensors_write(output, entries, vector_count, metadata, 1, error);
        if (status == FT_OK)
            status = output_close(output, error);
        else
            output_discard(output);
    }
    free(entries);
    free(text);
    return status;
}

ft_status state_file_damaged(const char *path, struct ft_error *error)
{
    return ft_fail(error, FT_INPUT, "%s: not a whole checkpoint (without it, --resume begins the run anew)", path);
}

void state_file_close(struct state_file *file)
{
    if (!file)
        return;
    cJSON_Delete(file->about);
    safetensors_close(file->tensors);
    free(file->path);
    free(file);
}

static ft_status read_about(struct state_file *file, const char *identity, struct ft_error *error)
{
    ft_status status = safetensors_open(file->path, &file->tensors, error);
    if (status != FT_OK)
        return status == FT_NOMEM ? status : state_file_damaged(file->path, error);
    const char *text = safetensors_metadata(file->tensors, "checkpoint");
    file->about = text ? cJSON_Parse(text) : NULL;
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(file->about, "format");
    const char *run = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file->about, "run"));
    if (!run || !cJSON_IsNumber(format) || format->valuedouble != FORMAT)
        return state_file_damaged(file->path, error);
    if (strcmp(run, identity))
        return ft_fail(error, FT_INPUT, "%s: written by another run, or its data or options have changed since",
                       file->path);
    return FT_OK;
}

ft_status state_file_open(struct state_file **made, const char *path, const char *identity, struct ft_error *error)
{
    *made = NULL;
    if (access(path, F_OK))
        return FT_END;
    struct state_file *file = calloc(1, sizeof *file);
    if (!file || !(file->path = strdup(path))) {
        free(file);
        return ft_nomem(error, "a checkpoint");
    }
    ft_status status = read_about(file, identity, error);
    if (status == FT_OK)
        *made = file;
    else
        state_file_close(file);
    return status;
}

ft_status state_file_numbers(const struct state_file *file, const struct state_numbers *numbers, void *to,
                             struct ft_error *error)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (!get_number(file->about, &numbers->list[i], to))
            return state_file_damaged(file->path, error);
    return FT_OK;
}

ft_status state_file_vector(const struct state_file *file, struct state_vector *vector, struct ft_error *error)
{
    const struct tensor *tensor = safetensors_find(file->tensors, vector->name);
    if (!tensor || tensor->dtype != DTYPE_F32 || !tensor_is_vector(tensor, vector->floats))
        return state_file_damaged(file->path, error);
    vector->at = tensor->data;
    return FT_OK;
}
