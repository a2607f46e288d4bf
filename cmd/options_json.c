/* options_json.c - see options_json.h. */
#include "cmd/options_json.h"
#include <stdio.h>
#include <string.h>

static const char *choice_text(const char *choices, int index, char *text, size_t room)
{
    for (; index > 0; index--)
        choices += strcspn(choices, "|") + 1;
    snprintf(text, room, "%.*s", (int)strcspn(choices, "|"), choices);
    return text;
}

/* Numbers that parsing would refuse stand for "not said", as a default may be. */
static bool is_in_range(const struct option *option, long number)
{
    return (!option->least && !option->most) || (number >= option->least && number <= option->most);
}

/* NULL: no value. */
static const char *value_text(const struct option *option, const void *values, char *text, size_t room)
{
    const char *place = (const char *)values + option->offset;
    switch (option->kind) {
    case OPTION_FLAG: return *(const bool *)place ? "yes" : "no";
    case OPTION_INT:
        snprintf(text, room, "%ld", *(const long *)place);
        return is_in_range(option, *(const long *)place) ? text : NULL;
    case OPTION_REAL: snprintf(text, room, "%.17g", *(const double *)place); return text;
    case OPTION_SIZE: snprintf(text, room, "%zu", *(const size_t *)place); return text;
    case OPTION_CHOICE: {
        int index = *(const int *)place;
        return index < 0 ? NULL : choice_text(option->choices, index, text, room);
    }
    case OPTION_STRING: return *(const char *const *)place;
    case OPTION_HEADING: break;
    }
    return NULL;
}

cJSON *options_to_json(const struct command *command, const void *values)
{
    cJSON *object = cJSON_CreateObject();
    for (const struct option *o = command->options; object && option_is_there(o); o++) {
        char text[64];
        const char *value = o->name ? value_text(o, values, text, sizeof text) : NULL;
        if (value && !cJSON_AddStringToObject(object, o->name, value)) {
            cJSON_Delete(object);
            object = NULL;
        }
    }
    return object;
}

static const struct option *find(const struct command *command, const char *name)
{
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->name && !strcmp(o->name, name))
            return o;
    return NULL;
}

bool options_from_json(const struct command *command, const cJSON *object, void *values, const char **wrong)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        const struct option *option = find(command, item->string);
        const char *text = cJSON_GetStringValue(item);
        *wrong = item->string;
        if (!option || !text)
            return false;
        if (option->kind != OPTION_FLAG) {
            if (!option_store(option, text, values))
                return false;
            continue;
        }
        bool yes = !strcmp(text, "yes");
        if (!yes && strcmp(text, "no"))
            return false;
        *(bool *)((char *)values + option->offset) = yes;
    }
    return true;
}
