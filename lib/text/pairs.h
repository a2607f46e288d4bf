/* pairs.h - sentences with two columns of tags, from two files that tag the same tokens or from one file with both.
 *
 * Reads both files side by side, a window of each at a time. It promises: the tokens of a pair are equal (or merely
 * equal in number, where tokens are to be ignored); the first difference is an error with file and line. Lines that
 * pass through (comments, document marks) need no counterpart. */
#ifndef TEXT_PAIRS_H
#define TEXT_PAIRS_H
#include "text/reader.h"
#include "text/sentence.h"

/* The line of one of a sentence's tokens in its file, from 1. */
size_t sentence_token_line(const struct sentence *sentence, size_t token);

/* One column of a sentence read from a column format. column: from 1, or from the end: -1 is the last. It may not be
 * the column of tokens. *tags: [sentence->count], from the arena; an empty column is "O". FT_INPUT with file:line
 * where a line has no such column; FT_NOMEM. */
ft_status sentence_column(const struct sentence *sentence, int column, int token_column, struct arena *arena,
                          const char ***tags, struct ft_error *error);

struct pairs_options {
    const char *gold, *predicted;      /* files; predicted NULL: both columns are in the first */
    int gold_column, predicted_column; /* 0: the last one; of a single file: the last two, the gold one first */
    int token_column;                  /* 0: the first */
    bool ignore_tokens;
};

struct pair {
    const struct sentence *sentence; /* of the gold file; lent until the next call */
    const char *const *gold, *const *predicted;
    size_t document_marks; /* -DOCSTART- lines since the sentence before */
};

struct pairs;
ft_status pairs_open(struct pairs **pairs, const struct pairs_options *options, struct ft_error *error);
void pairs_close(struct pairs *pairs);

/* The next pair; its sentence has no tokens where only lines that pass through were left. FT_END after the last one. */
ft_status pairs_next(struct pairs *pairs, struct pair *pair, struct ft_error *error);

#endif
