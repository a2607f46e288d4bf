/* segtok.c - see segtok.h. The order of work is Flair's, since each step sees what the one before has made:
 *
 *   1. the text as it stands is cut into sentences, which may hold single line feeds;
 *   2. each sentence is cleaned up;
 *   3. the cleaned sentence is cut once more, now at every line feed too: here "foo. bar." comes apart although the
 * first cut kept it whole, because the blank behind it is gone;
 *   4. each part is cut into tokens.
 *
 * A sentence of one piece, clean and without line feeds, cannot change in steps 2 and 3 and skips them. */
#include "text/segtok.h"
#include "base/error.h"
#include "base/utf8.h"
#include "text/segtok_symbols.h"
#include <stdlib.h>

struct work {
    struct symbols source, clean;
    struct ranges raw, words;
};

static void work_release(struct work *work)
{
    symbols_release(&work->source);
    symbols_release(&work->clean);
    free(work->raw.items);
    free(work->words.items);
}

static bool work_init(struct work *work, const char *text, size_t bytes)
{
    *work = (struct work){0};
    if (!symbols_decode(&work->source, text, bytes))
        return false;
    return !(work->source.any & SYMBOL_UNCLEAN) || symbols_reserve(&work->clean, work->source.count);
}

/* Step 4 for [from, to), line by line. */
static bool cut_lines(struct work *work, struct symbols *s, size_t from, size_t to)
{
    while (from < to) {
        size_t end = from;
        while (s->newline && end < to && s->code[end] != '\n')
            end++;
        if (!s->newline)
            end = to;
        size_t joined_end = end;
        if (s->origin)
            symbols_join_lines(s, from, &joined_end);
        if (!sentence_words(s, from, joined_end, &work->raw, &work->words))
            return false;
        from = end + 1;
    }
    return true;
}

/* Steps 2 to 4 for [from, to) of the source: fills work->words. *cut: the text that the words are ranges of. */
static bool cut_sentence(struct work *work, size_t from, size_t to, bool in_parts, const struct symbols **cut)
{
    struct symbols *s = &work->source;
    work->words.count = 0;
    if (s->any & SYMBOL_UNCLEAN) {
        symbols_clean(s, from, to, &work->clean);
        s = &work->clean;
        from = 0;
        to = s->count;
        in_parts = true;
    }
    *cut = s;
    if (!in_parts && !s->newline)
        return cut_lines(work, s, from, to);
    struct sentence_scan scan;
    sentence_scan_init(&scan, s, from, to, 1);
    struct range part;
    bool joined;
    while (sentence_scan_next(&scan, &part, &joined))
        if (!cut_lines(work, s, part.from, part.to))
            return false;
    return true;
}

static size_t encoded_length(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Makes tokens of work->words. */
static bool take_tokens(struct work *work, const struct symbols *cut, struct arena *arena, struct token **tokens)
{
    size_t count = work->words.count, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct range word = work->words.items[i];
        for (size_t at = word.from; at < word.to; at++)
            bytes += encoded_length(cut->code[at]);
    }
    *tokens = arena_array(arena, count, sizeof **tokens);
    char *text = arena_alloc(arena, bytes + count);
    if (!*tokens || !text)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct range word = work->words.items[i];
        struct token *token = &(*tokens)[i];
        token->text = text;
        for (size_t at = word.from; at < word.to; at++) {
            if (cut->code[at] < 0x80)
                *text++ = (char)cut->code[at];
            else
                text += utf8_encode(cut->code[at], text);
        }
        token->bytes = (uint32_t)(text - token->text);
        *text++ = '\0';
        token->chars = (uint32_t)(word.to - word.from);
        token->start = cut->origin ? cut->origin[word.from] : (uint32_t)word.from;
        token->end = (cut->origin ? cut->origin[word.to - 1] : (uint32_t)(word.to - 1)) + 1;
        token->space_after = symbols_space_behind(&work->source, token->end);
    }
    return true;
}

ft_status segtok_tokenize(struct arena *arena, const char *text, size_t bytes, struct token **tokens, size_t *count,
                          struct ft_error *error)
{
    *tokens = NULL;
    *count = 0;
    if (bytes >= UINT32_MAX) /* offsets would not fit */
        return ft_nomem(error, "a sentence of 4 GiB");
    struct work work;
    const struct symbols *cut;
    bool ok = work_init(&work, text, bytes) && cut_sentence(&work, 0, work.source.count, true, &cut) &&
              take_tokens(&work, cut, arena, tokens);
    if (ok)
        *count = work.words.count;
    work_release(&work);
    return ok ? FT_OK : ft_nomem(error, "the tokens of a sentence");
}

static bool append_sentences(struct window *window, struct work *work, const char *text, size_t bytes)
{
    size_t first = window->count;
    struct sentence_scan scan;
    sentence_scan_init(&scan, &work->source, 0, work->source.count, 2);
    struct range range;
    bool joined;
    while (sentence_scan_next(&scan, &range, &joined)) {
        const struct symbols *cut;
        if (!cut_sentence(work, range.from, range.to, joined, &cut))
            return false;
        if (!work->words.count)
            continue;
        struct token *tokens;
        if (!take_tokens(work, cut, &window->arena, &tokens))
            return false;
        struct sentence *sentence = window_add(window);
        if (!sentence)
            return false;
        sentence->tokens = tokens;
        sentence->count = work->words.count;
        sentence->source = text;
        sentence->source_bytes = bytes;
        sentence->first_of_source = window->count == first + 1;
        window->tokens += sentence->count;
        for (size_t i = 0; i < sentence->count; i++)
            window->chars += tokens[i].chars + 1;
    }
    if (window->count > first)
        window->sentences[window->count - 1].last_of_source = true;
    return true;
}

ft_status segtok_split(struct window *window, const char *text, size_t bytes, struct ft_error *error)
{
    if (bytes >= UINT32_MAX) /* offsets would not fit */
        return ft_nomem(error, "a line of 4 GiB");
    struct window before = *window;
    struct work work;
    bool ok = work_init(&work, text, bytes) && append_sentences(window, &work, text, bytes);
    work_release(&work);
    if (ok)
        return FT_OK;
    window->count = before.count;
    window->tokens = before.tokens;
    window->chars = before.chars;
    return ft_nomem(error, "the sentences of a line");
}
