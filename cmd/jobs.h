/* jobs.h - windows worked on by processes of their own, results in the order of the windows.
 *
 * A job is a fork of this process: it has the model (mapped, or shared until somebody writes) and the window in its
 * memory, writes what it makes of it to a file in memory, and leaves. Nothing is sent to it, nothing is cut in
 * advance, and pipes work as files do. Held are at most twice as many results as jobs run at a time. A job that fails
 * or is killed is the error of its window, whose turn it is when all before it have been written; jobs die with their
 * parent.
 *
 * The parent must not run threads when it starts a job. */
#ifndef CMD_JOBS_H
#define CMD_JOBS_H
#include "base/output.h"
#include "run/resume_point.h"

/* What stands in the output once a window's result does. */
struct job_tally {
    struct tagging_mark mark; /* its bytes are the caller's to fill in */
    size_t sentences, tokens;
};

typedef ft_status job_work(void *argument, struct output *output, struct ft_error *error);

struct jobs;

/* count: processes at a time. */
ft_status jobs_new(struct jobs **jobs, size_t count, struct ft_error *error);
/* Kills what still runs. NULL is allowed. */
void jobs_free(struct jobs *jobs);

/* Starts work(argument, ...) in a process; waits while as many run as may. Only where jobs_have_room. FT_FAILED,
 * FT_NOMEM. */
ft_status jobs_start(struct jobs *jobs, job_work *work, void *argument, const struct job_tally *tally,
                     struct ft_error *error);

bool jobs_have_room(const struct jobs *jobs);
bool jobs_are_left(const struct jobs *jobs); /* some result has not been taken */
bool jobs_first_is_done(struct jobs *jobs);  /* jobs_take would not wait */

/* Waits for the oldest job that is left, adds its result to the output and gives back its tally. The job's own error,
 * or FT_FAILED where it was killed. */
ft_status jobs_take(struct jobs *jobs, struct output *output, struct job_tally *tally, struct ft_error *error);

#endif
