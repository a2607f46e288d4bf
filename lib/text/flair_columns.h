/* flair_columns.h - column files as Flair 0.15.1's ColumnCorpus reads them, line for line.
 *
 * It knows nothing of files and windows: the caller hands in lines (without line ends; CR alone ends a line too) in
 * order and gathers what comes back until a sentence ends. Whether the tag column holds spans or labels of tokens is
 * decided, as in Flair, by the first tag other than O in the first five sentences of a file; nothing said before
 * depends on it. */
#ifndef TEXT_FLAIR_COLUMNS_H
#define TEXT_FLAIR_COLUMNS_H
#include "text/spans.h"

struct flair_columns {
    int token_column, tag_column; /* from 1; tag_column 0: none */
    bool tabs_only;               /* columns end at a TAB; else at any run of Unicode white space */
    const char *comment;          /* lines that begin so are comments; "# " is Flair's default */
    enum { FLAIR_UNDECIDED, FLAIR_SPANS, FLAIR_LABELS } kind;
    int probed;                                                      /* sentences looked at for the decision */
    bool line_in_group, token_in_group, empty_in_group, tag_missing; /* since the last blank line */
};

void flair_columns_init(struct flair_columns *columns, int token_column, int tag_column);
/* The decision is made anew for each file. */
void flair_columns_new_file(struct flair_columns *columns);

enum flair_line {
    FLAIR_BLANK, /* ends the sentence, where one has begun */
    FLAIR_COMMENT,
    FLAIR_TOKEN,
    FLAIR_EMPTY, /* its token is of no length and left out */
    FLAIR_SHORT  /* has no token column: Flair stops with an IndexError */
};

struct flair_fields {
    const char *token, *tag; /* lent by the line; tag NULL: the line has no such column */
    size_t token_bytes, tag_bytes;
    int found; /* columns of the line */
};

/* text: valid UTF-8. */
enum flair_line flair_columns_line(struct flair_columns *columns, const char *text, size_t bytes,
                                   struct flair_fields *fields);

/* True when the sentence that ends here has tokens of no length and no other: Flair stops with an IndexError. */
bool flair_columns_hollow(const struct flair_columns *columns);

/* At the end of a sentence, which comes with a blank line or the end of the file: what its tokens' tags say. tags:
 * [count], NULL where the line had none; they are set to "O" where Flair does not use them (one line without the column
 * loses all spans of its sentence). Returns true when the tags are labels of single tokens, false when they are spans'.
 */
bool flair_columns_end(struct flair_columns *columns, const char **tags, size_t count);

/* The spans that Flair makes of a sentence's tags (as flair_columns_end left them): by the rule of Flair 0.11 and
 * later, but no span is of type O. NULL when out of memory. */
struct span *flair_columns_spans(const char *const *tags, size_t count, struct arena *arena, size_t *span_count);

#endif
