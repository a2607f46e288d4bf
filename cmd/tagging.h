/* tagging.h - all sentences of an input, tagged and written in order: window by window, in this process or in jobs, the
 * whole input or a shard of it, from its beginning or from where an earlier run stopped. */
#ifndef CMD_TAGGING_H
#define CMD_TAGGING_H
#include "cmd/jobs.h"
#include "cmd/progress.h"
#include "cmd/resume.h"
#include "run/predictor_group.h"
#include "run/shard.h"

struct tagging_run {
    struct reader *reader; /* all lent */
    struct predictor_group *predictors;
    const struct memory_plan *plan; /* of one device */
    size_t devices;
    struct output *output;
    struct jobs *jobs;             /* NULL: this process works */
    struct resume *resume;         /* NULL: nothing is saved */
    struct writer_options writing; /* of a format OUTPUT_GUESS until the input's is known */
    struct shard shard;
    size_t nbest;
    struct writer *writer;
    bool broken; /* a result is missing: nothing behind it may be written */
    struct progress *progress;
    struct job_tally read, done; /* of sentences read; of what stands in the output */
};

/* FT_INTERRUPTED: Ctrl-C; what was begun has been finished. After any status what `done` counts has been flushed. */
ft_status tagging_all(struct tagging_run *run, struct ft_error *error);

#endif
