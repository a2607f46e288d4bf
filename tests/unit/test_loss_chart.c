/* test_loss_chart.c - the chart of a run: well-formed, inside its frame, and saying what the numbers say. */
#include "harness.h"
#include "run/loss_chart.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400 };
static struct epoch_record records[MOST];

/* A run as they look: losses fall, F1 rises and is best at three quarters, the rate is halved now and then. */
static void fill(size_t count, bool dev, bool test)
{
    for (size_t i = 0; i < count; i++) {
        double part = (double)i / (double)count;
        struct epoch_record *record = &records[i];
        *record = (struct epoch_record){.epoch = i + 1, .rate = 0.1 / (double)(1 << (size_t)(part * 8))};
        record->train_loss = 10 / (1 + 9 * part);
        double f1 = 0.5 - (part - 0.75) * (part - 0.75) / 2;
        record->dev = (struct split_record){.there = dev, .loss = 11 / (1 + 4 * part), .f1 = dev ? f1 : 0};
        record->test = (struct split_record){.there = test, .loss = 12 / (1 + 4 * part), .f1 = test ? f1 - 0.05 : 0};
    }
}

/* Every tag is closed by its own name, attributes are quoted once each, text holds no stray '<' or '&'. */
static void check_well_formed(const char *text)
{
    char open[16][16];
    size_t depth = 0, elements = 0;
    for (const char *at = text; *at;) {
        if (*at != '<') {
            ck_assert_msg(*at != '&' && *at != '>', "stray '%c': %.40s", *at, at);
            ck_assert_msg(depth || isspace((unsigned char)*at), "text outside: %.40s", at);
            at++;
            continue;
        }
        bool closing = at[1] == '/';
        const char *name = at + 1 + closing;
        size_t bytes = strcspn(name, " />");
        ck_assert_uint_lt(bytes, sizeof open[0]);
        at = name + bytes;
        while (*at == ' ') {
            at += 1 + strcspn(at + 1, "=<>");
            ck_assert_msg(at[0] == '=' && at[1] == '"', "attribute: %.40s", at);
            at += 2 + strcspn(at + 2, "\"<");
            ck_assert_msg(*at == '"', "attribute: %.40s", at);
            at++;
        }
        bool empty = *at == '/';
        at += empty;
        ck_assert_msg(*at++ == '>', "tag: %.40s", name);
        if (closing) {
            ck_assert_msg(depth && strlen(open[depth - 1]) == bytes && !strncmp(open[depth - 1], name, bytes),
                          "closed out of turn: %.40s", name);
            depth--;
        } else if (!empty) {
            ck_assert_uint_lt(depth, 16);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)bytes, name);
        }
        elements += !closing;
    }
    ck_assert_uint_eq(depth, 0);
    ck_assert_uint_gt(elements, 10);
}

/* Numbers of all attributes of this name are finite and between 0 and `most`. */
static void check_range(const char *text, const char *attribute, double most)
{
    char start[16];
    snprintf(start, sizeof start, " %s=\"", attribute);
    for (const char *at = text; (at = strstr(at, start)); at++) {
        double value = strtod(at + strlen(start), NULL);
        ck_assert_msg(value >= 0 && value <= most, "%.30s", at);
    }
}

/* The same of a path's points: M x y, L x y, H x, V y; h0 adds nothing. */
static void check_paths(const char *text)
{
    for (const char *at = text; (at = strstr(at, " d=\""));) {
        at += 4;
        while (*at != '"') {
            char command = *at++, *end;
            ck_assert_msg(command && strchr("MLHVh", command), "command '%c'", command);
            double first = strtod(at, &end);
            ck_assert_msg(end != at && first >= 0 && first <= (command == 'V' ? 500 : 800), "%c%.20s", command, at);
            at = end;
            if (command == 'M' || command == 'L') {
                ck_assert_int_eq(*at, ' ');
                double second = strtod(at, &end);
                ck_assert_msg(end != at && second >= 0 && second <= 500, "%.20s", at);
                at = end;
            }
        }
    }
}

static char *chart_of(size_t count)
{
    size_t bytes;
    char *text = loss_chart(records, count, &bytes);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), bytes);
    check_well_formed(text);
    check_range(text, "x", 800);
    check_range(text, "cx", 800);
    check_range(text, "y", 500);
    check_range(text, "cy", 500);
    check_paths(text);
    return text;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void expect(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part), "'%s' is not in: %.900s", part, text);
}

START_TEST(any_number_of_epochs_can_be_drawn)
{
    for (size_t count = 1; count <= MOST; count += count < 30 ? 1 : 37)
        for (int splits = 0; splits < 4; splits++) {
            fill(count, splits & 1, splits & 2);
            free(chart_of(count));
        }
}
END_TEST

START_TEST(the_best_epoch_is_told_and_marked)
{
    fill(40, true, true);
    char *text = chart_of(40);
    expect(text, "<title id=\"title\">Best dev F1 0.5000 in epoch 31 of 40 (test F1 there 0.4500)</title>");
    expect(text, "Dev F1 0.2188 in epoch 1, 0.4747 in epoch 40.");
    expect(text, "Learning rate 0.1 in epoch 1, 0.0007813 in epoch 40.");
    ck_assert_uint_eq(count_of(text, "class=\"best\""), 1);
    ck_assert_uint_eq(count_of(text, "class=\"ring\""), 1);
    free(text);
    fill(40, true, false);
    for (size_t i = 0; i < 40; i++)
        records[i].dev.f1 = i < 12 ? 0.25 : 0.375; /* of equals the first */
    text = chart_of(40);
    expect(text, "<title id=\"title\">Best dev F1 0.3750 in epoch 13 of 40</title>");
    free(text);
}
END_TEST

START_TEST(without_a_score_above_zero_nothing_is_marked)
{
    fill(12, true, false);
    for (size_t i = 0; i < 12; i++)
        records[i].dev.f1 = 0;
    char *text = chart_of(12);
    expect(text, "<title id=\"title\">Dev F1 is 0 after 12 epochs</title>");
    ck_assert_uint_eq(count_of(text, "class=\"ring\""), 0);
    free(text);
    fill(1, false, false);
    text = chart_of(1);
    expect(text, "<title id=\"title\">Train loss 10 after 1 epoch</title>");
    ck_assert_uint_eq(count_of(text, ">F1<"), 0);
    free(text);
}
END_TEST

START_TEST(losses_that_are_not_finite_leave_a_gap_and_a_mark)
{
    fill(40, true, false);
    char *whole = chart_of(40);
    records[10].train_loss = records[11].train_loss = NAN;
    records[20].train_loss = INFINITY;
    records[39].dev.loss = -NAN;
    char *text = chart_of(40);
    ck_assert_uint_eq(count_of(whole, "×"), 0);
    ck_assert_uint_eq(count_of(text, "×"), 3);
    expect(text, "not finite in 3 of 40");
    expect(text, ">dev nan<");
    free(whole);
    free(text);
    for (size_t i = 0; i < 40; i++)
        records[i].train_loss = records[i].dev.loss = NAN;
    text = chart_of(40);
    expect(text, "not finite in 40 of 40");
    free(text);
}
END_TEST

START_TEST(extreme_numbers_stay_inside_the_picture)
{
    static const double extremes[] = {0,        -0.0, 5e-324, 1e-40,   1e-12,    -3,
                                      12345678, 1e25, 1e31,   1.7e308, -1.7e308, INFINITY};
    enum { COUNT = sizeof extremes / sizeof *extremes };
    for (size_t a = 0; a < COUNT; a++)
        for (size_t b = 0; b < COUNT; b++) {
            fill(3, true, true);
            records[0].train_loss = records[1].dev.loss = extremes[a];
            records[1].rate = fabs(extremes[a]);
            records[2].train_loss = extremes[b];
            records[2].rate = fabs(extremes[b]);
            free(chart_of(3));
        }
    fill(3, true, true);
    for (size_t i = 0; i < 3; i++)
        records[i].rate = 0;
    free(chart_of(3));
}
END_TEST

START_TEST(the_same_records_give_the_same_text)
{
    fill(150, true, true);
    char *text = chart_of(150), *again = chart_of(150);
    ck_assert_msg(!strcmp(text, again), "two charts of the same run");
    records[149].train_loss /= 2;
    char *other = chart_of(150);
    ck_assert_msg(strcmp(text, other), "another loss, the same chart");
    free(text);
    free(again);
    free(other);
}
END_TEST

int main(void)
{
    test_add(any_number_of_epochs_can_be_drawn, NULL);
    test_add(the_best_epoch_is_told_and_marked, NULL);
    test_add(without_a_score_above_zero_nothing_is_marked, NULL);
    test_add(losses_that_are_not_finite_leave_a_gap_and_a_mark, NULL);
    test_add(extreme_numbers_stay_inside_the_picture, NULL);
    test_add(the_same_records_give_the_same_text, NULL);
    return test_run("loss_chart");
}
