/* options.h - one table an option: parsing, --help, man pages and completions all come from it.
 *
 * Each command file holds the table of its own options and a struct for their values; main.c holds the table of
 * commands. An option's value is stored at `offset` in that struct. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_INT,    /* long; least..most (most LONG_MAX: no upper end) */
    OPTION_REAL,   /* double */
    OPTION_SIZE,   /* size_t; "512M", "6G", "6.5GiB", plain bytes; powers of 1024 */
    OPTION_STRING, /* const char * */
    OPTION_CHOICE, /* int: index into choices */
    OPTION_HEADING /* only a line in help: `help` is its title */
};

struct option {
    char letter;      /* 0: none */
    const char *name; /* without "--" */
    enum option_kind kind;
    size_t offset;
    const char *argument; /* "FILE"; NULL for flags; for choices made from `choices` when NULL */
    const char *choices;  /* "none|cpu|gpu" */
    const char *help;     /* one sentence, lower case, no full stop; says the default */
    long least, most;     /* OPTION_INT; both 0: any */
};
#define OPTION_GROUP(title)                                 \
    {                                                       \
        0, NULL, OPTION_HEADING, 0, NULL, NULL, title, 0, 0 \
    }
#define OPTION_END                                      \
    {                                                   \
        0, NULL, OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 \
    }

/* for (const struct option *o = command->options; option_is_there(o); o++) */
static inline bool option_is_there(const struct option *option)
{
    return option->name || option->kind == OPTION_HEADING;
}

struct command {
    const char *name;
    const char *operands;         /* "[FILE ...]" */
    const char *summary;          /* one line for the list of commands */
    const char *description;      /* paragraphs, separated by "\n\n" */
    const char *examples;         /* "flairtag predict corpus.txt > tagged.txt\n..." */
    const struct option *options; /* ends with OPTION_END */
    int (*run)(int argc, char **argv, const struct command *self);
};

/* Fills *values (the caller set defaults before) from argv[1..]; options may stand anywhere, "--" ends them, "-" is an
 * operand,
 * "--name=value" and "--name value" are equal, a flag takes "--no-name" too. --help is handled here.
 * Returns the number of operands, moved to the front of argv[1..]; -1 when --help was printed (exit 0); -2 after a
 * usage error, already reported on stderr with the nearest name (exit 2). */
int options_parse(const struct command *command, int argc, char **argv, void *values);

/* The same, and in said[i] whether an argument named options[i]; said: [all options, headings too], false before. */
int options_parse_noting(const struct command *command, int argc, char **argv, void *values, bool *said);

/* Reads `text` as the value of an option that is no flag. False, and nothing stored, when it is none. A string is lent.
 */
bool option_store(const struct option *option, const char *text, void *values);

/* "flairtag: <text>" on stderr, in one write. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
