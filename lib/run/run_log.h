/* run_log.h - the files of a training run that people read: training.log, loss.tsv, weights.txt, loss.svg.
 *
 * loss.tsv has the columns of the era's Flair, so that scripts made for it go on working. All but loss.svg are appended
 * to, a whole line at a time, and each ends where a mark says when a run is taken up again from a checkpoint. A line
 * that cannot be written whole is taken back. Numbers are the same in every locale. It knows nothing of models. */
#ifndef RUN_RUN_LOG_H
#define RUN_RUN_LOG_H
#include "run/corpus.h"
#include <time.h>

struct split_record {
    bool there;
    double loss, precision, recall, f1, accuracy; /* scores from 0 to 1; 0.4 has no accuracy */
};

struct epoch_record {
    size_t epoch;    /* from 1 */
    time_t end;      /* local time of day goes into loss.tsv */
    double rate;     /* that the epoch was trained with; its last batch, where each has its own */
    long bad_epochs; /* as Flair reports it; only 0.4 writes it */
    double train_loss;
    struct split_record dev, test;
};

struct run_log;

/* How long each file was: a checkpoint holds it. */
struct run_log_marks {
    uint64_t log, loss, weights;
};

/* folder: exists. marks: NULL for a new run, whose files begin empty; else files are cut there, and records read back
 * from loss.tsv go into the chart. weights: whether weights.txt is wanted. FT_FAILED: a file cannot be written;
 * FT_INPUT: one is shorter than its mark, or loss.tsv holds what this run cannot have written (nothing was cut). */
ft_status run_log_open(struct run_log **log, const char *folder, enum flair_era era, bool weights,
                       const struct run_log_marks *marks, struct ft_error *error);
/* FT_FAILED: the system reports only now that something could not be written. The log is given back in any case; NULL
 * is allowed. */
ft_status run_log_close(struct run_log *log, struct ft_error *error);

/* A line of training.log: "2026-01-31 12:00:00,000 TEXT". */
ft_status run_log_line(struct run_log *log, struct ft_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A row of loss.tsv; the header comes with the first one. FT_USAGE: the record is not of the next epoch, has other
 * splits than the first one, or a score outside 0..1. */
ft_status run_log_epoch(struct run_log *log, const struct epoch_record *record, struct ft_error *error);

/* Ten different positions of each tensor (all of a smaller one), chosen by `seed` and the tensor's name, the same at
 * every iteration: lines ITERATION NAME I VALUE, I from 0 to 9. Nothing where weights.txt is not wanted. */
ft_status run_log_weights(struct run_log *log, size_t iteration, const char *name, const float *values, size_t count,
                          uint64_t seed, struct ft_error *error);

/* Writes loss.svg anew (in one piece: renamed into place) from all epochs so far, as loss.tsv has them, so that a run
 * that was taken up again draws the same; nothing before the first epoch. */
ft_status run_log_chart(struct run_log *log, struct ft_error *error);

/* Hands all files to the disk and says how long they are. */
ft_status run_log_mark(struct run_log *log, struct run_log_marks *marks, struct ft_error *error);

#endif
