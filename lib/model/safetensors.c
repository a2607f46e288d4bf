/* safetensors.c - opens the files; see safetensors.h. The header's JSON has one fixed form, three levels deep, so a
 * reader of just that form stands here: it knows the byte of every error, takes sizes as 64-bit integers and cannot
 * recurse. */
#include "model/safetensors.h"
#include "base/map.h"
#include "base/sort.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the reference implementation bounds it. */
static const uint64_t LARGEST_HEADER = 100000000;
enum { LENGTH_BYTES = 8, HUGE_PAGE = 2 << 20, MOST_ENTRIES = 1 << 14 };

struct member {
    const char *name;
    struct tensor tensor;
    size_t begin, end; /* data_offsets */
};

struct safetensors {
    char *path;
    void *map;
    size_t map_bytes;
    struct arena arena;
    struct member *members;
    size_t count, room;
    struct map names;    /* name -> index in members */
    struct map metadata; /* key -> index in values */
    const char **values;
    size_t value_count, value_room;
};

/* A position in the header. */
struct header {
    struct safetensors *file;
    const char *start, *at, *end;
    struct ft_error *error;
};

static ft_status damaged(const struct header *header, const char *what)
{
    return ft_fail(header->error, FT_MODEL, "%s: damaged safetensors header at byte %zu: %s", header->file->path,
                   LENGTH_BYTES + (size_t)(header->at - header->start), what);
}

static void skip_blanks(struct header *header)
{
    while (header->at < header->end && strchr(" \t\r\n", *header->at) && *header->at)
        header->at++;
}

/* True and past it when the next character is c. */
static bool take(struct header *header, char c)
{
    skip_blanks(header);
    if (header->at == header->end || *header->at != c)
        return false;
    header->at++;
    return true;
}

static ft_status expect(struct header *header, char c)
{
    char what[] = "expected ' '";
    what[10] = c;
    return take(header, c) ? FT_OK : damaged(header, what);
}

static bool hex4(const char *at, const char *end, uint32_t *value)
{
    *value = 0;
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
        *value = *value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* What stands behind a backslash, as UTF-8; returns its length, 0 when it is no escape (or a NUL). */
static size_t unescape(struct header *header, char out[4])
{
    static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (header->at == header->end)
        return 0;
    char c = *header->at++;
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        out[0] = meaning[letter - letters];
        return 1;
    }
    uint32_t unit, low;
    if (c != 'u' || !hex4(header->at, header->end, &unit) || unit == 0)
        return 0;
    header->at += 4;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (header->end - header->at < 6 || header->at[0] != '\\' || header->at[1] != 'u' ||
            !hex4(header->at + 2, header->end, &low) || low < 0xdc00 || low > 0xdfff)
            return 0;
        header->at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit >= 0xdc00 && unit < 0xe000) {
        return 0;
    }
    return utf8_encode(unit, out);
}

/* A JSON string, NUL-terminated in the file's arena. A NUL inside is refused: names and values are C strings here. */
static ft_status read_string(struct header *header, const char **text)
{
    if (!take(header, '"'))
        return damaged(header, "expected a string");
    const char *start = header->at, *close = start;
    while (close < header->end && *close != '"')
        close += *close == '\\' && close + 1 < header->end ? 2 : 1;
    if (close >= header->end)
        return damaged(header, "a string without end");
    char *out = arena_alloc(&header->file->arena, (size_t)(close - start) + 1); /* escapes only shrink */
    if (!out)
        return ft_nomem(header->error, "the model's header");
    *text = out;
    while (header->at < close) {
        if ((unsigned char)*header->at < 0x20)
            return damaged(header, "a control character in a string");
        if (*header->at != '\\') {
            *out++ = *header->at++;
            continue;
        }
        char piece[4];
        header->at++;
        size_t bytes = unescape(header, piece);
        if (!bytes)
            return damaged(header, "no valid escape sequence");
        memcpy(out, piece, bytes);
        out += bytes;
    }
    header->at = close + 1;
    return FT_OK;
}

static ft_status read_size(struct header *header, size_t *value)
{
    skip_blanks(header);
    const char *start = header->at;
    *value = 0;
    while (header->at < header->end && *header->at >= '0' && *header->at <= '9')
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (size_t)(*header->at++ - '0'), value))
            return damaged(header, "a number beyond 64 bits");
    if (header->at == start)
        return damaged(header, "expected a whole number");
    if (*start == '0' && header->at - start > 1)
        return damaged(header, "a number with a leading zero");
    return FT_OK;
}

static ft_status read_sizes(struct header *header, size_t *list, size_t room, size_t *count)
{
    ft_status status = expect(header, '[');
    *count = 0;
    if (status != FT_OK || take(header, ']'))
        return status;
    do {
        if (*count == room)
            return damaged(header, room == 4 ? "more than 4 dimensions" : "more than two offsets");
        if ((status = read_size(header, &list[(*count)++])) != FT_OK)
            return status;
    } while (take(header, ','));
    return expect(header, ']');
}

static ft_status read_dtype(struct header *header, enum dtype *dtype)
{
    const char *name;
    ft_status status = read_string(header, &name);
    if (status != FT_OK)
        return status;
    for (int type = DTYPE_F32; type <= DTYPE_I64; type++)
        if (!strcmp(name, dtype_name((enum dtype)type))) {
            *dtype = (enum dtype)type;
            return FT_OK;
        }
    return ft_fail(header->error, FT_MODEL, "%s: unknown element type '%s' in the safetensors header at byte %zu",
                   header->file->path, name, LENGTH_BYTES + (size_t)(header->at - header->start));
}

/* The size in bytes that the shape asks for, and the strides. False when it is beyond what 63 bits count. */
static bool lay_out(struct tensor *tensor, size_t *bytes)
{
    size_t stride = 1;
    bool empty = false;
    for (int d = tensor->rank; d-- > 0;) {
        tensor->stride[d] = (int64_t)stride;
        empty |= !tensor->shape[d];
        if (__builtin_mul_overflow(stride, tensor->shape[d] ? tensor->shape[d] : 1, &stride) || stride > INT64_MAX / 8)
            return false;
    }
    *bytes = empty ? 0 : stride * dtype_bytes(tensor->dtype);
    return true;
}

/* {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} in any order. */
static ft_status read_member(struct header *header, struct member *member)
{
    enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4 };
    int seen = 0;
    ft_status status = expect(header, '{');
    if (status != FT_OK)
        return status;
    do {
        const char *key;
        size_t count, offsets[2];
        if ((status = read_string(header, &key)) != FT_OK || (status = expect(header, ':')) != FT_OK)
            return status;
        int what = !strcmp(key, "dtype")          ? HAS_DTYPE
                   : !strcmp(key, "shape")        ? HAS_SHAPE
                   : !strcmp(key, "data_offsets") ? HAS_OFFSETS
                                                  : 0;
        if (!what || seen & what)
            return damaged(header, what ? "a key twice" : "a key other than dtype, shape and data_offsets");
        seen |= what;
        if (what == HAS_DTYPE) {
            status = read_dtype(header, &member->tensor.dtype);
        } else if (what == HAS_SHAPE) {
            status = read_sizes(header, member->tensor.shape, 4, &count);
            member->tensor.rank = (int)count;
        } else if ((status = read_sizes(header, offsets, 2, &count)) == FT_OK) {
            if (count != 2)
                return damaged(header, "expected two offsets");
            member->begin = offsets[0];
            member->end = offsets[1];
        }
        if (status != FT_OK)
            return status;
    } while (take(header, ','));
    if (seen != (HAS_DTYPE | HAS_SHAPE | HAS_OFFSETS))
        return damaged(header, "a tensor without dtype, shape or data_offsets");
    return expect(header, '}');
}

/* Doubles an array that is full. */
static bool make_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 64;
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    if (!(grown = reallocarray(old, wanted, size)))
        return false;
    memcpy(array, &grown, sizeof grown);
    *room = wanted;
    return true;
}

static ft_status read_metadata(struct header *header)
{
    struct safetensors *file = header->file;
    ft_status status = expect(header, '{');
    if (status != FT_OK || take(header, '}'))
        return status;
    do {
        const char *key, *value;
        if ((status = read_string(header, &key)) != FT_OK || (status = expect(header, ':')) != FT_OK ||
            (status = read_string(header, &value)) != FT_OK)
            return status;
        if (map_get(&file->metadata, key, strlen(key), NULL))
            return damaged(header, "a key twice in __metadata__");
        if (file->value_count == MOST_ENTRIES)
            return damaged(header, "more metadata than any model has");
        if (!make_room(&file->values, file->value_count, &file->value_room, sizeof *file->values) ||
            !map_put(&file->metadata, key, strlen(key), (uint32_t)file->value_count))
            return ft_nomem(header->error, "the model's header");
        file->values[file->value_count++] = value;
    } while (take(header, ','));
    return expect(header, '}');
}

static ft_status read_members(struct header *header)
{
    struct safetensors *file = header->file;
    bool metadata_seen = false;
    ft_status status = expect(header, '{');
    if (status != FT_OK)
        return status;
    if (!take(header, '}')) {
        do {
            const char *name;
            if ((status = read_string(header, &name)) != FT_OK || (status = expect(header, ':')) != FT_OK)
                return status;
            bool is_metadata = !strcmp(name, "__metadata__");
            if (is_metadata ? metadata_seen : map_get(&file->names, name, strlen(name), NULL))
                return damaged(header, "a name twice");
            if (is_metadata) {
                metadata_seen = true;
                status = read_metadata(header);
            } else {
                if (file->count == MOST_ENTRIES)
                    return damaged(header, "more tensors than any model has");
                struct member member = {.name = name};
                status = read_member(header, &member);
                if (status == FT_OK && (!make_room(&file->members, file->count, &file->room, sizeof *file->members) ||
                                        !map_put(&file->names, name, strlen(name), (uint32_t)file->count)))
                    return ft_nomem(header->error, "the model's header");
                if (status == FT_OK)
                    file->members[file->count++] = member;
            }
            if (status != FT_OK)
                return status;
        } while (take(header, ','));
        if ((status = expect(header, '}')) != FT_OK)
            return status;
    }
    skip_blanks(header);
    return header->at == header->end ? FT_OK : damaged(header, "something behind the last brace");
}

static int by_offset(const void *left, const void *right)
{
    const struct member *a = *(const struct member *const *)left, *b = *(const struct member *const *)right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

/* Every tensor has the bytes its shape asks for; together they fill the data exactly. */
static ft_status place_members(struct safetensors *file, const char *data, size_t data_bytes, struct ft_error *error)
{
    const struct member **order = calloc(file->count + 1, sizeof *order);
    if (!order)
        return ft_nomem(error, "the model's header");
    ft_status status = FT_OK;
    for (size_t i = 0; i < file->count && status == FT_OK; i++) {
        struct member *member = &file->members[i];
        size_t bytes;
        order[i] = member;
        if (member->begin > member->end || member->end > data_bytes)
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' lies at bytes %zu to %zu of %zu (is the file cut off?)",
                             file->path, member->name, member->begin, member->end, data_bytes);
        else if (!lay_out(&member->tensor, &bytes))
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' has a shape beyond any file", file->path, member->name);
        else if (bytes != member->end - member->begin)
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' has %zu bytes where its shape needs %zu", file->path,
                             member->name, member->end - member->begin, bytes);
        else
            member->tensor.data = data + member->begin;
    }
    size_t filled = 0;
    if (status == FT_OK)
        sort_in_place(order, file->count, sizeof *order, by_offset);
    for (size_t i = 0; i < file->count && status == FT_OK; filled = order[i++]->end)
        if (order[i]->begin != filled)
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' starts at byte %zu, but the one before it ends at %zu",
                             file->path, order[i]->name, order[i]->begin, filled);
    if (status == FT_OK && filled != data_bytes)
        status = ft_fail(error, FT_MODEL, "%s: %zu bytes of tensors where the header names %zu", file->path, data_bytes,
                         filled);
    free(order);
    return status;
}

static ft_status map_file(struct safetensors *file, struct ft_error *error)
{
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    ft_status status = FT_OK;
    if (descriptor < 0)
        return ft_fail(error, FT_MODEL, "%s: cannot open: %s", file->path, strerror(errno));
    if (fstat(descriptor, &about))
        status = ft_fail(error, FT_MODEL, "%s: cannot read: %s", file->path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        status = ft_fail(error, FT_MODEL, "%s: not a regular file", file->path);
    else if (about.st_size < LENGTH_BYTES)
        status = ft_fail(error, FT_MODEL, "%s: not a safetensors file: only %lld bytes long", file->path,
                         (long long)about.st_size);
    if (status == FT_OK) {
        void *map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
        if (map == MAP_FAILED) {
            status = ft_fail(error, errno == ENOMEM ? FT_NOMEM : FT_MODEL, "%s: cannot map: %s", file->path,
                             strerror(errno));
        } else {
            file->map = map;
            file->map_bytes = (size_t)about.st_size;
        }
    }
    close(descriptor);
    return status;
}

static uint64_t header_length(const void *bytes)
{
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    return length;
}

bool safetensors_is(const void *head, size_t bytes)
{
    return bytes > LENGTH_BYTES && ((const char *)head)[LENGTH_BYTES] == '{' && header_length(head) <= LARGEST_HEADER;
}

static ft_status read_header(struct safetensors *file, struct ft_error *error)
{
    const char *bytes = file->map;
    uint64_t length = header_length(bytes);
    if (length > LARGEST_HEADER || (length && file->map_bytes > LENGTH_BYTES && bytes[LENGTH_BYTES] != '{'))
        return ft_fail(error, FT_MODEL, "%s: not a safetensors file", file->path);
    if (length > file->map_bytes - LENGTH_BYTES)
        return ft_fail(error, FT_MODEL, "%s: a header of %llu bytes in a file of %zu (is the file cut off?)",
                       file->path, (unsigned long long)length, file->map_bytes);
    struct header header = {.file = file,
                            .start = bytes + LENGTH_BYTES,
                            .at = bytes + LENGTH_BYTES,
                            .end = bytes + LENGTH_BYTES + length,
                            .error = error};
    size_t bad;
    if (!utf8_valid(header.start, (size_t)length, &bad)) {
        header.at += bad;
        return damaged(&header, "not UTF-8");
    }
    ft_status status = read_members(&header);
    size_t data_bytes = file->map_bytes - LENGTH_BYTES - (size_t)length;
    return status != FT_OK ? status : place_members(file, header.end, data_bytes, error);
}

ft_status safetensors_open(const char *path, struct safetensors **out, struct ft_error *error)
{
    *out = NULL;
    struct safetensors *file = calloc(1, sizeof *file);
    if (!file || !(file->path = strdup(path))) {
        free(file);
        return ft_nomem(error, "the model's header");
    }
    arena_init(&file->arena);
    map_init(&file->names);
    map_init(&file->metadata);
    ft_status status = map_file(file, error);
    if (status == FT_OK)
        status = read_header(file, error);
    if (status == FT_OK)
        *out = file;
    else
        safetensors_close(file);
    return status;
}

void safetensors_close(struct safetensors *file)
{
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->map_bytes);
    map_release(&file->names);
    map_release(&file->metadata);
    arena_release(&file->arena);
    free(file->members);
    free(file->values);
    free(file->path);
    free(file);
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    uint32_t index;
    return map_get(&file->names, name, strlen(name), &index) ? &file->members[index].tensor : NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    uint32_t index;
    return map_get(&file->metadata, key, strlen(key), &index) ? file->values[index] : NULL;
}

void safetensors_wish(const struct safetensors *file)
{
    if (file->map_bytes >= HUGE_PAGE)
        madvise(file->map, file->map_bytes, MADV_HUGEPAGE);
}

const char *safetensors_path(const struct safetensors *file)
{
    return file->path;
}

size_t safetensors_bytes(const struct safetensors *file)
{
    return file->map_bytes;
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const char *safetensors_name(const struct safetensors *file, size_t index)
{
    return file->members[index].name;
}

const struct tensor *safetensors_tensor(const struct safetensors *file, size_t index)
{
    return &file->members[index].tensor;
}
