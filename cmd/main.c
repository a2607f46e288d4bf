/* main.c - the table of commands, and the command that explains the others.
 *
 * main picks the command, lets it run, and makes sure that what it printed has arrived before it calls that success. */
#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/interrupt.h"
#include "base/nearest.h"
#include "cmd/report.h"
#include "flairtag.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command command_help;

static const struct command *const commands[] = {
    &command_predict, &command_eval, &command_convert, &command_info, &command_models, &command_embed, &command_bench,
    &command_train,   &command_lm,   &command_help,    NULL,
};

static const struct command *find_command(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if (!strcmp((*c)->name, name))
            return *c;
    return NULL;
}

static int unknown_command(const char *name)
{
    struct nearest nearest = {.typed = name};
    for (const struct command *const *c = commands; *c; c++)
        nearest_offer(&nearest, (*c)->name);
    if (nearest.name)
        report_error("unknown command '%s'; did you mean '%s'?", name, nearest.name);
    else if (!access(name, F_OK))
        report_error("unknown command '%s'; did you mean 'flairtag predict %s'?", name, name);
    else
        report_error("unknown command '%s' (see 'flairtag --help')", name);
    return FT_USAGE;
}

struct help_values {
    bool manual, names;
    int completion; /* an enum shell; -1: not asked for */
};

static const struct option help_options[] = {
    {0, "man", OPTION_FLAG, offsetof(struct help_values, manual), NULL, NULL, "print the man page instead", 0, 0},
    {0, "completion", OPTION_CHOICE, offsetof(struct help_values, completion), NULL, SHELL_CHOICES,
     "print the completion script of a shell", 0, 0},
    {0, "commands", OPTION_FLAG, offsetof(struct help_values, names), NULL, NULL, "print only the commands' names", 0,
     0},
    OPTION_END,
};

static int run_help(int argc, char **argv, const struct command *self)
{
    struct help_values values = {.completion = -1};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (values.names) {
        for (const struct command *const *c = commands; *c; c++)
            printf("%s\n", (*c)->name);
        return FT_OK;
    }
    if (operands > 1 || (operands && values.completion >= 0)) {
        report_error("help takes one command, not '%s' too", argv[operands]);
        return FT_USAGE;
    }
    if (values.completion >= 0) {
        completion_write(stdout, (enum shell)values.completion, commands);
        return FT_OK;
    }
    if (!operands) {
        (values.manual ? manual_program : help_program)(stdout, commands);
        return FT_OK;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    (values.manual ? manual_command : help_command)(stdout, command);
    return FT_OK;
}

static const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "show what a command does and its options",
    .description = "Without COMMAND: the list of commands.",
    .examples = "flairtag help predict\n"
                "flairtag help --man predict | man -l -\n"
                "source <(flairtag help --completion bash)",
    .options = help_options,
    .run = run_help,
};

static int unknown_option(const char *typed)
{
    static const char *const known[] = {"--help", "--version"};
    struct nearest nearest = {.typed = typed};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        nearest_offer(&nearest, known[i]);
    if (nearest.name)
        report_error("unknown option '%s'; did you mean '%s'?", typed, nearest.name);
    else
        report_error("unknown option '%s'; options follow a command (see 'flairtag --help')", typed);
    return FT_USAGE;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        help_usage(stderr, commands);
        return FT_USAGE;
    }
    const char *first = argv[1];
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
        help_program(stdout, commands);
        return FT_OK;
    }
    if (!strcmp(first, "--version") || !strcmp(first, "-V")) {
        printf("flairtag %s\n", FLAIRTAG_VERSION);
        return FT_OK;
    }
    if (first[0] == '-' && first[1])
        return unknown_option(first);
    const struct command *command = find_command(first);
    return command ? command->run(argc - 1, argv + 1, command) : unknown_command(first);
}

int main(int argc, char **argv)
{
    /* Room for the longest help: one that cannot be written then fails at the end, where the reason is still known. */
    static char room[1 << 16];
    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, room, _IOFBF, sizeof room);
    interrupt_install();
    int status = run(argc, argv);
    return status ? status : report_finish_stdout(); /* one failure, one line */
}
