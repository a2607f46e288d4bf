/* text_stream.c - see text_stream.h. */
#include "base/text_stream.h"
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static ssize_t append(void *cookie, const char *bytes, size_t count)
{
    struct text_stream *stream = cookie;
    if (count >= stream->room - stream->bytes) {
        size_t room = 2 * stream->room + count;
        char *grown = stream->failed ? NULL : realloc(stream->text, room);
        if (!grown) {
            stream->failed = true;
            return 0;
        }
        stream->text = grown;
        stream->room = room;
    }
    memcpy(stream->text + stream->bytes, bytes, count);
    stream->bytes += count;
    return (ssize_t)count;
}

bool text_stream_open(struct text_stream *stream)
{
    memset(stream, 0, offsetof(struct text_stream, buffer));
    stream->room = sizeof stream->buffer;
    stream->text = malloc(stream->room);
    stream->file = stream->text ? fopencookie(stream, "w", (cookie_io_functions_t){.write = append}) : NULL;
    if (!stream->file) {
        free(stream->text);
        return false;
    }
    setvbuf(stream->file, stream->buffer, _IOFBF, sizeof stream->buffer);
    return true;
}

size_t text_stream_bytes(struct text_stream *stream)
{
    fflush(stream->file);
    return stream->bytes;
}

char *text_stream_close(struct text_stream *stream, size_t *bytes)
{
    bool failed = ferror(stream->file);
    failed = fclose(stream->file) || failed || stream->failed;
    if (failed) {
        free(stream->text);
        return NULL;
    }
    stream->text[stream->bytes] = '\0';
    if (bytes)
        *bytes = stream->bytes;
    return stream->text;
}
