/* schedule.c - see schedule.h. The comparisons are written as the Python of the versions computes them, in doubles, so
 * that a score on the edge of the threshold falls on the same side. */
#include "run/schedule.h"
#include <math.h>

static const double THRESHOLD = 1e-4; /* PyTorch's default; better by less is not better */
static const double SMALLEST_CHANGE = 1e-8;

void schedule_init(struct schedule *schedule, enum flair_era era, bool higher_is_better, double rate, double factor,
                   long patience, long initial_extra_patience)
{
    *schedule = (struct schedule){.era = era,
                                  .higher_is_better = higher_is_better,
                                  .factor = factor,
                                  .patience = patience,
                                  .effective_patience = patience,
                                  .rate = rate};
    if (era == LIKE_FLAIR_0_15)
        schedule->effective_patience += initial_extra_patience;
}

static double best_so_far(const struct schedule *schedule)
{
    if (schedule->has_best)
        return schedule->best;
    return schedule->higher_is_better ? -INFINITY : INFINITY;
}

static bool is_better(const struct schedule *schedule, double metric)
{
    double best = best_so_far(schedule);
    if (schedule->era == LIKE_FLAIR_0_4)
        best *= schedule->higher_is_better ? THRESHOLD + 1 : 1 - THRESHOLD;
    return schedule->higher_is_better ? metric > best : metric < best;
}

static bool tie_is_better(const struct schedule *schedule, double metric, const double *aux)
{
    return schedule->era == LIKE_FLAIR_0_15 && aux && schedule->has_best_aux && metric == best_so_far(schedule) &&
           *aux < schedule->best_aux;
}

bool schedule_step(struct schedule *schedule, double metric, const double *aux)
{
    bool better = is_better(schedule, metric) || tie_is_better(schedule, metric, aux);
    if (better) {
        schedule->best = metric;
        schedule->has_best = true;
        schedule->bad_epochs = 0;
    } else {
        schedule->bad_epochs++;
    }
    if (better && aux && *aux != 0) { /* 0 is "no value" to the version's test */
        schedule->best_aux = *aux;
        schedule->has_best_aux = true;
    }
    if (schedule->bad_epochs <= schedule->effective_patience)
        return false;
    double reduced = schedule->rate * schedule->factor;
    bool changes = schedule->rate - reduced > SMALLEST_CHANGE;
    if (changes)
        schedule->rate = reduced;
    schedule->bad_epochs = 0;
    schedule->effective_patience = schedule->patience;
    return changes || schedule->era == LIKE_FLAIR_0_15;
}

bool schedule_is_best(const struct schedule *schedule, double metric)
{
    bool better = is_better(schedule, metric);
    if (schedule->era == LIKE_FLAIR_0_4)
        return better || (schedule->has_best && metric == schedule->best);
    return better && (!schedule->higher_is_better || metric > 0);
}

long schedule_bad_epochs(const struct schedule *schedule, bool reduced)
{
    return reduced ? schedule->patience + 1 : schedule->bad_epochs;
}
