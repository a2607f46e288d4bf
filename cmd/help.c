/* help.c - the option tables as --help shows them. */
#include "cmd/help.h"
#include "flairtag.h"
#include <string.h>

enum { WIDTH = 80, HELP_COLUMN = 26 };

const char program_summary[] = "tag named entities, chunks and parts of speech with Flair's models";

const struct term program_exits[] = {
    {"0", "all went well; a reader that closed the pipe early counts as well"},
    {"1", "the work failed: the output cannot be written, the disk is full"},
    {"2", "the command line is wrong"},
    {"3", "the input is bad, missing or unreadable"},
    {"4", "the model is bad or missing"},
    {"5", "out of memory, or no such device"},
    {"130", "interrupted"},
    {NULL, NULL},
};

const struct term program_environment[] = {
    {"FLAIRTAG_MODELS", "folders in which models are looked for first, separated by ':'"},
    {"NO_COLOR", "when set and not empty, --color auto means never"},
    {NULL, NULL},
};

const char *help_argument(const struct option *option)
{
    if (option->kind == OPTION_FLAG || option->kind == OPTION_HEADING)
        return NULL;
    if (option->argument)
        return option->argument;
    return option->kind == OPTION_CHOICE ? option->choices : "VALUE";
}

/* Writes text from `column` on, broken between words so that lines end before WIDTH, later lines indented by `indent`.
 */
static void wrap(FILE *to, const char *text, int column, int indent)
{
    bool first = true;
    while (*text) {
        int length = (int)strcspn(text, " \n");
        if (!first && column + 1 + length >= WIDTH) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            putc(' ', to);
            column++;
        }
        fwrite(text, 1, (size_t)length, to);
        column += length;
        text += length;
        text += strspn(text, " \n");
        first = false;
    }
    putc('\n', to);
}

/* Paragraphs stand apart by "\n\n"; each is broken anew. */
static void paragraphs(FILE *to, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        char paragraph[4096];
        snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, text);
        putc('\n', to);
        wrap(to, paragraph, 0, 0);
        text += length;
        text += strspn(text, "\n");
    }
}

static void option_line(FILE *to, char letter, const char *name, const char *argument, const char *help)
{
    int column = letter ? fprintf(to, "  -%c, ", letter) : fprintf(to, "      ");
    column += fprintf(to, "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
    if (column > HELP_COLUMN - 2) {
        putc('\n', to);
        column = 0;
    }
    fprintf(to, "%*s", HELP_COLUMN - column, "");
    wrap(to, help, HELP_COLUMN, HELP_COLUMN);
}

static void indented_lines(FILE *to, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(to, "%s%.*s\n", length ? "  " : "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void help_command(FILE *to, const struct command *command)
{
    fprintf(to, "flairtag %s: %s\n\n", command->name, command->summary);
    fprintf(to, "Usage: flairtag %s [OPTION ...]%s%s\n", command->name, *command->operands ? " " : "",
            command->operands);
    if (command->description)
        paragraphs(to, command->description);
    if (command->options->kind != OPTION_HEADING)
        fprintf(to, "\nOptions:\n");
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->kind == OPTION_HEADING)
            fprintf(to, "\n%s:\n", o->help);
        else
            option_line(to, o->letter, o->name, help_argument(o), o->help);
    fprintf(to, "\n");
    option_line(to, 'h', "help", NULL, "show this help");
    if (command->examples && *command->examples) {
        fprintf(to, "\nExamples:\n");
        indented_lines(to, command->examples);
    }
}

static void command_lines(FILE *to, const struct command *const *commands)
{
    for (const struct command *const *c = commands; *c; c++)
        fprintf(to, "  %-10s%s\n", (*c)->name, (*c)->summary);
}

void help_usage(FILE *to, const struct command *const *commands)
{
    fprintf(to, "Usage: flairtag COMMAND [OPTION ...] [FILE ...]\n\n");
    command_lines(to, commands);
    fprintf(to, "\nFor instance: flairtag predict corpus.txt > tagged.txt\n"
                "More: flairtag --help, flairtag help COMMAND\n");
}

static void terms(FILE *to, const struct term *terms)
{
    for (; terms->term; terms++) {
        int column = fprintf(to, "  %-18s", terms->term);
        wrap(to, terms->meaning, column, column);
    }
}

void help_program(FILE *to, const struct command *const *commands)
{
    fprintf(to, "flairtag %s: %s\n\n", FLAIRTAG_VERSION, program_summary);
    fprintf(to, "Usage: flairtag COMMAND [OPTION ...] [FILE ...]\n\nCommands:\n");
    command_lines(to, commands);
    fprintf(to, "\n  -h, --help        show this help\n  -V, --version     show the version\n");
    fprintf(to, "\n'flairtag help COMMAND' shows a command's options.\n\nEnvironment:\n");
    terms(to, program_environment);
    fprintf(to, "\nExit codes:\n");
    terms(to, program_exits);
}
