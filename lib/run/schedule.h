/* schedule.h - learning rates that fall when a score stops improving, by the rules of Flair's versions.
 *
 * LIKE_FLAIR_0_4 is PyTorch's ReduceLROnPlateau with its relative threshold of 1e-4; LIKE_FLAIR_0_15 is Flair's
 * AnnealOnPlateau: strict comparison, ties decided by an auxiliary metric (dev loss, lower is better). The state is
 * plain numbers, so that a checkpoint holds all of it. */
#ifndef RUN_SCHEDULE_H
#define RUN_SCHEDULE_H
#include "run/corpus.h"

struct schedule {
    enum flair_era era;
    bool higher_is_better; /* a score; else a loss */
    double factor;
    long patience, effective_patience; /* the first one may be longer, by initial_extra_patience */
    double rate;                       /* in force */
    double best;
    double best_aux;
    bool has_best, has_best_aux;
    long bad_epochs;
};

void schedule_init(struct schedule *schedule, enum flair_era era, bool higher_is_better, double rate, double factor,
                   long patience, long initial_extra_patience);

/* After an epoch. aux: NULL where there is none. Returns true when the rate was reduced. */
bool schedule_step(struct schedule *schedule, double metric, const double *aux);

#endif
