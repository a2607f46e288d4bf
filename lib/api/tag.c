/* tag.c - the public API's tagging of what lies in memory: tokens and plain text. */
#include "api/model.h"
#include "base/utf8.h"
#include "text/reader_text.h"
#include "text/segtok.h"
#include <stdlib.h>
#include <string.h>

/* Offsets are kept in 32 bits. */
static const size_t LONGEST_TEXT = (size_t)1 << 31;

static ft_status new_result(struct ft_result **result, struct ft_error *error)
{
    *result = malloc(sizeof **result);
    if (!*result)
        return ft_nomem(error, "a result");
    result_init(*result);
    return FT_OK;
}

/* Tags what the result's window holds and lets go of the result where something failed. */
static ft_status finish(struct ft_model *model, struct ft_result **result, ft_status status, const struct token *whole,
                        struct ft_error *error)
{
    if (status == FT_OK)
        status = model_tag(model, *result, whole, error);
    if (status == FT_OK)
        return FT_OK;
    ft_result_free(*result);
    *result = NULL;
    return status;
}

static ft_status check_token(const char *token, size_t bytes, size_t index, size_t number, struct ft_error *error)
{
    size_t bad;
    if (!bytes)
        return ft_fail(error, FT_INPUT, "sentence %zu: token %zu is empty", number, index + 1);
    if (!utf8_valid(token, bytes, &bad))
        return ft_fail(error, FT_INPUT, "sentence %zu: token %zu: invalid UTF-8 at byte %zu", number, index + 1,
                       bad + 1);
    return FT_OK;
}

static ft_status add_sentence(struct window *window, const struct ft_tokens *from, size_t number,
                              struct ft_error *error)
{
    ft_status status = FT_OK;
    size_t bytes = 0;
    struct word *words = malloc((from->count + 1) * sizeof *words);
    struct sentence *sentence = window_add(window);
    if (!words || !sentence)
        status = ft_nomem(error, "a sentence");
    for (size_t i = 0; status == FT_OK && i < from->count; i++) {
        if (!from->tokens[i]) {
            status = ft_fail(error, FT_USAGE, "sentence %zu: token %zu is NULL", number, i + 1);
            break;
        }
        words[i] = (struct word){from->tokens[i], strlen(from->tokens[i])};
        status = check_token(words[i].text, words[i].bytes, i, number, error);
        bytes += words[i].bytes + 1;
        if (status == FT_OK && bytes > LONGEST_TEXT)
            status = ft_fail(error, FT_INPUT, "sentence %zu: more than 2 GiB", number);
    }
    if (status == FT_OK) {
        sentence->first_of_source = sentence->last_of_source = true;
        sentence->number = number;
        status = sentence_from_words(window, sentence, words, from->count, error);
    }
    free(words);
    return status;
}

ft_status ft_tag_batch(struct ft_model *model, const struct ft_tokens *sentences, size_t count,
                       struct ft_result **result, struct ft_error *error)
{
    struct ft_error ignored;
    error = error ? error : &ignored;
    ft_status status = new_result(result, error);
    for (size_t i = 0; status == FT_OK && i < count; i++)
        status = add_sentence(&(*result)->window, &sentences[i], i + 1, error);
    return finish(model, result, status, NULL, error);
}

ft_status ft_tag_tokens(struct ft_model *model, const char *const *tokens, size_t count, struct ft_result **result,
                        struct ft_error *error)
{
    return ft_tag_batch(model, &(struct ft_tokens){tokens, count}, 1, result, error);
}

/* Splits line by line, as the reader of plain text does: a CR before the line end and a byte order mark before the
 * first line are no part of them. */
static ft_status split_lines(struct window *window, const char *text, size_t bytes, struct ft_error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t at = 0, chars = 0, number = 0;
    ft_status status = FT_OK;
    if (bytes >= sizeof mark - 1 && !memcmp(text, mark, sizeof mark - 1)) {
        at = sizeof mark - 1;
        chars = 1;
    }
    for (size_t line = 1, next; status == FT_OK && at < bytes; line++, at = next) {
        const char *newline = memchr(text + at, '\n', bytes - at);
        size_t end = newline ? (size_t)(newline - text) : bytes, first = window->count;
        next = newline ? end + 1 : end;
        size_t length = end - at - (end > at && text[end - 1] == '\r');
        status = segtok_split(window, text + at, length, error);
        for (size_t i = first; status == FT_OK && i < window->count; i++) {
            window->sentences[i].line = line;
            window->sentences[i].number = ++number;
            window->sentences[i].source_start = chars;
        }
        chars += utf8_count(text + at, next - at);
    }
    return status;
}

ft_status ft_tag_text(struct ft_model *model, const char *text, size_t bytes, struct ft_result **result,
                      struct ft_error *error)
{
    size_t bad = bytes;
    struct ft_error ignored;
    error = error ? error : &ignored;
    *result = NULL;
    if (bytes > LONGEST_TEXT)
        return ft_fail(error, FT_INPUT, "text of more than 2 GiB");
    bool valid = utf8_valid(text, bytes, &bad);
    const char *nul = bytes ? memchr(text, 0, bad) : NULL;
    if (nul)
        return ft_fail(error, FT_INPUT, "text: NUL byte at byte %zu", (size_t)(nul - text) + 1);
    if (!valid)
        return ft_fail(error, FT_INPUT, "text: invalid UTF-8 at byte %zu", bad + 1);
    ft_status status = new_result(result, error);
    if (status != FT_OK)
        return status;
    struct window *window = &(*result)->window;
    struct token whole = {.text = arena_copy(&window->arena, text, bytes), .bytes = (uint32_t)bytes};
    status = whole.text ? split_lines(window, whole.text, bytes, error) : ft_nomem(error, "a text");
    return finish(model, result, status, &whole, error);
}
