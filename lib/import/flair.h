/* flair.h - opens the files of others as models: Flair's taggers and language models of every version, and gensim's
 * word vectors. What a file is, its content decides.
 *
 * It promises: nothing in the file is executed; every tensor of the description lies inside the mapped file; the path
 * stands in messages as it was given. It refuses, by name: models that are no sequence taggers, embeddings other than
 * Flair, word, one-hot, character and stacked ones, recurrent layers of type RNN, and options that change a result
 * and are not built here (WordEmbeddings with a field, a trained LayerNorm). */
#ifndef IMPORT_FLAIR_H
#define IMPORT_FLAIR_H
#include "model/description.h"

/* FT_OK: *source belongs to the caller, who gives it back with import_close. FT_MODEL: no such file, or it is
 * damaged, or of a kind that is refused. FT_NOMEM. */
ft_status import_open(const char *path, struct model_source **source, struct ft_error *error);

/* NULL is allowed. Everything that the source lent is gone with it. */
void import_close(struct model_source *source);

#endif
