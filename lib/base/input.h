/* input.h - lines of a file, a gz file (told by its magic number) or an open descriptor.
 *
 * Memory holds one buffer and the longest line. Every line comes with its number; a truncated or damaged gz stream is
 * an error, never a quiet end. */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct input;

/* path: "-" or NULL for stdin. */
ft_status input_open(struct input **input, const char *path, struct ft_error *error);
/* Reads a descriptor from where it stands; it stays the caller's. */
ft_status input_open_descriptor(struct input **input, int descriptor, struct ft_error *error);
void input_close(struct input *input);

/* From here on a line of more than `most_bytes` is refused, FT_NOMEM, before it is read whole; 0: no bound. */
void input_limit(struct input *input, size_t most_bytes);
bool input_too_long(const struct input *input); /* this is why it was refused */

/* The next line without its LF. *line is lent until the next call. *ended_by_newline tells "a" from "a\n" at the end.
 * FT_END after the last line; FT_INPUT when reading fails. */
ft_status input_line(struct input *input, char **line, size_t *bytes, bool *ended_by_newline, struct ft_error *error);

/* True when a whole line (or the end) can be had without waiting, or comes before `until` on clock_seconds (0: what has
 * not come does not count). Always true for regular files. */
bool input_ready(struct input *input, double until);

const char *input_name(const struct input *input);   /* the path as given; "-" for stdin */
size_t input_line_number(const struct input *input); /* of the line last returned, from 1 */
/* Bytes of the lines given out so far (of a gz file: compressed bytes read), and the file's size (0 when unknown). */
void input_progress(const struct input *input, size_t *done, size_t *total);

/* How many bytes a (gz) file's lines have in all. A gz file is read for that, any other only asked. FT_USAGE: it is no
 * regular file, so that nobody knows. */
ft_status input_bytes(const char *path, size_t *bytes, struct ft_error *error);

/* The whole of a (gz) file in memory, NUL-terminated; the caller frees it. */
ft_status input_slurp(const char *path, char **bytes, size_t *count, struct ft_error *error);

#endif
