/* writer_json.h - the jsonl format of writer.h: one object for each source, gathered over its sentences. */
#ifndef TEXT_WRITER_JSON_H
#define TEXT_WRITER_JSON_H
#include "text/writer.h"
#include "text/writer_source.h"

/* Bytes that grow; a failed allocation is remembered and told once. */
struct text_buffer {
    char *bytes;
    size_t used, capacity;
    bool failed;
};
void buffer_add(struct text_buffer *buffer, const void *bytes, size_t count);
void buffer_text(struct text_buffer *buffer, const char *text);
void buffer_format(struct text_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_json_string(struct text_buffer *buffer, const char *text, size_t bytes);
void buffer_release(struct text_buffer *buffer);

struct json_writer {
    struct text_buffer tokens, tags, scores, spans, best, line;
    struct source_cursor cursor;
    size_t token_count; /* of the source so far */
    bool object_has_tokens;
};

void json_writer_release(struct json_writer *json);
ft_status json_writer_sentence(struct json_writer *json, struct output *output, const struct writer_options *options,
                               const struct sentence *sentence, const struct tagging *tagging, struct ft_error *error);

#endif
