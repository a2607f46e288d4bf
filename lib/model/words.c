/* words.c - see words.h. */
#include "model/words.h"
#include "model/layer_norm.h"
#include "base/map.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS, TEXT, OFFSETS, INDEX };
static const char *const tensor_names[WORDS_TENSORS] = {"vectors", "text", "offsets", "index"};

enum { STACK_BYTES = 512 }; /* longer tokens are lowered on the heap */

/* The number of a word, or count. Everything read from the file is checked here, at the last moment: a full check at
 * opening would touch every page of it. */
static size_t find(const struct words *words, const char *text, size_t bytes)
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
    size_t row = find(words, text, bytes);
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
    row = find(words, lower, lower_bytes);
    if (row == words->count) {
        char *changed = lower + room;
        memcpy(changed, lower, lower_bytes);
        size_t changed_bytes = replace_digits(changed, lower_bytes, '#');
        if (changed_bytes != lower_bytes || memcmp(changed, lower, lower_bytes)) {
            row = find(words, changed, changed_bytes);
            if (row == words->count)
                row = find(words, lower, replace_digits(lower, lower_bytes, '0'));
        }
    }
    if (lower != stack)
        free(lower);
    return row;
}

static void copy_row(const struct tensor *vectors, size_t row, float *out)
{
    const char *at = vectors->data;
    struct tensor one = {.data = at + (int64_t)row * vectors->stride[0] * (int64_t)dtype_bytes(vectors->dtype),
                         .dtype = vectors->dtype,
                         .rank = 1,
                         .shape = {vectors->shape[1]},
                         .stride = {vectors->stride[1]}};
    tensor_to_f32(&one, out);
}

static ft_status build_vectors(struct words *words, const struct words_description *from, struct ft_error *error)
{
    size_t count = from->count, width = from->width;
    if (count > SIZE_MAX / 8 / width - 1 || !(words->owned[VECTORS] = malloc((count + 1) * width * sizeof(float))))
        return ft_nomem(error, "the word vectors");
    float *vectors = words->owned[VECTORS];
    for (size_t i = 0; i < count; i++)
        copy_row(&from->vectors, from->rows ? from->rows[i] : i, vectors + i * width);
    if (from->unknown_is_row)
        copy_row(&from->vectors, count, vectors + count * width);
    else
        memset(vectors + count * width, 0, width * sizeof *vectors);
    words->vectors = vectors;
    return from->stable ? layer_norm_rows(&from->norm, vectors, count + 1, width, error) : FT_OK;
}

static ft_status build_text(struct words *words, const struct words_description *from, size_t text_bytes,
                            struct ft_error *error)
{
    char *text = words->owned[TEXT] = malloc(text_bytes + 1);
    int32_t *offsets = words->owned[OFFSETS] = malloc((from->count + 1) * sizeof *offsets);
    if (!text || !offsets)
        return ft_nomem(error, "the vocabulary");
    size_t at = 0;
    for (size_t i = 0; i < from->count; i++) {
        offsets[i] = (int32_t)at;
        if (from->words[i].count)
            memcpy(text + at, from->words[i].at, from->words[i].count);
        at += from->words[i].count;
    }
    offsets[from->count] = (int32_t)at;
    words->text = text;
    words->text_bytes = text_bytes;
    words->offsets = offsets;
    return FT_OK;
}

static ft_status build_index(struct words *words, struct ft_error *error)
{
    size_t slot_count = 2;
    while (slot_count < 2 * words->count)
        slot_count *= 2;
    int32_t *slots = words->owned[INDEX] = malloc(slot_count * sizeof *slots);
    if (!slots)
        return ft_nomem(error, "the vocabulary");
    memset(slots, 0xff, slot_count * sizeof *slots);
    words->slots = slots;
    words->slot_count = slot_count;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->text + words->offsets[i];
        size_t bytes = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        if (find(words, word, bytes) < words->count)
            continue;
        size_t slot = map_hash(word, bytes) & (slot_count - 1);
        while (slots[slot] >= 0)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = (int32_t)i;
    }
    return FT_OK;
}

static ft_status check_description(const struct words_description *from, size_t *text_bytes, struct ft_error *error)
{
    const struct tensor *vectors = &from->vectors;
    if (!vectors->data || vectors->rank != 2 || !from->width || vectors->shape[1] != from->width)
        return ft_fail(error, FT_MODEL, "word vectors without a matrix of %zu columns", from->width);
    if (from->count > INT32_MAX / 4)
        return ft_fail(error, FT_MODEL, "%zu words are more than a model can hold", from->count);
    if ((!from->rows && vectors->shape[0] < from->count) || (from->unknown_is_row && vectors->shape[0] <= from->count))
        return ft_fail(error, FT_MODEL, "%zu words have only %zu word vectors", from->count, vectors->shape[0]);
    *text_bytes = 0;
    for (size_t i = 0; i < from->count; i++) {
        if (from->rows && from->rows[i] >= vectors->shape[0])
            return ft_fail(error, FT_MODEL, "word %zu has vector %u of only %zu", i, from->rows[i], vectors->shape[0]);
        if (from->words[i].count > INT32_MAX - *text_bytes)
            return ft_fail(error, FT_MODEL, "the words hold more than 2 GiB of text");
        *text_bytes += from->words[i].count;
    }
    return FT_OK;
}

ft_status words_build(const struct words_description *description, struct words **out, struct ft_error *error)
{
    size_t text_bytes = 0;
    *out = NULL;
    ft_status status = check_description(description, &text_bytes, error);
    if (status != FT_OK)
        return status;
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return ft_nomem(error, "the word vectors");
    words->count = description->count;
    words->width = description->width;
    status = build_vectors(words, description, error);
    if (status == FT_OK)
        status = build_text(words, description, text_bytes, error);
    if (status == FT_OK)
        status = build_index(words, error);
    if (status == FT_OK)
        *out = words;
    else
        words_free(words);
    return status;
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
                        struct safetensors_entry entries[WORDS_TENSORS], struct ft_error *error)
{
    for (int i = 0; i < WORDS_TENSORS; i++)
        if (!(entries[i].name = full_name(arena, prefix, i)))
            return ft_nomem(error, "the model's header");
    entries[VECTORS].tensor =
        (struct tensor){words->vectors, DTYPE_F32, 2, {words->count + 1, words->width}, {(int64_t)words->width, 1}};
    entries[TEXT].tensor = (struct tensor){words->text, DTYPE_U8, 1, {words->text_bytes}, {1}};
    entries[OFFSETS].tensor = (struct tensor){words->offsets, DTYPE_I32, 1, {words->count + 1}, {1}};
    entries[INDEX].tensor = (struct tensor){words->slots, DTYPE_I32, 1, {words->slot_count}, {1}};
    return FT_OK;
}

static bool is_aligned(const void *data)
{
    return (uintptr_t)data % 4 == 0;
}

static ft_status find_tensors(const struct safetensors *file, const char *prefix,
                              const struct tensor *tensors[WORDS_TENSORS], struct ft_error *error)
{
    struct arena names;
    arena_init(&names);
    ft_status status = FT_OK;
    for (int i = 0; i < WORDS_TENSORS && status == FT_OK; i++) {
        const char *name = full_name(&names, prefix, i);
        if (!name) {
            status = ft_nomem(error, "the word vectors");
        } else if (!(tensors[i] = safetensors_find(file, name))) {
            status = ft_fail(error, FT_MODEL, "%s: tensor '%s' is missing", safetensors_path(file), name);
        } else {
            const struct tensor *tensor = tensors[i];
            size_t rows = tensor->shape[0];
            bool fits = tensor->rank == (i == VECTORS ? 2 : 1);
            if (fits && i == VECTORS)
                fits = rows && rows <= INT32_MAX && tensor->shape[1];
            else if (fits && i == TEXT)
                fits = tensor->dtype == DTYPE_U8 && rows <= INT32_MAX;
            else if (fits)
                fits = tensor->dtype == DTYPE_I32 && is_aligned(tensor->data) &&
                       (i == OFFSETS ? rows == tensors[VECTORS]->shape[0] : rows && !(rows & (rows - 1)));
            if (!fits)
                status = ft_fail(error, FT_MODEL, "%s: tensor '%s' has another shape or type than word vectors need",
                                 safetensors_path(file), name);
        }
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
    const struct tensor *vectors = tensors[VECTORS];
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return ft_nomem(error, "the word vectors");
    *words = (struct words){.vectors = vectors->data,
                            .count = vectors->shape[0] - 1,
                            .width = vectors->shape[1],
                            .text = tensors[TEXT]->data,
                            .text_bytes = tensors[TEXT]->shape[0],
                            .offsets = tensors[OFFSETS]->data,
                            .slots = tensors[INDEX]->data,
                            .slot_count = tensors[INDEX]->shape[0]};
    if (vectors->dtype != DTYPE_F32 || !is_aligned(vectors->data)) {
        /* the elements lie in the file, so their number times 4 does not overflow */
        if (!(words->owned[VECTORS] = malloc(vectors->shape[0] * vectors->shape[1] * sizeof(float)))) {
            words_free(words);
            return ft_nomem(error, "the word vectors");
        }
        tensor_to_f32(vectors, words->owned[VECTORS]);
        words->vectors = words->owned[VECTORS];
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
    return utf8_valid(text->at, text->count, &bad) && find(words, text->at, text->count) == i;
}
