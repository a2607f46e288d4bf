/* torch_file.c - see torch_file.h. The containers are described in torch/serialization.py (_save, _legacy_save). */
#include "import/torch_file.h"
#include <stdlib.h>
#include <string.h>

bool torch_file_is(const char *bytes, size_t count)
{
    /* LONG1 with the magic number 0x1950a86a20f9469cfc6c, behind the pickle's own header */
    static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    if (count >= 4 && !memcmp(bytes, "PK\3\4", 4))
        return true;
    size_t from = count >= 11 && bytes[2] == '\x95' ? 11 : 2; /* PROTO n, and FRAME from protocol 4 */
    return count >= from + sizeof magic && bytes[0] == '\x80' && !memcmp(bytes + from, magic, sizeof magic - 1);
}

static ft_status fail(const struct torch_file *file, const char *what, struct ft_error *error)
{
    return ft_fail(error, FT_MODEL, "%s: damaged torch file: %s", file->path, what);
}

/* "torch.FloatStorage", "torch.cuda.HalfStorage" ...: the last part tells. */
static bool storage_dtype(const struct value *class, enum dtype *dtype)
{
    static const struct {
        const char *name;
        enum dtype dtype;
    } types[] = {{"FloatStorage", DTYPE_F32},  {"HalfStorage", DTYPE_F16},  {"BFloat16Storage", DTYPE_BF16},
                 {"DoubleStorage", DTYPE_F64}, {"LongStorage", DTYPE_I64},  {"IntStorage", DTYPE_I32},
                 {"ShortStorage", DTYPE_I16},  {"CharStorage", DTYPE_I8},   {"ByteStorage", DTYPE_U8},
                 {"BoolStorage", DTYPE_BOOL},  {"UntypedStorage", DTYPE_U8}};
    if (class->kind != VALUE_CLASS)
        return false;
    const char *dot = strrchr(class->as.text, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcmp(dot + 1, types[i].name)) {
            *dtype = types[i].dtype;
            return true;
        }
    return false;
}

static ft_status open_zip(struct torch_file *file, const char *bytes, size_t count, struct ft_error *error)
{
    ft_status status = zip_open(&file->zip, bytes, count, file->path, file->memory, error);
    if (status)
        return status;
    if (!file->zip.entry_count)
        return fail(file, "an empty zip file", error);
    const struct zip_entry *first = &file->zip.entries[0];
    const char *slash = memchr(first->name, '/', first->name_bytes);
    size_t top_bytes = slash ? (size_t)(slash - first->name) : 0;
    file->top = arena_alloc(file->memory, top_bytes + 1);
    char *name = arena_alloc(file->memory, top_bytes + sizeof "/byteorder");
    if (!file->top || !name)
        return ft_nomem(error, "a torch file");
    memcpy(file->top, first->name, top_bytes);
    memcpy(name, first->name, top_bytes);
    const char *content;
    memcpy(name + top_bytes, "/byteorder", sizeof "/byteorder");
    struct zip_entry *entry = zip_find(&file->zip, name);
    if (entry) {
        status = zip_read(&file->zip, entry, &content, error);
        if (status)
            return status;
        if (entry->size < 6 || memcmp(content, "little", 6))
            return fail(file, "it was written on a big-endian machine", error);
    }
    memcpy(name + top_bytes, "/data.pkl", sizeof "/data.pkl");
    entry = zip_find(&file->zip, name);
    if (!entry)
        return ft_fail(error, FT_MODEL, "%s: not a Flair model: the zip file holds no data.pkl", file->path);
    status = zip_read(&file->zip, entry, &content, error);
    if (status)
        return status;
    return pickle_read(&file->pickle, content, (size_t)entry->size, 0, count, file->path, "data.pkl", file->memory,
                       error);
}

/* Takes the storages that the object pickle named into a table, so that the bytes behind it can be told apart. */
static ft_status list_storages(struct torch_file *file, struct ft_error *error)
{
    const struct value list = {.kind = VALUE_LIST, .as.items = file->pickle.storages};
    size_t count = value_count(&list);
    file->storages = arena_array(file->memory, count, sizeof *file->storages);
    if (!file->storages)
        return ft_nomem(error, "a torch file's storages");
    for (size_t i = 0; i < count; i++) {
        struct value id = value_at(&list, i), class = value_at(&id, 1), key = value_at(&id, 2);
        enum dtype dtype;
        uint32_t known;
        if (key.kind != VALUE_STR || !storage_dtype(&class, &dtype))
            return fail(file, "a storage of an unknown type", error);
        if (map_get(&file->by_key, key.as.text, key.count, &known)) {
            if (dtype_bytes(file->storages[known].dtype) != dtype_bytes(dtype))
                return fail(file, "a storage of two types", error);
            continue;
        }
        struct torch_storage *storage = &file->storages[file->storage_count];
        *storage = (struct torch_storage){.key = key.as.text, .key_bytes = key.count, .dtype = dtype};
        if (!map_put(&file->by_key, key.as.text, key.count, (uint32_t)file->storage_count++))
            return ft_nomem(error, "a torch file's storages");
    }
    return FT_OK;
}

/* The bytes behind the list of keys: a 64-bit count of elements and the elements, for each key in its order. */
static ft_status place_storages(struct torch_file *file, const struct value *keys, const char *bytes, size_t count,
                                size_t at, struct ft_error *error)
{
    if (keys->kind != VALUE_LIST && keys->kind != VALUE_TUPLE)
        return fail(file, "no list of storages", error);
    for (size_t i = 0; i < value_count(keys); i++) {
        struct value key = value_at(keys, i);
        uint32_t index;
        if (key.kind != VALUE_STR || !map_get(&file->by_key, key.as.text, key.count, &index))
            return fail(file, "a storage that no tensor names", error);
        struct torch_storage *storage = &file->storages[index];
        if (count - at < 8)
            return fail(file, "it ends in the middle of its storages", error);
        uint64_t elements = 0;
        for (size_t b = 0; b < 8; b++)
            elements |= (uint64_t)(unsigned char)bytes[at + b] << (8 * b);
        at += 8;
        if (elements > (count - at) / dtype_bytes(storage->dtype))
            return fail(file, "it ends in the middle of its storages", error);
        storage->elements = (size_t)elements;
        storage->data = bytes + at;
        at += (size_t)elements * dtype_bytes(storage->dtype);
    }
    return FT_OK;
}

static ft_status open_legacy(struct torch_file *file, const char *bytes, size_t count, struct ft_error *error)
{
    size_t at = 0;
    struct pickle head;
    ft_status status;
    for (int i = 0; i < 3; i++) { /* the magic number, the protocol version, facts about the machine */
        status = pickle_read(&head, bytes + at, count - at, at, count / 8, file->path, NULL, file->memory, error);
        if (status)
            return status;
        at += head.consumed;
        struct value little = value_get(&head.root, "little_endian", NULL);
        bool big = little.kind == VALUE_BOOL && !little.as.integer;
        pickle_release(&head);
        if (big)
            return fail(file, "it was written on a big-endian machine", error);
    }
    status = pickle_read(&file->pickle, bytes + at, count - at, at, count, file->path, NULL, file->memory, error);
    if (status)
        return status;
    at += file->pickle.consumed;
    status = list_storages(file, error);
    if (status)
        return status;
    status = pickle_read(&head, bytes + at, count - at, at, count / 8, file->path, NULL, file->memory, error);
    if (status)
        return status;
    status = place_storages(file, &head.root, bytes, count, at + head.consumed, error);
    pickle_release(&head);
    return status;
}

ft_status torch_file_open(struct torch_file *file, const char *bytes, size_t count, const char *path,
                          struct arena *memory, struct ft_error *error)
{
    *file = (struct torch_file){.path = path, .memory = memory};
    map_init(&file->by_key);
    file->is_zip = count >= 4 && !memcmp(bytes, "PK\3\4", 4);
    ft_status status = file->is_zip ? open_zip(file, bytes, count, error) : open_legacy(file, bytes, count, error);
    if (status)
        torch_file_release(file);
    return status;
}

void torch_file_release(struct torch_file *file)
{
    pickle_release(&file->pickle);
    zip_release(&file->zip);
    map_release(&file->by_key);
}

static ft_status storage_of_zip(struct torch_file *file, const struct value *key, const char **data, size_t *bytes,
                                struct ft_error *error)
{
    size_t top = strlen(file->top);
    char name[600];
    if (key->count > 64 || top > 500)
        return fail(file, "the name of a storage is too long", error);
    memcpy(name, file->top, top);
    memcpy(name + top, "/data/", 6);
    memcpy(name + top + 6, key->as.text, key->count);
    name[top + 6 + key->count] = '\0';
    struct zip_entry *entry = zip_find(&file->zip, name);
    if (!entry)
        return ft_fail(error, FT_MODEL, "%s: damaged torch file: '%s' is missing", file->path, name);
    *bytes = (size_t)entry->size;
    return zip_read(&file->zip, entry, data, error);
}

/* A storage by its persistent id: ("storage", class, key, location, elements [, view]). */
static ft_status find_storage(struct torch_file *file, const struct value *id, const char **data, size_t *elements,
                              enum dtype *dtype, struct ft_error *error)
{
    struct value class = value_at(id, 1), key = value_at(id, 2), declared = value_at(id, 4), view = value_at(id, 5);
    size_t wanted;
    if (id->kind != VALUE_STORAGE || key.kind != VALUE_STR || !storage_dtype(&class, dtype) ||
        !value_size(&declared, SIZE_MAX / 16, &wanted))
        return fail(file, "a storage of an unknown type", error);
    if (file->is_zip) {
        size_t bytes = 0;
        ft_status status = storage_of_zip(file, &key, data, &bytes, error);
        if (status)
            return status;
        *elements = bytes / dtype_bytes(*dtype);
    } else {
        uint32_t index;
        if (!map_get(&file->by_key, key.as.text, key.count, &index) || !file->storages[index].data)
            return fail(file, "a storage is missing", error);
        *data = file->storages[index].data;
        *elements = file->storages[index].elements;
    }
    if (wanted > *elements)
        return fail(file, "a storage is smaller than its tensors say", error);
    if (view.kind == VALUE_TUPLE) { /* (key, offset, elements): a slice of the storage */
        struct value from = value_at(&view, 1), length = value_at(&view, 2);
        size_t offset, count;
        if (!value_size(&from, *elements, &offset) || !value_size(&length, *elements - offset, &count))
            return fail(file, "a view lies outside its storage", error);
        *data += offset * dtype_bytes(*dtype);
        *elements = count;
    }
    return FT_OK;
}

bool torch_view(struct tensor *tensor, const void *data, size_t elements, enum dtype dtype, size_t offset, int rank,
                const size_t *shape, const int64_t *strides)
{
    *tensor = (struct tensor){.dtype = dtype, .rank = rank};
    size_t last = 0, product = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++)
        empty |= shape[i] == 0;
    for (int i = rank - 1; i >= 0; i--) {
        tensor->shape[i] = shape[i];
        if (!strides && product > SIZE_MAX / 2)
            return false;
        int64_t stride = strides ? strides[i] : (int64_t)product;
        tensor->stride[i] = stride;
        if (stride < 0)
            return false;
        if (empty)
            continue;
        if (!strides && product > elements / shape[i])
            return false; /* also keeps the product from running over */
        product *= strides ? 1 : shape[i];
        /* last element so far: must stay below `elements` at each step */
        if (stride && (shape[i] - 1) > (elements - last) / (uint64_t)stride)
            return false;
        last += (shape[i] - 1) * (size_t)stride;
    }
    if (offset > elements || (!empty && last >= elements - offset))
        return false;
    /* A view may repeat elements (stride 0), but not without end. */
    size_t total = 1;
    for (int i = 0; i < rank && !empty; i++) {
        if (total > elements / shape[i])
            return false;
        total *= shape[i];
    }
    tensor->data = (const char *)data + offset * dtype_bytes(dtype);
    return true;
}

static const char *const tensor_makers[] = {"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"};
static const char *const wrappers[] = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"};

/* Reads a tuple of at most four numbers. */
static bool read_numbers(const struct value *tuple, size_t *numbers, int *rank)
{
    if ((tuple->kind != VALUE_TUPLE && tuple->kind != VALUE_LIST) || value_count(tuple) > 4)
        return false;
    *rank = (int)value_count(tuple);
    for (int i = 0; i < *rank; i++) {
        struct value number = value_at(tuple, (size_t)i);
        if (!value_size(&number, INT64_MAX, &numbers[i]))
            return false;
    }
    return true;
}

ft_status torch_tensor(struct torch_file *file, const struct value *value, const char *name, struct tensor *tensor,
                       struct ft_error *error)
{
    struct value call = *value, args = {.kind = VALUE_NONE};
    for (int depth = 0; depth < 4 && (value_made_by(&call, wrappers[0]) || value_made_by(&call, wrappers[1])); depth++)
        call = value_argument(&call, 0);
    if (value_made_by(&call, "torch._tensor._rebuild_from_type_v2")) {
        /* (function, type, arguments, state): a tensor that carries attributes */
        struct value function = value_argument(&call, 0);
        args = value_argument(&call, 2);
        if (function.kind != VALUE_CLASS || strcmp(function.as.text, tensor_makers[0]))
            args.kind = VALUE_NONE;
    } else if ((value_made_by(&call, tensor_makers[0]) || value_made_by(&call, tensor_makers[1])) &&
               call.as.object->args)
        args = (struct value){.kind = VALUE_TUPLE, .as.items = call.as.object->args};
    if (args.kind != VALUE_TUPLE)
        return ft_fail(error, FT_MODEL, "%s: '%s' is not a tensor of a kind that can be read", file->path, name);
    struct value storage = value_at(&args, 0), from = value_at(&args, 1), size = value_at(&args, 2),
                 step = value_at(&args, 3);
    size_t offset, shape[4], steps[4], elements = 0;
    int rank, step_count;
    if (!value_size(&from, SIZE_MAX / 16, &offset) || !read_numbers(&size, shape, &rank) ||
        !read_numbers(&step, steps, &step_count) || rank != step_count)
        return ft_fail(error, FT_MODEL, "%s: '%s' has a shape that cannot be read", file->path, name);
    const char *data;
    enum dtype dtype;
    ft_status status = find_storage(file, &storage, &data, &elements, &dtype, error);
    if (status)
        return status;
    int64_t strides[4];
    for (int i = 0; i < rank; i++)
        strides[i] = (int64_t)steps[i];
    if (!torch_view(tensor, data, elements, dtype, offset, rank, shape, strides))
        return ft_fail(error, FT_MODEL, "%s: '%s' lies outside its storage", file->path, name);
    return FT_OK;
}
