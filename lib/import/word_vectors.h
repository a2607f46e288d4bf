/* word_vectors.h - word vectors as GloVe and word2vec write them, into a model_source of kind MODEL_WORDS.
 *
 * Three formats, told apart by what the file holds, each plain or gz:
 *   GloVe text       a word a line, then its numbers
 *   word2vec text    the same behind a first line "words columns"
 *   word2vec binary  that first line, then for each word its bytes, one blank and little-endian float32 numbers
 * Fields of text end at blanks and tabs alone: no-break spaces and U+0085 belong to words. Numbers are rounded
 * correctly. Of equal words the first counts; the others are left out and counted in words.duplicates. The text is
 * never held whole. Refuses (FT_MODEL, with the line or the number of the word): lines of another number of columns,
 * what is no finite number, a file that ends early or holds more words than its first line says. A word of several
 * fields is taken as it stands when no number stands directly before its vector's. */
#ifndef IMPORT_WORD_VECTORS_H
#define IMPORT_WORD_VECTORS_H
#include "base/error.h"
#include "model/description.h"

/* Everything lies in source->arena, but the matrix: anonymous memory at source->map. */
ft_status word_vectors_open(const char *path, struct model_source **source, struct ft_error *error);
void word_vectors_close(struct model_source *source); /* NULL is allowed */

/* True when the first line (or its beginning) of a file could be one of these formats': a word and a number, or two
 * counts. */
bool word_vectors_is(const char *head, size_t bytes);

#endif
