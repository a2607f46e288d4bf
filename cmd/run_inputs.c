/* run_inputs.c - see run_inputs.h. */
#include "cmd/run_inputs.h"
#include "flairtag.h"
#include "run/run_folder.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

ft_status path_make_whole(const char **path, struct arena *arena, struct ft_error *error)
{
    char whole[PATH_MAX];
    if (!*path)
        return FT_OK;
    if (!realpath(*path, whole))
        return ft_fail(error, FT_INPUT, "%s: there is no such file or folder", *path);
    *path = arena_copy(arena, whole, strlen(whole));
    return *path ? FT_OK : ft_nomem(error, "the corpus' names");
}

ft_status inputs_add(cJSON *inputs, const char *path, struct ft_error *error)
{
    char fingerprint[FINGERPRINT_BYTES];
    if (cJSON_GetObjectItemCaseSensitive(inputs, path))
        return FT_OK;
    ft_status status = file_fingerprint(path, fingerprint, error);
    if (status == FT_OK && !cJSON_AddStringToObject(inputs, path, fingerprint))
        status = ft_nomem(error, "a training run");
    return status;
}

ft_status inputs_add_list(cJSON *inputs, const char *names, char separator, struct ft_error *error)
{
    const char separators[] = {separator, '\0'};
    if (!strcmp(names, "none"))
        return FT_OK;
    for (const char *at = names;;) {
        size_t length = strcspn(at, separators);
        char *path = strndup(at, length);
        ft_status status = path ? inputs_add(inputs, path, error) : ft_nomem(error, "a training run");
        free(path);
        at += length;
        if (status != FT_OK || !*at++)
            return status;
    }
}

static bool add_item(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

ft_status run_description(const char *kind, cJSON *options, cJSON *inputs, char **text, struct ft_error *error)
{
    cJSON *object = cJSON_CreateObject();
    bool whole = cJSON_AddNumberToObject(object, "format", RUN_FORMAT) &&
                 cJSON_AddStringToObject(object, "flairtag", FLAIRTAG_VERSION) &&
                 (!kind || cJSON_AddStringToObject(object, "kind", kind));
    whole &= add_item(object, "options", options);
    whole &= add_item(object, "inputs", inputs);
    *text = whole ? cJSON_Print(object) : NULL;
    cJSON_Delete(object);
    return *text ? FT_OK : ft_nomem(error, "a training run");
}

ft_status inputs_check(const cJSON *inputs, struct ft_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, inputs)
    {
        char fingerprint[FINGERPRINT_BYTES];
        ft_status status = file_fingerprint(item->string, fingerprint, error);
        if (status != FT_OK)
            return status;
        if (!cJSON_IsString(item) || strcmp(item->valuestring, fingerprint))
            return ft_fail(error, FT_INPUT, "%s: has changed since the run began, which cannot go on with it",
                           item->string);
    }
    return FT_OK;
}

bool resume_stands_alone(const struct command *self, const bool *said)
{
    static const char *const allowed[] = {"resume", "threads", "lanes", "isa", "device", "gpu-mem"};
    for (size_t i = 0; option_is_there(&self->options[i]); i++) {
        bool fits = !said[i];
        for (size_t k = 0; k < sizeof allowed / sizeof *allowed; k++)
            fits |= said[i] && !strcmp(self->options[i].name, allowed[k]);
        if (fits)
            continue;
        report_error("--resume goes on with the options that the run was begun with: --%s cannot be given",
                     self->options[i].name);
        return false;
    }
    return true;
}
