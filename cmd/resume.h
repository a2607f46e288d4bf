/* resume.h - what a command does so that its output can be gone on with: when the state of a run (run/resume_point.h)
 * is written and read, and what belongs into its description. */
#ifndef CMD_RESUME_H
#define CMD_RESUME_H
#include "base/output.h"
#include "cmd/options.h"
#include "run/resume_point.h"

/* What an output's bytes depend on. */
struct resume_subject {
    const struct command *command;
    const void *values; /* of its options */
    const char *model;  /* as -m says */
    const char *precision;
    const char *const *files;
    size_t file_count;
};

struct resume {
    struct resume_subject subject;
    cJSON *description; /* made when it is first needed: it takes a walk through the model's file */
    char *path;
    struct output *output; /* lent */
    double seconds, last;  /* between two states; when the last was written */
    bool written;          /* a state that this run can be gone on from is there */
    struct tagging_mark goal;
};

/* Takes the .part file, opened by output_open_left, for a run that is saved every `seconds`. goes_on: cuts it where its
 * state ends and sets the goal; where there is no state, or not `goes_on`, the file is emptied and the goal is zero. A
 * run that cannot be gone on with (errors of resume_point_read) is left as it is. */
ft_status resume_begin(struct resume *resume, const struct resume_subject *subject, struct output *output,
                       double seconds, bool goes_on, struct ft_error *error);

/* Writes the state: all of the mark's bytes have been flushed. resume_tell does so where it is time to. */
ft_status resume_save(struct resume *resume, const struct tagging_mark *mark, struct ft_error *error);
ft_status resume_tell(struct resume *resume, const struct tagging_mark *mark, struct ft_error *error);

/* There is nothing left to go on with: the output has become whole, or was thrown away. */
void resume_forget(struct resume *resume);
void resume_release(struct resume *resume);

#endif
