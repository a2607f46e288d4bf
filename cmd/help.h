/* help.h - the option tables as text for people: --help, man pages, and completions for three shells.
 *
 * Every function writes to a stream and leaves its errors there (ferror). A table of commands ends with NULL. */
#ifndef CMD_HELP_H
#define CMD_HELP_H
#include "cmd/options.h"
#include <stdio.h>

/* In the order of the choices of help --completion. */
enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH };
#define SHELL_CHOICES "bash|zsh|fish"

/* What the program is, in one line. */
extern const char program_summary[];

/* Exit codes and environment variables, as pairs of a term and a sentence; the end has a NULL term. */
struct term {
    const char *term, *meaning;
};
extern const struct term program_exits[], program_environment[];

void help_usage(FILE *to, const struct command *const *commands); /* a few lines */
void help_program(FILE *to, const struct command *const *commands);
void help_command(FILE *to, const struct command *command);

void manual_program(FILE *to, const struct command *const *commands);
void manual_command(FILE *to, const struct command *command);

void completion_write(FILE *to, enum shell shell, const struct command *const *commands);

/* The option's argument as help shows it ("FILE", "none|cpu|gpu"); NULL for flags. */
const char *help_argument(const struct option *option);

#endif
