/* train_run.h - one run of `flairtag train`, from its folder to its last file. */
#ifndef CMD_TRAIN_RUN_H
#define CMD_TRAIN_RUN_H
#include "cmd/train_options.h"
#include "run/run_folder.h"
#include "text/evaluation.h"

/* Trains in the folder, from its checkpoint where there is one, and writes everything that a run leaves. values: as
 * they stand in the folder's run.json. *report: the text for standard output, the caller's; NULL where nothing was
 * evaluated. FT_INTERRUPTED: all is saved, and the run can be gone on with. */
ft_status train_run(const struct train_values *values, struct run_folder *folder, char **report,
                    struct ft_error *error);

/* True when the run of this folder has come to its end. */
bool train_is_finished(const struct run_folder *folder);

#endif
