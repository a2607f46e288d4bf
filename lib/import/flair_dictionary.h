/* flair_dictionary.h - the file that Flair's Dictionary.save writes: one pickle of a dict with "idx2item". */
#ifndef IMPORT_FLAIR_DICTIONARY_H
#define IMPORT_FLAIR_DICTIONARY_H
#include "model/description.h"

/* The items come from the arena. FT_INPUT: the file cannot be read; FT_MODEL: it is something else. */
ft_status flair_dictionary_open(const char *path, struct arena *arena, struct bytes **items, size_t *count,
                                struct ft_error *error);

#endif
