/* test_report.c - colour, the status line and errors, on a terminal and off it. */
#include "cmd/interrupt.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "harness.h"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int terminal, screen; /* the two ends of a terminal `columns` wide, stderr on the inner one */

static void open_terminal(unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ck_assert_int_eq(openpty(&screen, &terminal, NULL, NULL, &size), 0);
    dup2(terminal, STDERR_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
}

/* What the terminal has been sent, up to and with `end`; a terminal hands its bytes on when it likes, so this waits,
 * for five seconds at most. */
static const char *seen_until(const char *end)
{
    static char text[4096];
    size_t used = 0, length = strlen(end);
    text[0] = '\0';
    while (used < length || strcmp(text + used - length, end)) {
        struct pollfd ready = {.fd = screen, .events = POLLIN};
        if (used == sizeof text - 1 || poll(&ready, 1, 5000) <= 0)
            break;
        ssize_t bytes = read(screen, text + used, 1);
        if (bytes <= 0)
            break;
        used += (size_t)bytes;
        text[used] = '\0';
    }
    return text;
}

START_TEST(colour_needs_a_terminal_that_has_it)
{
    open_terminal(80);
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert(color_wanted(COLOR_AUTO, terminal));
    ck_assert(!color_wanted(COLOR_AUTO, pipes[1]));
    ck_assert(color_wanted(COLOR_ALWAYS, pipes[1]));
    ck_assert(!color_wanted(COLOR_NEVER, terminal));
    setenv("TERM", "dumb", 1);
    ck_assert(!color_wanted(COLOR_AUTO, terminal));
    unsetenv("TERM");
    ck_assert(!color_wanted(COLOR_AUTO, terminal));
}
END_TEST

START_TEST(no_color_turns_auto_off_and_yields_to_always)
{
    open_terminal(80);
    setenv("NO_COLOR", "1", 1);
    ck_assert(!color_wanted(COLOR_AUTO, terminal));
    ck_assert(color_wanted(COLOR_ALWAYS, terminal));
    setenv("NO_COLOR", "", 1);
    ck_assert(color_wanted(COLOR_AUTO, terminal));
}
END_TEST

START_TEST(an_error_clears_the_status_line_and_shows_no_control_characters)
{
    open_terminal(80);
    report_line("half way");
    ck_assert_str_eq(seen_until("\r\033[Khalf way"), "\r\033[Khalf way");
    report_error("%s: bad", "a\033[31m\nb");
    ck_assert_str_eq(seen_until("\r\033[Kflairtag: a?[31m?b: bad\r\n"), "\r\033[Kflairtag: a?[31m?b: bad\r\n");
    report_error("again");
    ck_assert_str_eq(seen_until("flairtag: again\r\n"), "flairtag: again\r\n");
}
END_TEST

START_TEST(a_status_line_never_wraps)
{
    open_terminal(10);
    report_line("0123456789abcdef");
    ck_assert_str_eq(seen_until("\r\033[K012345678"), "\r\033[K012345678");
    report_line(NULL);
    ck_assert_str_eq(seen_until("\r\033[K"), "\r\033[K");
}
END_TEST

START_TEST(progress_is_silent_without_a_terminal)
{
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    struct progress *progress = progress_new();
    ck_assert_ptr_null(progress);
    progress_update(progress, 1, 1, 1, 1);
    progress_free(progress);
    open_terminal(80);
    setenv("TERM", "dumb", 1);
    ck_assert_ptr_null(progress_new());
}
END_TEST

START_TEST(progress_is_drawn_five_times_a_second_at_most)
{
    open_terminal(80);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct progress *progress = progress_new();
    ck_assert_ptr_nonnull(progress);
    for (size_t i = 1; i <= 50; i++) {
        usleep(10000);
        progress_update(progress, i, 10 * i, i, 50);
    }
    progress_free(progress);
    dprintf(STDERR_FILENO, "done\n");
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    const char *text = seen_until("done\r\n");
    int drawn = 0;
    for (const char *at = text; (at = strstr(at, "sentences")); at++)
        drawn++;
    ck_assert_int_ge(drawn, 1);
    ck_assert_double_le(drawn, 5 * seconds);
    ck_assert_ptr_nonnull(strstr(text, "\r\033[Kdone\r\n"));
}
END_TEST

START_TEST(progress_says_what_is_left)
{
    char line[160];
    progress_format(line, sizeof line, 1234567, 5000, 2.0, 25, 100);
    ck_assert_str_eq(line, "1,234,567 sentences, 2,500 tokens/s, 6 s left");
    progress_format(line, sizeof line, 0, 0, 60.0, 1, 3);
    ck_assert_str_eq(line, "0 sentences, 0 tokens/s, 2 min 00 s left");
    progress_format(line, sizeof line, 999, 1000, 3600.0, 1, 3);
    ck_assert_str_eq(line, "999 sentences, 0 tokens/s, 2 h 00 min left");
    progress_format(line, sizeof line, 1000, 1000, 1.0, 7, 0);
    ck_assert_str_eq(line, "1,000 sentences, 1,000 tokens/s");
    progress_format(line, sizeof line, 1, 1, 0.0, 0, 100);
    ck_assert_str_eq(line, "1 sentences, 0 tokens/s");
}
END_TEST

START_TEST(the_first_interrupt_asks_and_the_second_leaves)
{
    pid_t child = fork();
    if (!child) {
        interrupt_install();
        raise(SIGPIPE); /* ignored */
        raise(SIGINT);
        if (!interrupted)
            _exit(1);
        raise(SIGINT);
        _exit(2);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 130);
}
END_TEST

int main(void)
{
    const char *terminals = "/dev/pts/ptmx"; /* not everywhere in a bare chroot */
    test_add(colour_needs_a_terminal_that_has_it, terminals);
    test_add(no_color_turns_auto_off_and_yields_to_always, terminals);
    test_add(an_error_clears_the_status_line_and_shows_no_control_characters, terminals);
    test_add(a_status_line_never_wraps, terminals);
    test_add(progress_is_silent_without_a_terminal, terminals);
    test_add(progress_is_drawn_five_times_a_second_at_most, terminals);
    test_add(progress_says_what_is_left, NULL);
    test_add(the_first_interrupt_asks_and_the_second_leaves, NULL);
    return test_run("report");
}
