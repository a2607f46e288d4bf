/* output.h - where results go: stdout, or a file that appears only when it is whole.
 *
 * A path is written as PATH.part in the same folder and renamed by output_close, after a sync; a failure leaves
 * whatever stood at PATH untouched. One process at a time writes PATH.part: it is locked while it is open (where the
 * file system has locks), and a second writer is refused before it changes anything. Every error of the operating
 * system is reported once, by name of the file. A closed pipe is not an error: FT_END comes back, and the caller stops
 * quietly. */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct output;

/* path: NULL or "-" for stdout. */
ft_status output_open(struct output **output, const char *path, struct ft_error *error);
/* The same, but what an earlier process left in PATH.part stays until output_cut has been called, which must come
 * before all writing. */
ft_status output_open_left(struct output **output, const char *path, struct ft_error *error);
/* How many bytes an earlier process left there. */
size_t output_left(const struct output *output);
/* Writes in place to an open file, which it takes over; shown: its name in messages. */
ft_status output_open_descriptor(struct output **output, int descriptor, const char *shown, struct ft_error *error);
/* Keeps the first `bytes` bytes of PATH.part and goes on behind them. FT_INPUT: it has fewer. */
ft_status output_cut(struct output *output, size_t bytes, struct ft_error *error);
ft_status output_write(struct output *output, const void *bytes, size_t count, struct ft_error *error);
ft_status output_text(struct output *output, const char *text, struct ft_error *error);
ft_status output_format(struct output *output, struct ft_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Hands what is buffered to the system (after each window, so that pipes see results at once). */
ft_status output_flush(struct output *output, struct ft_error *error);
/* The same, and from there to the disk: it is there after a power cut too. */
ft_status output_sync(struct output *output, struct ft_error *error);
/* Bytes written so far, buffered ones and those that output_cut kept included. */
size_t output_bytes(const struct output *output);
/* Writes over bytes written before, at `offset`: for a header that is known last. FT_USAGE when the output is no
 * regular file. */
ft_status output_patch(struct output *output, size_t offset, const void *bytes, size_t count, struct ft_error *error);
/* True when results go to PATH.part first. */
bool output_is_part(const struct output *output);
/* PATH.part, links followed; NULL where there is none. Lent. */
const char *output_part(const struct output *output);
/* Flushes, syncs and renames; frees the output in any case. */
ft_status output_close(struct output *output, struct ft_error *error);
/* All of a small file at once. */
ft_status output_whole(const char *path, const void *bytes, size_t count, struct ft_error *error);
/* Flushes and leaves PATH.part as it is, for whoever interrupted the work; frees the output in any case. */
ft_status output_keep_part(struct output *output, struct ft_error *error);
/* Removes the .part file, frees the output. NULL is allowed. */
void output_discard(struct output *output);

#endif
