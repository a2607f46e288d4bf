/* reader_columns.h - sentences of column formats (CoNLL, CoNLL-U), gathered line for line.
 *
 * A gathering holds the lines since the sentence before, outside any window, so that a pipe may pause in the middle of
 * a sentence. Nothing read is lost: what is no token passes through verbatim. */
#ifndef TEXT_READER_COLUMNS_H
#define TEXT_READER_COLUMNS_H
#include "text/flair_columns.h"
#include "text/reader_lines.h"

struct gathered_line {
    size_t at; /* in `text` */
    uint32_t bytes;
    uint32_t token_at, token_bytes; /* in the line; bytes 0 with at UINT32_MAX: U+FFFD stands for an empty token */
    uint32_t gold_at, gold_bytes;
    uint8_t kind;
    bool has_gold, no_space_after, ascii;
};

struct gathering {
    enum input_format format; /* INPUT_CONLL or INPUT_CONLLU */
    bool by_flair;            /* one of Flair's rules instead of our own */
    struct flair_columns flair;
    bool refuses_hollow; /* --on-error fail: as Flair, no sentence of empty tokens only */
    int token_column, tag_column;
    size_t most_bytes; /* of the lines of one sentence; 0: no bound but 4 GiB */
    char *text;        /* the lines, each with a NUL behind it */
    size_t used, capacity;
    struct gathered_line *lines;
    size_t count, room;
    size_t tokens, token_bytes, gold_bytes;
    const char *file;
    size_t first_line, first_place, token_line, number;
    size_t range_left; /* conllu: words still to come in a multi-word token */
    bool range_no_space_after;
};

void gathering_init(struct gathering *gathering, enum input_format format, const struct reader_options *options);
void gathering_release(struct gathering *gathering);
void gathering_new_file(struct gathering *gathering);

/* Takes one line. *complete is set when it ends the sentence, which then awaits gathering_deliver. */
ft_status gathering_take(struct gathering *gathering, struct lines *lines, const struct text_line *line, bool *complete,
                         struct ft_error *error);

/* Moves what is gathered into the window as one sentence (of no tokens where there are none); does nothing when nothing
 * is gathered. */
ft_status gathering_deliver(struct gathering *gathering, struct window *window, struct ft_error *error);

#endif
