/* model_open.h - any model file, ready to run: flairtag's own, Flair's, and word vectors, told apart by content. */
#ifndef IMPORT_MODEL_OPEN_H
#define IMPORT_MODEL_OPEN_H
#include "model/tagger.h"

struct model {
    enum model_kind kind;
    struct tagger *tagger; /* MODEL_TAGGER */
    struct lm *lm;         /* MODEL_LM */
    struct words *words;   /* MODEL_WORDS */
    const char *format;    /* "flairtag safetensors", "Flair zip container" ... */
    size_t file_bytes;
    void *owned; /* what the weights lie in */
};

/* FT_MODEL, with the path, when the file is missing, damaged or of a kind that cannot be run. */
ft_status model_open(const char *path, struct backend *backend, struct model *model, struct ft_error *error);

/* The precision of the first part that holds integers other than those of a model in `wanted`; f32 where none does. */
enum precision model_other_integers(const struct model *model, enum precision wanted);

/* Turns the weights of a tagger or language model to another precision (model/quantise.h); word vectors have none. */
ft_status model_set_precision(struct model *model, enum precision precision, struct backend *backend,
                              struct ft_error *error);
void model_close(struct model *model);

/* The model itself where it is a language model, or a tagger's first one that reads in this direction; NULL: neither.
 */
const struct lm *model_language_model(const struct model *model, bool forward);

#endif
