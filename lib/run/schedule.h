/* schedule.h - learning rates that fall when a score stops improving, by the rules of Flair's versions.
 *
 * LIKE_FLAIR_0_4 is PyTorch's ReduceLROnPlateau with its relative threshold of 1e-4; LIKE_FLAIR_0_15 is Flair's
 * AnnealOnPlateau: strict comparison, ties decided by an auxiliary metric (dev loss, lower is better). The state is
 * plain numbers, so that a checkpoint holds all of it. An epoch goes
 *
 *     best = schedule_is_best(...)            before the step, which forgets what was best until then
 *     reduced = schedule_step(...)
 *     schedule_bad_epochs(..., reduced)       into the log
 *
 * and training ends when the rate falls below its minimum: 0.4 looks at the beginning of the next epoch, 0.15 at once.
 * Metrics are taken as they come: Flair 0.4 rounds its scores to four decimals first. */
#ifndef RUN_SCHEDULE_H
#define RUN_SCHEDULE_H
#include "run/corpus.h"

struct schedule {
    enum flair_era era;
    bool higher_is_better; /* a score; else a loss */
    double factor;
    long patience, effective_patience; /* the first one may be longer, by initial_extra_patience */
    double rate;                       /* in force */
    double best;                       /* 0 until there is one */
    double best_aux;
    bool has_best, has_best_aux;
    long bad_epochs;
};

/* initial_extra_patience: 0.4 has none and leaves it out. */
void schedule_init(struct schedule *schedule, enum flair_era era, bool higher_is_better, double rate, double factor,
                   long patience, long initial_extra_patience);

/* After an epoch. aux: NULL where there is none; 0.15 compares an auxiliary 0 but never remembers it. Returns what
 * the version calls a reduced learning rate: 0.4 that it changed, 0.15 that patience was exceeded, though a change
 * below 1e-8 is not made in either. */
bool schedule_step(struct schedule *schedule, double metric, const double *aux);

/* Whether the model of an epoch with this metric is the best so far, asked before the step: 0.4 when it is better by
 * the threshold, or equal to the best; 0.15 when it is strictly better, a score also than 0 (so that a model that finds
 * nothing is never kept), whatever the auxiliary metric says. Flair writes such a model to best-model unless it trains
 * on dev too. */
bool schedule_is_best(const struct schedule *schedule, double metric);

/* BAD_EPOCHS of loss.tsv and the log. reduced: what schedule_step returned. The counter, but patience + 1 in the epoch
 * in which the rate fell (in both eras, initial_extra_patience or not). */
long schedule_bad_epochs(const struct schedule *schedule, bool reduced);

#endif
