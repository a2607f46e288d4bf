/* text_buffer.h - bytes that grow, for a line of output that is put together piece by piece.
 *
 * A failed allocation is remembered in `failed`, so that only the whole line is asked about it; buffer_clear makes it
 * ready for the next one. All zeros is an empty buffer. */
#ifndef TEXT_TEXT_BUFFER_H
#define TEXT_TEXT_BUFFER_H
#include <stdbool.h>
#include <stddef.h>

struct text_buffer {
    char *bytes;
    size_t used, capacity;
    bool failed;
};
void buffer_add(struct text_buffer *buffer, const void *bytes, size_t count);
void buffer_text(struct text_buffer *buffer, const char *text);
void buffer_format(struct text_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string, quotes and all. */
void buffer_json_string(struct text_buffer *buffer, const char *text, size_t bytes);
void buffer_clear(struct text_buffer *buffer);
void buffer_release(struct text_buffer *buffer);

#endif
