/* report.h - what the program says beside its results: errors, the status line, colour.
 *
 * Everything here goes to stderr, a message in one write, so that lines of several processes do not mix. A message
 * first clears the status line that progress.c may have drawn. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H
#include "cmd/options.h"

/* In the order of the choices of --color. */
enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
#define COLOR_CHOICES "auto|always|never"

/* Whether text written to `descriptor` shall be coloured. auto: when it is a terminal, TERM is neither unset, empty nor
 * "dumb", and NO_COLOR is unset or empty (no-color.org). */
bool color_wanted(int choice, int descriptor);

/* True when stderr is a terminal on which a line can be cleared. */
bool report_line_possible(void);

/* Draws `text` over the status line, cut to the terminal's width; NULL clears it. Only where report_line_possible. */
void report_line(const char *text);

/* Flushes stdout. Returns 0 also when its reader has gone away, FT_FAILED after reporting any other failure. */
int report_finish_stdout(void);

#endif
