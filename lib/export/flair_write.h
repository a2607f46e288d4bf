/* flair_write.h - writes models in Flair's own format, as Flair 0.15 saves them (torch_write.h), so that Flair
 * loads them and goes on with them.
 *
 * It promises: Flair 0.15 computes the same function from the file, in float32, up to the order of its sums. The
 * reprojection is folded into the layer behind it (Flair has none whose width differs from its input's), integers are
 * multiplied by their scales, and a tagger's language models go without their decoders, as Flair's do.
 *
 * The format cannot hold, and Flair does in its own way: integer arithmetic; how Flair up to 0.10 made spans of
 * malformed tags, and that it kept <START> and <STOP> from being the last tag (which no trained CRF chooses). Dropouts
 * are Flair's defaults: a flairtag model does not know with which it was trained.
 *
 * It refuses: trained initial states of the RNN (Flair ignores them since 0.11), two one-hot embeddings in one stack,
 * a character dictionary of CharacterEmbeddings that holds an item twice, files of 4 GiB and more. */
#ifndef EXPORT_FLAIR_WRITE_H
#define EXPORT_FLAIR_WRITE_H
#include "base/output.h"
#include "model/tagger.h"

/* SequenceTagger.load(path). FT_MODEL for what is refused; FT_NOMEM; FT_FAILED, and what output_write returns. */
ft_status flair_write_tagger(const struct tagger *tagger, struct output *output, struct ft_error *error);

/* LanguageModel.load_language_model(path), FlairEmbeddings(path). The same errors. */
ft_status flair_write_lm(const struct lm *lm, struct output *output, struct ft_error *error);

#endif
