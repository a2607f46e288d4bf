/* gensim.c - gensim's word vectors, as objects of gensim 3 and 4: see import_gensim.
 *
 * matrix: `vectors`, before gensim 3.3 `syn0`; rows: `key_to_index` (gensim 4), else the `index` of each object in
 * `vocab`. */
#include "import/flair_parts.h"
#include "import/numpy_array.h"
#include <string.h>

enum { VOCAB_ATTRIBUTES = 64 }; /* a Vocab has two or three; more would make the search for `index` slow */

bool import_is_gensim(const struct value *object)
{
    return object->kind == VALUE_OBJECT && !strncmp(object->as.object->class_path, "gensim.", 7) &&
           strstr(object->as.object->class_path, "KeyedVectors");
}

/* The row of a word: a number, or an object with the attribute index. */
static bool row_of(const struct value *value, int64_t *row)
{
    if (numpy_integer(value, row))
        return true;
    if (value->kind != VALUE_OBJECT || value->as.object->state.kind != VALUE_DICT ||
        value_count(&value->as.object->state) > VOCAB_ATTRIBUTES)
        return false;
    struct value index = value_attribute(value, "index", NULL);
    return numpy_integer(&index, row);
}

ft_status import_vocabulary(struct importer *importer, const struct value *vocab, struct words_description *words)
{
    if (vocab->kind != VALUE_DICT || !value_count(vocab))
        return import_fail(importer, "its word vectors have no vocabulary");
    size_t count = value_count(vocab);
    ft_status status = import_charge(importer, count);
    if (status)
        return status;
    struct bytes *list = arena_array(importer->arena, count, sizeof *list);
    uint32_t *rows = arena_array(importer->arena, count, sizeof *rows);
    if (!list || !rows)
        return ft_nomem(importer->error, "a vocabulary");
    for (size_t i = 0; i < count; i++) {
        const struct value *key = &vocab->as.items->at[2 * i];
        int64_t row;
        if (key->kind != VALUE_STR && key->kind != VALUE_BYTES)
            return import_fail(importer, "word %zu of its vocabulary is no string", i);
        if (!row_of(key + 1, &row) || row < 0 || row > INT32_MAX)
            return import_fail(importer, "word %zu of its vocabulary has no row", i);
        list[i] = (struct bytes){key->as.text, key->count};
        rows[i] = (uint32_t)row;
    }
    words->count = count;
    words->words = list;
    words->rows = rows;
    return FT_OK;
}

ft_status import_check_rows(struct importer *importer, struct words_description *words)
{
    enum dtype type = words->vectors.dtype;
    bool floats = type == DTYPE_F32 || type == DTYPE_F16 || type == DTYPE_BF16 || type == DTYPE_F64;
    if (!floats || words->vectors.rank != 2 || !words->vectors.shape[1])
        return import_fail(importer, "its word vectors are no matrix");
    words->width = words->vectors.shape[1];
    bool plain = true;
    for (size_t i = 0; i < words->count; i++) {
        uint32_t row = words->rows[i];
        if (row >= words->vectors.shape[0])
            return import_fail(importer, "word %zu of its vocabulary has row %u of a matrix of %zu", i, row,
                               words->vectors.shape[0]);
        plain = plain && row == i;
    }
    if (plain)
        words->rows = NULL;
    return FT_OK;
}

ft_status import_gensim(struct importer *importer, const struct value *object, struct words_description *words,
                        const char **beside)
{
    struct value vocab = value_attribute(object, "key_to_index", NULL);
    if (vocab.kind != VALUE_DICT)
        vocab = value_attribute(object, "vocab", NULL);
    ft_status status = import_vocabulary(importer, &vocab, words);
    if (status)
        return status;
    static const char *const names[] = {"vectors", "syn0"};
    *beside = NULL;
    for (size_t i = 0; i < 2; i++) {
        struct value matrix = value_attribute(object, names[i], NULL),
                     listed = value_attribute(object, "__numpys", NULL);
        if (numpy_array(&matrix, &words->vectors))
            return import_check_rows(importer, words);
        for (size_t j = 0; j < value_count(&listed); j++) {
            struct value name = value_at(&listed, j);
            if (value_is_str(&name, names[i]))
                *beside = names[i];
        }
        if (*beside)
            return FT_OK;
    }
    return import_fail(importer, "its word vectors have no matrix that can be read");
}
