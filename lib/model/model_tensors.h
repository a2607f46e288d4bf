/* model_tensors.h - the tensors of a model by name: one list serves writing and reading. */
#ifndef MODEL_MODEL_TENSORS_H
#define MODEL_MODEL_TENSORS_H
#include "model/tagger.h"

/* With a file: finds each tensor in it, checks its shape and points the model at it. Without: collects entries to
 * write. */
struct tensor_list {
    const struct safetensors *file;
    struct arena *arena; /* names and entries */
    struct safetensors_entry *entries;
    size_t count, capacity;
    struct ft_error *error;
};

/* The model's widths, counts and flags must be set; its pointers are read (writing) or set (reading). */
ft_status tensors_of_lm(struct tensor_list *list, const char *prefix, struct lm *lm);
ft_status tensors_of_members(struct tensor_list *list, struct tagger *tagger); /* finds the width of word vectors */
ft_status tensors_of_head(struct tensor_list *list, struct tagger *tagger);

/* Appends the entries of word vectors (writing only). */
ft_status tensors_of_words(struct tensor_list *list, const char *prefix, const struct words *words);

#endif
