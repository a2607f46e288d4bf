/* scheme.c - see scheme.h. */
#include "text/scheme.h"
#include <string.h>

const char **scheme_tags(enum scheme scheme, const struct span *spans, size_t count, size_t n, struct arena *arena)
{
    const char **tags = arena_array(arena, n, sizeof *tags);
    if (!tags)
        return NULL;
    for (size_t t = 0; t < n; t++)
        tags[t] = "O";
    for (size_t s = 0; s < count; s++) {
        size_t first = spans[s].first, last = spans[s].last, bytes = strlen(spans[s].type);
        for (size_t t = first; t <= last; t++) {
            /* tokens between second and last but one share one string */
            if (t > first + 1 && t < last) {
                tags[t] = tags[t - 1];
                continue;
            }
            char *tag = arena_alloc(arena, bytes + 3);
            if (!tag)
                return NULL;
            tag[0] = t == first ? 'B' : 'I';
            if (scheme == SCHEME_BIOES && t == last)
                tag[0] = t == first ? 'S' : 'E';
            tag[1] = '-';
            memcpy(tag + 2, spans[s].type, bytes);
            tags[t] = tag;
        }
    }
    return tags;
}

/* 'B', 'I', 'E' or 'S'; 'O' for what is in no span. */
static char place_in_span(const char *tag)
{
    return tag && tag[0] && tag[1] == '-' && strchr("BIES", tag[0]) ? tag[0] : 'O';
}

bool scheme_follows(enum scheme scheme, const char *before, const char *tag)
{
    char last = place_in_span(before), next = place_in_span(tag);
    bool opened = last == 'B' || last == 'I';
    if (next == 'I' || next == 'E')
        return opened && !strcmp(before + 2, tag + 2);
    return scheme == SCHEME_BIO || !opened; /* BIOES says where a span ends */
}

/* A copy of the tag with every "from-" in it written as "to-": the old conversion replaced text, wherever it stood. */
static const char *with_prefix(const char *tag, char from, char to, struct arena *arena)
{
    char *copy = arena_copy(arena, tag, strlen(tag));
    for (char *c = copy; c && *c; c++)
        if (c[0] == from && c[1] == '-')
            *c = to;
    return copy;
}

static bool prefix_is(const char *tag, char letter)
{
    return tag[0] == letter && (tag[1] == '-' || !tag[1]);
}

/* IOB1 to BIO, in place. A tag that is not a prefix and a type without hyphen ends the pass: the rest stays as it
 * is. */
static bool begin_spans(const char **tags, size_t n, struct arena *arena)
{
    for (size_t t = 0; t < n; t++) {
        const char *hyphen = strchr(tags[t], '-');
        if (!strcmp(tags[t], "O"))
            continue;
        if (!hyphen || strchr(hyphen + 1, '-') || !(prefix_is(tags[t], 'I') || prefix_is(tags[t], 'B')))
            return true;
        if (tags[t][0] == 'B' || (t && strcmp(tags[t - 1], "O") && !strcmp(tags[t - 1] + 1, tags[t] + 1)))
            continue;
        char *begin = arena_copy(arena, tags[t], strlen(tags[t]));
        if (!begin)
            return false;
        begin[0] = 'B';
        tags[t] = begin;
    }
    return true;
}

ft_status scheme_old_reader_bio(const char *const *tags, size_t n, struct arena *arena, const char ***converted,
                                size_t *bad)
{
    const char **bio = arena_array(arena, n, sizeof *bio);
    if (!bio)
        return FT_NOMEM;
    for (size_t t = 0; t < n; t++)
        bio[t] = tags[t][0] ? tags[t] : "O";
    if (!begin_spans(bio, n, arena))
        return FT_NOMEM;
    for (size_t t = 0; t < n; t++)
        if (strcmp(bio[t], "O") && !prefix_is(bio[t], 'B') && !prefix_is(bio[t], 'I')) {
            *bad = t;
            return FT_INPUT;
        }
    *converted = bio;
    return FT_OK;
}

ft_status scheme_old_reader(const char *const *tags, size_t n, struct arena *arena, const char ***converted,
                            size_t *bad)
{
    const char **bio, **bioes = arena_array(arena, n, sizeof *bioes);
    ft_status status = bioes ? scheme_old_reader_bio(tags, n, arena, &bio, bad) : FT_NOMEM;
    if (status)
        return status;
    for (size_t t = 0; t < n; t++) {
        bool begins = prefix_is(bio[t], 'B'), goes_on = t + 1 < n && prefix_is(bio[t + 1], 'I');
        bioes[t] = bio[t];
        if (strcmp(bio[t], "O") && !goes_on)
            bioes[t] = begins ? with_prefix(bio[t], 'B', 'S', arena) : with_prefix(bio[t], 'I', 'E', arena);
        if (!bioes[t])
            return FT_NOMEM;
    }
    *converted = bioes;
    return FT_OK;
}
