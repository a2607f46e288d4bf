/* reader_text.c - see reader_text.h. */
#include "text/reader_text.h"
#include "base/utf8.h"
#include "text/segtok.h"
#include <stdlib.h>
#include <string.h>

ft_status sentence_from_words(struct window *window, struct sentence *sentence, const struct word *words, size_t count,
                              struct ft_error *error)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += words[i].bytes + 1;
    struct token *tokens = arena_array(&window->arena, count, sizeof *tokens);
    char *text = arena_alloc(&window->arena, bytes), *source = arena_alloc(&window->arena, bytes + 1);
    if (!tokens || !text || !source)
        return ft_nomem(error, "a sentence");
    sentence->tokens = tokens;
    sentence->count = count;
    sentence->source = source;
    sentence->source_bytes = bytes - (count > 0);
    uint32_t start = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(text, words[i].text, words[i].bytes);
        memcpy(source, words[i].text, words[i].bytes);
        tokens[i] = (struct token){.text = text, .bytes = (uint32_t)words[i].bytes, .start = start};
        tokens[i].chars = (uint32_t)utf8_count(text, words[i].bytes);
        tokens[i].end = start + tokens[i].chars;
        tokens[i].space_after = i + 1 < count;
        start = tokens[i].end + 1;
        text += words[i].bytes + 1;
        source += words[i].bytes;
        if (i + 1 < count)
            *source++ = ' ';
        window->chars += tokens[i].chars + 1;
    }
    window->tokens += count;
    return FT_OK;
}

ft_status take_text_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                         struct ft_error *error)
{
    (void)lines;
    size_t first = window->count, tokens = window->tokens, chars = window->chars;
    char *text = arena_copy(&window->arena, line->text, line->bytes);
    if (!text)
        return ft_nomem(error, "a line of text");
    ft_status status = segtok_split(window, text, line->bytes, error);
    if (status)
        return status;
    for (size_t i = first; i < window->count; i++) {
        struct sentence *sentence = &window->sentences[i];
        sentence->file = line->file;
        sentence->line = line->number;
        sentence->place = line->place;
        sentence->number = ++*number;
        sentence->source_start = line->start;
        tokens += sentence->count;
        for (size_t t = 0; t < sentence->count; t++)
            chars += sentence->tokens[t].chars + 1;
    }
    window->tokens = tokens;
    window->chars = chars;
    return FT_OK;
}

ft_status take_tokens_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                           struct ft_error *error)
{
    (void)lines;
    /* At most every second byte begins a word. */
    struct word *words = malloc((line->bytes / 2 + 1) * sizeof *words);
    if (!words)
        return ft_nomem(error, "the words of a line");
    size_t count = 0;
    for (size_t at = 0; at < line->bytes;) {
        bool blank = line->text[at] == ' ' || line->text[at] == '\t';
        if (blank) {
            at++;
            continue;
        }
        words[count].text = line->text + at;
        while (at < line->bytes && line->text[at] != ' ' && line->text[at] != '\t')
            at++;
        words[count].bytes = (size_t)(line->text + at - words[count].text);
        count++;
    }
    ft_status status = FT_OK;
    if (count) {
        struct sentence *sentence = window_add(window);
        if (sentence) {
            sentence->file = line->file;
            sentence->line = line->number;
            sentence->place = line->place;
            sentence->number = ++*number;
            sentence->first_of_source = sentence->last_of_source = true;
            status = sentence_from_words(window, sentence, words, count, error);
        } else {
            status = ft_nomem(error, "the window of sentences");
        }
    }
    free(words);
    return status;
}
