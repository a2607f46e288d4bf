/* lm_train_run.h - one run of `flairtag lm train`, from its folder to its last file. */
#ifndef CMD_LM_TRAIN_RUN_H
#define CMD_LM_TRAIN_RUN_H
#include "cmd/lm.h"
#include "run/run_folder.h"

/* The text that the values name, found but not read. */
ft_status lm_open_corpus(const struct lm_values *values, struct text_corpus *corpus, struct ft_error *error);

/* The dictionary that they ask for: the named one's, the first model's, or one made from the text, which is read for
 * it. Items come from the arena. *known: the share of the text that is in a dictionary made from it, else 1. */
ft_status lm_make_dictionary(const struct lm_values *values, const struct text_corpus *corpus, struct backend *backend,
                             struct arena *arena, struct bytes **items, size_t *count, double *known,
                             struct ft_error *error);

/* Trains in the folder, from its checkpoint where there is one, and writes everything that a run leaves; a new run is
 * described in it first. values: as they stand in its run.json. *report: the text for standard output, the caller's.
 * FT_INTERRUPTED: all is saved, and the run can be gone on with. */
ft_status lm_train_run(const struct lm_values *values, struct run_folder *folder, char **report,
                       struct ft_error *error);

/* True when the run of this folder has come to its end. */
bool lm_train_is_finished(const struct run_folder *folder);

#endif
