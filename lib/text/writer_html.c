/* writer_html.c - see writer_html.h.
 *
 * The source is walked from left to right once: source_text starts over where it is asked for a place behind it, which
 * in a long text of many sentences would take the square of its length. */
#include "text/writer_html.h"
#include "text/page.h"
#include <math.h>
#include <string.h>

void html_writer_release(struct html_writer *html)
{
    buffer_release(&html->line);
}

static ft_status begin(struct html_writer *html, struct output *output, struct ft_error *error)
{
    if (html->begun)
        return FT_OK;
    html->begun = true;
    return page_begin(&page_predict, output, error);
}

static void add_text(struct text_buffer *line, const char *from, const char *to)
{
    if (to <= from)
        return;
    buffer_text(line, ",");
    buffer_json_string(line, from, (size_t)(to - from));
}

static void add_entity(struct text_buffer *line, const char *type, const double *score, const char *text, size_t bytes)
{
    buffer_text(line, ",[");
    buffer_json_string(line, type, strlen(type));
    if (score && isfinite(*score))
        buffer_format(line, ",%.4f,", *score);
    else
        buffer_text(line, ",null,");
    buffer_json_string(line, text, bytes);
    buffer_text(line, "]");
}

/* What a tagging marks, from left to right, whether it labels spans or tokens. */
struct marks {
    const struct tagging *tagging;
    size_t count, next;
};

static bool next_mark(struct marks *marks, size_t from, struct span *mark, const double **score)
{
    const struct tagging *tagging = marks->tagging;
    while (marks->next < marks->count) {
        size_t i = marks->next++;
        if (tagging->token_labels) {
            *mark = (struct span){.first = i, .last = i, .type = tagging->tags[i]};
            *score = tagging->scores ? &tagging->scores[i] : NULL;
            if (mark->type[0] && strcmp(mark->type, "O"))
                return true;
        } else {
            *mark = tagging->spans[i];
            *score = &tagging->spans[i].score;
            if (mark->first >= from) /* where two overlap, the first has the token */
                return true;
        }
    }
    return false;
}

static void add_pieces(struct html_writer *html, const struct sentence *sentence, const struct tagging *tagging)
{
    struct marks marks = {tagging, tagging->token_labels ? sentence->count : tagging->span_count, 0};
    struct span mark;
    const double *score;
    const char *behind = NULL; /* what was written last */
    size_t token = 0, bytes;
    while (next_mark(&marks, token, &mark, &score)) {
        if (!behind && mark.first > 0)
            behind = source_text(&html->cursor, sentence, 0, mark.first - 1, &bytes);
        const char *text = source_text(&html->cursor, sentence, mark.first, mark.last, &bytes);
        if (behind)
            add_text(&html->line, behind, text);
        add_entity(&html->line, mark.type, score, text, bytes);
        behind = text + bytes;
        token = mark.last + 1;
    }
    if (token < sentence->count) {
        const char *text = source_text(&html->cursor, sentence, token, sentence->count - 1, &bytes);
        add_text(&html->line, behind ? behind : text, text + bytes);
    }
}

ft_status html_writer_sentence(struct html_writer *html, struct output *output, const struct sentence *sentence,
                               const struct tagging *tagging, struct ft_error *error)
{
    if (!sentence->count)
        return FT_OK;
    if (sentence->first_of_source)
        html->cursor = (struct source_cursor){0};
    ft_status status = begin(html, output, error);
    if (status == FT_OK && sentence->number == 1) {
        const char *file = sentence->file ? sentence->file : "-";
        buffer_json_string(&html->line, file, strlen(file));
        status = page_buffered_line(output, &html->line, error);
    }
    if (status != FT_OK)
        return status;
    buffer_format(&html->line, "[%zu", sentence->number);
    add_pieces(html, sentence, tagging);
    buffer_text(&html->line, "]");
    return page_buffered_line(output, &html->line, error);
}

ft_status html_writer_end(struct html_writer *html, struct output *output, struct ft_error *error)
{
    static const char end[] = "{\"end\":true}";
    ft_status status = begin(html, output, error);
    if (status == FT_OK)
        status = page_line(output, end, sizeof end - 1, error);
    return status == FT_OK ? page_end(&page_predict, output, error) : status;
}
