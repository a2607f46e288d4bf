/* page.c - see page.h.
 *
 * In JSON `<` stands only inside strings, so that it can be escaped without reading the line; with it go `</script` and
 * `<!--`, the only ways out of a script element. */
#include "text/page.h"
#include "base/error.h"
#include "base/utf8.h"

static ft_status write_lines(const char *const *lines, struct output *output, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (; *lines && status == FT_OK; lines++)
        status = output_text(output, *lines, error);
    return status;
}

ft_status page_begin(const struct page *page, struct output *output, struct ft_error *error)
{
    return write_lines(page->before, output, error);
}

ft_status page_end(const struct page *page, struct output *output, struct ft_error *error)
{
    return write_lines(page->after, output, error);
}

ft_status page_line(struct output *output, const char *line, size_t bytes, struct ft_error *error)
{
    size_t from = 0, at = 0;
    ft_status status = FT_OK;
    while (at < bytes && status == FT_OK) {
        uint32_t code_point;
        size_t length = (unsigned char)line[at] < 0x80 ? 1 : utf8_decode(line + at, bytes - at, &code_point);
        if (length && line[at] != '<') {
            at += length;
            continue;
        }
        status = output_write(output, line + from, at - from, error);
        if (status == FT_OK)
            status = output_text(output, length ? "\\u003c" : "\xef\xbf\xbd", error);
        from = ++at;
    }
    if (status == FT_OK)
        status = output_write(output, line + from, bytes - from, error);
    return status == FT_OK ? output_write(output, "\n", 1, error) : status;
}

ft_status page_buffered_line(struct output *output, struct text_buffer *line, struct ft_error *error)
{
    ft_status status =
        line->failed ? ft_nomem(error, "a line of output") : page_line(output, line->bytes, line->used, error);
    buffer_clear(line);
    return status;
}
