/* words.c - see words.h. */
#include "model/words.h"
#include "base/map.h"
#include "base/utf8.h"
#include "kernels/half.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const words_type_names[WORDS_TYPES] = {"f32", "f16", "int8"};

static const char *const tensor_names[WORDS_TENSORS] = {"vectors", "text", "offsets", "index", "scale"};
static const enum dtype row_types[WORDS_TYPES] = {DTYPE_F32, DTYPE_F16, DTYPE_I8};

enum { STACK_BYTES = 512 }; /* longer tokens are lowered on the heap */

/* Everything read from the file is checked here, at the last moment: a full check at
 * opening would touch every page of it. */
size_t words_find(const struct words *words, const char *text, size_t bytes)
{
    size_t mask = words->slot_count - 1, slot = map_hash(text, bytes) & mask;
    for (size_t tried = 0; tried <= mask; tried++, slot = (slot + 1) & mask) {
        int32_t word = words->slots[slot];
        if (word < 0)
            break;
        if ((size_t)word >= words->count)
            continue;
        int32_t begin = words->offsets[word], end = words->offsets[word + 1];
        if (begin >= 0 && end >= begin && (size_t)end <= words->text_bytes && (size_t)(end - begin) == bytes &&
            !memcmp(words->text + begin, text, bytes))
            return (size_t)word;
    }
    return words->count;
}

/* Puts `digit` in the place of every decimal digit, in place (an encoded digit is never shorter); returns the new
 * length. */
static size_t replace_digits(char *text, size_t bytes, char digit)
{
    size_t written = 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t c;
        length = utf8_decode(text + at, bytes - at, &c);
        if (!length)
            break;
        if (unicode_is_decimal(c)) {
            text[written++] = digit;
        } else {
            memmove(text + written, text + at, length);
            written += length;
        }
    }
    return written;
}

size_t words_row(const struct words *words, const char *text, size_t bytes)
{
    size_t row = words_find(words, text, bytes);
    if (row < words->count)
        return row;
    /* 3 * bytes + 1 always suffices for the lower case; the second half keeps it while the first loses its digits */
    char stack[2 * STACK_BYTES], *lower = stack;
    size_t room = STACK_BYTES;
    if (bytes > (STACK_BYTES - 1) / 3) {
        room = 3 * bytes + 1;
        if (bytes > SIZE_MAX / 8 || !(lower = malloc(2 * room)))
            return SIZE_MAX;
    }
    size_t lower_bytes = utf8_lower(text, bytes, lower, room);
    row = words_find(words, lower, lower_bytes);
    if (row == words->count) {
        char *changed = lower + room;
        memcpy(changed, lower, lower_bytes);
        size_t changed_bytes = replace_digits(changed, lower_bytes, '#');
        if (changed_bytes != lower_bytes || memcmp(changed, lower, lower_bytes)) {
            row = words_find(words, changed, changed_bytes);
            if (row == words->count)
                row = words_find(words, lower, replace_digits(lower, lower_bytes, '0'));
        }
    }
    if (lower != stack)
        free(lower);
    return row;
}

void words_vector(const struct words *words, size_t i, float *vector)
{
    size_t first = i * words->width;
    if (words->type == WORDS_F32)
        memcpy(vector, words->vectors + first, words->width * sizeof *vector);
    else if (words->type == WORDS_F16)
        half_widen(vector, (const uint16_t *)words->narrow + first, words->width);
    else
        for (size_t k = 0; k < words->width; k++)
            vector[k] = words->scale[i] * (float)((const int8_t *)words->narrow)[first + k];
}

size_t words_table_bytes(const struct words *words)
{
    size_t scale = words->type == WORDS_INT8 ? sizeof *words->scale : 0;
    return (words->count + 1) * (words->width * dtype_bytes(row_types[words->type]) + scale);
}

void words_free(struct words *words)
{
    if (!words)
        return;
    for (int i = 0; i < WORDS_TENSORS; i++)
        free(words->owned[i]);
    free(words);
}

static char *full_name(struct arena *arena, const char *prefix, int which)
{
    size_t bytes = strlen(prefix) + strlen(tensor_names[which]) + 1;
    char *name = arena_alloc(arena, bytes);
    if (name)
        snprintf(name, bytes, "%s%s", prefix, tensor_names[which]);
    return name;
}

ft_status words_entries(const struct words *words, const char *prefix, struct arena *arena,
                        struct safetensors_entry entries[WORDS_TENSORS], size_t *count, struct ft_error *error)
{
    const void *table = words->type == WORDS_F32 ? (const void *)words->vectors : words->narrow;
    *count = words->type == WORDS_INT8 ? WORDS_TENSORS : WORDS_SCALE;
    for (int i = 0; i < (int)*count; i++)
        if (!(entries[i].name = full_name(arena, prefix, i)))
            return ft_nomem(error, "the model's header");
    entries[WORDS_VECTORS].tensor =
        (struct tensor){table, row_types[words->type], 2, {words->count + 1, words->width}, {(int64_t)words->width, 1}};
    entries[WORDS_TEXT].tensor = (struct tensor){words->text, DTYPE_U8, 1, {words->text_bytes}, {1}};
    entries[WORDS_OFFSETS].tensor = (struct tensor){words->offsets, DTYPE_I32, 1, {words->count + 1}, {1}};
    entries[WORDS_INDEX].tensor = (struct tensor){words->slots, DTYPE_I32, 1, {words->slot_count}, {1}};
    if (words->type == WORDS_INT8)
        entries[WORDS_SCALE].tensor = (struct tensor){words->scale, DTYPE_F32, 1, {words->count + 1}, {1}};
    return FT_OK;
}

static bool is_aligned(const struct tensor *tensor)
{
    return (uintptr_t)tensor->data % dtype_bytes(tensor->dtype) == 0;
}

static bool is_float(enum dtype type)
{
    return type == DTYPE_F32 || type == DTYPE_F16 || type == DTYPE_BF16 || type == DTYPE_F64;
}

/* Whether a tensor of a file is what it has to be, beside the vectors. */
static bool fits(int which, const struct tensor *tensor, const struct tensor *vectors)
{
    size_t length = tensor->shape[0];
    bool list = tensor->rank == 1 && is_aligned(tensor);
    switch (which) {
    case WORDS_VECTORS:
        return tensor->rank == 2 && length && length <= INT32_MAX && tensor->shape[1] &&
               (is_float(tensor->dtype) || tensor->dtype == DTYPE_I8);
    case WORDS_TEXT: return list && tensor->dtype == DTYPE_U8 && length <= INT32_MAX;
    case WORDS_OFFSETS: return list && tensor->dtype == DTYPE_I32 && length == vectors->shape[0];
    case WORDS_INDEX: return list && tensor->dtype == DTYPE_I32 && length && !(length & (length - 1));
    default: return list && tensor->dtype == DTYPE_F32 && length == vectors->shape[0];
    }
}

static ft_status find_tensors(const struct safetensors *file, const char *prefix,
                              const struct tensor *tensors[WORDS_TENSORS], struct ft_error *error)
{
    struct arena names;
    arena_init(&names);
    ft_status status = FT_OK;
    for (int i = 0; i < WORDS_TENSORS && status == FT_OK; i++) {
        if (i == WORDS_SCALE && tensors[WORDS_VECTORS]->dtype != DTYPE_I8)
            break;
        const char *name = full_name(&names, prefix, i);
        if (!name)
            status = ft_nomem(error, "the word vectors");
        else if (!(tensors[i] = safetensors_find(file, name)))
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' is missing", safetensors_path(file), name);
        else if (!fits(i, tensors[i], tensors[WORDS_VECTORS]))
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' has another shape or type than word vectors need",
                             safetensors_path(file), name);
    }
    arena_release(&names);
    return status;
}

ft_status words_from_file(const struct safetensors *file, const char *prefix, struct words **out,
                          struct ft_error *error)
{
    const struct tensor *tensors[WORDS_TENSORS];
    *out = NULL;
    ft_status status = find_tensors(file, prefix, tensors, error);
    if (status != FT_OK)
        return status;
    const struct tensor *vectors = tensors[WORDS_VECTORS];
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return ft_nomem(error, "the word vectors");
    *words = (struct words){.count = vectors->shape[0] - 1,
                            .width = vectors->shape[1],
                            .text = tensors[WORDS_TEXT]->data,
                            .text_bytes = tensors[WORDS_TEXT]->shape[0],
                            .offsets = tensors[WORDS_OFFSETS]->data,
                            .slots = tensors[WORDS_INDEX]->data,
                            .slot_count = tensors[WORDS_INDEX]->shape[0]};
    if (vectors->dtype == DTYPE_F32 && is_aligned(vectors)) {
        words->vectors = vectors->data;
    } else if (vectors->dtype == DTYPE_F16 && is_aligned(vectors)) {
        words->type = WORDS_F16;
        words->narrow = vectors->data;
    } else if (vectors->dtype == DTYPE_I8) {
        words->type = WORDS_INT8;
        words->narrow = vectors->data;
        words->scale = tensors[WORDS_SCALE]->data;
    } else {
        /* the elements lie in the file, so their number times 4 does not overflow */
        if (!(words->owned[WORDS_VECTORS] = malloc(vectors->shape[0] * vectors->shape[1] * sizeof(float)))) {
            words_free(words);
            return ft_nomem(error, "the word vectors");
        }
        tensor_to_f32(vectors, words->owned[WORDS_VECTORS]);
        words->vectors = words->owned[WORDS_VECTORS];
    }
    *out = words;
    return FT_OK;
}

bool words_text(const struct words *words, size_t i, struct bytes *text)
{
    size_t bad;
    int32_t begin = words->offsets[i], end = words->offsets[i + 1];
    if (begin < 0 || end < begin || (size_t)end > words->text_bytes)
        return false;
    *text = (struct bytes){words->text + begin, (size_t)(end - begin)};
    return utf8_valid(text->at, text->count, &bad) && words_find(words, text->at, text->count) == i;
}
