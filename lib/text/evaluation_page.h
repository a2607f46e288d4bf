/* evaluation_page.h - an evaluation as a page: figures, confusion of types, and the spans of both sides in context.
 *
 * Written as the sentences are counted, in bounded memory. A line of data is the file's name or a sentence that has a
 * span on either side: [number, [tokens], [gold spans], [predicted spans]], a span being [first, last, type]. The last
 * one is REPORT_JSON's object, so that the figures are those of every other report; the confusion of types is counted
 * by the page from the spans. (By the conlleval script's rule the two may differ where tags are malformed.) */
#ifndef TEXT_EVALUATION_PAGE_H
#define TEXT_EVALUATION_PAGE_H
#include "base/output.h"
#include "text/evaluation.h"
#include "text/text_buffer.h"

struct evaluation_page {
    struct output *output;
    struct text_buffer line;
};

/* Begins the page and has `evaluation` write to it from now on; both stay where they are until the end. file: the gold
 * file, as the user named it. The output is the caller's. */
ft_status evaluation_page_begin(struct evaluation_page *page, struct output *output, const char *file,
                                struct evaluation *evaluation, struct ft_error *error);
ft_status evaluation_page_end(struct evaluation_page *page, const struct evaluation *evaluation,
                              struct ft_error *error);
void evaluation_page_release(struct evaluation_page *page);

#endif
