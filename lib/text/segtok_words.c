/* segtok_words.c - the tokens of one sentence.
 *
 * White space parts the text into chunks; in a chunk the longest chains of word elements are tokens (letters and
 * digits, and the marks that hold them together), and so is each run between two chains. Then the sentence's last mark
 * comes off its word, commas and colons come off every token's end, and contractions are parted ("is" + "n't", "we" +
 * "'ll").
 *
 * An element is taken in a fixed order of preference, so no choice is ever taken back; the one that must look far ahead
 * (a chemical formula) remembers how far it looked. */
#include "text/segtok_symbols.h"

struct chunk {
    const struct symbols *s;
    size_t from, to;
    size_t formula_from, formula_to; /* the formula last looked at: no subscript follows it */
};

static bool is(const struct chunk *chunk, size_t at, int kinds)
{
    return at < chunk->to && (chunk->s->kind[at] & kinds);
}

static uint32_t code(const struct chunk *chunk, size_t at)
{
    return at < chunk->to ? chunk->s->code[at] : 0;
}

/* A physical unit with a dimension, at the chunk's end: up to three letters, one more for a size, then a power. */
static size_t unit_end(const struct chunk *chunk, size_t at)
{
    static const char sizes[] = "yzafpnmcdhkMGTPEZY";
    size_t end = at;
    while (end - at < 5 && is(chunk, end, SYMBOL_LETTER))
        end++;
    size_t letters = end - at;
    if (letters == 4) {
        uint32_t size = code(chunk, at);
        bool known = size == 0xb5;
        for (const char *c = sizes; *c; c++)
            known |= size == (uint32_t)*c;
        if (!known)
            return at;
    } else if (letters < 1 || letters > 3) {
        return at;
    }
    if (code(chunk, end) == 0x207b)
        end++;
    return is(chunk, end, SYMBOL_POWER) && end + 1 == chunk->to ? end + 1 : at;
}

/* Symbols of chemical elements and closing brackets, subscript digits behind them, then perhaps a charge. */
static size_t formula_end(struct chunk *chunk, size_t at)
{
    if (at >= chunk->formula_from && at < chunk->formula_to)
        return at;
    size_t end = at;
    for (;;) {
        uint32_t c = code(chunk, end);
        if (c >= 'A' && c <= 'Z') {
            end++;
            c = code(chunk, end);
            end += c >= 'a' && c <= 'z';
        } else if (c == ')' || c == ']') {
            end++;
        } else {
            break;
        }
    }
    if (end == at)
        return at;
    if (!is(chunk, end, SYMBOL_SUBSCRIPT)) {
        chunk->formula_from = at;
        chunk->formula_to = end;
        return at;
    }
    while (is(chunk, end, SYMBOL_SUBSCRIPT))
        end++;
    size_t sign = end + (code(chunk, end) == 0xb2 || code(chunk, end) == 0xb3);
    return code(chunk, sign) == 0x207a || code(chunk, sign) == 0x207b ? sign + 1 : end;
}

/* Marks that stay with the letter or digit before them. Returns the end of both, or `at`. */
static size_t tied_end(const struct chunk *chunk, size_t at)
{
    size_t next = at + 1;
    switch (code(chunk, next)) {
    case '.':
        if (!(code(chunk, next + 1) == '.' && code(chunk, next + 2) == '.'))
            return next + 1;
        break;
    case ',':
        if (is(chunk, next + 1, SYMBOL_ALNUM))
            return next + 1;
        break;
    case ':':
        if (is(chunk, at, SYMBOL_NUMBER) && is(chunk, next + 1, SYMBOL_NUMBER))
            return next + 1;
        break;
    default: break;
    }
    /* A prime may stand before the hyphen, as in 5'-ACGT-3' with typographic primes. */
    size_t hyphen = is(chunk, next, SYMBOL_APOSTROPHE) ? next + 1 : next;
    if (is(chunk, hyphen, SYMBOL_HYPHEN) && is(chunk, hyphen + 1, SYMBOL_ALNUM))
        return hyphen + 1;
    return at;
}

/* ASCII's single quote stays within a word, and at the chunk's end behind an s. */
static size_t quoted_end(const struct chunk *chunk, size_t at)
{
    if (code(chunk, at + 1) != '\'')
        return at;
    if (is(chunk, at + 2, SYMBOL_ALNUM) || (code(chunk, at) == 's' && at + 2 == chunk->to))
        return at + 2;
    return at;
}

/* The end of the word element at `at`, or `at` when there is none. */
static size_t element_end(struct chunk *chunk, size_t at)
{
    bool alnum = is(chunk, at, SYMBOL_ALNUM);
    size_t end = alnum ? tied_end(chunk, at) : at;
    if (end > at)
        return end;
    if (is(chunk, at, SYMBOL_APOSTROPHE) && !is(chunk, at + 1, SYMBOL_APOSTROPHE))
        return at + 1;
    if (alnum) {
        end = quoted_end(chunk, at);
        if (end > at)
            return end;
    }
    if (chunk->s->any & (SYMBOL_POWER | SYMBOL_SUBSCRIPT) && symbols_boundary(chunk->s, chunk->from, chunk->to, at)) {
        end = unit_end(chunk, at);
        if (end == at)
            end = formula_end(chunk, at);
        if (end > at)
            return end;
    }
    return at + alnum;
}

static bool cut_chunk(const struct symbols *s, size_t from, size_t to, struct ranges *tokens)
{
    struct chunk chunk = {.s = s, .from = from, .to = to};
    size_t between = from;
    /* Letters and digits in a row are one element each then, which is the common case. */
    bool plain = !(s->any & (SYMBOL_APOSTROPHE | SYMBOL_POWER | SYMBOL_SUBSCRIPT));
    for (size_t at = from; at < to;) {
        size_t end = at;
        for (size_t next = at;; end = next) {
            while (plain && end + 1 < to && (s->kind[end] & SYMBOL_ALNUM) && (s->kind[end + 1] & SYMBOL_ALNUM))
                end++;
            next = element_end(&chunk, end);
            if (next == end)
                break;
        }
        if (end == at) {
            at++;
            continue;
        }
        if ((between < at && !ranges_add(tokens, between, at)) || !ranges_add(tokens, at, end))
            return false;
        between = at = end;
    }
    return between == to || ranges_add(tokens, between, to);
}

/* Takes the mark that ends the sentence off the last token that is a word or has such a mark, if it is among the last
 * three. */
static bool part_terminal(const struct symbols *s, struct ranges *tokens)
{
    size_t last = tokens->count;
    for (size_t seen = 0; seen < 3 && last-- > 0; seen++) {
        size_t from = tokens->items[last].from, to = tokens->items[last].to;
        /* A letter that is an apostrophe too (U+02B9, U+02BC) begins no word here. */
        bool takes_part = s->kind[from] & SYMBOL_ALNUM && !(s->kind[from] & SYMBOL_APOSTROPHE);
        for (size_t i = from; i < to && !takes_part; i++)
            takes_part = s->kind[i] & SYMBOL_TERMINAL;
        if (!takes_part)
            continue;
        bool ellipsis = to - from == 3 && s->code[from] == '.' && s->code[from + 1] == '.' && s->code[from + 2] == '.';
        size_t cut = from;
        if (to - from > 1 && !ellipsis)
            cut = s->kind[to - 1] & SYMBOL_TERMINAL ? to - 1 : s->kind[from] & SYMBOL_TERMINAL ? from + 1 : from;
        if (cut == from)
            return true;
        if (!ranges_add(tokens, 0, 0))
            return false;
        for (size_t i = tokens->count - 1; i > last; i--)
            tokens->items[i] = tokens->items[i - 1];
        tokens->items[last].to = tokens->items[last + 1].from = cut;
        return true;
    }
    return true;
}

/* Where a contraction is parted: before the apostrophe of 'd 'll 'm 're 's 't 've (before the n of n't). `to` when the
 * token is none: what stands before must be letters and digits, single hyphens between them. */
static size_t contraction_at(const struct symbols *s, size_t from, size_t to)
{
    static const char two[3][2] = {{'l', 'l'}, {'r', 'e'}, {'v', 'e'}};
    size_t length = to - from;
    if (length < 3)
        return to;
    uint32_t last = s->code[to - 1], before = s->code[to - 2];
    size_t at = to;
    if (last == 'd' || last == 'm' || last == 's' || last == 't')
        at = to - 2;
    for (int i = 0; i < 3; i++)
        if (length > 3 && before == (uint32_t)two[i][0] && last == (uint32_t)two[i][1])
            at = to - 3;
    if (at == to || !(s->code[at] == '\'' || s->kind[at] & SYMBOL_APOSTROPHE))
        return to;
    bool alnum = false;
    for (size_t i = from; i < at; i++) {
        bool is_alnum = s->kind[i] & SYMBOL_ALNUM;
        if (!is_alnum && !(alnum && s->kind[i] & SYMBOL_HYPHEN))
            return to;
        alnum = is_alnum;
    }
    if (!alnum)
        return to;
    return last == 't' && s->code[at - 1] == 'n' ? at - 1 : at;
}

static bool add_parted(const struct symbols *s, size_t from, size_t to, struct ranges *words)
{
    size_t at = contraction_at(s, from, to);
    if (at > from && at < to && !ranges_add(words, from, at))
        return false;
    return ranges_add(words, at < to ? at : from, to);
}

bool sentence_words(const struct symbols *s, size_t from, size_t to, struct ranges *raw, struct ranges *words)
{
    raw->count = 0;
    for (size_t at = from; at < to;) {
        while (at < to && s->kind[at] & SYMBOL_SPACE)
            at++;
        size_t start = at;
        while (at < to && !(s->kind[at] & SYMBOL_SPACE))
            at++;
        if (start < at && !cut_chunk(s, start, at, raw))
            return false;
    }
    if (!part_terminal(s, raw))
        return false;
    for (size_t i = 0; i < raw->count; i++) {
        size_t start = raw->items[i].from, end = raw->items[i].to, last = end;
        while (end - start > 1 && (s->code[end - 1] == ',' || s->code[end - 1] == ';' || s->code[end - 1] == ':'))
            end--;
        if (!add_parted(s, start, end, words))
            return false;
        for (; end < last; end++)
            if (!ranges_add(words, end, end + 1))
                return false;
    }
    return true;
}
