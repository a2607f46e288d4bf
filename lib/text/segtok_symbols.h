/* segtok_symbols.h - what the parts of the segtok module share: text as code points with their kinds, ranges of it, and
 * the two scanners (sentences, words) that work on them.
 *
 * The scanners compare kinds and code points only; a range [from, to) stands for a string of its own, so nothing
 * outside it is ever looked at. Internal to lib/text/segtok*.c. */
#ifndef TEXT_SEGTOK_SYMBOLS_H
#define TEXT_SEGTOK_SYMBOLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of a code point, or-ed. The letters and numbers are Unicode's general categories. */
enum {
    SYMBOL_UPPER = 1,       /* Lu */
    SYMBOL_TITLE = 2,       /* Lt */
    SYMBOL_LOWER = 4,       /* Ll */
    SYMBOL_MODIFIER = 8,    /* Lm */
    SYMBOL_OTHER = 16,      /* Lo: a letter that no word rule knows, Chinese for instance */
    SYMBOL_DIGIT = 32,      /* Nd */
    SYMBOL_NUMERAL = 64,    /* Nl */
    SYMBOL_WORD = 128,      /* what a word boundary lies between: letters, marks, Nd, Nl, connectors, circled letters */
    SYMBOL_SPACE = 256,     /* Unicode's White_Space: separates words */
    SYMBOL_STRIP = 512,     /* Python's isspace (U+001C to U+001F besides): trimmed off a sentence */
    SYMBOL_HYPHEN = 1024,   /* joins words; dashes do not */
    SYMBOL_TERMINAL = 2048, /* may end a sentence */
    SYMBOL_APOSTROPHE = 4096, /* typographic ones; ASCII's ' has rules of its own */
    SYMBOL_UNCLEAN = 8192,    /* text that has one must be rewritten before its words are cut */
    SYMBOL_SUBSCRIPT = 16384,
    SYMBOL_POWER = 32768, /* superscript 1, 2, 3 */

    SYMBOL_CAPITAL = SYMBOL_UPPER | SYMBOL_TITLE,
    SYMBOL_LETTER = SYMBOL_CAPITAL | SYMBOL_LOWER | SYMBOL_MODIFIER,
    SYMBOL_ANY_LETTER = SYMBOL_LETTER | SYMBOL_OTHER,
    SYMBOL_NUMBER = SYMBOL_DIGIT | SYMBOL_NUMERAL,
    SYMBOL_ALNUM = SYMBOL_LETTER | SYMBOL_NUMBER
};

struct symbols {
    uint32_t *code;
    uint16_t *kind;
    uint32_t *origin; /* the source's character each one came from; NULL: its own index */
    size_t count;
    uint16_t any; /* all kinds or-ed */
    bool newline; /* there is a line feed */
};

struct range {
    size_t from, to;
};

/* Grows without bound; items is NULL at first and the caller's to free. */
struct ranges {
    struct range *items;
    size_t count, room;
};

/* False when out of memory. */
bool ranges_add(struct ranges *ranges, size_t from, size_t to);

/* True when two code points of word kind and not of word kind meet at `at`, the ends of the range counting as no word.
 */
static inline bool symbols_boundary(const struct symbols *s, size_t from, size_t to, size_t at)
{
    bool before = at > from && (s->kind[at - 1] & SYMBOL_WORD);
    bool behind = at < to && (s->kind[at] & SYMBOL_WORD);
    return before != behind;
}

/* Decodes valid UTF-8. False when out of memory; symbols_release in any case. */
bool symbols_decode(struct symbols *symbols, const char *text, size_t bytes);
void symbols_release(struct symbols *symbols);

/* Flair's clean-up of [from, to) into `clean`, whose arrays hold at least to - from: zero-width characters and line
 * separators fall out, U+0080 to U+0099 become what Windows-1252 means by them. */
void symbols_clean(const struct symbols *symbols, size_t from, size_t to, struct symbols *clean);

/* True when white space stands at `at` of the source once it is cleaned up. */
bool symbols_space_behind(const struct symbols *symbols, size_t at);

/* Room for `count` symbols with origins. False when out of memory; symbols_release in any case. */
bool symbols_reserve(struct symbols *symbols, size_t count);

/* Takes out what makes a word of two halves that a carriage return parts behind a hyphen, moving the rest of [from,
 * *to) down and *to with it. Needs origins. */
void symbols_join_lines(struct symbols *symbols, size_t from, size_t *to);

/* A possible end of a sentence: the mark, what closes behind it and the white space, or a run of line feeds. */
struct sentence_mark {
    size_t from, to; /* both the scan's end where no mark is left */
};

/* A walk over the sentences of one range. */
struct sentence_scan {
    const struct symbols *symbols;
    size_t newlines; /* that many line feeds in a row end a sentence */
    size_t end;
    struct sentence_mark mark; /* the first at or behind `at` */
    size_t at;                 /* of the first piece not given out */
    struct range ahead;        /* a piece read already */
    bool ahead_joined, has_ahead;
};

void sentence_scan_init(struct sentence_scan *scan, const struct symbols *symbols, size_t from, size_t to,
                        size_t newlines);

/* The next sentence, white space trimmed off; false at the end. *joined: a possible end lies inside, so the sentence
 * might come apart when scanned on its own. */
bool sentence_scan_next(struct sentence_scan *scan, struct range *sentence, bool *joined);

/* Appends the tokens of one sentence that has no line feed. raw is scratch. False when out of memory. */
bool sentence_words(const struct symbols *symbols, size_t from, size_t to, struct ranges *raw, struct ranges *words);

#endif
