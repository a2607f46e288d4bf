/* checkpoint.h - a training run's state as a file, from which it goes on to the same bits.
 *
 * A state file (state_file.h): the trainer's vectors "weights", "best", "moment", "second_moment" and "average" (those
 * that it has), its numbers, the marks of the run's logs. Everything read from it is checked against the run. */
#ifndef RUN_CHECKPOINT_H
#define RUN_CHECKPOINT_H
#include "run/trainer.h"

/* identity: what a checkpoint must have been written with, such as a digest of options and inputs. FT_FAILED (the disk
 * is full; the checkpoint before is still there), FT_NOMEM. */
ft_status checkpoint_write(const char *path, const struct trainer *trainer, const struct run_log_marks *marks,
                           const char *identity, struct ft_error *error);

/* The marks alone, which are needed before logs are opened. FT_END: there is no checkpoint. FT_INPUT: it is damaged or
 * another run's. */
ft_status checkpoint_marks(const char *path, const char *identity, struct run_log_marks *marks, struct ft_error *error);

/* Puts a fresh trainer where the checkpoint's was. */
ft_status checkpoint_resume(const char *path, const char *identity, struct trainer *trainer, struct ft_error *error);

#endif
