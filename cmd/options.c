/* options.c - reads a command's arguments by its option table.
 *
 * Promises: the first thing that is wrong is reported in one line that says what was wanted, and nothing is guessed: a
 * number is read to its last character and held against its range, an option is never taken for its abbreviation. */
#include "cmd/options.h"
#include "cmd/help.h"
#include "base/nearest.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARSED = 0, HELP_WANTED = -1, MISTAKEN = -2 };

static bool read_int(const char *text, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return (isdigit((unsigned char)text[0]) || text[0] == '-') && end != text && !*end && !errno;
}

static bool read_real(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && !isspace((unsigned char)text[0]) && isfinite(*value) && !strpbrk(text, "xX");
}

/* Digits, perhaps a point and more digits, then a unit: nothing or B, else K M G T with nothing, "B", "i" or "iB"
 * behind it. All units are powers of 1024: memory is counted so. */
static bool read_size(const char *text, size_t *value)
{
    size_t digits = strspn(text, "0123456789");
    size_t length = digits;
    if (text[length] == '.')
        length += 1 + strspn(text + length + 1, "0123456789");
    if (!digits || text[length - 1] == '.')
        return false;
    long double number = strtold(text, NULL);
    const char *unit = text + length;
    static const char powers[] = "KMGT";
    const char *power = *unit ? strchr(powers, toupper((unsigned char)*unit)) : NULL;
    if (power) {
        for (const char *p = powers; p <= power; p++)
            number *= 1024;
        unit++;
        unit += *unit == 'i';
    }
    unit += *unit == 'B';
    /* SIZE_MAX + 1 is a power of two, so exact in any floating type. */
    if (*unit || number >= (long double)(SIZE_MAX / 2 + 1) * 2)
        return false;
    *value = (size_t)number;
    return true;
}

/* The index of `text` among "a|b|c"; -1 when it is none of them. */
static int read_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (int index = 0;; index++) {
        size_t bytes = strcspn(choices, "|");
        if (bytes == length && !memcmp(choices, text, length))
            return index;
        if (!choices[bytes])
            return -1;
        choices += bytes + 1;
    }
}

static void describe_wanted(const struct option *option, char *text, size_t room)
{
    switch (option->kind) {
    case OPTION_INT:
        if (option->most == LONG_MAX)
            snprintf(text, room, "a whole number from %ld up", option->least);
        else if (option->least || option->most)
            snprintf(text, room, "a whole number from %ld to %ld", option->least, option->most);
        else
            snprintf(text, room, "a whole number");
        break;
    case OPTION_REAL: snprintf(text, room, "a number"); break;
    case OPTION_SIZE: snprintf(text, room, "a size such as 512M or 6.5GiB"); break;
    case OPTION_CHOICE: {
        size_t used = (size_t)snprintf(text, room, "one of ");
        for (const char *c = option->choices; *c && used + 3 < room; c++) {
            if (*c == '|')
                text[used++] = ',';
            text[used++] = *c == '|' ? ' ' : *c;
        }
        text[used] = '\0';
        break;
    }
    default: snprintf(text, room, "a value (%s)", option->argument ? option->argument : "VALUE");
    }
}

bool option_store(const struct option *option, const char *text, void *values)
{
    void *place = (char *)values + option->offset;
    long number = 0;
    int choice = 0;
    bool good = true;
    switch (option->kind) {
    case OPTION_INT:
        good = read_int(text, &number) &&
               ((!option->least && !option->most) || (number >= option->least && number <= option->most));
        if (good)
            *(long *)place = number;
        break;
    case OPTION_REAL: {
        double real;
        good = read_real(text, &real);
        if (good)
            *(double *)place = real;
        break;
    }
    case OPTION_SIZE: {
        size_t size = 0;
        good = read_size(text, &size);
        if (good)
            *(size_t *)place = size;
        break;
    }
    case OPTION_CHOICE:
        choice = read_choice(option->choices, text);
        good = choice >= 0;
        if (good)
            *(int *)place = choice;
        break;
    default: *(const char **)place = text;
    }
    return good;
}

static int store(const struct option *option, const char *text, void *values)
{
    if (option_store(option, text, values))
        return PARSED;
    char wanted[512];
    describe_wanted(option, wanted, sizeof wanted);
    report_error("--%s wants %s, not '%s'", option->name, wanted, text);
    return MISTAKEN;
}

/* `typed` holds at least `length` bytes of the name, without dashes. */
static const struct option *find_name(const struct command *command, const char *typed, size_t length)
{
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->name && strlen(o->name) == length && !memcmp(o->name, typed, length))
            return o;
    return NULL;
}

static const struct option *find_letter(const struct command *command, char letter)
{
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->name && o->letter == letter)
            return o;
    return NULL;
}

static int unknown_name(const struct command *command, const char *typed, size_t length)
{
    char name[80], negated[80];
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), typed);
    bool negative = !strncmp(name, "no-", 3);
    struct nearest plain = {.typed = name}, without = {.typed = name + 3 * negative};
    for (const struct option *o = command->options; option_is_there(o); o++) {
        if (o->name)
            nearest_offer(&plain, o->name);
        if (o->kind == OPTION_FLAG && o->name && negative)
            nearest_offer(&without, o->name);
    }
    nearest_offer(&plain, "help");
    if (without.name && (!plain.name || without.distance < plain.distance)) {
        snprintf(negated, sizeof negated, "no-%s", without.name);
        plain.name = negated;
    }
    if (plain.name)
        report_error("unknown option '--%s'; did you mean '--%s'?", name, plain.name);
    else
        report_error("unknown option '--%s' (see 'flairtag %s --help')", name, command->name);
    return MISTAKEN;
}

/* argv[*at] is "--name", "--name=value" or "--no-name"; *at moves on when the value is an argument of its own. */
static int parse_long(const struct command *command, int argc, char **argv, int *at, void *values, bool *said)
{
    const char *typed = argv[*at] + 2;
    size_t length = strcspn(typed, "=");
    const char *value = typed[length] ? typed + length + 1 : NULL;
    const struct option *option = find_name(command, typed, length);
    if (!option && !strcmp(typed, "help"))
        return HELP_WANTED;
    bool on = true;
    if (!option && !strncmp(typed, "no-", 3)) {
        option = find_name(command, typed + 3, length - 3);
        on = false;
        if (option && option->kind != OPTION_FLAG)
            option = NULL;
    }
    if (!option)
        return unknown_name(command, typed, length);
    if (said)
        said[option - command->options] = true;
    if (option->kind == OPTION_FLAG) {
        if (value) {
            report_error("--%s takes no value", option->name);
            return MISTAKEN;
        }
        *(bool *)((char *)values + option->offset) = on;
        return PARSED;
    }
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (value)
        return store(option, value, values);
    char wanted[512];
    describe_wanted(option, wanted, sizeof wanted);
    report_error("--%s wants %s, but nothing follows it", option->name, wanted);
    return MISTAKEN;
}

/* argv[*at] is "-abc": flags, the last of which may be an option with its value attached or in the next argument. */
static int parse_letters(const struct command *command, int argc, char **argv, int *at, void *values, bool *said)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        const struct option *option = find_letter(command, *letter);
        if (!option && *letter == 'h')
            return HELP_WANTED;
        if (!option) {
            report_error("unknown option '-%c' in '%s' (see 'flairtag %s --help')", *letter, argv[*at], command->name);
            return MISTAKEN;
        }
        if (said)
            said[option - command->options] = true;
        if (option->kind == OPTION_FLAG) {
            *(bool *)((char *)values + option->offset) = true;
            continue;
        }
        if (letter[1])
            return store(option, letter + 1, values);
        if (*at + 1 < argc)
            return store(option, argv[++*at], values);
        char wanted[512];
        describe_wanted(option, wanted, sizeof wanted);
        report_error("-%c wants %s, but nothing follows it", *letter, wanted);
        return MISTAKEN;
    }
    return PARSED;
}

int options_parse(const struct command *command, int argc, char **argv, void *values)
{
    return options_parse_noting(command, argc, argv, values, NULL);
}

int options_parse_noting(const struct command *command, int argc, char **argv, void *values, bool *said)
{
    int operands = 0;
    bool ended = false;
    for (int at = 1; at < argc; at++) {
        char *argument = argv[at];
        int result = PARSED;
        if (ended || argument[0] != '-' || !argument[1])
            argv[1 + operands++] = argument;
        else if (!strcmp(argument, "--"))
            ended = true;
        else if (argument[1] == '-')
            result = parse_long(command, argc, argv, &at, values, said);
        else
            result = parse_letters(command, argc, argv, &at, values, said);
        if (result == HELP_WANTED)
            help_command(stdout, command);
        if (result != PARSED)
            return result;
    }
    return operands;
}
