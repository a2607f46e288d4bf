/* words_build.c - making word vectors: from an importer's description, and smaller ones of what is there. See words.h.
 */
#include "base/map.h"
#include "kernels/half.h"
#include "model/layer_norm.h"
#include "model/words.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    if (count > SIZE_MAX / 8 / width - 1 ||
        !(words->owned[WORDS_VECTORS] = malloc((count + 1) * width * sizeof(float))))
        return ft_nomem(error, "the word vectors");
    float *vectors = words->owned[WORDS_VECTORS];
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
    char *text = words->owned[WORDS_TEXT] = malloc(text_bytes + 1);
    int32_t *offsets = words->owned[WORDS_OFFSETS] = malloc((from->count + 1) * sizeof *offsets);
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
    int32_t *slots = words->owned[WORDS_INDEX] = malloc(slot_count * sizeof *slots);
    if (!slots)
        return ft_nomem(error, "the vocabulary");
    memset(slots, 0xff, slot_count * sizeof *slots);
    words->slots = slots;
    words->slot_count = slot_count;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->text + words->offsets[i];
        size_t bytes = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        if (words_find(words, word, bytes) < words->count)
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

/* False where a row holds what is not finite. Dividing, not multiplying by a reciprocal: one rounding, and the largest
 * magnitude becomes 127 exactly. A scale that would be subnormal has too few bits for that: hence the bound. */
static bool round_row(const float *row, size_t width, int8_t *to, float *scale)
{
    float most = 0;
    for (size_t k = 0; k < width; k++) {
        if (!isfinite(row[k]))
            return false;
        most = fmaxf(most, fabsf(row[k]));
    }
    *scale = most / 127;
    for (size_t k = 0; k < width; k++)
        to[k] = *scale > 0 ? (int8_t)fmaxf(-127, fminf(127, rintf(row[k] / *scale))) : 0;
    return true;
}

ft_status words_set_type(struct words *words, enum words_type type, struct ft_error *error)
{
    static const size_t sizes[WORDS_TYPES] = {sizeof(float), sizeof(uint16_t), sizeof(int8_t)};
    size_t rows = words->count + 1, width = words->width;
    ft_status status = FT_OK;
    if (type == words->type)
        return FT_OK;
    char *table = rows > SIZE_MAX / 8 / width ? NULL : malloc(rows * width * sizes[type]);
    float *scale = malloc(rows * sizeof *scale), *row = malloc(width * sizeof *row);
    if (!table || !scale || !row)
        status = ft_nomem(error, "the word vectors");
    for (size_t i = 0; i < rows && status == FT_OK; i++) {
        char *to = table + i * width * sizes[type];
        words_vector(words, i, type == WORDS_F32 ? (float *)to : row);
        if ((type == WORDS_F16 && !half_round((uint16_t *)to, row, width)) ||
            (type == WORDS_INT8 && !round_row(row, width, (int8_t *)to, &scale[i])))
            status = ft_fail(error, FT_MODEL, "word vector %zu holds a number that %s cannot hold", i + 1,
                             words_type_names[type]);
    }
    free(row);
    if (status != FT_OK || type != WORDS_INT8) {
        free(scale);
        scale = NULL;
    }
    if (status != FT_OK) {
        free(table);
        return status;
    }
    free(words->owned[WORDS_VECTORS]);
    free(words->owned[WORDS_SCALE]);
    words->type = type;
    words->owned[WORDS_VECTORS] = table;
    words->owned[WORDS_SCALE] = scale;
    words->vectors = type == WORDS_F32 ? (const float *)table : NULL;
    words->narrow = type == WORDS_F32 ? NULL : table;
    words->scale = scale;
    return FT_OK;
}

/* Row `from` of a table as row `to` of one of the same type. */
static void keep_row(const struct words *words, size_t from, struct words *kept, size_t to)
{
    size_t bytes = words->width * (words->type == WORDS_F32   ? sizeof(float)
                                   : words->type == WORDS_F16 ? sizeof(uint16_t)
                                                              : sizeof(int8_t));
    const void *table = words->type == WORDS_F32 ? (const void *)words->vectors : words->narrow;
    memcpy((char *)kept->owned[WORDS_VECTORS] + to * bytes, (const char *)table + from * bytes, bytes);
    if (words->scale)
        ((float *)kept->owned[WORDS_SCALE])[to] = words->scale[from];
}

static ft_status keep_rows(const struct words *words, const bool *wanted, struct words *kept, size_t text_bytes,
                           struct ft_error *error)
{
    char *text = kept->owned[WORDS_TEXT] = malloc(text_bytes + 1);
    int32_t *offsets = kept->owned[WORDS_OFFSETS] = malloc((kept->count + 1) * sizeof *offsets);
    kept->owned[WORDS_VECTORS] = malloc(words_table_bytes(kept));
    kept->owned[WORDS_SCALE] = malloc((kept->count + 1) * sizeof(float));
    if (!text || !offsets || !kept->owned[WORDS_VECTORS] || !kept->owned[WORDS_SCALE])
        return ft_nomem(error, "the word vectors");
    size_t to = 0, at = 0;
    struct bytes word;
    for (size_t i = 0; i < words->count; i++) {
        if (!wanted[i] || !words_text(words, i, &word))
            continue;
        offsets[to] = (int32_t)at;
        memcpy(text + at, word.at, word.count);
        at += word.count;
        keep_row(words, i, kept, to++);
    }
    offsets[to] = (int32_t)at;
    keep_row(words, words->count, kept, to);
    kept->vectors = words->vectors ? kept->owned[WORDS_VECTORS] : NULL;
    kept->narrow = words->narrow ? kept->owned[WORDS_VECTORS] : NULL;
    kept->scale = words->scale ? kept->owned[WORDS_SCALE] : NULL;
    kept->text = text;
    kept->text_bytes = text_bytes;
    kept->offsets = offsets;
    return build_index(kept, error);
}

ft_status words_keep(const struct words *words, const bool *wanted, struct words **out, struct ft_error *error)
{
    struct words *kept = calloc(1, sizeof *kept);
    size_t text_bytes = 0;
    struct bytes word;
    *out = NULL;
    if (!kept)
        return ft_nomem(error, "the word vectors");
    kept->type = words->type;
    kept->width = words->width;
    for (size_t i = 0; i < words->count; i++)
        if (wanted[i] && words_text(words, i, &word)) {
            kept->count++;
            text_bytes += word.count;
        }
    ft_status status = keep_rows(words, wanted, kept, text_bytes, error);
    if (status == FT_OK)
        *out = kept;
    else
        words_free(kept);
    return status;
}
