/* evaluation_report.h - Flair's reports, for evaluation_report alone. */
#ifndef TEXT_EVALUATION_REPORT_H
#define TEXT_EVALUATION_REPORT_H
#include "text/evaluation.h"
#include <stdio.h>

/* Writes what Flair prints after an evaluation, down to its way with too few labels. */
void flair_report(FILE *out, const struct evaluation *evaluation, const struct type_tally *const *classes, size_t count,
                  enum evaluation_report report);

/* Code points, so that columns align. */
size_t type_width(const char *type);

#endif
