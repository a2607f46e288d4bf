/* writer_html.h - the html format of writer.h: a page that shows the sentences, with filters, search and a summary.
 *
 * A line of data is a file's name, for the sentences that follow, or a sentence: its number and its text cut in pieces,
 * each a string or an entity [type, score or null, text]. The page counts; the program keeps nothing of a sentence. */
#ifndef TEXT_WRITER_HTML_H
#define TEXT_WRITER_HTML_H
#include "text/text_buffer.h"
#include "text/writer.h"
#include "text/writer_source.h"

struct html_writer {
    bool begun;
    struct source_cursor cursor;
    struct text_buffer line;
};

void html_writer_release(struct html_writer *html);
ft_status html_writer_sentence(struct html_writer *html, struct output *output, const struct sentence *sentence,
                               const struct tagging *tagging, struct ft_error *error);
/* Ends the page, which it begins where no sentence came. */
ft_status html_writer_end(struct html_writer *html, struct output *output, struct ft_error *error);

#endif
