/* segtok_sentences.c - where sentences end.
 *
 * Three layers, each a walk that gives out one thing at a time:
 *   marks      every place where a sentence could end (a terminal, closing marks, white space);
 *   pieces     what lies between marks that are no part of an abbreviation, an initial or a date;
 *   sentences  pieces put together again where the second one goes on with the first one's sentence.
 * It promises time linear in the text: a piece is looked at a bounded number of times, and what is asked of the growing
 * sentence (open brackets, its tail) is kept or lies in its last piece. It refuses nothing. */
#include "text/segtok_symbols.h"
#include <uchar.h>

/* Two fragments of which one is shorter than this may be halves of one bracket. */
enum { SHORT_FRAGMENT = 55 };

static bool is(const struct symbols *s, size_t at, int kinds)
{
    return s->kind[at] & kinds;
}

static bool is_closing_quote(uint32_t c)
{
    return c == '\'' || c == '"' || c == 0x2019 || c == 0x201d;
}

static bool is_closing_bracket(uint32_t c)
{
    return c == ')' || c == ']';
}

/* The first mark that begins in [at, end). */
static struct sentence_mark find_mark(const struct symbols *s, size_t at, size_t end, size_t newlines)
{
    while (at < end) {
        size_t next = at + 1;
        if (is(s, at, SYMBOL_TERMINAL)) {
            if (next < end && is_closing_quote(s->code[next]))
                next++;
            while (next < end && is_closing_bracket(s->code[next]))
                next++;
            if (next < end && is(s, next, SYMBOL_SPACE)) {
                while (next < end && is(s, next, SYMBOL_SPACE))
                    next++;
                return (struct sentence_mark){at, next};
            }
        } else if (s->code[at] == '\n') {
            while (next < end && s->code[next] == '\n')
                next++;
            if (next - at >= newlines)
                return (struct sentence_mark){at, next};
            at = next - 1;
        }
        at++;
    }
    return (struct sentence_mark){end, end};
}

/* True when [from, to) ends in `word`, whose first letter may also be `capital` (0: must be as it stands). */
static bool ends_in(const struct symbols *s, size_t from, size_t to, const char32_t *word, char32_t capital)
{
    size_t length = 0;
    while (word[length])
        length++;
    if (to - from < length)
        return false;
    size_t start = to - length;
    for (size_t i = length; --i > 0;)
        if (s->code[start + i] != word[i])
            return false;
    return s->code[start] == word[0] || (capital && s->code[start] == capital);
}

/* The same with a word boundary before it. */
static bool ends_in_word(const struct symbols *s, size_t from, size_t to, const char32_t *word, bool either_case)
{
    size_t length = 0;
    while (word[length])
        length++;
    return ends_in(s, from, to, word, either_case ? word[0] - 'a' + 'A' : 0) &&
           symbols_boundary(s, from, to, to - length);
}

static bool ends_in_abbreviation(const struct symbols *s, size_t from, size_t to)
{
    /* Either case of the first letter ... */
    static const char32_t any_case[][8] = {
        U"approx", U"cf",  U"f.e", U"fe",  U"fig",  U"figs", U"e.g", U"eg",  U"i.e",  U"ie",  U"i.v", U"iv",
        U"med",    U"nat", U"nr",  U"p.e", U"phil", U"prof", U"rer", U"sci", U"univ", U"vol", U"vs",
    };
    /* ... or just as written. */
    static const char32_t exact[][8] = {
        U"Capt", U"Col",      U"Dr",   U"Gen", U"Mag", U"Mr",  U"Mrs", U"Mt",       U"No",  U"Sgt",
        U"Sr",   U"Sra",      U"Srta", U"St",  U"z.B", U"Z.b", U"Jan", U"J\u00e4n", U"Ene", U"Feb",
        U"Mar",  U"M\u00e4r", U"Apr",  U"Abr", U"May", U"Jun", U"Jul", U"Aug",      U"Sep", U"Sept",
        U"Oct",  U"Okt",      U"Nov",  U"Dic", U"Dez", U"Dec", U"E.U", U"U.K",      U"U.S",
    };
    for (size_t i = 0; i < sizeof any_case / sizeof *any_case; i++)
        if (ends_in_word(s, from, to, any_case[i], true))
            return true;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (ends_in_word(s, from, to, exact[i], false))
            return true;
    return false;
}

static bool ends_in_title(const struct symbols *s, size_t from, size_t to)
{
    static const char32_t titles[][12] = {
        U"by",        U"captain",    U"commander",   U"doctor",       U"doktor",
        U"general",   U"mister",     U"miss",        U"magister",     U"magiss",
        U"professor", U"se\u00f1or", U"se\u00f1ora", U"se\u00f1orit", U"se\u00f1orita",
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (ends_in_word(s, from, to, titles[i], true))
            return true;
    return false;
}

/* True when a lone capital (or, with `comma`, a comma that follows a word) ends at `to`: then a comma or an "and"
 * behind it goes with the text, not with a list of authors. */
static bool ends_in_lone_letter(const struct symbols *s, size_t from, size_t to, bool comma)
{
    for (size_t modifier = 0; modifier < 2; modifier++) {
        if (to - from < modifier + 1 || (modifier && !is(s, to - 1, SYMBOL_MODIFIER)))
            break;
        size_t at = to - modifier - 1;
        if ((is(s, at, SYMBOL_UPPER) || (comma && s->code[at] == ',')) && symbols_boundary(s, from, to, at))
            return true;
    }
    return false;
}

/* True when [from, to) ends in a comma, an "and" or both, as before the last name of a list. */
static bool ends_in_author_list(const struct symbols *s, size_t from, size_t to)
{
    bool has_and = ends_in(s, from, to, U"and", 0) && to - from > 3 && is(s, to - 4, SYMBOL_SPACE);
    if (has_and) {
        to -= 4;
        if (!ends_in_lone_letter(s, from, to, true))
            return true;
    }
    return to > from && s->code[to - 1] == ',' && !ends_in_lone_letter(s, from, to - 1, false);
}

/* True when [from, to) ends in one capital, or "A.-B" and the like, behind a title, a list of authors or a bracket: the
 * initials of a person. */
static bool ends_in_initials(const struct symbols *s, size_t from, size_t to)
{
    for (int pair = 0; pair < 2; pair++) {
        if (pair) {
            if (to > from && is(s, to - 1, SYMBOL_HYPHEN))
                to--;
            if (to == from || s->code[to - 1] != '.')
                return false;
            to--;
        }
        if (to > from && is(s, to - 1, SYMBOL_MODIFIER))
            to--;
        if (to == from || !is(s, to - 1, SYMBOL_CAPITAL))
            return false;
        to--;
        if (to == from)
            return false;
        if (s->code[to - 1] == '(' || s->code[to - 1] == '[')
            return true;
        if (is(s, to - 1, SYMBOL_SPACE))
            return ends_in_title(s, from, to - 1) || ends_in_author_list(s, from, to - 1);
    }
    return false;
}

/* True when the full stop behind [from, to) most likely ends no sentence. */
static bool asks_for_more(const struct symbols *s, size_t from, size_t to)
{
    if (from == to)
        return false;
    if (to - from == 1 && !is(s, from, SYMBOL_SPACE))
        return true;
    size_t digits = from;
    while (digits < to && is(s, digits, SYMBOL_DIGIT))
        digits++;
    return digits == to || ends_in_abbreviation(s, from, to) || ends_in_initials(s, from, to);
}

/* One word in lower case (hyphens and digits inside) and nothing else. */
static bool is_lone_word(const struct symbols *s, size_t from, size_t to)
{
    if (!is(s, from, SYMBOL_LOWER))
        return false;
    if (s->code[to - 1] == '\n')
        to--;
    while (from < to && is(s, from, SYMBOL_LOWER | SYMBOL_DIGIT | SYMBOL_HYPHEN))
        from++;
    return from == to;
}

static bool ends_in_day(const struct symbols *s, size_t from, size_t to)
{
    if (from == to || s->code[to - 1] < '0' || s->code[to - 1] > '9')
        return false;
    if (symbols_boundary(s, from, to, to - 1))
        return true;
    return to - from > 1 && s->code[to - 2] >= '0' && s->code[to - 2] <= '3' && symbols_boundary(s, from, to, to - 2);
}

static bool begins_with_month(const struct symbols *s, size_t from, size_t to)
{
    static const char32_t months[][4] = {
        U"Jan", U"J\u00e4n", U"Ene", U"Feb", U"Mar", U"M\u00e4r", U"Apr", U"Abr", U"May", U"Jun",
        U"Jul", U"Aug",      U"Sep", U"Oct", U"Okt", U"Nov",      U"Dec", U"Dez", U"Dic", U"Diz",
    };
    const uint32_t *code = s->code + from;
    size_t length = to - from;
    if (length && *code == '0')
        code++, length--;
    if (length && *code >= '1' && *code <= '9')
        return true;
    if (to - from < 3)
        return false;
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        if (ends_in(s, from, from + 3, months[i], 0))
            return true;
    return false;
}

/* "John W" before a full stop. */
static bool ends_in_middle_initial(const struct symbols *s, size_t from, size_t to)
{
    if (from == to || !is(s, to - 1, SYMBOL_UPPER))
        return false;
    size_t gap = to - 1;
    size_t name = gap;
    while (name > from && !is(s, name - 1, SYMBOL_WORD))
        name--;
    size_t capital = name;
    while (capital > from && is(s, capital - 1, SYMBOL_LOWER))
        capital--;
    return name < gap && capital < name && capital > from && is(s, capital - 1, SYMBOL_UPPER) &&
           symbols_boundary(s, from, to, capital - 1);
}

static bool begins_with_name(const struct symbols *s, size_t from, size_t to)
{
    if (from == to || !is(s, from, SYMBOL_UPPER))
        return false;
    size_t at = from + 1;
    while (at < to && is(s, at, SYMBOL_LOWER))
        at++;
    return at > from + 1 && symbols_boundary(s, from, to, at);
}

void sentence_scan_init(struct sentence_scan *scan, const struct symbols *symbols, size_t from, size_t to,
                        size_t newlines)
{
    *scan = (struct sentence_scan){.symbols = symbols, .newlines = newlines, .end = to, .at = from};
    scan->mark = find_mark(symbols, from, to, newlines);
}

static bool next_piece(struct sentence_scan *scan, struct range *piece, bool *joined)
{
    const struct symbols *s = scan->symbols;
    if (scan->at == scan->end)
        return false;
    piece->from = scan->at;
    *joined = false;
    for (size_t from = scan->at; scan->mark.from < scan->end;) {
        struct sentence_mark mark = scan->mark;
        struct sentence_mark after = find_mark(s, mark.to, scan->end, scan->newlines);
        bool joins = mark.from > from && is(s, mark.from - 1, SYMBOL_STRIP);
        if (!joins && s->code[mark.from] == '.')
            joins = asks_for_more(s, from, mark.from) ||
                    (mark.to < after.from &&
                     (is_lone_word(s, mark.to, after.from) ||
                      (ends_in_day(s, from, mark.from) && begins_with_month(s, mark.to, after.from)) ||
                      (ends_in_middle_initial(s, from, mark.from) && begins_with_name(s, mark.to, after.from))));
        scan->mark = after;
        from = mark.to;
        if (!joins) {
            piece->to = scan->at = mark.to;
            return true;
        }
        *joined = true;
    }
    piece->to = scan->at = scan->end;
    return true;
}

/* Brackets of one sort open at the end of a text; those closed before the first is opened count for nothing. */
struct nesting {
    bool seen;
    ptrdiff_t depth;
};

static void count_bracket(struct nesting *nesting, bool open)
{
    nesting->seen |= open;
    if (nesting->seen)
        nesting->depth += open ? 1 : -1;
}

/* The sentence being put together. */
struct growing {
    size_t from, to;
    size_t brackets_to; /* brackets are counted up to here */
    struct nesting round, square;
};

static void count_brackets(const struct symbols *s, struct growing *growing)
{
    for (; growing->brackets_to < growing->to; growing->brackets_to++) {
        uint32_t c = s->code[growing->brackets_to];
        if (c == '(' || c == ')')
            count_bracket(&growing->round, c == '(');
        else if (c == '[' || c == ']')
            count_bracket(&growing->square, c == '[');
    }
}

/* True when the piece closes more brackets than it opens, read from its last closing one to the left. */
static bool closes_more(const struct symbols *s, struct range piece, uint32_t open, uint32_t close)
{
    struct nesting nesting = {0};
    for (size_t i = piece.to; i > piece.from; i--) {
        if (s->code[i - 1] == close)
            count_bracket(&nesting, true);
        else if (s->code[i - 1] == open)
            count_bracket(&nesting, false);
    }
    return nesting.depth > 0;
}

/* Where the white space at the end begins. */
static size_t trimmed_end(const struct symbols *s, size_t from, size_t to)
{
    while (to > from && is(s, to - 1, SYMBOL_SPACE))
        to--;
    return to;
}

/* An end before which a word in lower case may go on: a quotation or a bracket just closed, "spp.", "m." or "Xy.". */
static bool may_go_on_in_lower_case(const struct symbols *s, size_t from, size_t to)
{
    size_t end = trimmed_end(s, from, to);
    if (end == to || end == from)
        return false;
    size_t bracket = end;
    while (bracket > from && is_closing_bracket(s->code[bracket - 1]))
        bracket--;
    if (bracket > from) {
        if (bracket < end && is(s, bracket - 1, SYMBOL_TERMINAL))
            return true;
        if (s->code[bracket - 1] == '"' && bracket - from > 1 && is(s, bracket - 2, SYMBOL_TERMINAL))
            return true;
    }
    if (s->code[end - 1] != '.')
        return false;
    end--;
    if (ends_in_word(s, from, end, U"spp", false))
        return true;
    if (end > from && is(s, end - 1, SYMBOL_ANY_LETTER) && symbols_boundary(s, from, end, end - 1))
        return true;
    return end - from > 1 && is(s, end - 1, SYMBOL_LOWER) && is(s, end - 2, SYMBOL_ANY_LETTER) &&
           symbols_boundary(s, from, end, end - 2);
}

static bool begins_with_lower_word(const struct symbols *s, size_t from, size_t to)
{
    size_t at = from;
    while (at < to && is(s, at, SYMBOL_LOWER))
        at++;
    return at > from && symbols_boundary(s, from, to, at);
}

/* "Words." with white space behind, such as a journal's name is made of. */
static bool ends_in_capitalised(const struct symbols *s, size_t from, size_t to)
{
    size_t end = trimmed_end(s, from, to);
    if (end == to || end == from || s->code[end - 1] != '.')
        return false;
    size_t word = --end;
    while (word > from && is(s, word - 1, SYMBOL_ANY_LETTER))
        word--;
    return word < end && is(s, word, SYMBOL_CAPITAL) && symbols_boundary(s, from, end, word);
}

/* "Word. ", "(1999) Word, ", "12: " at the start. */
static bool begins_with_reference(const struct symbols *s, size_t from, size_t to)
{
    size_t at = from;
    if (at < to && is(s, at, SYMBOL_DIGIT)) {
        while (at < to && is(s, at, SYMBOL_DIGIT))
            at++;
    } else {
        if (to - at > 6 && s->code[at] == '(' && s->code[at + 5] == ')' && is(s, at + 6, SYMBOL_SPACE)) {
            for (size_t i = at + 1; i < at + 5; i++)
                if (!is(s, i, SYMBOL_DIGIT))
                    return false;
            at += 7;
        }
        if (at == to || !is(s, at, SYMBOL_CAPITAL))
            return false;
        while (at < to && is(s, at, SYMBOL_ANY_LETTER))
            at++;
    }
    if (to - at < 2)
        return false;
    return (s->code[at] == '.' || s->code[at] == ',' || s->code[at] == ':') && is(s, at + 1, SYMBOL_SPACE);
}

/* A word that hardly ever begins a sentence. */
static bool begins_with_continuation(const struct symbols *s, size_t from, size_t to)
{
    static const char32_t words[][8] = {
        U"and", U"are",  U"between", U"by",      U"from", U"has", U"into", U"is",      U"of",
        U"or",  U"than", U"that",    U"through", U"via",  U"was", U"were", U"whether", U"with",
    };
    size_t end = from;
    while (end < to && end - from < 8 && s->code[end] >= 'a' && s->code[end] <= 'z')
        end++;
    if (end == from || end - from == 8 || !symbols_boundary(s, from, to, end))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i][end - from - 1] && !words[i][end - from] && ends_in(s, from, end, words[i], 0))
            return true;
    return false;
}

/* True when the piece belongs to the sentence before it. */
static bool goes_on(const struct symbols *s, struct growing *last, struct range piece)
{
    if (may_go_on_in_lower_case(s, last->from, last->to) && begins_with_lower_word(s, piece.from, piece.to))
        return true;
    if (piece.to - piece.from < SHORT_FRAGMENT || last->to - last->from < SHORT_FRAGMENT) {
        count_brackets(s, last);
        bool in_round = last->round.depth > 0;
        bool in_square = last->square.depth > 0;
        if ((in_round && closes_more(s, piece, '(', ')')) || (in_square && closes_more(s, piece, '[', ']')))
            return true;
        if ((in_round || in_square) &&
            (ends_in(s, last->from, last->to, U" et al. ", 0) ||
             (ends_in_capitalised(s, last->from, last->to) && begins_with_reference(s, piece.from, piece.to))))
            return true;
    }
    return begins_with_continuation(s, piece.from, piece.to);
}

bool sentence_scan_next(struct sentence_scan *scan, struct range *sentence, bool *joined)
{
    const struct symbols *s = scan->symbols;
    for (;;) {
        struct range piece;
        if (scan->has_ahead)
            scan->has_ahead = false;
        else if (!next_piece(scan, &scan->ahead, &scan->ahead_joined))
            return false;
        struct growing last = {.from = scan->ahead.from, .to = scan->ahead.to, .brackets_to = scan->ahead.from};
        *joined = scan->ahead_joined;
        bool piece_joined;
        while (next_piece(scan, &piece, &piece_joined)) {
            if (!goes_on(s, &last, piece)) {
                scan->ahead = piece;
                scan->ahead_joined = piece_joined;
                scan->has_ahead = true;
                break;
            }
            last.to = piece.to;
            *joined = true;
        }
        while (last.from < last.to && is(s, last.from, SYMBOL_STRIP))
            last.from++;
        while (last.to > last.from && is(s, last.to - 1, SYMBOL_STRIP))
            last.to--;
        if (last.from < last.to) {
            *sentence = (struct range){last.from, last.to};
            return true;
        }
    }
}
