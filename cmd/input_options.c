/* input_options.c - what every command that reads corpora says when it is done reading. */
#include "cmd/input_options.h"

static void report_count(size_t count, const char *one, const char *many)
{
    if (count)
        report_error("%zu %s", count, count == 1 ? one : many);
}

void input_report_counts(const struct reader *reader)
{
    struct reader_counts counts = reader_counts(reader);
    report_count(counts.lines_skipped, "bad line was left out", "bad lines were left out");
    report_count(counts.characters_replaced, "bad character was replaced by U+FFFD",
                 "bad characters were replaced by U+FFFD");
}
