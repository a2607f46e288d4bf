/* flair_parts.c - see flair_parts.h: finding tensors by name, dictionaries, and small settings. */
#include "import/flair_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

ft_status import_fail(const struct importer *importer, const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return ft_fail(importer->error, FT_MODEL, "%s: %s", importer->path, what);
}

ft_status import_charge(struct importer *importer, size_t entries)
{
    if (entries > importer->entries_left)
        return import_fail(importer, "not a Flair model, or damaged: more words and characters than it has bytes");
    importer->entries_left -= entries;
    return FT_OK;
}

ft_status import_state_dict(struct importer *importer, struct value state_dict)
{
    if (state_dict.kind != VALUE_DICT)
        return import_fail(importer, "not a Flair model: its state_dict is no dict");
    importer->state_dict = state_dict;
    for (size_t i = 0; i < value_count(&state_dict); i++) {
        const struct value *key = &state_dict.as.items->at[2 * i];
        if (key->kind == VALUE_STR && !map_put(&importer->weights, key->as.text, key->count, (uint32_t)i))
            return ft_nomem(importer->error, "the names of a model's tensors");
    }
    return FT_OK;
}

/* Weights are read as float32. Halves become twice as large; what stands for more than that shares its bytes. */
static ft_status charge_floats(struct importer *importer, const struct tensor *tensor)
{
    size_t bytes = sizeof(float);
    for (int d = 0; d < tensor->rank; d++)
        bytes *= tensor->shape[d]; /* no more elements than the storage has */
    if (bytes > importer->float_bytes_left)
        return import_fail(importer, "not a Flair model, or damaged: its tensors are far larger than the file");
    importer->float_bytes_left -= bytes;
    return FT_OK;
}

/* Down a pickled module by the parts of a dotted name; the last one is a parameter, a buffer or a plain attribute. */
static struct value module_entry(const struct value *module, const char *name)
{
    struct value at = *module;
    for (;;) {
        const char *dot = strchr(name, '.');
        char part[100];
        size_t length = dot ? (size_t)(dot - name) : strlen(name);
        if (length >= sizeof part)
            return (struct value){.kind = VALUE_NONE};
        memcpy(part, name, length);
        part[length] = '\0';
        static const char *const places[] = {"_modules", "_parameters", "_buffers"};
        struct value next = {.kind = VALUE_NONE};
        for (size_t i = 0; i < 3 && next.kind == VALUE_NONE; i++) {
            struct value place = value_attribute(&at, places[i], NULL);
            next = value_get(&place, part, NULL);
        }
        at = next.kind == VALUE_NONE ? value_attribute(&at, part, NULL) : next;
        if (!dot)
            return at;
        name = dot + 1;
    }
}

ft_status weights_optional(struct weights *weights, const char *name, struct tensor *tensor)
{
    struct importer *importer = weights->importer;
    *tensor = (struct tensor){0};
    char full[400];
    int length = snprintf(full, sizeof full, "%s%s", weights->prefix, name);
    uint32_t index;
    struct value value = {.kind = VALUE_NONE};
    if (length < (int)sizeof full && map_get(&importer->weights, full, (size_t)length, &index))
        value = importer->state_dict.as.items->at[2 * index + 1];
    if (value.kind == VALUE_NONE)
        value = value_get(&weights->own_state, name, NULL);
    if (value.kind == VALUE_NONE)
        value = module_entry(&weights->module, name);
    if (value.kind == VALUE_NONE)
        return FT_OK;
    ft_status status = torch_tensor(importer->torch, &value, full, tensor, importer->error);
    return status ? status : charge_floats(importer, tensor);
}

ft_status weights_need(struct weights *weights, const char *name, struct tensor *tensor)
{
    ft_status status = weights_optional(weights, name, tensor);
    if (!status && !tensor->data)
        return import_fail(weights->importer, "not a Flair model, or damaged: the tensor '%s%s' is missing",
                           weights->prefix, name);
    return status;
}

ft_status weights_rnn(struct weights *weights, const char *name, int layer, bool reverse, struct rnn_weights *rnn)
{
    struct tensor *tensors[] = {&rnn->w_ih, &rnn->w_hh, &rnn->b_ih, &rnn->b_hh};
    static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    ft_status status = FT_OK;
    for (size_t i = 0; i < 4 && !status; i++) {
        char full[100];
        snprintf(full, sizeof full, "%s.%s_l%d%s", name, kinds[i], layer, reverse ? "_reverse" : "");
        status = weights_need(weights, full, tensors[i]);
    }
    return status;
}

struct weights weights_part(const struct weights *weights, const char *name)
{
    struct weights part = *weights;
    size_t used = strlen(part.prefix);
    snprintf(part.prefix + used, sizeof part.prefix - used, "%s.", name);
    part.own_state = (struct value){.kind = VALUE_NONE};
    part.module = module_entry(&weights->module, name);
    return part;
}

ft_status import_dictionary(struct importer *importer, const struct value *dictionary, const char *what,
                            const struct bytes **items, size_t *count)
{
    struct value list = value_attribute(dictionary, "idx2item", NULL);
    *count = value_count(&list);
    if ((list.kind != VALUE_LIST && list.kind != VALUE_TUPLE) || !*count)
        return import_fail(importer, "not a Flair model, or damaged: %s has no items", what);
    ft_status status = import_charge(importer, *count);
    if (status)
        return status;
    struct bytes *copy = arena_array(importer->arena, *count, sizeof *copy);
    if (!copy)
        return ft_nomem(importer->error, what);
    for (size_t i = 0; i < *count; i++) {
        struct value item = value_at(&list, i);
        if (item.kind != VALUE_BYTES && item.kind != VALUE_STR)
            return import_fail(importer, "not a Flair model, or damaged: item %zu of %s is no string", i, what);
        copy[i] = (struct bytes){item.as.text, item.count};
    }
    *items = copy;
    return FT_OK;
}

ft_status import_size(struct importer *importer, const struct value *object, const char *name, size_t least,
                      size_t most, size_t *out)
{
    struct value value = value_attribute(object, name, NULL);
    if (!value_size(&value, most, out) || *out < least)
        return import_fail(importer, "not a Flair model, or damaged: '%s' is no number from %zu to %zu", name, least,
                           most);
    return FT_OK;
}

ft_status import_rnn_type(struct importer *importer, const struct value *type, enum rnn_type *rnn)
{
    *rnn = RNN_LSTM;
    if (type->kind == VALUE_NONE)
        return FT_OK;
    if (type->kind == VALUE_STR && type->count == 4 && !strncasecmp(type->as.text, "LSTM", 4))
        return FT_OK;
    *rnn = RNN_GRU;
    if (type->kind == VALUE_STR && type->count == 3 && !strncasecmp(type->as.text, "GRU", 3))
        return FT_OK;
    if (type->kind == VALUE_STR)
        return import_fail(importer, "recurrent layers of type '%.*s' are not supported",
                           type->count < 40 ? (int)type->count : 40, type->as.text);
    return import_fail(importer, "not a Flair model, or damaged: its type of recurrent layers is no string");
}

static bool is_path(const struct value *value)
{
    return value->kind == VALUE_OBJECT && !strncmp(value->as.object->class_path, "pathlib.", 8);
}

/* Path("/", "home", "x.pt") is "/home/x.pt". */
static const char *join_path(struct importer *importer, const struct value *path)
{
    char joined[4096] = "";
    size_t used = 0;
    struct value part;
    for (size_t i = 0; (part = value_argument(path, i)).kind == VALUE_STR; i++) {
        bool slash = used && joined[used - 1] != '/';
        if (part.count + used + slash >= sizeof joined)
            return NULL;
        if (slash)
            joined[used++] = '/';
        memcpy(joined + used, part.as.text, part.count);
        used += part.count;
    }
    return memchr(joined, '\0', used) ? NULL : arena_copy(importer->arena, joined, used);
}

const char *import_string(struct importer *importer, const struct value *value)
{
    if (is_path(value))
        return join_path(importer, value);
    if (value->kind != VALUE_STR || memchr(value->as.text, '\0', value->count))
        return NULL;
    return arena_copy(importer->arena, value->as.text, value->count);
}
