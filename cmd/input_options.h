/* input_options.h - the options of every command that reads corpora. */
#ifndef CMD_INPUT_OPTIONS_H
#define CMD_INPUT_OPTIONS_H
#include "cmd/options.h"
#include "text/reader.h"

struct input_values {
    int format;   /* enum input_format - 1; INPUT_UNSAID when not given */
    long token_column, tag_column;
    int on_error, encoding, rules;
};
enum { INPUT_UNSAID = -1 };
#define INPUT_DEFAULTS {.format = INPUT_UNSAID}

/* clang-format off */
#define INPUT_OPTIONS(values, member)                                                                                 \
    {0, "input-format", OPTION_CHOICE, offsetof(values, member.format), NULL, "conll|conllu|jsonl|tokens|text",       \
     "how the input is read (default: guessed from the file's name and first lines)", 0, 0},                          \
    {0, "token-column", OPTION_INT, offsetof(values, member.token_column), "N", NULL,                                 \
     "column of the token, from 1 (default 1; conllu 2)", 1, 10000},                                                  \
    {0, "tag-column", OPTION_INT, offsetof(values, member.tag_column), "N", NULL,                                     \
     "column of the gold tag, from 1 (default: none is read)", 1, 10000},                                             \
    {0, "reader", OPTION_CHOICE, offsetof(values, member.rules), NULL, "own|flair",                                   \
     "column rules: flairtag's own, or Flair 0.15.1's (default own)", 0, 0},                                          \
    {0, "encoding", OPTION_CHOICE, offsetof(values, member.encoding), NULL, "utf8|latin1",                            \
     "character encoding of the input (default utf8)", 0, 0},                                                         \
    {0, "on-error", OPTION_CHOICE, offsetof(values, member.on_error), NULL, "fail|skip|replace",                      \
     "what to do with bad bytes and lines: stop, leave the line out, or put U+FFFD (default fail)", 0, 0}
/* clang-format on */

/* files: argv[1..count]; none: stdin. */
static inline struct reader_options input_reader_options(const struct input_values *values, char **files, size_t count)
{
    return (struct reader_options){.files = (const char *const *)files,
                                   .file_count = count,
                                   .format = (enum input_format)(values->format + 1),
                                   .token_column = (int)values->token_column,
                                   .tag_column = (int)values->tag_column,
                                   .on_error = (enum on_error)values->on_error,
                                   .encoding = (enum encoding)values->encoding,
                                   .rules = (enum reader_rules)values->rules};
}

/* On stderr: how much --on-error has left out or replaced; nothing when that is nothing. */
void input_report_counts(const struct reader *reader);

#endif
