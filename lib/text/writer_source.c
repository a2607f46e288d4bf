/* writer_source.c - see writer_source.h. */
#include "text/writer_source.h"

static size_t byte_of(struct source_cursor *cursor, size_t character)
{
    if (character < cursor->chars)
        cursor->chars = cursor->at = 0;
    while (cursor->at < cursor->bytes && cursor->chars < character) {
        cursor->at++;
        while (cursor->at < cursor->bytes && ((unsigned char)cursor->source[cursor->at] & 0xc0) == 0x80)
            cursor->at++;
        cursor->chars++;
    }
    return cursor->at;
}

const char *source_text(struct source_cursor *cursor, const struct sentence *sentence, size_t first, size_t last,
                        size_t *bytes)
{
    if (sentence->source != cursor->source || sentence->source_bytes != cursor->bytes)
        *cursor = (struct source_cursor){.source = sentence->source, .bytes = sentence->source_bytes};
    size_t begin = byte_of(cursor, sentence->tokens[first].start);
    size_t end = byte_of(cursor, sentence->tokens[last].end);
    *bytes = end > begin ? end - begin : 0;
    return sentence->source + begin;
}
