/* value.c - see value.h. */
#include "import/value.h"
#include <string.h>

static const struct value none = {.kind = VALUE_NONE};

static bool has_items(const struct value *value)
{
    return value->kind == VALUE_LIST || value->kind == VALUE_TUPLE || value->kind == VALUE_SET ||
           value->kind == VALUE_STORAGE;
}

size_t value_count(const struct value *value)
{
    if (value->kind == VALUE_DICT)
        return value->as.items->count / 2;
    return has_items(value) ? value->as.items->count : 0;
}

struct value value_at(const struct value *value, size_t i)
{
    return has_items(value) && i < value->as.items->count ? value->as.items->at[i] : none;
}

struct value value_get(const struct value *dict, const char *key, bool *found)
{
    if (found)
        *found = false;
    if (dict->kind != VALUE_DICT || value_count(dict) > VALUE_ATTRIBUTES)
        return none;
    /* From the end: of two equal keys Python keeps the later value. */
    for (size_t i = dict->as.items->count; i >= 2; i -= 2)
        if (value_is_str(&dict->as.items->at[i - 2], key)) {
            if (found)
                *found = true;
            return dict->as.items->at[i - 1];
        }
    return none;
}

struct value value_attribute(const struct value *object, const char *name, bool *found)
{
    if (object->kind != VALUE_OBJECT)
        return value_get(object, name, found);
    const struct value *state = &object->as.object->state;
    if (state->kind != VALUE_TUPLE)
        return value_get(state, name, found);
    bool here = false;
    struct value result = none;
    for (size_t i = 0; i < 2 && !here; i++) {
        struct value part = value_at(state, i);
        result = value_get(&part, name, &here);
    }
    if (found)
        *found = here;
    return result;
}

struct value value_argument(const struct value *object, size_t i)
{
    if (object->kind != VALUE_OBJECT || !object->as.object->args || i >= object->as.object->args->count)
        return none;
    return object->as.object->args->at[i];
}

bool value_made_by(const struct value *value, const char *class_path)
{
    return value->kind == VALUE_OBJECT && !strcmp(value->as.object->class_path, class_path);
}

const char *value_class_name(const struct value *value)
{
    if (value->kind != VALUE_OBJECT)
        return "";
    const char *dot = strrchr(value->as.object->class_path, '.');
    return dot ? dot + 1 : value->as.object->class_path;
}

bool value_is_str(const struct value *value, const char *text)
{
    size_t length = strlen(text);
    return value->kind == VALUE_STR && value->count == length && !memcmp(value->as.text, text, length);
}

bool value_truth(const struct value *value)
{
    switch (value->kind) {
    case VALUE_NONE: return false;
    case VALUE_BOOL:
    case VALUE_INT: return value->as.integer != 0;
    case VALUE_FLOAT: return value->as.number != 0.0;
    case VALUE_BYTES:
    case VALUE_STR: return value->count != 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_SET:
    case VALUE_DICT: return value->as.items->count != 0;
    default: return true;
    }
}

bool value_size(const struct value *value, size_t limit, size_t *out)
{
    if (value->kind != VALUE_INT || value->as.integer < 0 || (uint64_t)value->as.integer > limit)
        return false;
    *out = (size_t)value->as.integer;
    return true;
}
