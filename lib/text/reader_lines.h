/* reader_lines.h - the lines of several files as clean UTF-8, for the readers of the single formats.
 *
 * It promises: lines are valid UTF-8 without NUL bytes, CR at the end and (under the reader's own rules) byte order
 * mark; what is not is an error with file, line and column, or is skipped or replaced, and counted. Some lines can be
 * looked at ahead, without waiting for more than a pipe has given. */
#ifndef TEXT_READER_LINES_H
#define TEXT_READER_LINES_H
#include "base/input.h"
#include "text/reader.h"

struct text_line {
    char *text; /* lent until the next call; may be changed in place; text[bytes] is the line's own LF or CR, not NUL */
    size_t bytes;
    const char *file;
    size_t number; /* in its file, from 1 */
    size_t start;  /* characters of the file before it, counted when count_chars is set */
    size_t place;  /* bytes of all inputs before it, gz ones unpacked */
    bool ascii;    /* known to be ASCII: a character is a byte */
};

struct lines {
    struct reader_options options;
    struct input *input; /* NULL between files */
    size_t next_file;
    bool count_chars;
    size_t chars; /* of the current file so far */
    size_t place; /* bytes of all files so far */
    char *ahead;  /* lines read ahead: bytes, each with its own LF if it had one */
    size_t ahead_at, ahead_used, ahead_line;
    char *rest; /* READER_FLAIR: what stands behind a CR inside the line; NULL: nothing */
    size_t rest_bytes, rest_line, rest_place;
    char *clean; /* a line converted or repaired */
    size_t clean_capacity;
    size_t most_bytes; /* of a line; 0: no bound */
    struct reader_counts counts;
    size_t bytes_done, bytes_total;
};

void lines_init(struct lines *lines, const struct reader_options *options);
void lines_release(struct lines *lines);

/* Lines of more bytes are refused from here on (FT_NOMEM); 0: none. */
void lines_limit(struct lines *lines, size_t most_bytes);

/* Opens the next file; FT_END when there is none, FT_INPUT when it cannot be read. */
ft_status lines_next_file(struct lines *lines, struct ft_error *error);
/* True when opening the next file may wait (it is no regular file). */
bool lines_next_file_waits(const struct lines *lines);

/* The next line of the current file; FT_END at its end (the file is closed then). */
ft_status lines_next(struct lines *lines, struct text_line *line, struct ft_error *error);
/* True when lines_next does not wait, or not beyond `until` (input.h). */
bool lines_ready(struct lines *lines, double until);

/* Reads ahead from the file's beginning: waits for the first line (and for one more than before where `wait` is set),
 * then takes what has arrived or comes before `until`, up to about `most` bytes in all. *bytes holds *count raw bytes
 * of whole lines. FT_END when there are no more to come. */
ft_status lines_peek(struct lines *lines, size_t most, bool wait, double until, const char **bytes, size_t *count,
                     struct ft_error *error);

const char *lines_file(const struct lines *lines); /* the current file's name */
void lines_progress(const struct lines *lines, size_t *done, size_t *total);

/* The reader found the line's contents bad: under --on-error skip it is counted and FT_OK comes back, else FT_INPUT. */
ft_status lines_bad(struct lines *lines, const struct text_line *line, struct ft_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
