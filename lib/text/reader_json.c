/* reader_json.c - JSON Lines: an object a line, with `tokens` (a list of strings) or `text`.
 *
 * With both, `tokens` are the tokens, and their offsets count in `text` where it is made of them and white space. The
 * object is kept as read for the writer. NUL and lone surrogates, which escapes can smuggle in, are no text. */
#include "base/utf8.h"
#include "text/reader_text.h"
#include "text/segtok.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_value(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at[i] ? strchr(digits, at[i]) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits) % 16;
    }
    return value;
}

/* Finds the next \u escape that is no character: \u0000 or half of a pair. NULL when there is none. */
static char *find_bad_escape(char *at)
{
    while ((at = strchr(at, '\\'))) {
        int value = at[1] == 'u' ? hex_value(at + 2) : -1;
        if (value < 0) {
            at += at[1] ? 2 : 1;
            continue;
        }
        bool high = value >= 0xd800 && value < 0xdc00, low = value >= 0xdc00 && value < 0xe000;
        int next = high && at[6] == '\\' && at[7] == 'u' ? hex_value(at + 8) : -1;
        bool pair = next >= 0xdc00 && next < 0xe000;
        if (value == 0 || low || (high && !pair))
            return at;
        at += pair ? 12 : 6;
    }
    return NULL;
}

static ft_status check_escapes(struct lines *lines, const struct text_line *line, char *object, bool *skip,
                               struct ft_error *error)
{
    char *bad = object;
    *skip = false;
    while ((bad = find_bad_escape(bad))) {
        if (lines->options.on_error != ON_ERROR_REPLACE) {
            *skip = true;
            return lines_bad(lines, line, error,
                             "escape \\u%.4s in JSON is no character (--on-error skip or replace goes on)", bad + 2);
        }
        memcpy(bad + 2, "fffd", 4);
        lines->counts.characters_replaced++;
    }
    return FT_OK;
}

/* Moves offsets into `text` when the tokens follow each other there with nothing but white space between. */
static void align(struct sentence *sentence, char *text, size_t bytes)
{
    size_t at = 0;
    uint32_t character = 0;
    for (int round = 0; round < 2; round++, at = 0, character = 0)
        for (size_t i = 0; i < sentence->count; i++) {
            struct token *token = &sentence->tokens[i];
            uint32_t c, length;
            bool space = false;
            while ((length = (uint32_t)utf8_decode(text + at, bytes - at, &c)) && unicode_is_space(c) &&
                   (bytes - at < token->bytes || memcmp(text + at, token->text, token->bytes))) {
                at += length;
                character++;
                space = true;
            }
            if (bytes - at < token->bytes || memcmp(text + at, token->text, token->bytes))
                return;
            if (round && i)
                token[-1].space_after = space;
            if (round) {
                token->start = character;
                token->end = character + token->chars;
            }
            at += token->bytes;
            character += token->chars;
        }
    sentence->source = text;
    sentence->source_bytes = bytes;
}

static ft_status take_tokens(struct window *window, struct lines *lines, const struct text_line *line,
                             const cJSON *list, bool *skip, struct ft_error *error)
{
    size_t count = (size_t)cJSON_GetArraySize(list), at = 0;
    struct word *words = malloc((count + 1) * sizeof *words);
    if (!words)
        return ft_nomem(error, "the tokens of an object");
    ft_status status = FT_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        bool empty = cJSON_IsString(item) && !*item->valuestring;
        bool replace = empty && lines->options.on_error == ON_ERROR_REPLACE;
        lines->counts.characters_replaced += replace;
        if (!cJSON_IsString(item) || (empty && !replace)) {
            *skip = true;
            status = lines_bad(lines, line, error, empty ? "token %zu is empty" : "token %zu is no string", at + 1);
            goto out;
        }
        words[at].text = replace ? "\xef\xbf\xbd" : item->valuestring;
        words[at].bytes = strlen(words[at].text);
        at++;
    }
    struct sentence *sentence = window_add(window);
    if (!sentence) {
        status = ft_nomem(error, "the window of sentences");
        goto out;
    }
    sentence->first_of_source = sentence->last_of_source = true;
    status = sentence_from_words(window, sentence, words, count, error);
out:
    free(words);
    return status;
}

/* Gold tags of an object: a list of as many strings as there are tokens, over all its sentences. */
static ft_status take_gold(struct window *window, size_t first, const cJSON *list, struct ft_error *error)
{
    size_t tokens = 0;
    for (size_t i = first; i < window->count; i++)
        tokens += window->sentences[i].count;
    if (!cJSON_IsArray(list) || (size_t)cJSON_GetArraySize(list) != tokens)
        return FT_OK;
    const cJSON *item = list->child;
    for (size_t i = first; i < window->count; i++)
        for (size_t t = 0; t < window->sentences[i].count; t++, item = item->next) {
            const char *tag = cJSON_IsString(item) ? item->valuestring : "O";
            window->sentences[i].tokens[t].gold = arena_copy(&window->arena, tag, strlen(tag));
            if (!window->sentences[i].tokens[t].gold)
                return ft_nomem(error, "the tags of an object");
        }
    return FT_OK;
}

static ft_status take_object(struct window *window, struct lines *lines, const struct text_line *line,
                             const cJSON *json, bool *skip, struct ft_error *error)
{
    const cJSON *tokens = cJSON_GetObjectItemCaseSensitive(json, "tokens");
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(json, "text");
    bool has_tokens = cJSON_IsArray(tokens), has_text = cJSON_IsString(text);
    if (!has_tokens && !has_text) {
        *skip = true;
        return lines_bad(lines, line, error, "%s",
                         cJSON_IsObject(json)
                             ? "expected an object with \"text\" (a string) or \"tokens\" (a list of strings)"
                             : "expected a JSON object");
    }
    size_t text_bytes = has_text ? strlen(text->valuestring) : 0;
    char *copy = arena_copy(&window->arena, has_text ? text->valuestring : "", text_bytes);
    if (!copy)
        return ft_nomem(error, "an object's text");
    size_t first = window->count;
    ft_status status = has_tokens ? take_tokens(window, lines, line, tokens, skip, error)
                                  : segtok_split(window, copy, text_bytes, error);
    if (status || *skip)
        return status;
    if (has_tokens && has_text)
        align(&window->sentences[first], copy, text_bytes);
    if (window->count == first) { /* the object passes through all the same */
        struct sentence *sentence = window_add(window);
        if (!sentence)
            return ft_nomem(error, "the window of sentences");
        sentence->source = copy;
        sentence->source_bytes = text_bytes;
        sentence->first_of_source = sentence->last_of_source = true;
    }
    return lines->options.tag_column ? take_gold(window, first, cJSON_GetObjectItemCaseSensitive(json, "tags"), error)
                                     : FT_OK;
}

/* Puts in what the sentences of one line have in common, and counts them. */
static void finish(struct window *window, size_t first, const struct text_line *line, const char *object,
                   size_t *number)
{
    for (size_t i = first; i < window->count; i++) {
        struct sentence *sentence = &window->sentences[i];
        sentence->file = line->file;
        sentence->line = line->number;
        sentence->place = line->place;
        sentence->object = object;
        if (sentence->count)
            sentence->number = ++*number;
    }
}

ft_status take_json_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                         struct ft_error *error)
{
    size_t blank = 0;
    while (blank < line->bytes && strchr(" \t\r", line->text[blank]))
        blank++;
    if (blank == line->bytes)
        return FT_OK;
    char *object = arena_copy(&window->arena, line->text, line->bytes);
    if (!object)
        return ft_nomem(error, "a JSON object");
    bool skip;
    ft_status status = check_escapes(lines, line, object, &skip, error);
    if (status || skip)
        return status;
    const char *end = NULL;
    errno = 0;
    cJSON *json = cJSON_ParseWithLengthOpts(object, line->bytes + 1, &end, true);
    if (!json && errno == ENOMEM) /* cJSON does not tell a failed allocation from bad JSON */
        return ft_nomem(error, "a JSON object");
    if (!json)
        return lines_bad(lines, line, error, "bad JSON at character %zu",
                         utf8_count(object, end && end > object ? (size_t)(end - object) : 0) + 1);
    size_t first = window->count;
    status = take_object(window, lines, line, json, &skip, error);
    cJSON_Delete(json);
    if (!status && !skip)
        finish(window, first, line, object, number);
    return status;
}
