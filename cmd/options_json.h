/* options_json.h - the values of a command's options as a JSON object of texts, and back: for commands that are taken
 * up again later. Written are all options, those left at their defaults too, so that new defaults do not change old
 * runs. */
#ifndef CMD_OPTIONS_JSON_H
#define CMD_OPTIONS_JSON_H
#include "cmd/options.h"
#include <cjson/cJSON.h>

/* The caller's; NULL when out of memory. Left out is what stands for "not said": a string that is NULL, a choice below
 * 0, a whole number outside of the option's range. */
cJSON *options_to_json(const struct command *command, const void *values);

/* Sets the values named in the object (one that cJSON takes for an object); strings are lent by it. False, and the name
 * of the option in *wrong, where a value is none of that option's or no option has the name. */
bool options_from_json(const struct command *command, const cJSON *object, void *values, const char **wrong);

#endif
