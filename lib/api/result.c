/* result.c - see result.h. */
#include "api/result.h"
#include "text/writer_source.h"
#include <stdlib.h>
#include <string.h>

void result_init(struct ft_result *result)
{
    window_init(&result->window);
    arena_init(&result->arena);
    result->sentences = NULL;
}

void result_release(struct ft_result *result)
{
    window_release(&result->window);
    arena_release(&result->arena);
}

/* Where a sentence's source begins in the text that offsets count in. */
struct base {
    size_t chars, bytes;
};

static bool describe_tokens(struct ft_result *result, const struct sentence *from, const struct tagging *tagging,
                            struct base base, struct source_cursor *cursor, struct ft_sentence *to)
{
    struct ft_token *tokens = arena_array(&result->arena, from->count, sizeof *tokens);
    if (!tokens)
        return false;
    for (size_t i = 0; i < from->count; i++) {
        const struct token *token = &from->tokens[i];
        size_t bytes;
        const char *piece = source_text(cursor, from, i, i, &bytes);
        tokens[i] = (struct ft_token){.text = token->text,
                                      .tag = arena_copy(&result->arena, tagging->tags[i], strlen(tagging->tags[i])),
                                      .score = tagging->scores[i],
                                      .start = base.chars + token->start,
                                      .end = base.chars + token->end};
        tokens[i].start_byte = base.bytes + (size_t)(piece - from->source);
        tokens[i].end_byte = tokens[i].start_byte + bytes;
        if (!tokens[i].tag)
            return false;
    }
    to->tokens = tokens;
    to->token_count = from->count;
    return true;
}

static bool describe_spans(struct ft_result *result, const struct tagging *tagging, struct ft_sentence *to)
{
    struct ft_span *spans = arena_array(&result->arena, tagging->span_count, sizeof *spans);
    if (!spans)
        return false;
    for (size_t i = 0; i < tagging->span_count; i++) {
        const struct span *span = &tagging->spans[i];
        const struct ft_token *first = &to->tokens[span->first], *last = &to->tokens[span->last];
        spans[i] = (struct ft_span){.type = arena_copy(&result->arena, span->type, strlen(span->type)),
                                    .score = span->score,
                                    .first = span->first,
                                    .last = span->last,
                                    .start = first->start,
                                    .end = last->end,
                                    .start_byte = first->start_byte,
                                    .end_byte = last->end_byte};
        spans[i].text = arena_copy(&result->arena, to->text + first->start_byte, last->end_byte - first->start_byte);
        if (!spans[i].type || !spans[i].text)
            return false;
    }
    to->spans = spans;
    to->span_count = tagging->span_count;
    return true;
}

ft_status result_fill(struct ft_result *result, const struct tagging *taggings, const struct token *whole,
                      struct ft_error *error)
{
    struct source_cursor cursor = {0};
    arena_clear(&result->arena);
    result->sentences = arena_array(&result->arena, result->window.count, sizeof *result->sentences);
    if (!result->sentences)
        return ft_nomem(error, "the result");
    for (size_t i = 0; i < result->window.count; i++) {
        const struct sentence *from = &result->window.sentences[i];
        struct ft_sentence *to = &result->sentences[i];
        struct base base = {0};
        if (from->first_of_source)
            cursor = (struct source_cursor){0};
        *to = (struct ft_sentence){.text = from->source,
                                   .text_bytes = from->source_bytes,
                                   .file = from->file,
                                   .line = from->line,
                                   .number = from->number,
                                   .text_start = from->source_start};
        if (whole) {
            base = (struct base){from->source_start, (size_t)(from->source - whole->text)};
            to->text = whole->text;
            to->text_bytes = whole->bytes;
            to->text_start = 0;
        }
        if (from->count && (!describe_tokens(result, from, &taggings[i], base, &cursor, to) ||
                            !describe_spans(result, &taggings[i], to)))
            return ft_nomem(error, "the result");
    }
    return FT_OK;
}

size_t ft_result_count(const struct ft_result *result)
{
    return result->window.count;
}

const struct ft_sentence *ft_result_sentence(const struct ft_result *result, size_t index)
{
    return index < result->window.count ? &result->sentences[index] : NULL;
}

void ft_result_free(struct ft_result *result)
{
    if (!result)
        return;
    result_release(result);
    free(result);
}
