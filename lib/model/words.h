/* words.h - word vectors, ready to look up.
 *
 * A table of float32 rows, one a word, and behind them the row of words that are not in it; a vocabulary; and a hash
 * index. In a model file all of it lies as it is used, so opening builds nothing and processes share it. Promises: a
 * look-up finds the row that Flair's WordEmbeddings finds, and stays inside the table whatever the file holds. It is
 * safe to call from any number of threads. It knows nothing of where vectors come from (lib/import) and of `field` or
 * fine-tuning.
 *
 * In a model file (names begin with the member's prefix; C = number of words, W = width):
 *   vectors  F32 [C+1, W]  row i belongs to word i, row C to unknown words; `stable`'s LayerNorm is already applied.
 *                          Other float types are read too, into memory
 *   text     U8  [bytes]   the words' UTF-8, one behind the other, nothing between
 *   offsets  I32 [C+1]     word i is text[offsets[i] .. offsets[i+1])
 *   index    I32 [S]       S a power of two, at least 2C. Word i stands in the first slot that was free, counted
 *                          upwards and around from FNV-1a-64(word) mod S (map_hash of base/map.h); -1 is a free
 *                          slot. Of equal words only the first is there */
#ifndef MODEL_WORDS_H
#define MODEL_WORDS_H
#include "base/arena.h"
#include "base/error.h"
#include "model/description.h"
#include "model/safetensors.h"

struct words {            /* to read; made by the functions below */
    const float *vectors; /* [count + 1, width] */
    size_t count, width;
    const char *text;
    size_t text_bytes;
    const int32_t *offsets; /* [count + 1], unchecked */
    const int32_t *slots;   /* [slot_count], unchecked */
    size_t slot_count;
    void *owned[4]; /* what words_free frees */
};

/* From an importer's description, which may be given back afterwards: everything is copied.
 * FT_MODEL: shapes or rows that do not fit each other, more than 2 GiB of text. FT_NOMEM. */
ft_status words_build(const struct words_description *description, struct words **words, struct ft_error *error);

/* From a model file, which must stay open as long as the words. prefix: "words." for instance.
 * FT_MODEL: a tensor is missing or has another shape than above. FT_NOMEM. */
ft_status words_from_file(const struct safetensors *file, const char *prefix, struct words **words,
                          struct ft_error *error);

void words_free(struct words *words); /* NULL is allowed */

/* The tensors to write into a model file; they lend the words' memory and keep their names in the arena. */
enum { WORDS_TENSORS = 4 };
ft_status words_entries(const struct words *words, const char *prefix, struct arena *arena,
                        struct safetensors_entry entries[WORDS_TENSORS], struct ft_error *error);

/* The row of a token, 0 to count. Tried in this order: the token as it is; in lower case; in lower case with every
 * decimal digit of Unicode as '#'; the same as '0'; then the unknown row. text: valid UTF-8 of any length. SIZE_MAX
 * when out of memory, which only tokens of more than 160 bytes ask for. */
size_t words_row(const struct words *words, const char *text, size_t bytes);

/* Word i < count, for writers of other formats: lent text. False for one that no token can ever find: an earlier word
 * is equal, or it is not valid UTF-8. */
bool words_text(const struct words *words, size_t i, struct bytes *text);

#endif
