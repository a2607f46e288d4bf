/* scheme.h - tag schemes: spans written as BIO or BIOES, and the conversion that Flair's readers made up to 0.10.
 *
 * Any scheme becomes any other by way of spans: spans_from_tags reads (IOB1 by SPANS_CONLLEVAL or SPANS_FLAIR_NEW),
 * scheme_tags writes. The old reader's conversion is apart, since it works on tags, not on spans, keeps what is
 * malformed malformed, and refuses what is neither IOB1 nor BIO. All strings come from the caller's arena or are
 * lent from the input. */
#ifndef TEXT_SCHEME_H
#define TEXT_SCHEME_H
#include "base/error.h"
#include "text/spans.h"

enum scheme { SCHEME_BIO, SCHEME_BIOES };

/* The tags of a sentence of n tokens with these spans (in order, not overlapping). NULL when out of memory. */
const char **scheme_tags(enum scheme scheme, const struct span *spans, size_t count, size_t n, struct arena *arena);

/* Whether a tag may come behind another one where sentences are tagged as scheme_tags does it; NULL stands for what is
 * before the first tag, and behind the last one. */
bool scheme_follows(enum scheme scheme, const char *before, const char *tag);

/* What Flair's readers up to 0.10 made of a column of tags: IOB1 to BIO, then BIO to BIOES, each tag on its own.
 * tags: [n], *converted: [n]. Returns FT_OK; FT_NOMEM; FT_INPUT with *bad = the first tag that is not of the BIO
 * scheme, where those versions end with "Invalid IOB format" (no text is left anywhere: the caller knows the place). */
ft_status scheme_old_reader(const char *const *tags, size_t n, struct arena *arena, const char ***converted,
                            size_t *bad);

/* The first half of it: IOB1 to BIO alone, for models that are trained on BIO. */
ft_status scheme_old_reader_bio(const char *const *tags, size_t n, struct arena *arena, const char ***converted,
                                size_t *bad);

#endif
