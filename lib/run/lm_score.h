/* lm_score.h - what a character language model makes of text: how well it guesses it, and text of its own.
 *
 * Everything goes through the operations that tagging uses, in the precision that the model holds. It needs a model
 * with a decoder. */
#ifndef RUN_LM_SCORE_H
#define RUN_LM_SCORE_H
#include "model/lm.h"

/* The ids of UTF-8 text in the order in which the model reads it, the caller's. FT_INPUT: it is no UTF-8. */
ft_status lm_score_ids(const struct lm *lm, const char *text, size_t bytes, uint32_t **ids, size_t *count,
                       struct ft_error *error);

/* Reads one text from states of zero: *nats is the sum of the losses of its characters but the first, which nothing
 * predicts; exp(nats / (count - 1)) is what Flair's calculate_perplexity gives. No marker is put before or behind it.
 * FT_MODEL: the model has no decoder; FT_INPUT: fewer than two characters. */
ft_status lm_score_text(const struct lm *lm, struct backend *backend, const uint32_t *ids, size_t count, double *nats,
                        struct ft_error *error);

/* Lines of text, each by itself, as tagging reads sentences: behind the delimiter. Predicted are its characters and the
 * delimiter that ends it. */
struct lm_line {
    const uint32_t *ids; /* [count] as lm_score_ids gives them, without markers */
    size_t count;
    double nats;      /* out: the sum of losses */
    size_t predicted; /* out: characters */
};
ft_status lm_score_lines(const struct lm *lm, struct backend *backend, struct lm_line *lines, size_t count,
                         struct ft_error *error);

struct lm_sample_options {
    const char *prefix; /* UTF-8; empty: the delimiter */
    size_t chars;
    double temperature; /* above 0 */
    uint64_t seed;
};

/* The prefix and what the model writes behind it (a backward model: before it), NUL-terminated, the caller's. A
 * character that is not in the dictionary is written as "?". The same options give the same text on every machine. */
ft_status lm_sample(const struct lm *lm, struct backend *backend, const struct lm_sample_options *options, char **text,
                    struct ft_error *error);

#endif
