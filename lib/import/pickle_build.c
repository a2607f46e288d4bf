/* pickle_build.c - how the pickle machine makes its values, and what it charges for them.
 *
 * Every allocation is taken off a budget that follows from the stream's size, so that a small file cannot ask for
 * much memory however it is written. Of all functions that a pickle may call, only those whose result is plain data
 * are understood (OrderedDict, defaultdict, set, _codecs.encode ...); every other call becomes an object that
 * remembers what was called with what. */
#include "import/pickle_machine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ft_status machine_fail(struct machine *machine, const char *what)
{
    if (machine->part)
        return ft_fail(machine->error, FT_MODEL, "%s: not a model, or damaged: %s in %s at byte %zu", machine->path,
                       what, machine->part, machine->opcode_at);
    return ft_fail(machine->error, FT_MODEL, "%s: not a model, or damaged: %s at byte %zu", machine->path, what,
                   machine->offset + machine->opcode_at);
}

bool machine_spend(struct machine *machine, size_t bytes)
{
    if (bytes > machine->budget) {
        machine_fail(machine, "the pickle asks for far more memory than its size explains");
        return false;
    }
    machine->budget -= bytes;
    return true;
}

ft_status machine_nomem(struct machine *machine)
{
    machine->no_memory = true;
    return ft_nomem(machine->error, "a model's pickle");
}

void *machine_alloc(struct machine *machine, size_t bytes)
{
    if (!machine_spend(machine, bytes))
        return NULL;
    void *at = arena_alloc(&machine->pickle->arena, bytes);
    if (!at)
        machine_nomem(machine);
    return at;
}

ft_status machine_push(struct machine *machine, struct value value)
{
    if (machine->depth == machine->stack_capacity) {
        size_t capacity = machine->stack_capacity ? machine->stack_capacity * 2 : 1024;
        if (!machine_spend(machine, (capacity - machine->stack_capacity) * sizeof value))
            return FT_MODEL;
        struct value *grown = realloc(machine->stack, capacity * sizeof value);
        if (!grown)
            return machine_nomem(machine);
        machine->stack = grown;
        machine->stack_capacity = capacity;
    }
    machine->stack[machine->depth++] = value;
    return FT_OK;
}

struct value_items *machine_items(struct machine *machine, const struct value *values, size_t count)
{
    struct value_items *items = machine_alloc(machine, sizeof *items + count * sizeof *values);
    if (!items)
        return NULL;
    items->at = count ? (struct value *)(items + 1) : NULL;
    items->count = items->capacity = (uint32_t)count;
    if (count)
        memcpy(items->at, values, count * sizeof *values);
    return items;
}

/* The first filling is taken from the arena at its exact size (most dicts are filled once); later ones double on the
 * heap. */
static ft_status reserve(struct machine *machine, struct value_items *items, size_t more)
{
    size_t need = items->count + more;
    if (need <= items->capacity)
        return FT_OK;
    if (need > UINT32_MAX / 2)
        return machine_fail(machine, "a container of more than 2^31 entries");
    if (!items->capacity) {
        items->at = machine_alloc(machine, need * sizeof *items->at);
        if (!items->at)
            return FT_MODEL;
        items->capacity = (uint32_t)need;
        return FT_OK;
    }
    size_t capacity = items->capacity * (size_t)2;
    if (capacity < need)
        capacity = need;
    if (!machine_spend(machine, (capacity - items->capacity) * sizeof *items->at))
        return FT_MODEL;
    struct value *grown = realloc(items->on_heap ? items->at : NULL, capacity * sizeof *grown);
    if (!grown)
        return machine_nomem(machine);
    if (!items->on_heap) {
        memcpy(grown, items->at, items->count * sizeof *grown);
        items->on_heap = true;
        items->next_heap = machine->pickle->heap;
        machine->pickle->heap = items;
    }
    items->at = grown;
    items->capacity = (uint32_t)capacity;
    return FT_OK;
}

static ft_status add(struct machine *machine, struct value_items *items, const struct value *values, size_t count)
{
    ft_status status = reserve(machine, items, count);
    if (!status && count) {
        memcpy(items->at + items->count, values, count * sizeof *values);
        items->count += (uint32_t)count;
    }
    return status;
}

static bool hashable(const struct value *value)
{
    return value->kind != VALUE_LIST && value->kind != VALUE_DICT && value->kind != VALUE_SET;
}

/* The items of a subclass of list or dict, made when the first one comes. */
static struct value_items *own_items(struct machine *machine, struct value_items **items)
{
    if (!*items)
        *items = machine_items(machine, NULL, 0);
    return *items;
}

ft_status machine_append(struct machine *machine, struct value *container, const struct value *values, size_t count)
{
    struct value_items *items = NULL;
    if (container->kind == VALUE_LIST || container->kind == VALUE_SET)
        items = container->as.items;
    else if (container->kind == VALUE_OBJECT) {
        items = own_items(machine, &container->as.object->list);
        if (!items)
            return FT_MODEL;
    } else
        return machine_fail(machine, "items added to what is no list");
    if (container->kind == VALUE_SET)
        for (size_t i = 0; i < count; i++)
            if (!hashable(&values[i]))
                return machine_fail(machine, "an unhashable member of a set");
    return add(machine, items, values, count);
}

ft_status machine_set(struct machine *machine, struct value *container, const struct value *pairs, size_t count)
{
    if (count % 2)
        return machine_fail(machine, "an odd number of keys and values");
    for (size_t i = 0; i < count; i += 2)
        if (!hashable(&pairs[i]))
            return machine_fail(machine, "an unhashable key");
    if (container->kind == VALUE_DICT)
        return add(machine, container->as.items, pairs, count);
    if (container->kind != VALUE_OBJECT)
        return machine_fail(machine, "entries added to what is no dict");
    struct value_items *items = own_items(machine, &container->as.object->dict);
    return items ? add(machine, items, pairs, count) : FT_MODEL;
}

ft_status machine_build(struct machine *machine, struct value *object, struct value state)
{
    if (object->kind == VALUE_OBJECT)
        object->as.object->state = state;
    else if (object->kind != VALUE_DICT && object->kind != VALUE_SET && object->kind != VALUE_LIST)
        return machine_fail(machine, "state given to what is no object"); /* (an OrderedDict's metadata is dropped) */
    return FT_OK;
}

ft_status machine_class(struct machine *machine, const char *module, size_t module_bytes, const char *name,
                        size_t name_bytes, struct value *result)
{
    if (!pickle_class_allowed(module, module_bytes, name, name_bytes)) {
        int m = module_bytes < 100 ? (int)module_bytes : 100, n = name_bytes < 100 ? (int)name_bytes : 100;
        char what[300];
        snprintf(what, sizeof what, "%.*s.%.*s", m, module, n, name);
        if (machine->part)
            return ft_fail(machine->error, FT_MODEL,
                           "%s: not a Flair model: unknown class '%s' in %s at byte %zu (nothing was executed)",
                           machine->path, what, machine->part, machine->opcode_at);
        return ft_fail(machine->error, FT_MODEL,
                       "%s: not a Flair model: unknown class '%s' at byte %zu (nothing was executed)", machine->path,
                       what, machine->offset + machine->opcode_at);
    }
    size_t bytes = module_bytes + 1 + name_bytes + 1;
    char *path = machine_alloc(machine, bytes);
    if (!path)
        return FT_MODEL;
    memcpy(path, module, module_bytes);
    path[module_bytes] = '.';
    memcpy(path + module_bytes + 1, name, name_bytes);
    *result = (struct value){.kind = VALUE_CLASS, .as.text = path};
    return FT_OK;
}

static ft_status new_container(struct machine *machine, enum value_kind kind, struct value *result)
{
    struct value_items *items = machine_items(machine, NULL, 0);
    if (!items)
        return FT_MODEL;
    *result = (struct value){.kind = kind, .as.items = items};
    return FT_OK;
}

static ft_status new_object(struct machine *machine, const char *class_path, const struct value *args,
                            struct value *result)
{
    struct value_object *object = machine_alloc(machine, sizeof *object);
    if (!object)
        return FT_MODEL;
    object->class_path = class_path;
    if (args->kind == VALUE_TUPLE && args->as.items->count)
        object->args = args->as.items;
    *result = (struct value){.kind = VALUE_OBJECT, .as.object = object};
    return FT_OK;
}

/* OrderedDict and dict may be called with a list of pairs, as protocol 2 writes them. */
static ft_status dict_of_pairs(struct machine *machine, struct value list, struct value *result)
{
    ft_status status = new_container(machine, VALUE_DICT, result);
    for (size_t i = 0; !status && i < value_count(&list); i++) {
        struct value pair = value_at(&list, i);
        if (value_count(&pair) != 2 || (pair.kind != VALUE_LIST && pair.kind != VALUE_TUPLE))
            return machine_fail(machine, "a dict made of what are no pairs");
        status = machine_set(machine, result, pair.as.items->at, 2);
    }
    return status;
}

static ft_status set_of(struct machine *machine, struct value list, struct value *result)
{
    ft_status status = new_container(machine, VALUE_SET, result);
    if (!status && (list.kind == VALUE_LIST || list.kind == VALUE_TUPLE))
        status = machine_append(machine, result, list.as.items->at, list.as.items->count);
    return status;
}

static bool is_function(const char *path, const char *module, const char *name)
{
    size_t length = strlen(module);
    return !strncmp(path, module, length) && path[length] == '.' && !strcmp(path + length + 1, name);
}

static bool is_builtin(const char *path, const char *name)
{
    return is_function(path, "builtins", name) || is_function(path, "__builtin__", name);
}

ft_status machine_new(struct machine *machine, const struct value *class, const struct value *args,
                      struct value *result)
{
    if (class->kind != VALUE_CLASS)
        return machine_fail(machine, "an object of what is no class");
    const char *path = class->as.text;
    if (!strcmp(path, "collections.OrderedDict") || !strcmp(path, "collections.defaultdict") ||
        is_builtin(path, "dict"))
        return new_container(machine, VALUE_DICT, result);
    return new_object(machine, path, args, result);
}

ft_status machine_reduce(struct machine *machine, const struct value *function, const struct value *args,
                         struct value *result)
{
    if (args->kind != VALUE_TUPLE)
        return machine_fail(machine, "a call without a tuple of arguments");
    if (function->kind == VALUE_OBJECT) /* what a getattr gave, say */
        return new_object(machine, function->as.object->class_path, args, result);
    if (function->kind != VALUE_CLASS)
        return machine_fail(machine, "a call of what is no function");
    const char *path = function->as.text;
    struct value first = value_at(args, 0);
    if (!strcmp(path, "collections.OrderedDict") || is_builtin(path, "dict"))
        return dict_of_pairs(machine, first, result);
    if (!strcmp(path, "collections.defaultdict"))
        return new_container(machine, VALUE_DICT, result);
    if (is_builtin(path, "set") || is_builtin(path, "frozenset"))
        return set_of(machine, first, result);
    if (!strcmp(path, "_codecs.encode") && first.kind == VALUE_STR)
        return machine_latin1(machine, &first, result);
    if (is_builtin(path, "bytearray") || is_builtin(path, "bytes")) {
        *result = (struct value){.kind = VALUE_BYTES, .as.text = ""};
        if (first.kind == VALUE_STR)
            return machine_latin1(machine, &first, result);
        if (first.kind == VALUE_BYTES)
            *result = first;
        return FT_OK;
    }
    if (is_function(path, "copyreg", "_reconstructor") || is_function(path, "copy_reg", "_reconstructor") ||
        !strcmp(path, "copyreg.__newobj__")) {
        if (first.kind == VALUE_CLASS)
            return machine_new(machine, &first, &(struct value){.kind = VALUE_NONE}, result);
        return machine_fail(machine, "an object of what is no class");
    }
    return new_object(machine, path, args, result);
}

ft_status machine_persistent(struct machine *machine, const struct value *id, struct value *result)
{
    if (id->kind != VALUE_TUPLE)
        return machine_fail(machine, "a persistent id that is no tuple");
    struct value what = value_at(id, 0), class = value_at(id, 1);
    if (value_is_str(&what, "module") && class.kind == VALUE_CLASS) {
        *result = class; /* a class with its source text, as torch up to 1.5 writes it */
        return FT_OK;
    }
    if (!value_is_str(&what, "storage") || class.kind != VALUE_CLASS)
        return machine_fail(machine, "an unknown persistent id");
    *result = (struct value){.kind = VALUE_STORAGE, .as.items = id->as.items};
    struct value list = {.kind = VALUE_LIST, .as.items = machine->pickle->storages};
    return machine_append(machine, &list, result, 1);
}
