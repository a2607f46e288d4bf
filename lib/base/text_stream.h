/* text_stream.h - text of unknown length in memory, written by stdio's functions.
 *
 * What open_memstream is for; but that, where memory ends, leaves characters out and neither ferror nor fclose say so.
 * Here the text is whole or there is none. */
#ifndef BASE_TEXT_STREAM_H
#define BASE_TEXT_STREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct text_stream {
    FILE *file; /* to write to */
    char *text;
    size_t bytes, room;
    bool failed;
    char buffer[4096];
};

/* False when out of memory. The struct stays where it is until it is closed. */
bool text_stream_open(struct text_stream *stream);

/* What has been written so far. */
size_t text_stream_bytes(struct text_stream *stream);

/* The text with a 0 behind it, the caller's, and its length without it in *bytes (may be NULL); NULL when out of memory
 * now or before. */
char *text_stream_close(struct text_stream *stream, size_t *bytes);

#endif
