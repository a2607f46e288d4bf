/* flair_columns.c - see flair_columns.h. White space is Unicode's throughout: a no-break space splits a token, and what
 * stands behind it is then read as the tag. */
#include "text/flair_columns.h"
#include "base/utf8.h"
#include <string.h>

enum { SENTENCES_PROBED = 5 };

void flair_columns_init(struct flair_columns *columns, int token_column, int tag_column)
{
    *columns = (struct flair_columns){.token_column = token_column, .tag_column = tag_column, .comment = "# "};
}

void flair_columns_new_file(struct flair_columns *columns)
{
    columns->kind = FLAIR_UNDECIDED;
    columns->probed = 0;
    columns->line_in_group = columns->token_in_group = columns->empty_in_group = columns->tag_missing = false;
}

/* Length of the white space at s, 0 when there is none. */
static size_t space_at(const char *s, size_t bytes)
{
    uint32_t c;
    size_t length = utf8_decode(s, bytes, &c);
    return length && unicode_is_space(c) ? length : 0;
}

static size_t without_trailing_space(const char *text, size_t bytes)
{
    size_t end = 0; /* behind the last character that is no space */
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t c;
        length = utf8_decode(text + at, bytes - at, &c);
        if (!length)
            length = 1;
        if (!space_at(text + at, bytes - at))
            end = at + length;
    }
    return end;
}

/* Moves *at behind the column that begins there and returns its length; *more tells whether another one follows. */
static size_t next_column(const struct flair_columns *columns, const char *text, size_t bytes, size_t *at, bool *more)
{
    size_t start = *at, end;
    if (columns->tabs_only) {
        const char *tab = memchr(text + start, '\t', bytes - start);
        end = tab ? (size_t)(tab - text) : bytes;
        *at = tab ? end + 1 : end;
        *more = tab;
        return end - start;
    }
    for (end = start; end < bytes && !space_at(text + end, bytes - end);)
        end++;
    *at = end;
    *more = end < bytes;
    for (size_t length; *at < bytes && (length = space_at(text + *at, bytes - *at));)
        *at += length;
    return end - start;
}

static void find_fields(const struct flair_columns *columns, const char *text, size_t bytes,
                        struct flair_fields *fields)
{
    bytes = without_trailing_space(text, bytes);
    *fields = (struct flair_fields){0};
    bool more = true;
    for (size_t at = 0; more;) {
        const char *column = text + at;
        size_t length = next_column(columns, text, bytes, &at, &more);
        fields->found++;
        if (fields->found == columns->token_column) {
            fields->token = column;
            fields->token_bytes = length;
        }
        if (fields->found == columns->tag_column) {
            fields->tag = column;
            fields->tag_bytes = length;
        }
    }
}

static bool is_outside(const char *tag, size_t bytes)
{
    return bytes == 1 && *tag == 'O';
}

static bool has_span_prefix(const char *tag, size_t bytes)
{
    return bytes >= 2 && tag[1] == '-' && strchr("BIES", tag[0]);
}

/* A group of lines ends. Only comments, or only empty tokens: Flair stops probing there. */
static void end_group(struct flair_columns *columns)
{
    if (columns->line_in_group && columns->kind == FLAIR_UNDECIDED &&
        (!columns->token_in_group || ++columns->probed == SENTENCES_PROBED))
        columns->kind = FLAIR_SPANS;
    columns->line_in_group = columns->token_in_group = columns->empty_in_group = columns->tag_missing = false;
}

enum flair_line flair_columns_line(struct flair_columns *columns, const char *text, size_t bytes,
                                   struct flair_fields *fields)
{
    *fields = (struct flair_fields){0};
    if (!without_trailing_space(text, bytes)) {
        /* Else flair_columns_end still needs to know what the group was like. */
        if (!columns->token_in_group && !columns->empty_in_group)
            end_group(columns);
        return FLAIR_BLANK;
    }
    columns->line_in_group = true;
    size_t comment_bytes = columns->comment ? strlen(columns->comment) : 0;
    if (columns->comment && bytes >= comment_bytes && !memcmp(text, columns->comment, comment_bytes))
        return FLAIR_COMMENT;
    find_fields(columns, text, bytes, fields);
    if (!fields->token)
        return FLAIR_SHORT;
    columns->tag_missing |= !fields->tag;
    if (!fields->token_bytes) {
        columns->empty_in_group = true;
        return FLAIR_EMPTY;
    }
    columns->token_in_group = true;
    if (columns->kind == FLAIR_UNDECIDED && fields->tag && !is_outside(fields->tag, fields->tag_bytes))
        columns->kind = has_span_prefix(fields->tag, fields->tag_bytes) ? FLAIR_SPANS : FLAIR_LABELS;
    return FLAIR_TOKEN;
}

bool flair_columns_hollow(const struct flair_columns *columns)
{
    return columns->empty_in_group && !columns->token_in_group;
}

bool flair_columns_end(struct flair_columns *columns, const char **tags, size_t count)
{
    bool labels = columns->kind == FLAIR_LABELS, lost = !labels && columns->tag_missing;
    for (size_t i = 0; i < count; i++)
        if (lost || !tags[i])
            tags[i] = "O";
    end_group(columns);
    return labels;
}

struct span *flair_columns_spans(const char *const *tags, size_t count, struct arena *arena, size_t *span_count)
{
    size_t all, kept = 0;
    struct span *spans = spans_from_tags(SPANS_FLAIR_NEW, tags, NULL, count, arena, &all);
    for (size_t i = 0; spans && i < all; i++)
        if (strcmp(spans[i].type, "O"))
            spans[kept++] = spans[i];
    *span_count = kept;
    return spans;
}
