/* page.h - pages for a browser that hold all they need: markup, style and program, then the data, a line of JSON each.
 *
 * What a page looks like and does is in lib/text/page/, as HTML, CSS and JavaScript that the build turns into the
 * strings below. The data comes last, so that a page is written as its data comes, in bounded memory, and one that was
 * cut off (a run interrupted, a full disk) still shows what it has. Its last line is an object, the others are arrays
 * and strings; a page without that object says that it is unfinished. Nothing in a page is fetched from anywhere. */
#ifndef TEXT_PAGE_H
#define TEXT_PAGE_H
#include "base/output.h"
#include "text/text_buffer.h"

struct page {
    const char *const *before, *const *after; /* lines around the data; NULL ends them */
};

/* Made by lib/text/page/embed.awk. */
extern const struct page page_predict, page_eval;

/* Statuses of all three: those of output_write. */
ft_status page_begin(const struct page *page, struct output *output, struct ft_error *error);

/* Writes `line`, one JSON value that holds no line feed, and ends the line. Text in it may be any bytes: what a browser
 * could take for markup is written as a JSON escape, what is not UTF-8 as U+FFFD. */
ft_status page_line(struct output *output, const char *line, size_t bytes, struct ft_error *error);

ft_status page_end(const struct page *page, struct output *output, struct ft_error *error);

/* The buffer's line, and the buffer ready for the next; FT_NOMEM when the buffer could not hold it. */
ft_status page_buffered_line(struct output *output, struct text_buffer *line, struct ft_error *error);

#endif
