/* pairs.c - see pairs.h. */
#include "text/pairs.h"
#include <stdlib.h>
#include <string.h>

enum { WINDOW_CHARS = 1 << 16, WINDOW_TOKENS = 1 << 14 };

struct side {
    struct reader *reader;
    struct window window;
    size_t next;      /* sentence of the window */
    size_t sentences; /* with tokens, delivered so far */
    size_t document_marks;
    const char *file;
};

struct pairs {
    struct pairs_options options;
    struct side gold, predicted;
    struct arena arena; /* the tags of one pair */
};

size_t sentence_token_line(const struct sentence *sentence, size_t token)
{
    size_t seen = 0, first = 0;
    for (size_t i = 0; i < sentence->line_count; i++) {
        if (sentence->lines[i].kind != LINE_TOKEN)
            continue;
        if (!seen)
            first = i;
        if (seen++ == token)
            return sentence->line + (i - first);
    }
    return sentence->line;
}

/* A line with a TAB splits at TABs only, others at runs of blanks. Finds column `wanted`, counted from 0, and
 * returns how many there are. */
static size_t cut_columns(const struct column_line *line, size_t wanted, const char **at, size_t *bytes)
{
    const char *from = line->text, *end = line->text + line->bytes;
    bool tabs = memchr(from, '\t', line->bytes);
    size_t count = 0;
    while (true) {
        while (!tabs && from < end && *from == ' ')
            from++;
        if (!tabs && from == end)
            return count;
        const char *stop = memchr(from, tabs ? '\t' : ' ', (size_t)(end - from));
        size_t length = (size_t)((stop ? stop : end) - from);
        if (count++ == wanted) {
            *at = from;
            *bytes = length;
        }
        if (!stop)
            return count;
        from = stop + 1;
    }
}

static ft_status line_column(const struct column_line *line, int column, int token_column, const char **at,
                             size_t *bytes, size_t *found)
{
    *found = cut_columns(line, SIZE_MAX, at, bytes);
    size_t from_end = column < 0 ? (size_t)-column : 0;
    if (from_end > *found)
        return FT_INPUT;
    size_t wanted = column < 0 ? *found - from_end + 1 : (size_t)column;
    if (!wanted || wanted > *found || (column < 0 && wanted == (size_t)token_column))
        return FT_INPUT;
    cut_columns(line, wanted - 1, at, bytes);
    return FT_OK;
}

/* A column counted from the end needs that many, and one more for the tokens. */
static size_t columns_needed(int column, size_t found)
{
    size_t needed = column < 0 ? (size_t)-column + 1 : (size_t)column;
    return needed > found ? needed : found + 1;
}

ft_status sentence_column(const struct sentence *sentence, int column, int token_column, struct arena *arena,
                          const char ***tags, struct ft_error *error)
{
    size_t t = 0;
    const char **out = arena_array(arena, sentence->count, sizeof *out);
    if (!out)
        return ft_nomem(error, "the tags of a sentence");
    for (size_t i = 0; i < sentence->line_count && t < sentence->count; i++) {
        const char *at;
        size_t bytes, found;
        if (sentence->lines[i].kind != LINE_TOKEN)
            continue;
        if (line_column(&sentence->lines[i], column, token_column, &at, &bytes, &found) != FT_OK)
            return ft_fail(error, FT_INPUT,
                           "%s:%zu: expected %zu columns, found %zu (--tag-column and --pred-column pick others)",
                           sentence->file, sentence_token_line(sentence, t), columns_needed(column, found), found);
        out[t] = bytes ? arena_copy(arena, at, bytes) : "O";
        if (!out[t++])
            return ft_nomem(error, "the tags of a sentence");
    }
    for (; t < sentence->count; t++) /* no format whose tokens have lines leaves any */
        out[t] = "O";
    *tags = out;
    return FT_OK;
}

static ft_status side_open(struct side *side, const char *file, int token_column, struct ft_error *error)
{
    side->file = file;
    struct reader_options options = {
        .files = &side->file, .file_count = 1, .format = INPUT_CONLL, .token_column = token_column};
    return reader_open(&side->reader, &options, error);
}

/* The next sentence with tokens; document marks on the way are counted. FT_END: *sentence is NULL. */
static ft_status side_next(struct side *side, const struct sentence **sentence, struct ft_error *error)
{
    *sentence = NULL;
    side->document_marks = 0;
    while (true) {
        while (side->next == side->window.count) {
            side->next = 0;
            ft_status status = reader_next(side->reader, WINDOW_CHARS, WINDOW_TOKENS, &side->window, error);
            if (status != FT_OK)
                return status;
        }
        const struct sentence *s = &side->window.sentences[side->next++];
        for (size_t i = 0; i < s->line_count; i++)
            side->document_marks += s->lines[i].kind == LINE_DOCSTART;
        if (s->count) {
            side->sentences++;
            *sentence = s;
            return FT_OK;
        }
    }
}

static void side_close(struct side *side)
{
    reader_close(side->reader);
    window_release(&side->window);
}

ft_status pairs_open(struct pairs **pairs, const struct pairs_options *options, struct ft_error *error)
{
    struct pairs *p = calloc(1, sizeof *p);
    if (!p)
        return ft_nomem(error, "the reader of two files");
    p->options = *options;
    arena_init(&p->arena);
    window_init(&p->gold.window);
    window_init(&p->predicted.window);
    if (!p->options.token_column)
        p->options.token_column = 1;
    if (!p->options.predicted_column)
        p->options.predicted_column = -1;
    if (!p->options.gold_column)
        p->options.gold_column = options->predicted ? -1 : -2;
    ft_status status = side_open(&p->gold, options->gold, p->options.token_column, error);
    if (status == FT_OK && options->predicted)
        status = side_open(&p->predicted, options->predicted, p->options.token_column, error);
    if (status != FT_OK) {
        pairs_close(p);
        p = NULL;
    }
    *pairs = p;
    return status;
}

void pairs_close(struct pairs *pairs)
{
    if (!pairs)
        return;
    side_close(&pairs->gold);
    side_close(&pairs->predicted);
    arena_release(&pairs->arena);
    free(pairs);
}

static ft_status compare_tokens(const struct pairs *p, const struct sentence *gold, const struct sentence *predicted,
                                struct ft_error *error)
{
    size_t both = gold->count < predicted->count ? gold->count : predicted->count;
    for (size_t t = 0; t < both && !p->options.ignore_tokens; t++)
        if (strcmp(gold->tokens[t].text, predicted->tokens[t].text))
            return ft_fail(error, FT_INPUT,
                           "%s:%zu: token '%s' differs from the gold file's '%s' (--ignore-tokens compares tags alone)",
                           predicted->file, sentence_token_line(predicted, t), predicted->tokens[t].text,
                           gold->tokens[t].text);
    if (gold->count != predicted->count)
        return ft_fail(error, FT_INPUT, "%s:%zu: sentence has %zu tokens, that of the gold file (%s:%zu) has %zu",
                       predicted->file, predicted->line, predicted->count, gold->file, gold->line, gold->count);
    return FT_OK;
}

static ft_status unpaired(const struct sentence *left, const struct side *ended, struct ft_error *error)
{
    return ft_fail(error, FT_INPUT, "%s:%zu: sentence %zu has no counterpart: %s ends before it", left->file,
                   left->line, left->number, ended->file);
}

ft_status pairs_next(struct pairs *p, struct pair *pair, struct ft_error *error)
{
    static const struct sentence nothing;
    const struct sentence *gold, *predicted = NULL;
    arena_clear(&p->arena);
    *pair = (struct pair){.sentence = &nothing};
    ft_status status = side_next(&p->gold, &gold, error);
    if (status != FT_OK && status != FT_END)
        return status;
    pair->document_marks = p->gold.document_marks;
    if (p->options.predicted) {
        status = side_next(&p->predicted, &predicted, error);
        if (status != FT_OK && status != FT_END)
            return status;
        if (gold && predicted)
            status = compare_tokens(p, gold, predicted, error);
        else if (gold || predicted)
            status = unpaired(gold ? gold : predicted, gold ? &p->predicted : &p->gold, error);
        if (status != FT_OK && status != FT_END)
            return status;
    }
    if (!gold)
        return pair->document_marks ? FT_OK : FT_END;
    const char **gold_tags, **predicted_tags;
    int token_column = p->options.token_column;
    status = sentence_column(gold, p->options.gold_column, token_column, &p->arena, &gold_tags, error);
    if (status == FT_OK)
        status = sentence_column(predicted ? predicted : gold, p->options.predicted_column, token_column, &p->arena,
                                 &predicted_tags, error);
    if (status != FT_OK)
        return status;
    *pair = (struct pair){gold, gold_tags, predicted_tags, p->gold.document_marks};
    return FT_OK;
}
