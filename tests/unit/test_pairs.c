/* test_pairs.c - two files read side by side, and their columns. */
#include "base/error.h"
#include "harness.h"
#include "text/pairs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ft_error error;

static void write_file(char *path, const char *text)
{
    strcpy(path, "/tmp/test_pairs.XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    fputs(text, file);
    fclose(file);
}

/* More sentences than a window holds, with comments and blank lines that the other file lacks. */
START_TEST(files_of_unlike_lines_stay_in_step_over_many_windows)
{
    enum { SENTENCES = 20000 };
    char *gold, *predicted, gold_path[64], predicted_path[64];
    size_t gold_bytes, predicted_bytes, number = 0;
    FILE *g = open_memstream(&gold, &gold_bytes), *p = open_memstream(&predicted, &predicted_bytes);
    for (int s = 0; s < SENTENCES; s++) {
        fprintf(g, "%sa%d POS B-%d\nb POS O\n\n%s", s % 3 ? "" : "# a comment\n", s, s, s % 7 ? "" : "\n\n");
        fprintf(p, "a%d\tB-%d\nb\tO\n\n", s, s + 1);
    }
    fclose(g);
    fclose(p);
    write_file(gold_path, gold);
    write_file(predicted_path, predicted);
    struct pairs *pairs;
    struct pair pair;
    ck_assert_int_eq(
        pairs_open(&pairs, &(struct pairs_options){.gold = gold_path, .predicted = predicted_path}, &error), FT_OK);
    ft_status status;
    while ((status = pairs_next(pairs, &pair, &error)) == FT_OK) {
        char expected[32];
        ck_assert_uint_eq(pair.sentence->count, 2);
        snprintf(expected, sizeof expected, "B-%zu", number);
        ck_assert_str_eq(pair.gold[0], expected);
        snprintf(expected, sizeof expected, "B-%zu", ++number);
        ck_assert_str_eq(pair.predicted[0], expected);
        ck_assert_str_eq(pair.predicted[1], "O");
    }
    ck_assert_msg(status == FT_END, "%s", error.text);
    ck_assert_uint_eq(number, SENTENCES);
    ck_assert_int_eq(pairs_next(pairs, &pair, &error), FT_END);
    pairs_close(pairs);
    unlink(gold_path);
    unlink(predicted_path);
    free(gold);
    free(predicted);
}
END_TEST

static struct column_line lines[] = {{"a\tB-x\t", 6, LINE_TOKEN},
                                     {"# b", 3, LINE_VERBATIM},
                                     {"  b  c   B-y ", 13, LINE_TOKEN},
                                     {"c d\tB-z\tO", 9, LINE_TOKEN}};

static const char *column(size_t line, int wanted)
{
    static struct arena arena;
    struct token token = {.text = "a"};
    struct sentence sentence = {
        .tokens = &token, .count = 1, .file = "f", .line = 4, .lines = lines + line, .line_count = 1};
    const char **tags;
    static char copy[sizeof error.text];
    arena_init(&arena);
    ft_status status = sentence_column(&sentence, wanted, 1, &arena, &tags, &error);
    snprintf(copy, sizeof copy, "%s", status == FT_OK ? tags[0] : error.text);
    arena_release(&arena);
    return copy;
}

START_TEST(columns_count_from_either_end)
{
    ck_assert_str_eq(column(0, 2), "B-x");
    ck_assert_str_eq(column(0, -2), "B-x");
    ck_assert_str_eq(column(0, -1), "O"); /* empty */
    ck_assert_str_eq(column(2, -1), "B-y");
    ck_assert_str_eq(column(2, 2), "c");
    ck_assert_str_eq(column(3, 1), "c d");
    ck_assert_str_eq(column(3, -2), "B-z");
}
END_TEST

START_TEST(a_missing_column_is_an_error_that_says_how_many_are_needed)
{
    ck_assert_str_eq(column(0, 4), "f:4: expected 4 columns, found 3 (--tag-column and --pred-column pick others)");
    ck_assert_str_eq(column(0, -4), "f:4: expected 5 columns, found 3 (--tag-column and --pred-column pick others)");
    /* three from the end is the token itself */
    ck_assert_str_eq(column(0, -3), "f:4: expected 4 columns, found 3 (--tag-column and --pred-column pick others)");
}
END_TEST

START_TEST(the_line_of_a_token_counts_comments_between)
{
    struct token tokens[3] = {{.text = "a"}, {.text = "b"}, {.text = "c d"}};
    struct sentence sentence = {.tokens = tokens, .count = 3, .file = "f", .line = 10, .lines = lines, .line_count = 4};
    ck_assert_uint_eq(sentence_token_line(&sentence, 0), 10);
    ck_assert_uint_eq(sentence_token_line(&sentence, 1), 12);
    ck_assert_uint_eq(sentence_token_line(&sentence, 2), 13);
}
END_TEST

int main(void)
{
    test_add(files_of_unlike_lines_stay_in_step_over_many_windows, NULL);
    test_add(columns_count_from_either_end, NULL);
    test_add(a_missing_column_is_an_error_that_says_how_many_are_needed, NULL);
    test_add(the_line_of_a_token_counts_comments_between, NULL);
    return test_run("pairs");
}
