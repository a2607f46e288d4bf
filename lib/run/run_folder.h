/* run_folder.h - the folder of a training run: made once, held by one process at a time, described by its run.json.
 *
 * run.json appears whole before anything else does, so that a run that was stopped at any moment can be taken up again.
 * The folder is locked while it is open; the lock ends with the process. */
#ifndef RUN_RUN_FOLDER_H
#define RUN_RUN_FOLDER_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

enum { RUN_FOLDER_BYTES = 4000, RUN_PATH_BYTES = 4096, RUN_IDENTITY_BYTES = 17 };

struct run_folder {
    char path[RUN_FOLDER_BYTES]; /* names of files have room behind it */
    int lock;   /* -1: none */
    char *text; /* of run.json */
};

/* FT_USAGE where there is a run in it already. */
ft_status run_folder_is_free(const char *path, struct ft_error *error);

/* Makes the folder where it is not there and writes run.json. FT_USAGE: there is a run in it already. FT_FAILED: it
 * cannot be made, or another process has it. */
ft_status run_folder_create(struct run_folder *folder, const char *path, const char *text, struct ft_error *error);
/* Opens a run's folder and reads run.json. FT_INPUT: there is no run in it. */
ft_status run_folder_open(struct run_folder *folder, const char *path, struct ft_error *error);
void run_folder_close(struct run_folder *folder); /* a zeroed one is allowed */

/* The path of one of its files. */
const char *run_folder_file(const struct run_folder *folder, const char *name, char path[RUN_PATH_BYTES]);

/* A word that belongs to this run.json alone. */
void run_folder_identity(const struct run_folder *folder, char identity[RUN_IDENTITY_BYTES]);

/* "BYTES CRC32" of a file: whether it is still the one that the run began with. FT_INPUT: it cannot be read. */
enum { FINGERPRINT_BYTES = 40 };
ft_status file_fingerprint(const char *path, char fingerprint[FINGERPRINT_BYTES], struct ft_error *error);

#endif
