/* writer_json.h - the jsonl format of writer.h: one object for each source, gathered over its sentences. */
#ifndef TEXT_WRITER_JSON_H
#define TEXT_WRITER_JSON_H
#include "text/text_buffer.h"
#include "text/writer.h"
#include "text/writer_source.h"

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
