/* loss_chart.h - the course of a training run as a picture: losses, F1 and learning rate over the epochs, as SVG.
 *
 * A pure function of the records: the same text on every machine and in every locale. Self-contained, in the reader's
 * light or dark mode; what it shows is also told in words for screen readers. Any numbers are allowed: what is not
 * finite is left out of a line and marked above it. */
#ifndef RUN_LOSS_CHART_H
#define RUN_LOSS_CHART_H
#include "run/run_log.h"

/* records: [count], count >= 1, consecutive epochs. Returns *bytes of text and a NUL, which the caller frees; NULL when
 * out of memory. */
char *loss_chart(const struct epoch_record *records, size_t count, size_t *bytes);

#endif
