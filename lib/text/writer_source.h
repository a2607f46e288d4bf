/* writer_source.h - the text between two characters of a sentence's source. A cursor remembers where the last piece
 * ended, so that a long source which holds many sentences is walked through once. The owner empties it at the first
 * sentence of each source, as the next window may hold another source at the same address. */
#ifndef TEXT_WRITER_SOURCE_H
#define TEXT_WRITER_SOURCE_H
#include "text/sentence.h"

struct source_cursor {
    const char *source;
    size_t bytes;
    size_t chars, at; /* character `chars` begins at byte `at` */
};

/* The source's text from the first token's beginning to the last token's end; lent by the sentence. */
const char *source_text(struct source_cursor *cursor, const struct sentence *sentence, size_t first, size_t last,
                        size_t *bytes);

#endif
