/* text_buffer.c - see text_buffer.h. */
#include "text/text_buffer.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct text_buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX / 4)
        buffer->failed = true;
    else if (buffer->used + more > buffer->capacity) {
        size_t capacity = (buffer->used + more) * 2;
        char *grown = realloc(buffer->bytes, capacity);
        if (grown) {
            buffer->bytes = grown;
            buffer->capacity = capacity;
        }
        buffer->failed = !grown;
    }
    return !buffer->failed;
}

void buffer_add(struct text_buffer *buffer, const void *bytes, size_t count)
{
    if (!count || !reserve(buffer, count))
        return;
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
}

void buffer_text(struct text_buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_format(struct text_buffer *buffer, const char *format, ...)
{
    char text[256]; /* for numbers; strings go through buffer_text */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_add(buffer, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

void buffer_json_string(struct text_buffer *buffer, const char *text, size_t bytes)
{
    buffer_add(buffer, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buffer_add(buffer, text + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            buffer_format(buffer, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            buffer_text(buffer, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        else
            buffer_format(buffer, "\\u%04x", c);
    }
    buffer_add(buffer, text + from, bytes - from);
    buffer_add(buffer, "\"", 1);
}

void buffer_clear(struct text_buffer *buffer)
{
    buffer->used = 0;
    buffer->failed = false;
}

void buffer_release(struct text_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct text_buffer){0};
}
