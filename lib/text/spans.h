/* spans.h - tags to spans, by the rules of conlleval and of Flair's two generations. */
#ifndef TEXT_SPANS_H
#define TEXT_SPANS_H
#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum span_rule {
    SPANS_CONLLEVAL, /* the chunking of the conlleval script, 2004-01-26 */
    SPANS_FLAIR_OLD, /* Flair up to 0.10: Sentence.get_spans */
    SPANS_FLAIR_NEW  /* Flair from 0.11: get_spans_from_bio */
};

struct span {
    size_t first, last;  /* tokens of the sentence, from 0, both inside */
    const char *type;    /* NUL-terminated; lent from the tags or the arena */
    double score;        /* mean of the tokens' scores; 0 without scores */
};

/* tags: [n] NUL-terminated strings ("" counts as O). scores: [n], or NULL.
 * Returns the spans in order, from the arena, and their number in *count; NULL when out of memory (never for n = 0 alone). */
struct span *spans_from_tags(enum span_rule rule, const char *const *tags, const double *scores, size_t n,
                             struct arena *arena, size_t *count);

#endif
