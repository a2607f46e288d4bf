/* run_inputs.h - what commands that train have in common: the files that a run began with, as its run.json names them,
 * and how a run is taken up again. */
#ifndef CMD_RUN_INPUTS_H
#define CMD_RUN_INPUTS_H
#include "base/arena.h"
#include "base/error.h"
#include "cmd/options.h"
#include <cjson/cJSON.h>

enum { MOST_OPTIONS = 100 };

/* A whole path, so that a run can be gone on with from anywhere; NULL stays NULL. *path comes from the arena. FT_INPUT:
 * there is no such file. */
ft_status path_make_whole(const char **path, struct arena *arena, struct ft_error *error);

/* Adds PATH: "BYTES CRC32". */
ft_status inputs_add(cJSON *inputs, const char *path, struct ft_error *error);

/* The same for every file of a list with `separator` between them; "none" is no file. */
ft_status inputs_add_list(cJSON *inputs, const char *names, char separator, struct ft_error *error);

/* The text of a run.json, the caller's. kind: what is trained, or NULL for a tagger. Takes over options and inputs, of
 * which either may be NULL where memory ended. FT_NOMEM. */
ft_status run_description(const char *kind, cJSON *options, cJSON *inputs, char **text, struct ft_error *error);

/* The value of "format" in it. */
enum { RUN_FORMAT = 1 };

/* FT_INPUT: a file has changed, or cannot be read. */
ft_status inputs_check(const cJSON *inputs, struct ft_error *error);

/* Nothing but what belongs to the process may be said beside --resume; else false, and it has been reported. said: of
 * options_parse_noting. */
bool resume_stands_alone(const struct command *self, const bool *said);

#endif
