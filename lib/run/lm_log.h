/* lm_log.h - the files of a language model's training run that people read: training.log, loss.txt (a line a split, as
 * Flair writes it), loss.tsv (a row a validation) and loss.svg (bits per character by characters read).
 *
 * All but loss.svg are appended to, a whole line at a time, and each ends where a mark says when a run is taken up
 * again from a checkpoint. Numbers are the same in every locale. It knows nothing of models. */
#ifndef RUN_LM_LOG_H
#define RUN_LM_LOG_H
#include "base/error.h"
#include "run/schedule.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A validation. */
struct lm_record {
    uint64_t chars; /* predicted in training so far */
    size_t epoch, split, splits;
    bool split_ended;
    double seconds; /* of the split so far, in this process */
    double rate, train_bits, valid_loss, valid_bits;
};

struct lm_log_marks {
    uint64_t log, loss, table;
};

struct lm_log;

/* folder: exists. marks: NULL for a new run, whose files begin empty; else files are cut there, and records read back
 * from loss.tsv go into the chart. FT_FAILED: a file cannot be written; FT_INPUT: one is shorter than its mark, or
 * loss.tsv holds what a run cannot have written. */
ft_status lm_log_open(struct lm_log **log, const char *folder, enum flair_era era, const struct lm_log_marks *marks,
                      struct ft_error *error);
/* The log is given back in any case; NULL is allowed. FT_FAILED. */
ft_status lm_log_close(struct lm_log *log, struct ft_error *error);

/* A line of training.log: "2026-01-31 12:00:00,000 TEXT". */
ft_status lm_log_line(struct lm_log *log, struct ft_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A row of loss.tsv, and a line of loss.txt where a split has ended. */
ft_status lm_log_record(struct lm_log *log, const struct lm_record *record, struct ft_error *error);
/* The last line of loss.txt: the loss of the test text. */
ft_status lm_log_test(struct lm_log *log, double loss, struct ft_error *error);

/* Writes loss.svg anew, in one piece, from all records; nothing before the first. */
ft_status lm_log_chart(struct lm_log *log, struct ft_error *error);

/* Hands all files to the disk and says how long they are. */
ft_status lm_log_mark(struct lm_log *log, struct lm_log_marks *marks, struct ft_error *error);

#endif
