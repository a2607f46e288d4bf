/* reader_lines.c - see reader_lines.h. */
#include "text/reader_lines.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf", REPLACEMENT[] = "\xef\xbf\xbd";
enum { MARK_BYTES = 3 };

static size_t file_count(const struct lines *lines)
{
    return lines->options.file_count ? lines->options.file_count : 1;
}

static const char *file_name(const struct lines *lines, size_t index)
{
    return index < lines->options.file_count && lines->options.files[index] ? lines->options.files[index] : "-";
}

void lines_init(struct lines *lines, const struct reader_options *options)
{
    *lines = (struct lines){.options = *options};
    for (size_t i = 0; i < file_count(lines); i++) {
        struct stat about;
        const char *name = file_name(lines, i);
        if (!strcmp(name, "-") || stat(name, &about) || !S_ISREG(about.st_mode)) {
            lines->bytes_total = 0;
            break;
        }
        lines->bytes_total += (size_t)about.st_size;
    }
}

void lines_release(struct lines *lines)
{
    input_close(lines->input);
    free(lines->ahead);
    free(lines->clean);
    *lines = (struct lines){0};
}

void lines_limit(struct lines *lines, size_t most_bytes)
{
    lines->most_bytes = most_bytes;
    if (lines->input)
        input_limit(lines->input, most_bytes);
}

ft_status lines_next_file(struct lines *lines, struct ft_error *error)
{
    if (lines->next_file == file_count(lines))
        return FT_END;
    const char *name = file_name(lines, lines->next_file);
    ft_status status = strcmp(name, "-") ? input_open(&lines->input, name, error)
                                         : input_open_descriptor(&lines->input, lines->options.descriptor, error);
    if (status)
        return status;
    input_limit(lines->input, lines->most_bytes);
    lines->next_file++;
    lines->chars = lines->ahead_at = lines->ahead_used = lines->ahead_line = 0;
    return FT_OK;
}

bool lines_next_file_waits(const struct lines *lines)
{
    struct stat about;
    if (lines->next_file == file_count(lines))
        return false;
    const char *name = file_name(lines, lines->next_file);
    return !strcmp(name, "-") || (!stat(name, &about) && !S_ISREG(about.st_mode));
}

const char *lines_file(const struct lines *lines)
{
    return file_name(lines, lines->next_file ? lines->next_file - 1 : 0);
}

void lines_progress(const struct lines *lines, size_t *done, size_t *total)
{
    size_t here = 0, all;
    if (lines->input)
        input_progress(lines->input, &here, &all);
    *done = lines->bytes_done + here;
    *total = lines->bytes_total;
}

ft_status lines_peek(struct lines *lines, size_t most, bool wait, double until, const char **bytes, size_t *count,
                     struct ft_error *error)
{
    ft_status status = FT_OK;
    size_t capacity = lines->ahead_used;
    for (wait |= !capacity; lines->ahead_used < most && (wait || input_ready(lines->input, until)); wait = false) {
        char *line;
        size_t length;
        bool has_newline;
        status = input_line(lines->input, &line, &length, &has_newline, error);
        if (status)
            break; /* the end, or an error that lines_next will meet again, behind these lines */
        if (lines->ahead_used + length + 1 > capacity) {
            capacity = (lines->ahead_used + length + 1) * 2;
            char *grown = realloc(lines->ahead, capacity);
            if (!grown)
                return ft_nomem(error, "the beginning of a file");
            lines->ahead = grown;
        }
        memcpy(lines->ahead + lines->ahead_used, line, length + has_newline);
        lines->ahead_used += length + has_newline;
    }
    *bytes = lines->ahead;
    *count = lines->ahead_used;
    return status && lines->ahead_used ? FT_END : status;
}

static bool ahead_is_left(const struct lines *lines)
{
    return lines->ahead_at < lines->ahead_used;
}

bool lines_ready(struct lines *lines, double until)
{
    return !lines->input || lines->rest || ahead_is_left(lines) || input_ready(lines->input, until);
}

static ft_status raw_line(struct lines *lines, struct text_line *line, bool *has_newline, struct ft_error *error)
{
    if (!ahead_is_left(lines)) {
        ft_status status = input_line(lines->input, &line->text, &line->bytes, has_newline, error);
        line->number = input_line_number(lines->input);
        return status;
    }
    line->text = lines->ahead + lines->ahead_at;
    char *lf = memchr(line->text, '\n', lines->ahead_used - lines->ahead_at);
    *has_newline = lf;
    line->bytes = lf ? (size_t)(lf - line->text) : lines->ahead_used - lines->ahead_at;
    lines->ahead_at += line->bytes + *has_newline;
    line->number = ++lines->ahead_line;
    return FT_OK;
}

/* A byte of 0 borrows from its highest bit when 1 is taken from each byte. */
static bool four_are_plain(const char *text)
{
    uint32_t four;
    memcpy(&four, text, 4);
    return !((four | (four - 0x01010101u)) & 0x80808080u);
}

static bool eight_are_plain(const char *text)
{
    uint64_t eight;
    memcpy(&eight, text, 8);
    return !((eight | (eight - 0x0101010101010101u)) & 0x8080808080808080u);
}

/* True for nothing but ASCII without NUL: the common case. The last bytes are looked at together with some before. */
static bool is_plain(const char *text, size_t bytes)
{
    for (size_t i = 0; i + 8 < bytes; i += 8)
        if (!eight_are_plain(text + i))
            return false;
    if (bytes >= 8)
        return eight_are_plain(text + bytes - 8);
    if (bytes >= 4)
        return four_are_plain(text) && four_are_plain(text + bytes - 4);
    for (size_t i = 0; i < bytes; i++)
        if ((signed char)text[i] <= 0)
            return false;
    return true;
}

static bool reserve_clean(struct lines *lines, size_t bytes)
{
    if (bytes <= lines->clean_capacity)
        return true;
    char *grown = realloc(lines->clean, bytes * 2);
    if (grown) {
        lines->clean = grown;
        lines->clean_capacity = bytes * 2;
    }
    return grown;
}

static ft_status from_latin1(struct lines *lines, struct text_line *line, struct ft_error *error)
{
    if (!reserve_clean(lines, line->bytes * 2 + 1))
        return ft_nomem(error, "a line of input");
    size_t used = 0;
    for (size_t i = 0; i < line->bytes; i++)
        used += utf8_encode((unsigned char)line->text[i], lines->clean + used);
    line->text = lines->clean;
    line->bytes = used;
    return FT_OK;
}

/* How many bytes at the beginning of s one U+FFFD stands for: the longest beginning of a valid sequence, at least 1
 * (the practice that the Unicode Standard recommends, chapter 3.9, and that Python follows). */
static size_t broken_bytes(const char *s, size_t bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc2 || u[0] > 0xf4 || bytes < 2)
        return 1;
    unsigned char least = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
    if (u[1] < least || u[1] > most)
        return 1;
    size_t n = 2;
    while (n < length - 1 && n < bytes && (u[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static ft_status repair(struct lines *lines, struct text_line *line, struct ft_error *error)
{
    char *copy = malloc(line->bytes * 3 + 1);
    if (!copy)
        return ft_nomem(error, "a line of input");
    size_t used = 0;
    for (size_t at = 0, length; at < line->bytes; at += length) {
        uint32_t c;
        length = utf8_decode(line->text + at, line->bytes - at, &c);
        if (length && c) {
            memcpy(copy + used, line->text + at, length);
            used += length;
            continue;
        }
        if (!length)
            length = broken_bytes(line->text + at, line->bytes - at);
        memcpy(copy + used, REPLACEMENT, MARK_BYTES);
        used += MARK_BYTES;
        lines->counts.characters_replaced++;
    }
    free(lines->clean);
    lines->clean = copy;
    lines->clean_capacity = line->bytes * 3 + 1;
    line->text = copy;
    line->bytes = used;
    return FT_OK;
}

/* Finds the first byte that is no text; false when there is none. */
static bool find_bad(const struct text_line *line, size_t *at, bool *is_nul)
{
    size_t bad = line->bytes;
    *is_nul = false;
    bool found = !utf8_valid(line->text, line->bytes, &bad);
    const char *nul = memchr(line->text, 0, bad);
    if (nul) {
        bad = (size_t)(nul - line->text);
        *is_nul = true;
    }
    *at = bad;
    return found || nul;
}

/* FT_END: the line is skipped. */
static ft_status clean_line(struct lines *lines, struct text_line *line, struct ft_error *error)
{
    size_t bad;
    bool is_nul;
    line->ascii = is_plain(line->text, line->bytes);
    if (line->ascii)
        return FT_OK;
    if (lines->options.encoding == ENCODING_LATIN1) {
        ft_status status = from_latin1(lines, line, error);
        if (status)
            return status;
    }
    if (!find_bad(line, &bad, &is_nul))
        return FT_OK;
    if (lines->options.on_error == ON_ERROR_REPLACE)
        return repair(lines, line, error);
    if (lines->options.on_error == ON_ERROR_SKIP) {
        lines->counts.lines_skipped++;
        return FT_END;
    }
    size_t column = utf8_count(line->text, bad) + 1;
    if (is_nul)
        return ft_fail(error, FT_INPUT, "%s:%zu:%zu: NUL byte (--on-error skip or replace goes on)", line->file,
                       line->number, column);
    const char *hint = line->number == 1 && bad == 0 && line->bytes > 1 &&
                               (!memcmp(line->text, "\xff\xfe", 2) || !memcmp(line->text, "\xfe\xff", 2))
                           ? "this looks like UTF-16; convert it to UTF-8 first"
                           : "--encoding latin1 reads ISO 8859-1, --on-error skip or replace goes on";
    return ft_fail(error, FT_INPUT, "%s:%zu:%zu: invalid UTF-8 (%s)", line->file, line->number, column, hint);
}

/* Flair opens files with Python's universal newlines: a CR alone ends a line too. */
static void cut_at_return(struct lines *lines, struct text_line *line)
{
    char *cr = memchr(line->text, '\r', line->bytes);
    lines->rest = cr ? cr + 1 : NULL;
    if (!cr)
        return;
    lines->rest_bytes = (size_t)(line->text + line->bytes - lines->rest);
    lines->rest_line = line->number;
    lines->rest_place = line->place;
    line->bytes = (size_t)(cr - line->text);
}

ft_status lines_next(struct lines *lines, struct text_line *line, struct ft_error *error)
{
    if (lines->rest) {
        *line = (struct text_line){
            lines->rest, lines->rest_bytes, lines_file(lines), lines->rest_line, 0, lines->rest_place, false};
        cut_at_return(lines, line);
        return FT_OK;
    }
    for (;;) {
        bool has_newline;
        ft_status status = raw_line(lines, line, &has_newline, error);
        if (status == FT_END) {
            size_t done, total;
            input_progress(lines->input, &done, &total);
            lines->bytes_done += done;
            input_close(lines->input);
            lines->input = NULL;
        }
        if (status)
            return status;
        line->file = lines_file(lines);
        line->place = lines->place;
        lines->place += line->bytes + has_newline;
        line->start = lines->chars;
        bool has_return = line->bytes && line->text[line->bytes - 1] == '\r';
        line->bytes -= has_return;
        bool has_mark = line->number == 1 && lines->options.rules == READER_OWN && line->bytes >= MARK_BYTES &&
                        !memcmp(line->text, BYTE_ORDER_MARK, MARK_BYTES);
        if (has_mark) {
            line->text += MARK_BYTES;
            line->bytes -= MARK_BYTES;
            line->start++;
        }
        status = clean_line(lines, line, error);
        if (lines->count_chars)
            lines->chars += utf8_count(line->text, line->bytes) + has_mark + has_return + has_newline;
        if (!status && lines->options.rules != READER_OWN)
            cut_at_return(lines, line);
        if (status != FT_END)
            return status;
    }
}

ft_status lines_bad(struct lines *lines, const struct text_line *line, struct ft_error *error, const char *format, ...)
{
    if (lines->options.on_error == ON_ERROR_SKIP) {
        lines->counts.lines_skipped++;
        return FT_OK;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ft_fail(error, FT_INPUT, "%s:%zu: %s", line->file, line->number, text);
}
