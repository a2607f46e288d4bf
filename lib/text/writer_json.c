/* writer_json.c - see writer_json.h.
 *
 * An object that was read is written member by member as it stood, so that numbers of any length and any other member
 * survive; only what a tagger says (`tags`, `spans`, `scores`, `nbest`) is taken out and written anew. Numbers of
 * tokens count from 0 over the whole object, character offsets from 0 in its text; `last` is inside, `end` is behind.
 */
#include "text/writer_json.h"
#include <math.h>
#include <string.h>

void json_writer_release(struct json_writer *json)
{
    buffer_release(&json->tokens);
    buffer_release(&json->tags);
    buffer_release(&json->scores);
    buffer_release(&json->spans);
    buffer_release(&json->best);
    buffer_release(&json->line);
}

static void comma(struct text_buffer *buffer)
{
    if (buffer->used)
        buffer_add(buffer, ", ", 2);
}

static double finite_or_zero(double value)
{
    return isfinite(value) ? value : 0;
}

static void add_span(struct json_writer *json, const struct sentence *sentence, const struct span *span)
{
    size_t bytes;
    const char *text = source_text(&json->cursor, sentence, span->first, span->last, &bytes);
    comma(&json->spans);
    buffer_format(&json->spans, "{\"start\": %u, \"end\": %u, \"first\": %zu, \"last\": %zu, \"type\": ",
                  sentence->tokens[span->first].start, sentence->tokens[span->last].end,
                  json->token_count + span->first, json->token_count + span->last);
    buffer_json_string(&json->spans, span->type, strlen(span->type));
    buffer_text(&json->spans, ", \"text\": ");
    buffer_json_string(&json->spans, text, bytes);
    buffer_format(&json->spans, ", \"score\": %.6f}", finite_or_zero(span->score));
}

static void add_tags(struct text_buffer *to, const char *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add(to, ", ", 2);
        buffer_json_string(to, tags[i], strlen(tags[i]));
    }
}

/* One of the n best of one sentence; `first` and `last` say which tokens of the object it tags. */
static void add_sequence(struct json_writer *json, const struct sentence *sentence, const struct tag_sequence *sequence)
{
    comma(&json->best);
    buffer_format(&json->best, "{\"first\": %zu, \"last\": %zu, \"probability\": %.9g, \"tags\": [", json->token_count,
                  json->token_count + sentence->count - 1, finite_or_zero(sequence->probability));
    add_tags(&json->best, (const char *const *)sequence->tags, sentence->count);
    buffer_text(&json->best, "]}");
}

static void gather(struct json_writer *json, const struct sentence *sentence, const struct tagging *tagging)
{
    for (size_t i = 0; i < sentence->count; i++) {
        comma(&json->tokens);
        buffer_json_string(&json->tokens, sentence->tokens[i].text, sentence->tokens[i].bytes);
        comma(&json->scores);
        buffer_format(&json->scores, "%.6f", tagging->scores ? finite_or_zero(tagging->scores[i]) : 0.0);
    }
    if (sentence->count)
        comma(&json->tags);
    add_tags(&json->tags, tagging->tags, sentence->count);
    for (size_t i = 0; i < tagging->span_count; i++)
        add_span(json, sentence, &tagging->spans[i]);
    for (size_t i = 0; sentence->count && i < tagging->best_count; i++)
        add_sequence(json, sentence, &tagging->best[i]);
    json->token_count += sentence->count;
}

static const char *skip_white(const char *at)
{
    return at + strspn(at, " \t\r\n\v\f");
}

static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

/* Behind a JSON value; the reader has parsed the object before, so only brackets and strings matter. */
static const char *skip_value(const char *at)
{
    size_t depth = 0;
    for (; *at; at++) {
        if (*at == '"') {
            at = skip_string(at);
            if (!depth)
                return at;
            at--;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (!depth)
                return at;
            if (!--depth)
                return at + 1;
        } else if (*at == ',' && !depth) {
            return at;
        }
    }
    return at;
}

static bool key_is(const char *key, size_t bytes, const char *name)
{
    return bytes == strlen(name) + 2 && !memcmp(key + 1, name, bytes - 2);
}

static void copy_members(struct json_writer *json, const char *object)
{
    const char *at = skip_white(object);
    for (at = skip_white(at + (*at == '{')); *at == '"'; at = skip_white(at + (*at == ','))) {
        const char *key = at;
        at = skip_string(at);
        size_t key_bytes = (size_t)(at - key);
        at = skip_white(at);
        at = skip_white(at + (*at == ':'));
        const char *value = at;
        at = skip_value(at);
        size_t value_bytes = (size_t)(at - value);
        while (value_bytes && strchr(" \t\r\n\v\f", value[value_bytes - 1]))
            value_bytes--;
        at = skip_white(at);
        bool ours = key_is(key, key_bytes, "tags") || key_is(key, key_bytes, "spans") ||
                    key_is(key, key_bytes, "scores") || key_is(key, key_bytes, "nbest");
        if (ours)
            continue;
        json->object_has_tokens |= key_is(key, key_bytes, "tokens");
        if (json->line.used > 1)
            buffer_add(&json->line, ", ", 2);
        buffer_add(&json->line, key, key_bytes);
        buffer_add(&json->line, ": ", 2);
        buffer_add(&json->line, value, value_bytes);
    }
}

static void add_list(struct json_writer *json, const char *name, const struct text_buffer *list)
{
    if (json->line.used > 1)
        buffer_add(&json->line, ", ", 2);
    buffer_format(&json->line, "\"%s\": [", name);
    buffer_add(&json->line, list->bytes, list->used);
    buffer_add(&json->line, "]", 1);
}

static void make_line(struct json_writer *json, const struct writer_options *options, const struct sentence *sentence)
{
    json->object_has_tokens = false;
    buffer_text(&json->line, "{");
    if (sentence->object) {
        copy_members(json, sentence->object);
    } else {
        buffer_text(&json->line, "\"text\": ");
        buffer_json_string(&json->line, sentence->source, sentence->source_bytes);
    }
    if (!json->object_has_tokens)
        add_list(json, "tokens", &json->tokens);
    add_list(json, "tags", &json->tags);
    add_list(json, "spans", &json->spans);
    if (options->scores != SCORES_NONE)
        add_list(json, "scores", &json->scores);
    if (json->best.used)
        add_list(json, "nbest", &json->best);
    buffer_text(&json->line, "}\n");
}

static void clear(struct json_writer *json)
{
    struct text_buffer *all[] = {&json->tokens, &json->tags, &json->scores, &json->spans, &json->best, &json->line};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buffer_clear(all[i]);
    json->token_count = 0;
    json->cursor = (struct source_cursor){0};
}

ft_status json_writer_sentence(struct json_writer *json, struct output *output, const struct writer_options *options,
                               const struct sentence *sentence, const struct tagging *tagging, struct ft_error *error)
{
    if (!sentence->count && !sentence->object)
        return FT_OK; /* lines that only pass through */
    if (sentence->first_of_source)
        clear(json);
    gather(json, sentence, tagging);
    if (!sentence->last_of_source)
        return FT_OK;
    make_line(json, options, sentence);
    if (json->tokens.failed || json->tags.failed || json->scores.failed || json->spans.failed || json->best.failed ||
        json->line.failed)
        return ft_nomem(error, "a line of output");
    return output_write(output, json->line.bytes, json->line.used, error);
}
