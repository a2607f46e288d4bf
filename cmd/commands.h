/* commands.h - the commands of the program, one file each; main.c holds their table. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H
#include "cmd/options.h"

extern const struct command command_predict, command_eval, command_convert, command_info, command_embed, command_bench,
    command_train, command_lm, command_models;

#endif
