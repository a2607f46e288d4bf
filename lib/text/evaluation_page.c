/* evaluation_page.c - see evaluation_page.h. */
#include "text/evaluation_page.h"
#include "text/page.h"
#include <stdlib.h>
#include <string.h>

static void add_spans(struct text_buffer *line, const struct span *spans, size_t count)
{
    buffer_text(line, ",[");
    for (size_t i = 0; i < count; i++) {
        buffer_format(line, "%s[%zu,%zu,", i ? "," : "", spans[i].first, spans[i].last);
        buffer_json_string(line, spans[i].type, strlen(spans[i].type));
        buffer_text(line, "]");
    }
    buffer_text(line, "]");
}

static ft_status write_sentence(void *context, const struct compared_sentence *compared, struct ft_error *error)
{
    struct evaluation_page *page = context;
    const struct sentence *sentence = compared->sentence;
    if (!compared->gold_count && !compared->predicted_count)
        return FT_OK;
    buffer_format(&page->line, "[%zu,[", sentence->number);
    for (size_t i = 0; i < sentence->count; i++) {
        if (i)
            buffer_text(&page->line, ",");
        buffer_json_string(&page->line, sentence->tokens[i].text, sentence->tokens[i].bytes);
    }
    buffer_text(&page->line, "]");
    add_spans(&page->line, compared->gold, compared->gold_count);
    add_spans(&page->line, compared->predicted, compared->predicted_count);
    buffer_text(&page->line, "]");
    return page_buffered_line(page->output, &page->line, error);
}

ft_status evaluation_page_begin(struct evaluation_page *page, struct output *output, const char *file,
                                struct evaluation *evaluation, struct ft_error *error)
{
    *page = (struct evaluation_page){.output = output};
    evaluation_watch(evaluation, write_sentence, page);
    ft_status status = page_begin(&page_eval, output, error);
    if (status != FT_OK)
        return status;
    buffer_json_string(&page->line, file, strlen(file));
    return page_buffered_line(output, &page->line, error);
}

ft_status evaluation_page_end(struct evaluation_page *page, const struct evaluation *evaluation, struct ft_error *error)
{
    char *report;
    ft_status status = evaluation_report(evaluation, REPORT_JSON, &report, error);
    if (status != FT_OK)
        return status;
    status = page_line(page->output, report, strcspn(report, "\n"), error);
    free(report);
    return status == FT_OK ? page_end(&page_eval, page->output, error) : status;
}

void evaluation_page_release(struct evaluation_page *page)
{
    buffer_release(&page->line);
}
