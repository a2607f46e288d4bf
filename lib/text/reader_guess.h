/* reader_guess.h - which format a file has, from its name and its beginning. */
#ifndef TEXT_READER_GUESS_H
#define TEXT_READER_GUESS_H
#include "text/reader.h"

/* By the name alone (".conll", ".conllu", ".jsonl", also before ".gz"); INPUT_GUESS when it does not tell. */
enum input_format guess_by_name(const char *name);

/* By the file's first bytes (whole lines); INPUT_GUESS when there are only blank lines. */
enum input_format guess_by_beginning(const char *bytes, size_t count);

#endif
