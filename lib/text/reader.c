/* reader.c - see reader.h. Files follow each other here; lines come from reader_lines.c, sentences of the single
 * formats from reader_columns.c, reader_text.c and reader_json.c. */
#include "text/reader.h"
#include "base/clock.h"
#include "text/reader_columns.h"
#include "text/reader_guess.h"
#include "text/reader_lines.h"
#include "text/reader_text.h"
#include <stdlib.h>

/* Enough to tell the formats apart, small beside a pipe's capacity. */
enum { GUESS_BYTES = 1 << 14, MOST_GUESS_BYTES = 1 << 20 };
/* Seconds that a window waits for more in all before a pipe counts as pausing: a producer that shares the cores with us
 * leaves gaps of a few milliseconds, and nobody who waits for an answer notices 50. */
static const double PAUSE = 0.05;

struct reader {
    struct lines lines;
    enum input_format format;
    struct gathering gathering;
    size_t number;    /* of the last sentence of the current file (formats without columns) */
    bool opened_file; /* the current file's format is settled */
    struct reader_limits limits;
    ft_status failed; /* what the next call returns */
    struct ft_error failure;
};

static bool has_columns(enum input_format format)
{
    return format == INPUT_CONLL || format == INPUT_CONLLU;
}

static void settle_format(struct reader *reader, enum input_format format)
{
    reader->format = format;
    if (format == INPUT_GUESS)
        return;
    if (has_columns(format))
        gathering_init(&reader->gathering, format, &reader->lines.options);
    reader->gathering.most_bytes = reader->limits.line;
    reader->lines.count_chars = format == INPUT_TEXT;
}

ft_status reader_open(struct reader **reader, const struct reader_options *options, struct ft_error *error)
{
    *reader = NULL;
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return ft_nomem(error, "a reader");
    lines_init(&r->lines, options);
    enum input_format format = options->format;
    if (format == INPUT_GUESS && options->rules != READER_OWN)
        format = INPUT_CONLL; /* Flair's rules are those of its column corpora */
    settle_format(r, format);
    ft_status status = lines_next_file(&r->lines, error);
    if (status) {
        reader_close(r);
        return status;
    }
    *reader = r;
    return FT_OK;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    lines_release(&reader->lines);
    gathering_release(&reader->gathering);
    free(reader);
}

/* Settles the format at the first file that tells it, by its name or its beginning. */
static ft_status start_file(struct reader *r, struct ft_error *error)
{
    r->opened_file = true;
    r->number = 0;
    gathering_new_file(&r->gathering);
    if (r->format != INPUT_GUESS)
        return FT_OK;
    settle_format(r, guess_by_name(lines_file(&r->lines)));
    if (r->format != INPUT_GUESS)
        return FT_OK;
    const char *bytes;
    size_t count = 0;
    ft_status status = FT_OK;
    /* Blank lines and comments tell nothing, but neither do they hold a sentence that somebody waits for. */
    while (!status && r->format == INPUT_GUESS && count < MOST_GUESS_BYTES) {
        size_t most = count < GUESS_BYTES ? GUESS_BYTES : MOST_GUESS_BYTES;
        status = lines_peek(&r->lines, most, count > 0, clock_seconds() + PAUSE, &bytes, &count, error);
        if (count)
            settle_format(r, guess_by_beginning(bytes, count));
    }
    bool column_named = r->lines.options.token_column || r->lines.options.tag_column;
    if (r->format == INPUT_TEXT && column_named) /* text has no columns to name */
        settle_format(r, INPUT_CONLL);
    return status == FT_END ? FT_OK : status;
}

static ft_status take_line(struct reader *r, struct window *window, const struct text_line *line,
                           struct ft_error *error)
{
    bool complete;
    ft_status status;
    switch (r->format) {
    case INPUT_CONLL:
    case INPUT_CONLLU:
        status = gathering_take(&r->gathering, &r->lines, line, &complete, error);
        return status || !complete ? status : gathering_deliver(&r->gathering, window, error);
    case INPUT_JSONL: return take_json_line(window, &r->lines, line, &r->number, error);
    case INPUT_TOKENS: return take_tokens_line(window, &r->lines, line, &r->number, error);
    default: /* a beginning of nothing but blank lines is text too */
        return take_text_line(window, &r->lines, line, &r->number, error);
    }
}

/* One line, or the step to the next file. FT_END at the end of the last file. */
static ft_status advance(struct reader *r, struct window *window, struct ft_error *error)
{
    if (!r->lines.input) {
        ft_status status = lines_next_file(&r->lines, error);
        if (status == FT_END && r->format == INPUT_GUESS)
            r->format = INPUT_TEXT;
        if (status)
            return status;
        r->opened_file = false;
    }
    if (!r->opened_file) {
        ft_status status = start_file(r, error);
        if (status)
            return status;
    }
    struct text_line line;
    ft_status status = lines_next(&r->lines, &line, error);
    if (status == FT_END)
        return has_columns(r->format) ? gathering_deliver(&r->gathering, window, error) : FT_OK;
    return status ? status : take_line(r, window, &line, error);
}

/* True when the next line waits longer than PAUSE; `until` is when the window's patience ends, set by its first wait.
 */
static bool would_wait(struct reader *r, double *until)
{
    if (!r->lines.input)
        return lines_next_file_waits(&r->lines);
    if (lines_ready(&r->lines, 0))
        return false;
    if (!*until)
        *until = clock_seconds() + PAUSE;
    return !lines_ready(&r->lines, *until);
}

bool reader_pauses(struct reader *r)
{
    double until = 0;
    return !r->failed && would_wait(r, &until);
}

ft_status reader_next(struct reader *r, size_t max_chars, size_t max_tokens, struct window *window,
                      struct ft_error *error)
{
    window_clear(window);
    double until = 0;
    size_t idle = 0; /* lines that pass through without tokens fill the window too */
    while (!r->failed && (!window->count || (window->chars + idle < max_chars && window->tokens < max_tokens &&
                                             (!r->limits.window || window_used(window) < r->limits.window)))) {
        size_t before = window->count;
        if (before && would_wait(r, &until))
            return FT_OK;
        ft_status status = advance(r, window, &r->failure);
        if (status && window->count > before && !has_columns(r->format))
            window->count = before; /* a line is delivered whole or not at all */
        r->failed = status;
        for (size_t i = before; i < window->count; i++)
            idle += window->sentences[i].count ? 0 : window->sentences[i].line_count + 1;
    }
    if (window->count)
        return FT_OK;
    if (r->failed && error)
        *error = r->failure;
    return r->failed;
}

void reader_limit(struct reader *reader, const struct reader_limits *limits)
{
    reader->limits = *limits;
    reader->gathering.most_bytes = limits->line;
    lines_limit(&reader->lines, limits->line);
}

enum input_format reader_format(const struct reader *reader)
{
    return reader->format;
}

struct reader_counts reader_counts(const struct reader *reader)
{
    return reader->lines.counts;
}

void reader_progress(const struct reader *reader, size_t *done, size_t *total)
{
    lines_progress(&reader->lines, done, total);
}
