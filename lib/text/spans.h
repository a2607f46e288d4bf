/* spans.h - tags to spans, by the rules of conlleval and of Flair's two generations. */
#ifndef TEXT_SPANS_H
#define TEXT_SPANS_H
#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum span_rule {
    SPANS_CONLLEVAL, /* the chunking of the conlleval script, 2004-01-26 */
    SPANS_FLAIR_OLD, /* Flair up to 0.10: Sentence.get_spans (a tag "_" is O, as from 0.7 on) */
    SPANS_FLAIR_NEW  /* Flair from 0.11: get_spans_from_bio */
};

struct span {
    size_t first, last; /* tokens of the sentence, from 0, both inside */
    const char *type;   /* NUL-terminated; lent from the tags or the arena */
    double score;       /* mean of the tokens' scores; 0 without scores */
};

/* tags: [n] NUL-terminated strings ("" counts as O). scores: [n], or NULL.
 * Returns the spans in order, from the arena, and their number in *count; NULL when out of memory (never for n = 0
 * alone). */
struct span *spans_from_tags(enum span_rule rule, const char *const *tags, const double *scores, size_t n,
                             struct arena *arena, size_t *count);

/* The two questions of the conlleval script, for a tag and the one before it (outside a sentence "O"): does a chunk
 * start at `tag`, does the chunk of `before` end there. Tags are cut at their first hyphen; S has no rule, so that
 * it starts a chunk only where the type changes. */
bool chunk_starts(const char *before, const char *tag);
bool chunk_ends(const char *before, const char *tag);

#endif
