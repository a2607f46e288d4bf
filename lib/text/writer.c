/* writer.c - see writer.h. The line formats are here, jsonl is in writer_json.c, html in writer_html.c.
 *
 * A TAB, LF or CR inside a token would break the line formats, so it is written as a blank there. */
#include "text/writer.h"
#include "base/map.h"
#include "text/writer_html.h"
#include "text/writer_json.h"
#include "text/writer_source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLORS = 6 };

struct writer {
    struct output *output;
    uint64_t colors[COLORS]; /* the types that have them, as hashes */
    struct writer_options options;
    bool header_written;
    struct source_cursor cursor;
    struct json_writer json;
    struct html_writer html;
};

enum output_format writer_default_format(enum input_format input)
{
    switch (input) {
    case INPUT_CONLL:
    case INPUT_CONLLU: return OUTPUT_CONLL;
    case INPUT_TOKENS: return OUTPUT_BIO;
    case INPUT_JSONL: return OUTPUT_JSONL;
    default: return OUTPUT_TSV;
    }
}

bool writer_makes_pieces(const struct writer_options *options)
{
    return !options->color && options->format != OUTPUT_HTML;
}

ft_status writer_new(struct writer **writer, struct output *output, const struct writer_options *options,
                     struct ft_error *error)
{
    *writer = calloc(1, sizeof **writer);
    if (!*writer)
        return ft_nomem(error, "a writer");
    (*writer)->output = output;
    (*writer)->options = *options;
    (*writer)->header_written = options->continues;
    return FT_OK;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    json_writer_release(&writer->json);
    html_writer_release(&writer->html);
    free(writer);
}

static bool breaks_lines(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

static ft_status write_field(struct output *out, const char *text, size_t bytes, struct ft_error *error)
{
    size_t clean = 0;
    while (clean < bytes && !breaks_lines(text[clean]))
        clean++;
    ft_status status = output_write(out, text, clean, error);
    for (size_t i = clean; !status && i < bytes; i++)
        status = output_write(out, breaks_lines(text[i]) ? " " : text + i, 1, error);
    return status;
}

/* Red, green, yellow, blue, magenta or cyan: a type's own in every run, or the next that no type before it took. */
static ft_status start_color(struct writer *w, const char *type, struct ft_error *error)
{
    uint64_t hash = map_hash(type, strlen(type)) | 1; /* 0: the colour is free */
    size_t own = hash / 2 % COLORS, color = own;
    while (w->colors[color] && w->colors[color] != hash) {
        color = (color + 1) % COLORS;
        if (color == own)
            break;
    }
    if (!w->colors[color])
        w->colors[color] = hash;
    return output_format(w->output, error, "\033[%zum", 31 + color);
}

static ft_status end_color(struct output *out, struct ft_error *error)
{
    return output_text(out, "\033[0m", error);
}

/* The spans of a sentence from left to right; where two overlap, the first has the token. */
struct span_walk {
    const struct span *next, *end;
};

static const struct span *span_at(struct span_walk *walk, size_t token)
{
    while (walk->next < walk->end && walk->next->last < token)
        walk->next++;
    return walk->next < walk->end && walk->next->first <= token ? walk->next : NULL;
}

static struct span_walk walk_spans(const struct tagging *tagging)
{
    const struct span *spans = tagging->spans;
    return (struct span_walk){spans, tagging->span_count ? spans + tagging->span_count : spans};
}

static ft_status write_score(struct writer *w, double score, char separator, struct ft_error *error)
{
    return w->options.scores == SCORES_NONE ? FT_OK : output_format(w->output, error, "%c%.6f", separator, score);
}

/* A line as it was read, and one more column. */
static ft_status write_tagged_line(struct writer *w, const struct column_line *line, const char *tag, double score,
                                   struct ft_error *error)
{
    struct output *out = w->output;
    size_t bytes = line->bytes;
    char separator = '\t';
    if (!memchr(line->text, '\t', bytes)) {
        while (bytes && line->text[bytes - 1] == ' ')
            bytes--;
        separator = memchr(line->text, ' ', bytes) ? ' ' : '\t';
    }
    ft_status status = output_write(out, line->text, bytes, error);
    if (!status)
        status = output_write(out, &separator, 1, error);
    if (!status)
        status = output_text(out, tag, error);
    return status ? status : write_score(w, score, separator, error);
}

static ft_status write_line(struct writer *w, const struct column_line *line, const struct tagging *tagging,
                            const struct span *span, size_t token, struct ft_error *error)
{
    const char *tag = "O";
    double score = 1; /* a document mark is O beyond doubt */
    if (line->kind == LINE_TOKEN) {
        tag = tagging->tags[token];
        score = tagging->scores ? tagging->scores[token] : 0;
    }
    bool color = span && w->options.color;
    ft_status status = color ? start_color(w, span->type, error) : FT_OK;
    if (!status && line->kind == LINE_VERBATIM)
        status = output_write(w->output, line->text, line->bytes, error);
    else if (!status)
        status = write_tagged_line(w, line, tag, score, error);
    if (!status && color)
        status = end_color(w->output, error);
    return status ? status : output_write(w->output, "\n", 1, error);
}

static ft_status write_columns(struct writer *w, const struct sentence *sentence, const struct tagging *tagging,
                               struct ft_error *error)
{
    struct span_walk walk = walk_spans(tagging);
    size_t token = 0;
    for (size_t i = 0; i < sentence->line_count; i++) {
        const struct column_line *line = &sentence->lines[i];
        bool is_token = line->kind == LINE_TOKEN && token < sentence->count;
        const struct span *span = is_token ? span_at(&walk, token) : NULL;
        ft_status status = write_line(w, line, tagging, span, token, error);
        if (status)
            return status;
        token += is_token;
    }
    bool ended = sentence->line_count && !sentence->lines[sentence->line_count - 1].bytes;
    return sentence->count && !ended ? output_write(w->output, "\n", 1, error) : FT_OK;
}

static const char *prefix_in(const struct span *span, size_t token, bool bioes)
{
    if (bioes && span->first == span->last)
        return "S-";
    if (token == span->first)
        return "B-";
    return bioes && token == span->last ? "E-" : "I-";
}

/* token TAB tag; the tag is the model's own for conll and for tokens' labels, else it is made from the spans. */
static ft_status write_token(struct writer *w, const struct token *token, const char *prefix, const char *tag,
                             double score, const char *color, struct ft_error *error)
{
    struct output *out = w->output;
    ft_status status = color ? start_color(w, color, error) : FT_OK;
    if (!status)
        status = write_field(out, token->text, token->bytes, error);
    if (!status)
        status = output_write(out, "\t", 1, error);
    if (!status)
        status = output_text(out, prefix, error);
    if (!status)
        status = output_text(out, tag, error);
    if (!status)
        status = write_score(w, score, '\t', error);
    if (!status && color)
        status = end_color(out, error);
    return status ? status : output_write(out, "\n", 1, error);
}

static ft_status write_tokens(struct writer *w, const struct sentence *sentence, const struct tagging *tagging,
                              struct ft_error *error)
{
    bool own_tags = w->options.format == OUTPUT_CONLL || tagging->token_labels;
    struct span_walk walk = walk_spans(tagging);
    for (size_t i = 0; i < sentence->count; i++) {
        const struct span *span = span_at(&walk, i);
        const char *prefix = own_tags || !span ? "" : prefix_in(span, i, w->options.format == OUTPUT_BIOES);
        const char *tag = own_tags ? tagging->tags[i] : span ? span->type : "O";
        ft_status status = write_token(w, &sentence->tokens[i], prefix, tag, tagging->scores ? tagging->scores[i] : 0,
                                       span && w->options.color ? span->type : NULL, error);
        if (status)
            return status;
    }
    return sentence->count ? output_write(w->output, "\n", 1, error) : FT_OK;
}

static ft_status write_header(struct writer *w, struct ft_error *error)
{
    if (w->header_written)
        return FT_OK;
    w->header_written = true;
    return output_text(w->output, "file\tsentence\tfirst\tlast\tstart\tend\ttype\ttext\tscore\n", error);
}

static ft_status write_row(struct writer *w, const struct sentence *sentence, size_t first, size_t last,
                           const char *type, double score, struct ft_error *error)
{
    struct output *out = w->output;
    const struct token *from = &sentence->tokens[first], *to = &sentence->tokens[last];
    size_t bytes;
    const char *text = source_text(&w->cursor, sentence, first, last, &bytes);
    const char *file = sentence->file ? sentence->file : "-";
    ft_status status = write_field(out, file, strlen(file), error);
    if (!status)
        status = output_format(out, error, "\t%zu\t%zu\t%zu\t%zu\t%zu\t", sentence->number, first + 1, last + 1,
                               sentence->source_start + from->start, sentence->source_start + to->end);
    if (!status && w->options.color)
        status = start_color(w, type, error);
    if (!status)
        status = write_field(out, type, strlen(type), error);
    if (!status)
        status = output_write(out, "\t", 1, error);
    if (!status)
        status = write_field(out, text, bytes, error);
    if (!status && w->options.color)
        status = end_color(out, error);
    return status ? status : output_format(out, error, "\t%.6f\n", score);
}

static ft_status write_rows(struct writer *w, const struct sentence *sentence, const struct tagging *tagging,
                            struct ft_error *error)
{
    if (sentence->first_of_source)
        w->cursor = (struct source_cursor){0};
    ft_status status = write_header(w, error);
    for (size_t i = 0; !status && tagging->token_labels && i < sentence->count; i++)
        status = write_row(w, sentence, i, i, tagging->tags[i], tagging->scores ? tagging->scores[i] : 0, error);
    for (size_t i = 0; !status && !tagging->token_labels && i < tagging->span_count; i++) {
        const struct span *span = &tagging->spans[i];
        status = write_row(w, sentence, span->first, span->last, span->type, span->score, error);
    }
    return status;
}

ft_status writer_sentence(struct writer *w, const struct sentence *sentence, const struct tagging *tagging,
                          struct ft_error *error)
{
    switch (w->options.format) {
    case OUTPUT_CONLL:
        return sentence->lines ? write_columns(w, sentence, tagging, error) : write_tokens(w, sentence, tagging, error);
    case OUTPUT_TSV: return write_rows(w, sentence, tagging, error);
    case OUTPUT_JSONL: return json_writer_sentence(&w->json, w->output, &w->options, sentence, tagging, error);
    case OUTPUT_HTML: return html_writer_sentence(&w->html, w->output, sentence, tagging, error);
    default: /* who asks for nothing gets the plainest */ return write_tokens(w, sentence, tagging, error);
    }
}

ft_status writer_end(struct writer *w, struct ft_error *error)
{
    switch (w->options.format) {
    case OUTPUT_TSV: return write_header(w, error);
    case OUTPUT_HTML: return html_writer_end(&w->html, w->output, error);
    default: return FT_OK;
    }
}
