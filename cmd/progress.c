/* progress.c - see progress.h. */
#include "cmd/progress.h"
#include "base/clock.h"
#include "cmd/report.h"
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_BETWEEN 0.2

struct progress {
    double started, drawn;
};

struct progress *progress_new(void)
{
    if (!report_line_possible())
        return NULL;
    struct progress *progress = malloc(sizeof *progress);
    if (progress)
        progress->started = progress->drawn = clock_seconds();
    return progress;
}

/* 1234567 as "1,234,567". */
static void group_digits(size_t number, char text[32])
{
    char plain[24];
    int length = snprintf(plain, sizeof plain, "%zu", number);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = plain[i];
    }
    *to = '\0';
}

void progress_format(char *line, size_t room, size_t sentences, size_t tokens, double seconds, size_t done,
                     size_t total)
{
    char count[32], rate[32], left[48] = "";
    group_digits(sentences, count);
    group_digits(seconds > 0 ? (size_t)((double)tokens / seconds) : 0, rate);
    if (done && total >= done) {
        double rest = seconds * (double)(total - done) / (double)done;
        unsigned long whole = rest < 1e9 ? (unsigned long)(rest + 0.5) : 1000000000ul;
        if (whole < 60)
            snprintf(left, sizeof left, ", %lu s left", whole);
        else if (whole < 3600)
            snprintf(left, sizeof left, ", %lu min %02lu s left", whole / 60, whole % 60);
        else
            snprintf(left, sizeof left, ", %lu h %02lu min left", whole / 3600, whole / 60 % 60);
    }
    snprintf(line, room, "%s sentences, %s tokens/s%s", count, rate, left);
}

static bool is_due(struct progress *progress, double time)
{
    if (!progress || time - progress->drawn < SECONDS_BETWEEN)
        return false;
    progress->drawn = time;
    return true;
}

void progress_update(struct progress *progress, size_t sentences, size_t tokens, size_t done, size_t total)
{
    double time = clock_seconds();
    if (!is_due(progress, time))
        return;
    char line[160];
    progress_format(line, sizeof line, sentences, tokens, time - progress->started, done, total);
    report_line(line);
}

void progress_line(struct progress *progress, const char *line)
{
    if (is_due(progress, clock_seconds()))
        report_line(line);
}

void progress_free(struct progress *progress)
{
    if (progress)
        report_line(NULL);
    free(progress);
}
