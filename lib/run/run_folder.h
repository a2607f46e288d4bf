/* run_folder.h - the folder of a training run: made once, held by one process at a time, described by its run.json.
 *
 * run.json appears whole before anything else does, so that a run that was stopped at any moment can be taken up again;
 * a folder that was made for a run that never came so far is taken away again. A folder is refused that has files which
 * the run would write over. It is locked while it is open; the lock ends with the process. */
#ifndef RUN_RUN_FOLDER_H
#define RUN_RUN_FOLDER_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

enum { RUN_FOLDER_BYTES = 4000, RUN_PATH_BYTES = 4096, RUN_IDENTITY_BYTES = 17 };

struct run_folder {
    char path[RUN_FOLDER_BYTES]; /* names of files have room behind it */
    int lock;                    /* -1: none */
    char *text;                  /* of run.json; freed with it */
    bool made;                   /* and nothing is in it yet */
};

/* Takes a folder for a new run: makes it where it is not there and locks it. FT_USAGE: there is a run in it already, or
 * a file by a name that a run writes. FT_FAILED: it cannot be made or written, or another process has it. */
ft_status run_folder_create(struct run_folder *folder, const char *path, struct ft_error *error);
/* Writes folder->text, which the caller has set, as its run.json: from now on it holds a run. FT_FAILED. */
ft_status run_folder_describe(struct run_folder *folder, struct ft_error *error);
/* Opens a run's folder and reads run.json. FT_INPUT: there is no run in it. */
ft_status run_folder_open(struct run_folder *folder, const char *path, struct ft_error *error);
void run_folder_close(struct run_folder *folder); /* one with lock -1 and nothing else is allowed */

/* The path of one of its files. */
const char *run_folder_file(const struct run_folder *folder, const char *name, char path[RUN_PATH_BYTES]);

/* A word that belongs to this run.json alone. */
void run_folder_identity(const struct run_folder *folder, char identity[RUN_IDENTITY_BYTES]);

/* "BYTES CRC32" of a file: whether it is still the one that the run began with. FT_INPUT: it cannot be read. */
enum { FINGERPRINT_BYTES = 40 };
ft_status file_fingerprint(const char *path, char fingerprint[FINGERPRINT_BYTES], struct ft_error *error);

#endif
