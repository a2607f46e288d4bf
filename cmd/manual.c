/* manual.c - the option tables as man pages (troff with the man macros). */
#include "cmd/help.h"
#include "flairtag.h"
#include <ctype.h>
#include <string.h>

/* Text with what troff would read as its own taken out: backslashes, hyphens that are minus signs, quotes and dots at
 * the beginning of a line. */
static void escaped(FILE *to, const char *text, size_t bytes)
{
    bool line_start = true;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (line_start && (c == '.' || c == '\''))
            fputs("\\&", to);
        if (c == '\\')
            fputs("\\e", to);
        else if (c == '-')
            fputs("\\-", to);
        else if (c == '\'')
            fputs("\\(aq", to);
        else if (c == '^' || c == '~' || c == '`')
            fputs(c == '^' ? "\\(ha" : c == '~' ? "\\(ti" : "\\(ga", to);
        else
            putc(c, to);
        line_start = c == '\n';
    }
}

static void plain(FILE *to, const char *text)
{
    escaped(to, text, strlen(text));
}

static void upper(FILE *to, const char *text)
{
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", to);
        else
            putc(toupper((unsigned char)*text), to);
}

static void paragraphs(FILE *to, const char *text)
{
    for (bool first = true; *text; first = false) {
        const char *end = strstr(text, "\n\n");
        size_t length = end ? (size_t)(end - text) : strlen(text);
        if (!first)
            fputs(".PP\n", to);
        escaped(to, text, length);
        putc('\n', to);
        text += length;
        text += strspn(text, "\n");
    }
}

static void option_entry(FILE *to, char letter, const char *name, const char *argument, const char *help)
{
    fputs(".TP\n", to);
    if (letter)
        fprintf(to, "\\fB\\-%c\\fR, ", letter);
    fputs("\\fB\\-\\-", to);
    plain(to, name);
    fputs("\\fR", to);
    if (argument) {
        fputs(" \\fI", to);
        plain(to, argument);
        fputs("\\fR", to);
    }
    putc('\n', to);
    plain(to, help);
    putc('\n', to);
}

static void terms(FILE *to, const char *heading, const struct term *terms)
{
    fprintf(to, ".SH %s\n", heading);
    for (; terms->term; terms++) {
        fputs(".TP\n.B ", to);
        plain(to, terms->term);
        putc('\n', to);
        plain(to, terms->meaning);
        putc('\n', to);
    }
}

void manual_command(FILE *to, const struct command *command)
{
    fputs(".TH FLAIRTAG\\-", to);
    upper(to, command->name);
    fprintf(to, " 1 \"\" \"flairtag %s\" \"User Commands\"\n", FLAIRTAG_VERSION);
    fprintf(to, ".SH NAME\nflairtag\\-%s \\- ", command->name);
    plain(to, command->summary);
    fprintf(to, "\n.SH SYNOPSIS\n.B flairtag %s\n[\\fIOPTION\\fR ...] ", command->name);
    plain(to, command->operands);
    fputs("\n.SH DESCRIPTION\n", to);
    paragraphs(to, command->description ? command->description : command->summary);
    fputs(".SH OPTIONS\n", to);
    for (const struct option *o = command->options; option_is_there(o); o++)
        if (o->kind == OPTION_HEADING) {
            fputs(".SS ", to);
            plain(to, o->help);
            putc('\n', to);
        } else {
            option_entry(to, o->letter, o->name, help_argument(o), o->help);
        }
    option_entry(to, 'h', "help", NULL, "show the options and leave");
    if (command->examples && *command->examples) {
        fputs(".SH EXAMPLES\n.nf\n", to);
        plain(to, command->examples);
        fputs("\n.fi\n", to);
    }
    terms(to, "EXIT STATUS", program_exits);
    terms(to, "ENVIRONMENT", program_environment);
    fputs(".SH SEE ALSO\n.BR flairtag (1)\n", to);
}

void manual_program(FILE *to, const struct command *const *commands)
{
    fprintf(to, ".TH FLAIRTAG 1 \"\" \"flairtag %s\" \"User Commands\"\n.SH NAME\nflairtag \\- ", FLAIRTAG_VERSION);
    plain(to, program_summary);
    fputs("\n.SH SYNOPSIS\n.B flairtag\n\\fICOMMAND\\fR [\\fIOPTION\\fR ...] [\\fIFILE\\fR ...]\n", to);
    fputs(".SH COMMANDS\n", to);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(to, ".TP\n.B flairtag %s\n", (*c)->name);
        plain(to, (*c)->summary);
        putc('\n', to);
    }
    fputs(".SH OPTIONS\n", to);
    option_entry(to, 'h', "help", NULL, "show the commands and leave");
    option_entry(to, 'V', "version", NULL, "show the version and leave");
    terms(to, "EXIT STATUS", program_exits);
    terms(to, "ENVIRONMENT", program_environment);
    fputs(".SH SEE ALSO\n.ad l\n", to);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(to, ".BR flairtag\\-%s (1)%s\n", (*c)->name, c[1] ? "," : "");
}
