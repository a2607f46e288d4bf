/* word2vec_write.h - writes word vectors in the binary format of word2vec, which gensim reads, and Flair by it:
 * WordEmbeddings("NAME.bin").
 *
 *   "COUNT WIDTH\n", then for each word its UTF-8, a blank, WIDTH float32 in little-endian, "\n"
 *
 * It refuses what the format cannot hold: words with a blank or a line's end inside, and unknown words that are not
 * zeros (their row is made by whoever reads the file). Words that no token can find are left out. */
#ifndef EXPORT_WORD2VEC_WRITE_H
#define EXPORT_WORD2VEC_WRITE_H
#include "base/output.h"
#include "model/words.h"

/* FT_MODEL for what is refused, and what output_write returns. */
ft_status word2vec_write(const struct words *words, struct output *output, struct ft_error *error);

#endif
