/* words.h - word vectors, ready to look up.
 *
 * A table of rows, one a word, and behind them the row of words that are not in it; a vocabulary; and a hash index. In
 * a model file all of it lies as it is used, so opening builds nothing and processes share it. Rows of float32 are read
 * where they lie; narrow ones (halves, or integers with a scale a row) are widened one by one when they are looked up.
 * Promises: a look-up finds the row that Flair's WordEmbeddings finds, and stays inside the table whatever the file
 * holds. It is safe to call from any number of threads. It knows nothing of where vectors come from (lib/import) and of
 * `field` or fine-tuning.
 *
 * In a model file (names begin with the member's prefix; C = number of words, W = width):
 *   vectors  F32 [C+1, W]  row i belongs to word i, row C to unknown words; `stable`'s LayerNorm is already applied.
 *            F16 [C+1, W]  the same, rounded to halves (kernels/half.h; what is no finite half reads as a finite float)
 *            I8  [C+1, W]  the same, rounded to integers q from -127 to 127: element k of row i is scale[i] q[i,k]
 *                          BF16 and F64, and F32 and F16 on odd addresses, are read too, into memory
 *   scale    F32 [C+1]     with I8 only: the row's largest magnitude / 127. One a row leaves an error of 0.6 % (root
 *                          mean square, of GloVe's 100 columns; halves: 0.02 %); one for every 25 columns would leave
 *                          0.5 % and take 12 % more
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

/* What a table's rows consist of. */
enum words_type { WORDS_F32, WORDS_F16, WORDS_INT8 };
enum { WORDS_TYPES = 3 };
extern const char *const words_type_names[WORDS_TYPES]; /* "f32", "f16", "int8" */

/* The arrays that word vectors consist of. */
enum { WORDS_VECTORS, WORDS_TEXT, WORDS_OFFSETS, WORDS_INDEX, WORDS_SCALE, WORDS_TENSORS };

struct words { /* to read; made by the functions below */
    enum words_type type;
    const float *vectors; /* [count + 1, width] where the type is WORDS_F32, else NULL */
    const void *narrow;   /* [count + 1, width] halves (uint16_t) or integers (int8_t), else NULL */
    const float *scale;   /* [count + 1] of integers, else NULL */
    size_t count, width;
    const char *text;
    size_t text_bytes;
    const int32_t *offsets; /* [count + 1], unchecked */
    const int32_t *slots;   /* [slot_count], unchecked */
    size_t slot_count;
    void *owned[WORDS_TENSORS]; /* what words_free frees */
};

/* From an importer's description, which may be given back afterwards: everything is copied.
 * FT_MODEL: shapes or rows that do not fit each other, more than 2 GiB of text. FT_NOMEM. */
ft_status words_build(const struct words_description *description, struct words **words, struct ft_error *error);

/* Turns the table to another type, in place; a table of that type is left alone. Widening is exact; halves of what
 * were integers, and integers of what were halves, are rounded a second time. FT_MODEL: a number that halves do not
 * hold (of more than 65,504), or one that is not finite, which integers do not hold; the message names the word's row.
 * FT_NOMEM. After a failure the words are as they were. */
ft_status words_set_type(struct words *words, enum words_type type, struct ft_error *error);

/* A smaller set: the words whose rows are wanted, in their order, with their rows and the unknown row, bit for bit.
 * wanted: [count]. Whatever a token found that was wanted it finds again. Words that no token finds are left out.
 * FT_NOMEM. */
ft_status words_keep(const struct words *words, const bool *wanted, struct words **kept, struct ft_error *error);

/* From a model file, which must stay open as long as the words. prefix: "words." for instance.
 * FT_MODEL: a tensor is missing or has another shape than above. FT_NOMEM. */
ft_status words_from_file(const struct safetensors *file, const char *prefix, struct words **words,
                          struct ft_error *error);

void words_free(struct words *words); /* NULL is allowed */

/* The tensors to write into a model file, *count of them; they lend the words' memory and keep their names in the
 * arena. */
ft_status words_entries(const struct words *words, const char *prefix, struct arena *arena,
                        struct safetensors_entry entries[WORDS_TENSORS], size_t *count, struct ft_error *error);

/* The first word that is spelled like this, or count. */
size_t words_find(const struct words *words, const char *text, size_t bytes);

/* The row of a token, 0 to count. Tried in this order: the token as it is; in lower case; in lower case with every
 * decimal digit of Unicode as '#'; the same as '0'; then the unknown row. text: valid UTF-8 of any length. SIZE_MAX
 * when out of memory, which only tokens of more than 160 bytes ask for. */
size_t words_row(const struct words *words, const char *text, size_t bytes);

/* The vector in row i <= count, whatever the type; vector: [width]. The same bits on every machine. */
void words_vector(const struct words *words, size_t i, float *vector);

/* Bytes of the table with its scales. */
size_t words_table_bytes(const struct words *words);

/* Word i < count, for writers of other formats: lent text. False for one that no token can ever find: an earlier word
 * is equal, or it is not valid UTF-8. */
bool words_text(const struct words *words, size_t i, struct bytes *text);

#endif
