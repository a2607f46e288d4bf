/* reader.h - sentences from corpora and plain text.
 *
 * Reads any number of files (gz by magic number) or a descriptor in one of five formats, a window at a time, in order.
 * It promises: every sentence is delivered once, nothing is held but the window, and a pipe that pauses is answered
 * with what has arrived. Invalid UTF-8 is an error with file, line and column unless another policy is chosen. */
#ifndef TEXT_READER_H
#define TEXT_READER_H
#include "base/error.h"
#include "text/sentence.h"

enum input_format { INPUT_GUESS, INPUT_CONLL, INPUT_CONLLU, INPUT_JSONL, INPUT_TOKENS, INPUT_TEXT };
enum on_error { ON_ERROR_FAIL, ON_ERROR_SKIP, ON_ERROR_REPLACE };
enum encoding { ENCODING_UTF8, ENCODING_LATIN1 };
enum reader_rules {
    READER_OWN,
    READER_FLAIR,    /* Flair 0.15.1's: flair_columns.h */
    READER_FLAIR_OLD /* the same, but no line is a comment, as in Flair 0.4 */
};

struct reader_options {
    const char *const *files; /* no file at all, or "-": the descriptor */
    size_t file_count;
    int descriptor; /* open, and the caller's; 0: stdin */
    enum input_format format;
    int token_column; /* from 1; 0: the format's own (conll 1, conllu 2) */
    int tag_column;   /* from 1; 0: none is read as gold (tokens' gold stays NULL) */
    enum on_error on_error;
    enum encoding encoding;
    enum reader_rules rules;
};

struct reader;

ft_status reader_open(struct reader **reader, const struct reader_options *options, struct ft_error *error);
void reader_close(struct reader *reader);

/* Clears the window and fills it with whole sentences until `max_chars` characters or `max_tokens` tokens are reached
 * (the sentence that passes them is still in it), a pipe pauses, or the input ends. FT_END when no sentence is left;
 * FT_INPUT with file:line when the input is bad, and then sentences read before the bad one are delivered by this call
 * first and the error comes from the next. */
ft_status reader_next(struct reader *reader, size_t max_chars, size_t max_tokens, struct window *window,
                      struct ft_error *error);

/* True when the next sentence has yet to come: the input is a pipe that pauses. Waits for it a moment (50 ms). */
bool reader_pauses(struct reader *reader);

/* Bounds in bytes besides those of reader_next; 0: none. */
struct reader_limits {
    size_t window; /* a window ends with the sentence in which it comes to take so many */
    size_t line;   /* a longer line, or more lines of one sentence, are refused: FT_NOMEM with file:line */
};
void reader_limit(struct reader *reader, const struct reader_limits *limits);

/* The format in use, guessed or given; valid after the first reader_next (before it INPUT_GUESS where it must be
 * guessed). */
enum input_format reader_format(const struct reader *reader);

/* What --on-error skip left out (lines) and replace changed (characters) so far. */
struct reader_counts {
    size_t lines_skipped, characters_replaced;
};
struct reader_counts reader_counts(const struct reader *reader);

/* Bytes of all regular files together and bytes consumed so far, for progress; *total is 0 when unknown (stdin, pipes).
 */
void reader_progress(const struct reader *reader, size_t *done, size_t *total);

#endif
