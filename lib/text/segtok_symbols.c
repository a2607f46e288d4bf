/* segtok_symbols.c - see segtok_symbols.h: code points and what they are, and the rewriting that precedes tokens.
 *
 * Categories come from utf8proc. White space, hyphens, sentence marks and apostrophes are segtok's own sets, each a
 * fixed list that no category describes. */
#include "base/utf8.h"
#include "text/segtok_symbols.h"
#include <stdlib.h>
#include <utf8proc.h>

enum {
    UP = SYMBOL_UPPER | SYMBOL_WORD,
    LOW = SYMBOL_LOWER | SYMBOL_WORD,
    NUM = SYMBOL_DIGIT | SYMBOL_WORD,
    WSP = SYMBOL_SPACE | SYMBOL_STRIP,
    STR = SYMBOL_STRIP,
    RET = SYMBOL_SPACE | SYMBOL_STRIP | SYMBOL_UNCLEAN, /* a carriage return may join two halves of a word */
    END = SYMBOL_TERMINAL,
    HYP = SYMBOL_HYPHEN,
    LOD = SYMBOL_WORD
};

static const uint16_t ascii_kinds[128] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0,   WSP, WSP, WSP, WSP, RET, 0,   0,   /* 00 */
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   STR, STR, STR, STR, /* 10 */
    WSP, END, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   HYP, END, 0,   /* 20 */
    NUM, NUM, NUM, NUM, NUM, NUM, NUM, NUM, NUM, NUM, 0,   0,   0,   0,   0,   END, /* 30 */
    0,   UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  /* 40 */
    UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  UP,  0,   0,   0,   0,   LOD, /* 50 */
    0,   LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, /* 60 */
    LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW, 0,   0,   0,   0,   0,   /* 70 */
};

static uint16_t category_kind(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU: return SYMBOL_UPPER | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_LT: return SYMBOL_TITLE | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_LL:
        return (uint16_t)((c == 0x295 ? SYMBOL_OTHER : SYMBOL_LOWER) | SYMBOL_WORD); /* Lo since Unicode 16 */
    case UTF8PROC_CATEGORY_LM: return SYMBOL_MODIFIER | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_LO: return SYMBOL_OTHER | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_ND: return SYMBOL_DIGIT | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_NL: return SYMBOL_NUMERAL | SYMBOL_WORD;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_PC: return SYMBOL_WORD;
    case UTF8PROC_CATEGORY_SO: {
        bool circled = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
                       (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
        return circled ? SYMBOL_WORD : 0;
    }
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return SYMBOL_SPACE | SYMBOL_STRIP;
    default: return 0;
    }
}

/* What a code point is besides its category. */
static uint16_t listed_kind(uint32_t c)
{
    if (c >= 0x80 && c <= 0x99)
        return c == 0x85 ? SYMBOL_SPACE | SYMBOL_STRIP | SYMBOL_UNCLEAN : SYMBOL_UNCLEAN;
    if (c >= 0x2080 && c <= 0x2089)
        return SYMBOL_SUBSCRIPT;
    switch (c) {
    case 0xb9:
    case 0xb2:
    case 0xb3: return SYMBOL_POWER;
    case 0xb4:
    case 0x2b9:
    case 0x2bc:
    case 0x2019:
    case 0x2032: return SYMBOL_APOSTROPHE;
    case 0xad:
    case 0x58a:
    case 0x5be:
    case 0xf0c:
    case 0x1400:
    case 0x1806:
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2e17:
    case 0x30a0: return SYMBOL_HYPHEN;
    case 0x203c:
    case 0x203d:
    case 0x2047:
    case 0x2048:
    case 0x2049:
    case 0x3002:
    case 0xfe52:
    case 0xfe57:
    case 0xff01:
    case 0xff0e:
    case 0xff1f:
    case 0xff61: return SYMBOL_TERMINAL;
    case 0x200c: return SYMBOL_UNCLEAN | SYMBOL_WORD;
    case 0x200d: return SYMBOL_WORD;
    case 0x200b:
    case 0x2028:
    case 0x2029:
    case 0xfe0f:
    case 0xfeff: return SYMBOL_UNCLEAN;
    default: return 0;
    }
}

static uint16_t kind_of(uint32_t c)
{
    return c < 0x80 ? ascii_kinds[c] : (uint16_t)(category_kind(c) | listed_kind(c));
}

bool symbols_decode(struct symbols *s, const char *text, size_t bytes)
{
    *s = (struct symbols){0};
    size_t count = utf8_count(text, bytes);
    s->code = malloc((count + 1) * sizeof *s->code);
    s->kind = malloc((count + 1) * sizeof *s->kind);
    if (!s->code || !s->kind)
        return false;
    uint16_t any = 0;
    for (size_t at = 0; at < bytes && s->count < count; s->count++) {
        uint32_t c = (unsigned char)text[at];
        uint16_t kind;
        if (c < 0x80) {
            kind = ascii_kinds[c];
            at++;
        } else {
            size_t length = utf8_decode(text + at, bytes - at, &c);
            if (!length)
                break;
            kind = kind_of(c);
            at += length;
        }
        s->newline |= c == '\n';
        s->code[s->count] = c;
        s->kind[s->count] = kind;
        any |= kind;
    }
    s->any = any;
    return true;
}

bool symbols_reserve(struct symbols *s, size_t count)
{
    *s = (struct symbols){0};
    s->code = malloc((count + 1) * sizeof *s->code);
    s->kind = malloc((count + 1) * sizeof *s->kind);
    s->origin = malloc((count + 1) * sizeof *s->origin);
    return s->code && s->kind && s->origin;
}

void symbols_release(struct symbols *s)
{
    free(s->code);
    free(s->kind);
    free(s->origin);
    *s = (struct symbols){0};
}

/* What the clean-up makes of a code point of kind SYMBOL_UNCLEAN; 0 where it drops it. */
static uint32_t cleaned(uint32_t c)
{
    /* Windows-1252 at 0x80 to 0x99. */
    static const uint16_t windows_1252[0x1a] = {
        0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152,
        0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122,
    };
    return c == '\r' ? c : c >= 0x80 && c <= 0x99 ? windows_1252[c - 0x80] : 0;
}

void symbols_clean(const struct symbols *s, size_t from, size_t to, struct symbols *clean)
{
    clean->count = 0;
    clean->any = 0;
    clean->newline = false;
    for (size_t i = from; i < to; i++) {
        uint32_t c = s->code[i];
        uint16_t kind = s->kind[i];
        if (kind & SYMBOL_UNCLEAN) {
            c = cleaned(c);
            if (!c)
                continue;
            kind = kind_of(c);
        }
        clean->code[clean->count] = c;
        clean->kind[clean->count] = kind;
        clean->origin[clean->count++] = (uint32_t)i;
        clean->any |= kind;
        clean->newline |= c == '\n';
    }
}

bool symbols_space_behind(const struct symbols *s, size_t at)
{
    while (at < s->count && s->kind[at] & SYMBOL_UNCLEAN && !cleaned(s->code[at]))
        at++;
    return at < s->count && s->kind[at] & SYMBOL_STRIP && s->code[at] != 0x85; /* cleaned, that is an ellipsis */
}

/* A space within a line, as opposed to what ends one. */
static bool is_inner_space(const struct symbols *s, size_t at)
{
    uint32_t c = s->code[at];
    return s->kind[at] & SYMBOL_SPACE && (c == '\t' || c == ' ' || (c >= 0xa0 && c != 0x2028 && c != 0x2029));
}

void symbols_join_lines(struct symbols *s, size_t from, size_t *to)
{
    size_t kept = from;
    size_t whole = from; /* what lies before has been part of a join: its last letter cannot begin another */
    for (size_t i = from; i < *to;) {
        bool hyphen = s->kind[i] & SYMBOL_HYPHEN && i > whole && s->kind[i - 1] & SYMBOL_ALNUM;
        size_t next = i + 1;
        if (hyphen) {
            while (next < *to && is_inner_space(s, next))
                next++;
            if (next < *to && s->code[next] == '\r') {
                next++;
                while (next < *to && is_inner_space(s, next))
                    next++;
                if (next < *to && s->kind[next] & SYMBOL_ALNUM)
                    whole = next + 1;
                else
                    next = i + 1;
            } else {
                next = i + 1;
            }
        }
        s->code[kept] = s->code[i];
        s->kind[kept] = s->kind[i];
        s->origin[kept++] = s->origin[i];
        i = next;
    }
    *to = kept;
}

bool ranges_add(struct ranges *ranges, size_t from, size_t to)
{
    if (ranges->count == ranges->room) {
        size_t room = ranges->room ? ranges->room * 2 : 64;
        struct range *grown = realloc(ranges->items, room * sizeof *grown);
        if (!grown)
            return false;
        ranges->items = grown;
        ranges->room = room;
    }
    ranges->items[ranges->count++] = (struct range){from, to};
    return true;
}
