/* text_dictionary.h - the characters that a language model knows: made from text, or another model's.
 *
 * As Flair's recipe makes them: "<unk>" is number 0, then the characters by falling frequency. */
#ifndef RUN_TEXT_DICTIONARY_H
#define RUN_TEXT_DICTIONARY_H
#include "run/text_corpus.h"

enum { TEXT_DICTIONARY_MOST = 65536 };

struct text_dictionary_rule {
    uint64_t least;    /* rarer characters are left out */
    double percentile; /* characters are added until they make up so much of the text; 1: all */
};

/* counts: [UNICODE_COUNT]. Characters as frequent as each other stand in the order of their code points; blank and
 * `delimiter` are always in. *known: the share of the text that is in the dictionary. The items come from the arena.
 * FT_NOMEM; FT_INPUT: no text, or more than TEXT_DICTIONARY_MOST characters. */
ft_status text_dictionary_make(const uint64_t *counts, const struct text_dictionary_rule *rule, const char *delimiter,
                               struct arena *arena, struct bytes **items, size_t *count, double *known,
                               struct ft_error *error);

/* The dictionary of a language model, of a tagger's first language model that reads in this direction, or of a file
 * that Flair's Dictionary.save wrote. FT_MODEL: the file is none of these; FT_INPUT: it cannot be read. */
ft_status text_dictionary_open(const char *path, bool forward, struct backend *backend, struct arena *arena,
                               struct bytes **items, size_t *count, struct ft_error *error);

#endif
