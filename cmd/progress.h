/* progress.h - one line on stderr that says how far a long run is, when stderr is a terminal and only then.
 *
 * Drawn at most five times a second, the first time after a fifth of a second, so that short runs stay silent; cleared
 * at the end. For one thread at a time. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H
#include <stddef.h>

struct progress;

/* NULL when there is no terminal to draw on or no memory; every call takes NULL and does nothing. */
struct progress *progress_new(void);

/* sentences, tokens: finished so far. done of total: how much of the input that is, in any unit (bytes read, for
 * instance), for the time left; total 0: not known. */
void progress_update(struct progress *progress, size_t sentences, size_t tokens, size_t done, size_t total);

/* Any other line, drawn as often. */
void progress_line(struct progress *progress, const char *line);

void progress_free(struct progress *progress);

/* The line itself. room: of line; seconds: since the start. */
void progress_format(char *line, size_t room, size_t sentences, size_t tokens, double seconds, size_t done,
                     size_t total);

#endif
