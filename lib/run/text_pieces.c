/* text_pieces.c - see text_pieces.h. */
#include "run/text_pieces.h"
#include "base/input.h"
#include "base/text_stream.h"
#include "base/utf8.h"
#include "text/segtok.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_OUT = 500 }; /* one of so many bytes */

void text_pieces_release(struct text_pieces *pieces)
{
    for (size_t i = 0; i < pieces->text_count; i++)
        free(pieces->texts[i]);
    free(pieces->texts);
    free(pieces->at);
    *pieces = (struct text_pieces){0};
}

static ft_status add(struct text_pieces *pieces, const char *at, size_t bytes, bool ends, struct ft_error *error)
{
    if (pieces->count == pieces->capacity) {
        size_t capacity = pieces->capacity ? 2 * pieces->capacity : 1024;
        struct text_piece *grown = realloc(pieces->at, capacity * sizeof *grown);
        if (!grown)
            return ft_nomem(error, "the lines of a text");
        pieces->at = grown;
        pieces->capacity = capacity;
    }
    pieces->at[pieces->count++] = (struct text_piece){at, bytes, ends};
    return FT_OK;
}

static ft_status check_text(const char *path, const char *text, size_t bytes, struct ft_error *error)
{
    size_t bad, line = 1;
    if (utf8_valid(text, bytes, &bad))
        return FT_OK;
    for (size_t i = 0; i < bad; i++)
        line += text[i] == '\n';
    return ft_fail(error, FT_INPUT, "%s:%zu: not valid UTF-8 (iconv -f latin1 -t utf-8 mends what is Latin-1)", path,
                   line);
}

/* CR LF and CR become LF, as in files that Python opens as text. Returns how many bytes are left. */
static size_t unify_line_ends(char *text, size_t bytes)
{
    size_t to = 0;
    if (!memchr(text, '\r', bytes))
        return bytes;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\r' && i + 1 < bytes && text[i + 1] == '\n')
            continue;
        text[to++] = text[i];
        if (text[i] == '\r')
            text[to - 1] = '\n';
    }
    return to;
}

static void write_sentences(FILE *to, const struct window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        const struct sentence *sentence = &window->sentences[i];
        for (size_t t = 0; t < sentence->count; t++) {
            if (t)
                putc(' ', to);
            fwrite(sentence->tokens[t].text, 1, sentence->tokens[t].bytes, to);
        }
        putc('\n', to);
    }
}

/* The text anew, a sentence a line, its tokens with blanks between them. */
static ft_status tokenize(char **text, size_t *bytes, struct ft_error *error)
{
    struct text_stream to;
    struct window window;
    if (!text_stream_open(&to))
        return ft_nomem(error, "a text's tokens");
    ft_status status = FT_OK;
    window_init(&window);
    for (size_t at = 0; status == FT_OK && at < *bytes;) {
        const char *end = memchr(*text + at, '\n', *bytes - at);
        size_t length = end ? (size_t)(end - (*text + at)) : *bytes - at;
        window_clear(&window);
        status = segtok_split(&window, *text + at, length, error);
        if (status == FT_OK)
            write_sentences(to.file, &window);
        at += length + 1;
    }
    window_release(&window);
    free(*text);
    *text = text_stream_close(&to, bytes);
    return status == FT_OK && !*text ? ft_nomem(error, "a text's tokens") : status;
}

static ft_status cut(struct text_pieces *pieces, const char *text, size_t bytes, const struct text_options *options,
                     struct ft_error *error)
{
    bool lines = options->era == LIKE_FLAIR_0_4;
    const char *mark = lines ? "\n" : options->delimiter;
    size_t mark_bytes = strlen(mark);
    ft_status status = FT_OK;
    for (size_t at = 0; status == FT_OK && at < bytes;) {
        const char *end = memmem(text + at, bytes - at, mark, mark_bytes);
        size_t length = end ? (size_t)(end - (text + at)) : bytes - at;
        if (lines)
            status = add(pieces, text + at, length + (end != NULL), false, error);
        else if (length)
            status = add(pieces, text + at, length, true, error);
        at += length + (end ? mark_bytes : 0);
    }
    return status;
}

/* Leaves the part of the pieces from `first` on that is wanted. */
static void take_part(struct text_pieces *pieces, size_t first, enum text_part part)
{
    size_t bytes = 0, held = 0, cut_at = pieces->count;
    for (size_t i = first; i < pieces->count; i++)
        bytes += pieces->at[i].bytes;
    while (cut_at > first + 1 && held < bytes / HELD_OUT + 1)
        held += pieces->at[--cut_at].bytes;
    if (part == TEXT_BUT_LAST)
        pieces->count = cut_at;
    if (part == TEXT_LAST) {
        memmove(pieces->at + first, pieces->at + cut_at, (pieces->count - cut_at) * sizeof *pieces->at);
        pieces->count -= cut_at - first;
    }
}

ft_status text_pieces_read(struct text_pieces *pieces, const char *path, enum text_part part,
                           const struct text_options *options, struct ft_error *error)
{
    char *text = NULL;
    size_t bytes, first = pieces->count;
    char **texts = realloc(pieces->texts, (pieces->text_count + 1) * sizeof *texts);
    if (!texts)
        return ft_nomem(error, "a text");
    pieces->texts = texts;
    ft_status status = input_slurp(path, &text, &bytes, error);
    if (status == FT_OK) {
        bytes = unify_line_ends(text, bytes);
        status = check_text(path, text, bytes, error);
    }
    if (status == FT_OK && options->tokenize)
        status = tokenize(&text, &bytes, error);
    if (text)
        pieces->texts[pieces->text_count++] = text;
    if (status == FT_OK)
        status = cut(pieces, text, bytes, options, error);
    if (status == FT_OK && part != TEXT_WHOLE)
        take_part(pieces, first, part);
    return status;
}
