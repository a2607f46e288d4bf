/* lm_chart.h - how a language model learns, as a picture: bits per character of training and validation text and the
 * learning rate by characters read, as SVG.
 *
 * A pure function of the points: the same text on every machine and in every locale. Self-contained, in the reader's
 * light or dark mode. What is not finite is left out. */
#ifndef RUN_LM_CHART_H
#define RUN_LM_CHART_H
#include <stddef.h>

struct lm_chart_point {
    double chars, train_bits, valid_bits, rate;
};

/* points: [count], count >= 1, ascending in chars. Returns *bytes of text and a NUL, which the caller frees; NULL when
 * out of memory. */
char *lm_chart(const struct lm_chart_point *points, size_t count, size_t *bytes);

#endif
