/* loss_table.h - the rows of loss.tsv, written and read back: the columns of each era's Flair, and how its numbers
 * look.
 *
 *     0.4    EPOCH TIMESTAMP BAD_EPOCHS LEARNING_RATE TRAIN_LOSS [DEV_LOSS DEV_PRECISION DEV_RECALL DEV_F1] [TEST_...]
 *            losses with all their digits, scores rounded to four decimals; a row begins with a newline, none ends so
 *     0.15   EPOCH TIMESTAMP LEARNING_RATE TRAIN_LOSS [DEV_LOSS DEV_PRECISION DEV_RECALL DEV_F1 DEV_ACCURACY]
 * [TEST_...] everything with four decimals; a row ends with a newline
 *
 * Flair 0.15.1 has a column BAD_EPOCHS in its plan and never writes it: its annealer reports the number when the row
 * has been written, and columns without a value in the first row are left out. Pure text: it opens no file. */
#ifndef RUN_LOSS_TABLE_H
#define RUN_LOSS_TABLE_H
#include "run/run_log.h"

enum { LOSS_LINE_BYTES = 1024 }; /* holds a header or a row */

/* The header for rows that have the splits of `record`, without newline. */
void loss_header(char text[LOSS_LINE_BYTES], enum flair_era era, const struct epoch_record *record);

/* A row without newline. */
void loss_row(char text[LOSS_LINE_BYTES], enum flair_era era, const struct epoch_record *record);

/* Reads a row back: numbers as they stand there, `end` 0, and what has no column 0. like: a record with the splits that
 * the header names. False, and *what says why, when a field is missing, is one too many, or holds what no run can have
 * written: scores outside 0..1, a rate below 0, an epoch other than `epoch`. */
bool loss_row_read(const char *text, size_t bytes, enum flair_era era, const struct epoch_record *like, size_t epoch,
                   struct epoch_record *record, const char **what);

/* All rows of a file's bytes[0..count), a grown array that the caller frees. path: for messages. FT_INPUT (file:line,
 * and what stands there), FT_NOMEM. */
ft_status loss_table_read(const char *bytes, size_t count, enum flair_era era, const char *path,
                          struct epoch_record **records, size_t *rows, struct ft_error *error);

#endif
