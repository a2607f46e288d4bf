/* reader_columns.c - see reader_columns.h.
 *
 * Our own rule: a line with a TAB splits at TABs only, others at blanks, of which a run counts as one; a line of white
 * space ends a sentence; a line without TAB whose first column is `#` is a comment; `-DOCSTART-` is no token. CoNLL-U
 * differs in that any line which begins with `#` is a comment, and that multi-word ranges and empty nodes are no
 * tokens. */
#include "text/reader_columns.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

static const char DOCUMENT_START[] = "-DOCSTART-", REPLACEMENT[] = "\xef\xbf\xbd";
/* Lines without any token are handed on in portions of this many, so that a file of comments streams too. */
enum { MOST_IDLE_LINES = 4096, CONLLU_MISC = 10 };

void gathering_init(struct gathering *g, enum input_format format, const struct reader_options *options)
{
    *g = (struct gathering){.format = format, .by_flair = options->rules != READER_OWN};
    g->token_column = options->token_column > 0 ? options->token_column : format == INPUT_CONLLU ? 2 : 1;
    g->tag_column = options->tag_column;
    g->refuses_hollow = g->by_flair && options->on_error == ON_ERROR_FAIL;
    flair_columns_init(&g->flair, g->token_column, g->tag_column);
    if (options->rules == READER_FLAIR_OLD)
        g->flair.comment = NULL;
}

void gathering_release(struct gathering *g)
{
    free(g->text);
    free(g->lines);
    *g = (struct gathering){0};
}

void gathering_new_file(struct gathering *g)
{
    g->number = 0;
    g->range_left = 0;
    flair_columns_new_file(&g->flair);
}

/* The columns of a line from left to right. */
struct splitter {
    const char *at, *end;
    bool tabs, over;
};

static struct splitter split_line(const char *text, size_t bytes)
{
    return (struct splitter){text, text + bytes, memchr(text, '\t', bytes), false};
}

static bool next_column(struct splitter *s, const char **column, size_t *bytes)
{
    if (s->tabs) {
        if (s->over)
            return false;
        const char *tab = s->at; /* columns are short: a loop beats a call of memchr */
        while (tab < s->end && *tab != '\t')
            tab++;
        *column = s->at;
        *bytes = (size_t)(tab - s->at);
        s->over = tab == s->end;
        s->at = tab + !s->over;
        return true;
    }
    while (s->at < s->end && *s->at == ' ')
        s->at++;
    if (s->at == s->end)
        return false;
    *column = s->at;
    while (s->at < s->end && *s->at != ' ')
        s->at++;
    *bytes = (size_t)(s->at - *column);
    return true;
}

static bool equals(const char *text, size_t bytes, const char *word)
{
    return bytes == strlen(word) && !memcmp(text, word, bytes);
}

static bool is_white(const char *text, size_t bytes)
{
    if (bytes && (unsigned char)*text > ' ' && (unsigned char)*text < 0x80)
        return false;
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t c;
        length = utf8_decode(text + at, bytes - at, &c);
        if (!length || !unicode_is_space(c))
            return false;
    }
    return true;
}

static ft_status add_line(struct gathering *g, const struct text_line *line, struct gathered_line **added,
                          struct ft_error *error)
{
    if (g->most_bytes && g->used > g->most_bytes)
        return ft_fail(error, FT_NOMEM, "%s:%zu: sentence longer than the %zu bytes that --max-mem has room for",
                       line->file, line->number, g->most_bytes);
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 256;
        struct gathered_line *grown = realloc(g->lines, room * sizeof *grown);
        if (!grown)
            return ft_nomem(error, "the lines of a sentence");
        g->lines = grown;
        g->room = room;
    }
    if (g->used + line->bytes + 1 > g->capacity) {
        size_t capacity = (g->used + line->bytes + 1) * 2;
        char *grown = capacity < 4096 ? NULL : realloc(g->text, capacity);
        if (capacity < 4096)
            grown = realloc(g->text, capacity = 4096);
        if (!grown)
            return ft_nomem(error, "the lines of a sentence");
        g->text = grown;
        g->capacity = capacity;
    }
    if (g->used > UINT32_MAX - line->bytes - 8)
        return ft_fail(error, FT_INPUT, "%s:%zu: sentence longer than 4 GiB", line->file, line->number);
    if (!g->count) {
        g->first_line = line->number;
        g->first_place = line->place;
        g->file = line->file;
    }
    struct gathered_line *to = &g->lines[g->count++];
    *to = (struct gathered_line){
        .at = g->used, .bytes = (uint32_t)line->bytes, .kind = LINE_VERBATIM, .ascii = line->ascii};
    memcpy(g->text + g->used, line->text, line->bytes);
    g->text[g->used + line->bytes] = '\0';
    g->used += line->bytes + 1;
    *added = to;
    return FT_OK;
}

struct columns {
    const char *first, *token, *gold, *misc;
    size_t first_bytes, token_bytes, gold_bytes, misc_bytes;
    int found; /* as many as were looked at */
};

static struct columns find_columns(const struct gathering *g, const struct text_line *line, bool *tabs)
{
    struct columns c = {0};
    struct splitter splitter = split_line(line->text, line->bytes);
    *tabs = splitter.tabs;
    int last = g->tag_column > g->token_column ? g->tag_column : g->token_column;
    if (g->format == INPUT_CONLLU && last < CONLLU_MISC)
        last = CONLLU_MISC;
    const char *at;
    size_t bytes;
    while (c.found < last && next_column(&splitter, &at, &bytes)) {
        c.found++;
        if (c.found == 1) {
            c.first = at;
            c.first_bytes = bytes;
        }
        if (c.found == g->token_column) {
            c.token = at;
            c.token_bytes = bytes;
        }
        if (c.found == g->tag_column) {
            c.gold = at;
            c.gold_bytes = bytes;
        }
        if (c.found == CONLLU_MISC) {
            c.misc = at;
            c.misc_bytes = bytes;
        }
    }
    return c;
}

static bool says_no_space_after(const struct columns *c)
{
    static const char mark[] = "SpaceAfter=No";
    size_t length = sizeof mark - 1;
    for (size_t at = 0; c->misc && at + length <= c->misc_bytes; at++) {
        bool begins = at == 0 || c->misc[at - 1] == '|';
        bool ends = at + length == c->misc_bytes || c->misc[at + length] == '|';
        if (begins && ends && !memcmp(c->misc + at, mark, length))
            return true;
    }
    return false;
}

static size_t number_at(const char **at, const char *end)
{
    size_t value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        if (value < SIZE_MAX / 16)
            value = value * 10 + (size_t)(**at - '0');
    return value;
}

/* "3-4" (then *words is 2) and "8.1" are no words of their own. */
static bool is_range_or_empty_node(const char *id, size_t bytes, size_t *words)
{
    const char *at = id, *end = id + bytes;
    *words = 0;
    size_t first = number_at(&at, end);
    if (at == id || at == end || (*at != '-' && *at != '.'))
        return false;
    bool range = *at++ == '-';
    const char *second = at;
    size_t last = number_at(&at, end);
    if (at == second || at != end)
        return false;
    if (range && last >= first)
        *words = last - first + 1;
    return true;
}

static void note_space_after(struct gathering *g, const struct columns *c, struct gathered_line *added)
{
    added->no_space_after = says_no_space_after(c);
    if (g->range_left > 1)
        added->no_space_after = true; /* inside a multi-word token */
    else if (g->range_left == 1)
        added->no_space_after = g->range_no_space_after;
    g->range_left -= g->range_left > 0;
}

/* A line with columns: checks it and adds it as a token. */
static ft_status take_token(struct gathering *g, struct lines *lines, const struct text_line *line,
                            const struct columns *c, struct ft_error *error)
{
    if (c->found < g->token_column)
        return lines_bad(lines, line, error,
                         "expected %d columns or more, found %d (--token-column says where tokens are)",
                         g->token_column, c->found);
    if (c->found < g->tag_column)
        return lines_bad(lines, line, error, "expected %d columns or more, found %d (--tag-column says where tags are)",
                         g->tag_column, c->found);
    bool empty = !c->token_bytes;
    if (empty && lines->options.on_error != ON_ERROR_REPLACE)
        return lines_bad(lines, line, error, "empty token in column %d (--on-error skip or replace goes on)",
                         g->token_column);
    struct gathered_line *added;
    ft_status status = add_line(g, line, &added, error);
    if (status)
        return status;
    added->kind = equals(c->token, c->token_bytes, DOCUMENT_START) ? LINE_DOCSTART : LINE_TOKEN;
    if (added->kind == LINE_DOCSTART)
        return FT_OK;
    lines->counts.characters_replaced += empty;
    added->token_at = empty ? UINT32_MAX : (uint32_t)(c->token - line->text);
    added->token_bytes = (uint32_t)c->token_bytes;
    if (c->gold) {
        added->has_gold = true;
        added->gold_at = (uint32_t)(c->gold - line->text);
        added->gold_bytes = (uint32_t)c->gold_bytes;
    }
    if (g->format == INPUT_CONLLU)
        note_space_after(g, c, added);
    if (!g->tokens++)
        g->token_line = line->number;
    g->token_bytes += empty ? sizeof REPLACEMENT - 1 : c->token_bytes;
    g->gold_bytes += c->gold_bytes;
    return FT_OK;
}

static ft_status take_by_own_rules(struct gathering *g, struct lines *lines, const struct text_line *line,
                                   bool *complete, struct ft_error *error)
{
    struct gathered_line *added;
    if (is_white(line->text, line->bytes)) {
        struct text_line blank = *line;
        blank.bytes = 0;
        *complete = g->tokens > 0;
        g->range_left = 0;
        return add_line(g, &blank, &added, error);
    }
    bool tabs;
    struct columns c = find_columns(g, line, &tabs);
    size_t words;
    bool comment = g->format == INPUT_CONLLU ? line->text[0] == '#' : !tabs && equals(c.first, c.first_bytes, "#");
    if (comment)
        return add_line(g, line, &added, error);
    if (g->format == INPUT_CONLLU && is_range_or_empty_node(c.first, c.first_bytes, &words)) {
        if (words) {
            g->range_left = words;
            g->range_no_space_after = says_no_space_after(&c);
        }
        return add_line(g, line, &added, error);
    }
    return take_token(g, lines, line, &c, error);
}

static ft_status take_by_flair_rules(struct gathering *g, struct lines *lines, const struct text_line *line,
                                     bool *complete, struct ft_error *error)
{
    struct flair_fields fields;
    struct text_line blank = *line;
    blank.bytes = 0;
    enum flair_line kind = flair_columns_line(&g->flair, line->text, line->bytes, &fields);
    if (kind == FLAIR_SHORT)
        return lines_bad(lines, line, error,
                         "expected %d columns or more, found %d (--token-column says where tokens are)",
                         g->token_column, fields.found);
    struct gathered_line *added;
    ft_status status = add_line(g, kind == FLAIR_BLANK ? &blank : line, &added, error);
    *complete = kind == FLAIR_BLANK && (g->tokens > 0 || flair_columns_hollow(&g->flair));
    if (status || kind != FLAIR_TOKEN)
        return status;
    added->kind = LINE_TOKEN;
    added->token_at = (uint32_t)(fields.token - line->text);
    added->token_bytes = (uint32_t)fields.token_bytes;
    added->has_gold = fields.tag;
    added->gold_at = fields.tag ? (uint32_t)(fields.tag - line->text) : 0;
    added->gold_bytes = (uint32_t)fields.tag_bytes;
    if (!g->tokens++)
        g->token_line = line->number;
    g->token_bytes += fields.token_bytes;
    g->gold_bytes += fields.tag_bytes;
    return FT_OK;
}

ft_status gathering_take(struct gathering *g, struct lines *lines, const struct text_line *line, bool *complete,
                         struct ft_error *error)
{
    *complete = false;
    ft_status status = g->by_flair ? take_by_flair_rules(g, lines, line, complete, error)
                                   : take_by_own_rules(g, lines, line, complete, error);
    bool large = g->most_bytes && g->used > g->most_bytes / 2;
    if (!status && !g->tokens && (g->count >= MOST_IDLE_LINES || large))
        *complete = true;
    return status;
}

/* Fills tokens, their texts, tags and the source (tokens joined by blanks). */
static ft_status fill_tokens(const struct gathering *g, struct sentence *sentence, struct arena *arena)
{
    struct token *token = sentence->tokens = arena_array(arena, g->tokens, sizeof *token);
    char *text = arena_alloc(arena, g->token_bytes + g->tokens);
    char *source = arena_alloc(arena, g->token_bytes + g->tokens + 1);
    char *gold = g->tag_column ? arena_alloc(arena, g->gold_bytes + g->tokens) : NULL;
    if (!token || !text || !source || (g->tag_column && !gold))
        return FT_NOMEM;
    sentence->source = source;
    uint32_t start = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct gathered_line *from = &g->lines[i];
        if (from->kind != LINE_TOKEN)
            continue;
        bool empty = from->token_at == UINT32_MAX;
        uint32_t bytes = empty ? (uint32_t)sizeof REPLACEMENT - 1 : from->token_bytes;
        const char *at = empty ? REPLACEMENT : g->text + from->at + from->token_at;
        memcpy(text, at, bytes);
        memcpy(source, at, bytes);
        source[bytes] = ' ';
        *token = (struct token){.text = text, .bytes = bytes, .start = start, .space_after = !from->no_space_after};
        token->chars = from->ascii && !empty ? bytes : (uint32_t)utf8_count(text, bytes);
        token->end = start + token->chars;
        start = token->end + 1;
        text += bytes + 1; /* the arena's memory is zero: a NUL stands between */
        source += bytes + 1;
        if (from->has_gold) {
            memcpy(gold, g->text + from->at + from->gold_at, from->gold_bytes);
            token->gold = gold;
            gold += from->gold_bytes + 1;
        }
        token++;
    }
    if (g->format == INPUT_CONLL)
        token[-1].space_after = false;
    source[-1] = '\0';
    sentence->source_bytes = (size_t)(source - 1 - sentence->source);
    return FT_OK;
}

static ft_status fill_lines(const struct gathering *g, struct sentence *sentence, struct arena *arena)
{
    sentence->lines = arena_array(arena, g->count, sizeof *sentence->lines);
    char *text = arena_alloc(arena, g->used);
    if (!sentence->lines || !text)
        return FT_NOMEM;
    memcpy(text, g->text, g->used);
    for (size_t i = 0; i < g->count; i++) {
        sentence->lines[i].text = text + g->lines[i].at;
        sentence->lines[i].bytes = g->lines[i].bytes;
        sentence->lines[i].kind = g->lines[i].kind;
    }
    sentence->line_count = g->count;
    return FT_OK;
}

/* What Flair makes of the tags once the sentence is whole. */
static ft_status settle_gold(struct gathering *g, struct sentence *sentence, struct arena *arena)
{
    const char **tags = g->tag_column ? arena_array(arena, g->tokens, sizeof *tags) : NULL;
    if (g->tag_column && !tags)
        return FT_NOMEM;
    for (size_t i = 0; tags && i < g->tokens; i++)
        tags[i] = sentence->tokens[i].gold;
    flair_columns_end(&g->flair, tags, tags ? g->tokens : 0);
    for (size_t i = 0; i < g->tokens; i++) {
        sentence->tokens[i].gold = tags ? tags[i] : NULL;
        sentence->tokens[i].space_after = i + 1 < g->tokens;
    }
    return FT_OK;
}

ft_status gathering_deliver(struct gathering *g, struct window *window, struct ft_error *error)
{
    if (!g->count)
        return FT_OK;
    if (flair_columns_hollow(&g->flair)) {
        if (g->refuses_hollow)
            return ft_fail(error, FT_INPUT,
                           "%s:%zu: sentence of empty tokens only (--on-error skip or replace goes on)", g->file,
                           g->first_line);
        flair_columns_end(&g->flair, NULL, 0);
    }
    struct sentence *sentence = window_add(window);
    if (!sentence)
        return ft_nomem(error, "the window of sentences");
    sentence->source = "";
    sentence->file = g->file;
    sentence->line = g->tokens ? g->token_line : g->first_line;
    sentence->place = g->first_place;
    sentence->count = g->tokens;
    sentence->first_of_source = sentence->last_of_source = true;
    ft_status status = fill_lines(g, sentence, &window->arena);
    if (!status && g->tokens) {
        sentence->number = ++g->number;
        status = fill_tokens(g, sentence, &window->arena);
        if (!status && g->by_flair)
            status = settle_gold(g, sentence, &window->arena);
    }
    if (status) {
        window->count--;
        return ft_nomem(error, "a sentence");
    }
    for (size_t i = 0; i < sentence->count; i++)
        window->chars += sentence->tokens[i].chars + 1;
    window->tokens += sentence->count;
    g->count = g->used = g->tokens = g->token_bytes = g->gold_bytes = 0;
    return FT_OK;
}
