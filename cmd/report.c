/* report.c - see report.h. */
#include "cmd/report.h"
#include "base/utf8.h"
#include "flairtag.h"
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

static atomic_bool line_drawn;

/* A message that cannot be written has nowhere else to go: failures end here. */
static void write_all(const char *text, size_t bytes)
{
    while (bytes) {
        ssize_t written = write(STDERR_FILENO, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        bytes -= (size_t)written;
    }
}

/* Appends to line[0..room), leaving a byte for the newline; control characters and bytes that are no UTF-8 show as '?',
 * so that a file's name or content cannot steer the terminal. Returns the new length. */
static size_t append_clean(char *line, size_t length, size_t room, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        uint32_t character;
        size_t bytes = utf8_decode(text, left, &character);
        bool shown = bytes && character >= 0x20 && (character < 0x7f || character > 0x9f);
        size_t used = bytes ? bytes : 1;
        if (length + (shown ? used : 1) >= room)
            break;
        memcpy(line + length, shown ? text : "?", shown ? used : 1);
        length += shown ? used : 1;
        text += used;
        left -= used;
    }
    return length;
}

void report_error(const char *format, ...)
{
    char text[4096], line[4160] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (atomic_exchange(&line_drawn, false))
        strcpy(line, CLEAR_LINE);
    strcat(line, "flairtag: ");
    size_t length = append_clean(line, strlen(line), sizeof line, text);
    line[length++] = '\n';
    write_all(line, length);
}

static bool terminal_is_dumb(void)
{
    const char *terminal = getenv("TERM");
    return !terminal || !*terminal || !strcmp(terminal, "dumb");
}

bool color_wanted(int choice, int descriptor)
{
    if (choice != COLOR_AUTO)
        return choice == COLOR_ALWAYS;
    const char *refused = getenv("NO_COLOR");
    return !(refused && *refused) && isatty(descriptor) && !terminal_is_dumb();
}

bool report_line_possible(void)
{
    return isatty(STDERR_FILENO) && !terminal_is_dumb();
}

void report_line(const char *text)
{
    if (!text) {
        if (atomic_exchange(&line_drawn, false))
            write_all(CLEAR_LINE, strlen(CLEAR_LINE));
        return;
    }
    struct winsize window;
    size_t width = 80;
    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col)
        width = window.ws_col;
    char line[512] = CLEAR_LINE;
    size_t room = strlen(line) + width; /* one column stays free: a full line would wrap */
    atomic_store(&line_drawn, true);
    write_all(line, append_clean(line, strlen(line), room < sizeof line ? room : sizeof line, text));
}

int report_finish_stdout(void)
{
    bool failed = ferror(stdout);
    errno = 0;
    if (fflush(stdout))
        failed = true;
    if (!failed || errno == EPIPE)
        return FT_OK;
    if (errno)
        report_error("cannot write to stdout: %s", strerror(errno));
    else
        report_error("cannot write to stdout");
    return FT_FAILED;
}
