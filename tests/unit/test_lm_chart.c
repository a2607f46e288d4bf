/* The chart of a language model's training: every point of every line, whatever the numbers. */
#include "harness.h"
#include "run/lm_chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

static char *draw(const struct lm_chart_point *points, size_t count)
{
    size_t bytes;
    char *text = lm_chart(points, count, &bytes);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), bytes);
    ck_assert_uint_eq(count_of(text, "<g "), count_of(text, "</g>"));
    ck_assert_uint_eq(count_of(text, "<text"), count_of(text, "</text>"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
    return text;
}

START_TEST(lines_end_at_their_last_values_and_carry_their_names)
{
    const struct lm_chart_point points[] = {{1e6, 4, 3.5, 20}, {2e6, 3, 2.5, 5}};
    char *text = draw(points, 2);
    ck_assert_ptr_nonnull(strstr(text, ">train 3<"));
    ck_assert_ptr_nonnull(strstr(text, ">valid 2.5<"));
    ck_assert_ptr_nonnull(strstr(text, ">rate 5<"));
    ck_assert_ptr_nonnull(strstr(text, "d=\"M366.0 48.0L660.0 209.3\"")); /* 4 at the top, 2.5 at the bottom */
    free(text);
}
END_TEST

START_TEST(what_is_not_finite_is_left_out)
{
    const struct lm_chart_point points[] = {{10, NAN, INFINITY, 1}, {20, 3, INFINITY, 1}, {30, 2, INFINITY, 1}};
    char *text = draw(points, 3);
    ck_assert_ptr_null(strstr(text, ">valid "));
    ck_assert_ptr_nonnull(strstr(text, ">train 2<"));
    free(text);
    text = draw(points, 1);
    ck_assert_ptr_null(strstr(text, ">train "));
    free(text);
}
END_TEST

START_TEST(one_point_and_equal_values_are_drawn)
{
    const struct lm_chart_point points[] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    free(draw(points, 1));
    free(draw(points, 2));
}
END_TEST

int main(void)
{
    test_add(lines_end_at_their_last_values_and_carry_their_names, NULL);
    test_add(what_is_not_finite_is_left_out, NULL);
    test_add(one_point_and_equal_values_are_drawn, NULL);
    return test_run("lm_chart");
}
