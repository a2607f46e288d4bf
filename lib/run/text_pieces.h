/* text_pieces.h - the pieces of text files, before they become numbers (text_corpus.h has the rules). */
#ifndef RUN_TEXT_PIECES_H
#define RUN_TEXT_PIECES_H
#include "run/text_corpus.h"

struct text_piece {
    const char *at;
    size_t bytes;
    bool ends; /* the delimiter is to be put behind it */
};

struct text_pieces {
    struct text_piece *at;
    size_t count, capacity;
    char **texts; /* of the files */
    size_t text_count;
};

/* Which part of a file: all of it, all but what is held out, or that. */
enum text_part { TEXT_WHOLE, TEXT_BUT_LAST, TEXT_LAST };

void text_pieces_release(struct text_pieces *pieces); /* a zeroed one is allowed */

/* Appends a file's. FT_INPUT: it cannot be read or is no UTF-8; FT_NOMEM. */
ft_status text_pieces_read(struct text_pieces *pieces, const char *path, enum text_part part,
                           const struct text_options *options, struct ft_error *error);

#endif
