/* spans.c - see spans.h.
 *
 * All three rules walk the tags once and keep at most one span open; they differ in what starts a span, what closes
 * it and how it gets its type. The types that vote within a span are few, so they are searched in a row, the latest
 * first. */
#include "text/spans.h"
#include "base/utf8.h"
#include <string.h>

/* A tag taken apart as the rule in use does it. */
struct part {
    char prefix;      /* B I E S of Flair's tags, 'O' for outside, '-' for a tag without prefix */
    const char *type; /* never NULL */
};

struct vote {
    const char *type;
    double weight;
};

struct walk {
    struct span *spans;
    size_t count;
    bool open;
    struct vote *votes; /* types of the open span in order of their first token */
    size_t vote_count;
};

/* conlleval takes all before the first hyphen for the prefix; a tag without one has no type. '?' stands for a prefix
 * that is not one letter: it has no rule either. */
static char chunk_letter(const char *tag, const char **type)
{
    const char *hyphen = strchr(tag, '-');
    size_t bytes = hyphen ? (size_t)(hyphen - tag) : strlen(tag);
    *type = hyphen ? hyphen + 1 : "";
    return !tag[0] ? 'O' : bytes == 1 ? tag[0] : '?';
}

static bool prefix_among(char before, char now, const char *pairs)
{
    for (; *pairs; pairs += 2)
        if (pairs[0] == before && pairs[1] == now)
            return true;
    return false;
}

bool chunk_starts(const char *before, const char *tag)
{
    const char *type_before, *type;
    char was = chunk_letter(before, &type_before), now = chunk_letter(tag, &type);
    return prefix_among(was, now, "BBIBOBOIEEEIOE") || now == '[' || now == ']' ||
           (now != 'O' && now != '.' && strcmp(type_before, type));
}

bool chunk_ends(const char *before, const char *tag)
{
    const char *type_before, *type;
    char was = chunk_letter(before, &type_before), now = chunk_letter(tag, &type);
    return prefix_among(was, now, "BBBOIBIOEEEIEO") || was == '[' || was == ']' ||
           (was != 'O' && was != '.' && strcmp(type_before, type));
}

static void open_span(struct walk *walk, size_t first)
{
    walk->spans[walk->count] = (struct span){.first = first, .last = first, .type = ""};
    walk->vote_count = 0;
    walk->open = true;
}

static void vote(struct walk *walk, const char *type, double weight)
{
    for (size_t i = walk->vote_count; i-- > 0;)
        if (!strcmp(walk->votes[i].type, type)) {
            walk->votes[i].weight += weight;
            return;
        }
    walk->votes[walk->vote_count++] = (struct vote){type, weight};
}

static void close_span(struct walk *walk, const double *scores)
{
    if (!walk->open)
        return;
    struct span *span = &walk->spans[walk->count++];
    double most = 0, sum = 0;
    for (size_t i = 0; i < walk->vote_count; i++)
        if (walk->votes[i].weight > most) { /* the first of equals wins */
            most = walk->votes[i].weight;
            span->type = walk->votes[i].type;
        }
    for (size_t t = span->first; scores && t <= span->last; t++)
        sum += scores[t];
    span->score = sum / (double)(span->last - span->first + 1);
    walk->open = false;
}

static void chunk_walk(struct walk *walk, const char *const *tags, const double *scores, size_t n)
{
    const char *before = "O";
    for (size_t t = 0; t < n; t++) {
        const char *type;
        bool outside = chunk_letter(tags[t], &type) == 'O', starts = chunk_starts(before, tags[t]);
        if (starts || outside || chunk_ends(before, tags[t]))
            close_span(walk, scores);
        if (starts) {
            open_span(walk, t);
            vote(walk, type, 1);
        }
        if (walk->open)
            walk->spans[walk->count].last = t;
        before = tags[t];
    }
    close_span(walk, scores);
}

static bool has_prefix(const char *tag, const char *letters)
{
    return tag[0] && strchr(letters, tag[0]) && tag[1] == '-';
}

static struct part old_part(const char *tag)
{
    if (!strcmp(tag, "") || !strcmp(tag, "O") || !strcmp(tag, "_"))
        return (struct part){'O', ""};
    if (has_prefix(tag, "BIOES"))
        return (struct part){tag[0], tag + 2};
    return (struct part){'S', tag};
}

/* From 0.11 nothing but O, O-, _ and the empty tag is outside, and the type is all behind the second character. */
static struct part new_part(const char *tag)
{
    if (!strcmp(tag, "") || !strcmp(tag, "O") || !strcmp(tag, "_") || !strcmp(tag, "O-"))
        return (struct part){'O', ""};
    size_t bytes = strlen(tag), skip = 0;
    for (int character = 0; character < 2 && skip < bytes; character++) {
        uint32_t ignored;
        size_t step = utf8_decode(tag + skip, bytes - skip, &ignored);
        skip += step ? step : 1;
    }
    return (struct part){has_prefix(tag, "BIES") ? tag[0] : '-', tag + skip};
}

static bool old_starts(struct part before, struct part now)
{
    return now.prefix == 'B' || now.prefix == 'S' ||
           (before.prefix == 'S' && now.prefix != 'O' && strcmp(before.type, now.type));
}

static bool new_starts(struct part before, struct part now)
{
    return now.prefix == 'B' || now.prefix == 'S' || (now.prefix == 'I' && strcmp(before.type, now.type));
}

static void flair_walk(struct walk *walk, bool old, const char *const *tags, const double *scores, size_t n)
{
    struct part before = {'O', ""};
    for (size_t t = 0; t < n; t++) {
        struct part now = old ? old_part(tags[t]) : new_part(tags[t]);
        bool starts = old ? old_starts(before, now) : new_starts(before, now);
        if (starts || now.prefix == 'O')
            close_span(walk, scores);
        if (now.prefix != 'O') {
            if (!walk->open)
                open_span(walk, t);
            walk->spans[walk->count].last = t;
            vote(walk, now.type, starts ? 1.1 : 1.0);
        }
        before = now;
    }
    close_span(walk, scores);
}

struct span *spans_from_tags(enum span_rule rule, const char *const *tags, const double *scores, size_t n,
                             struct arena *arena, size_t *count)
{
    struct walk walk = {.spans = arena_array(arena, n, sizeof *walk.spans),
                        .votes = arena_array(arena, n, sizeof *walk.votes)};
    *count = 0;
    if (!walk.spans || !walk.votes)
        return NULL;
    if (rule == SPANS_CONLLEVAL)
        chunk_walk(&walk, tags, scores, n);
    else
        flair_walk(&walk, rule == SPANS_FLAIR_OLD, tags, scores, n);
    *count = walk.count;
    return walk.spans;
}
