/* flair_parts.h - what the writers of Flair's format share: tensors of a state dict, dictionaries, embeddings. */
#ifndef EXPORT_FLAIR_PARTS_H
#define EXPORT_FLAIR_PARTS_H
#include "export/torch_write.h"
#include "model/tagger.h"
#include "model/unpack.h"

struct flair_writer {
    struct torch_writer torch;
    struct weights weights; /* unpacked, until the file is written */
    struct ft_error *error;
};

/* One entry of a state dict, named prefix + name; columns 0: a vector. data: lent, or in `weights`. */
void flair_put_tensor(struct flair_writer *writer, const char *prefix, const char *name, const float *data, size_t rows,
                      size_t columns);
/* The four tensors of a layer, named prefix + "weight_ih_l0_reverse" and so on. */
void flair_put_rnn(struct flair_writer *writer, const char *prefix, size_t number, bool reverse,
                   const struct unpacked_layer *layer);

/* A dictionary's item as it is written. Flair decodes every one: what is no UTF-8 becomes the empty string, which
 * matches no character or word either. */
struct bytes flair_item(const struct bytes *item);

/* flair.data.Dictionary. unknown: items that are not in it count as the first one. */
void flair_put_dictionary(struct flair_writer *writer, const struct bytes *items, size_t count, bool unknown);

/* A language model's tensors, and the settings that LanguageModel is made with, as entries of an open dict. */
ft_status flair_put_lm_tensors(struct flair_writer *writer, const char *prefix, const struct lm *lm, bool decoder);
void flair_put_lm_settings(struct flair_writer *writer, const struct lm *lm, bool decoder);

/* A tagger's embeddings: their tensors (entries of the open state dict), then the stack that describes them. */
ft_status flair_put_embedding_tensors(struct flair_writer *writer, const struct tagger *tagger);
void flair_put_embeddings(struct flair_writer *writer, const struct tagger *tagger);

#endif
