/* test_resume_point.c - shards of an input, marks in it, and the state that a run is gone on from. */
#include "harness.h"
#include "run/resume_point.h"
#include "run/shard.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/resume-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_shard_is_i_of_n_and_nothing_else)
{
    static const char *const bad[] = {"",     "1",    "0/1",       "2/1", "1/0", "1/2/3", "-1/2",
                                      "1/2 ", " 1/2", "1/1000001", "a/b", "1/",  "/2",    "99999999999999999999/2"};
    struct shard shard;
    struct ft_error error;
    ck_assert_int_eq(shard_parse("3/7", &shard, &error), FT_OK);
    ck_assert_uint_eq(shard.index, 3);
    ck_assert_uint_eq(shard.count, 7);
    ck_assert_int_eq(shard_parse("1000000/1000000", &shard, &error), FT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(shard_parse(bad[i], &shard, &error) == FT_USAGE, "'%s' was taken", bad[i]);
}
END_TEST

START_TEST(ranges_touch_and_differ_by_a_byte_at_most)
{
    static const size_t totals[] = {0, 1, 6, 7, 1000003, SIZE_MAX / 2};
    static const size_t counts[] = {1, 2, 7, 1000};
    for (size_t t = 0; t < sizeof totals / sizeof *totals; t++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            size_t end = 0, least = totals[t] / counts[c];
            for (size_t i = 1; i <= counts[c]; i++) {
                struct shard shard = {.index = i, .count = counts[c]};
                shard_range(&shard, totals[t]);
                ck_assert_uint_eq(shard.begin, end);
                size_t until = i == counts[c] ? totals[t] : shard.end;
                ck_assert_msg(until - shard.begin == least || until - shard.begin == least + 1,
                              "%zu/%zu of %zu: %zu bytes", i, counts[c], totals[t], until - shard.begin);
                end = shard.end;
            }
            ck_assert_uint_eq(end, SIZE_MAX); /* what a file has grown by belongs to the last */
        }
}
END_TEST

START_TEST(a_shard_counts_the_bytes_of_all_files)
{
    char first[512], second[512];
    snprintf(first, sizeof first, "%s", path_of("first"));
    snprintf(second, sizeof second, "%s", path_of("second"));
    write_file(first, "12345");
    write_file(second, "123456789012345");
    const char *files[] = {first, second};
    struct shard shard = {.index = 2, .count = 4};
    struct ft_error error;
    ck_assert_int_eq(shard_settle(&shard, files, 2, &error), FT_OK);
    ck_assert_uint_eq(shard.begin, 5);
    ck_assert_uint_eq(shard.end, 10);
    files[1] = "-";
    ck_assert_int_eq(shard_settle(&shard, files, 2, &error), FT_USAGE);
    files[1] = "/dev/null";
    ck_assert_int_eq(shard_settle(&shard, files, 2, &error), FT_USAGE);
    files[1] = path_of("missing");
    ck_assert_int_eq(shard_settle(&shard, files, 2, &error), FT_INPUT);
    ck_assert_int_eq(shard_settle(&shard, NULL, 0, &error), FT_USAGE);
}
END_TEST

START_TEST(a_sentence_belongs_to_the_shard_of_its_first_byte)
{
    struct sentence sentences[4] = {{.place = 0}, {.place = 10}, {.place = 10}, {.place = 20}};
    struct window window = {.sentences = sentences, .count = 4};
    struct shard shard = {.index = 2, .count = 3, .begin = 10, .end = 20};
    size_t first, count;
    ck_assert(shard_cut(&shard, &window, &first, &count));
    ck_assert_uint_eq(first, 1);
    ck_assert_uint_eq(count, 2);
    window.count = 3;
    ck_assert(!shard_cut(&shard, &window, &first, &count));
    ck_assert_uint_eq(count, 2);
    shard.begin = 1;
    shard.end = 9; /* in the middle of the first sentence: nobody begins here */
    ck_assert(shard_cut(&shard, &window, &first, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert(!shard_cut(&(struct shard){0}, &window, &first, &count));
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(count, 3);
}
END_TEST

static struct column_line lines[] = {{"a", 1, LINE_TOKEN}, {"", 0, LINE_VERBATIM}, {"b", 1, LINE_TOKEN}};

/* Two sentences of two lines and one. */
static void fill(struct sentence sentences[2])
{
    sentences[0] = (struct sentence){.lines = lines, .line_count = 2, .file = "x", .line = 1};
    sentences[1] = (struct sentence){.lines = lines + 2, .line_count = 1, .file = "x", .line = 3};
}

START_TEST(a_mark_is_passed_however_windows_are_cut)
{
    struct sentence sentences[2];
    fill(sentences);
    struct tagging_mark goal = {0}, one = {0}, two = {0}, far = {.lines = 9};
    struct ft_error error;
    size_t passed;
    mark_add(&goal, sentences, 2);
    ck_assert_uint_eq(goal.lines, 3);
    struct window both = {.sentences = sentences, .count = 2}, first = both, second = both;
    first.count = second.count = 1;
    second.sentences++;
    ck_assert_int_eq(mark_pass(&one, &goal, &both, &passed, &error), FT_OK);
    ck_assert_uint_eq(passed, 2);
    ck_assert_int_eq(mark_pass(&two, &goal, &first, &passed, &error), FT_OK);
    ck_assert_uint_eq(passed, 1);
    ck_assert_int_eq(mark_pass(&two, &goal, &second, &passed, &error), FT_OK);
    ck_assert_uint_eq(passed, 1);
    ck_assert_int_eq(mark_pass(&two, &goal, &both, &passed, &error), FT_OK);
    ck_assert_uint_eq(passed, 0); /* it is behind us */
    struct tagging_mark start = {0};
    ck_assert_int_eq(mark_pass(&start, &far, &both, &passed, &error), FT_OK);
    ck_assert_uint_eq(start.lines, 3); /* on the way */
    memset(&start, 0, sizeof start);
    goal = (struct tagging_mark){0};
    mark_add(&goal, sentences, 1);
    ck_assert_int_eq(mark_pass(&start, &goal, &both, &passed, &error), FT_OK);
    ck_assert_uint_eq(passed, 1);
}
END_TEST

START_TEST(another_text_is_not_passed)
{
    struct sentence sentences[2];
    fill(sentences);
    struct tagging_mark goal = {0}, mark = {0};
    struct ft_error error;
    size_t passed;
    mark_add(&goal, sentences, 2);
    struct column_line other = {"c", 1, LINE_TOKEN};
    sentences[1].lines = &other;
    struct window window = {.sentences = sentences, .count = 2};
    ck_assert_int_eq(mark_pass(&mark, &goal, &window, &passed, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "x:3"));
    mark = (struct tagging_mark){0};
    goal.lines = 1; /* in the middle of a sentence */
    ck_assert_int_eq(mark_pass(&mark, &goal, &window, &passed, &error), FT_INPUT);
}
END_TEST

START_TEST(text_counts_once_for_all_its_sentences)
{
    struct sentence sentences[2] = {{.source = "One. Two.", .source_bytes = 9, .first_of_source = true},
                                    {.source = "One. Two.", .source_bytes = 9}};
    struct tagging_mark one = {0}, other = {0}, later = {0};
    mark_add(&one, sentences, 2);
    ck_assert_uint_eq(one.lines, 2);
    sentences[0].source = "One. Too.";
    mark_add(&other, sentences, 2);
    ck_assert_uint_ne(one.checksum, other.checksum);
    sentences[0].source = "One. Two.";
    sentences[0].source_start = 5; /* offsets stand in the output */
    mark_add(&later, sentences, 2);
    ck_assert_uint_ne(one.checksum, later.checksum);
}
END_TEST

static cJSON *description_of(const char *scores)
{
    cJSON *description = cJSON_CreateObject();
    cJSON_AddStringToObject(description, "model", "12 ab");
    if (scores)
        cJSON_AddStringToObject(description, "--scores", scores);
    return description;
}

START_TEST(a_state_comes_back_as_it_was_written)
{
    char *path = resume_point_path(path_of("out.part"));
    ck_assert_ptr_nonnull(strstr(path, "/out.part.state"));
    struct tagging_mark mark = {(uint64_t)1 << 52, UINT32_MAX, 1234567890123}, back;
    struct ft_error error;
    cJSON *description = description_of("flair");
    ck_assert_int_eq(resume_point_read(path, description, &back, &error), FT_END);
    ck_assert_int_eq(resume_point_write(path, description, &mark, &error), FT_OK);
    ck_assert_int_eq(resume_point_read(path, description, &back, &error), FT_OK);
    ck_assert(back.lines == mark.lines && back.checksum == mark.checksum && back.bytes == mark.bytes);
    cJSON_Delete(description);
    free(path);
}
END_TEST

START_TEST(a_state_of_another_run_is_refused_by_name)
{
    char *path = resume_point_path(path_of("other.part"));
    struct tagging_mark mark = {0};
    struct ft_error error;
    cJSON *began = description_of("flair"), *now = description_of("none"), *without = description_of(NULL);
    ck_assert_int_eq(resume_point_write(path, began, &mark, &error), FT_OK);
    ck_assert_int_eq(resume_point_read(path, now, &mark, &error), FT_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "begun with --scores flair, now none"));
    ck_assert_int_eq(resume_point_read(path, without, &mark, &error), FT_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "begun with --scores flair, now not given"));
    cJSON_ReplaceItemInObject(began, "model", cJSON_CreateString("13 cd"));
    ck_assert_int_eq(resume_point_read(path, began, &mark, &error), FT_USAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "not the model that"));
    cJSON_Delete(began);
    cJSON_Delete(now);
    cJSON_Delete(without);
    free(path);
}
END_TEST

START_TEST(what_is_no_state_is_refused)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"format\": 1, \"began\": {}, \"lines\": 1, \"checksum\": 1}",
        "{\"format\": 2, \"began\": {}, \"lines\": 1, \"checksum\": 1, \"bytes\": 1}",
        "{\"format\": 1, \"began\": {}, \"lines\": -1, \"checksum\": 1, \"bytes\": 1}",
        "{\"format\": 1, \"began\": {}, \"lines\": 1, \"checksum\": 1, \"bytes\": 1e300}",
        "{\"format\": 1, \"began\": {}, \"lines\": \"1\", \"checksum\": 1, \"bytes\": 1}",
        "{\"format\": 1, \"began\": 3, \"lines\": 1, \"checksum\": 1, \"bytes\": 1}",
    };
    struct tagging_mark mark;
    struct ft_error error;
    cJSON *description = cJSON_CreateObject();
    const char *path = path_of("bad");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(path, bad[i]);
        ck_assert_msg(resume_point_read(path, description, &mark, &error) == FT_INPUT, "taken: %s", bad[i]);
    }
    write_file(path, "{\"format\": 1, \"began\": {}, \"lines\": 1, \"checksum\": 1, \"bytes\": 1}");
    ck_assert_int_eq(resume_point_read(path, description, &mark, &error), FT_OK);
    cJSON_Delete(description);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(a_shard_is_i_of_n_and_nothing_else, NULL);
    test_add(ranges_touch_and_differ_by_a_byte_at_most, NULL);
    test_add(a_shard_counts_the_bytes_of_all_files, NULL);
    test_add(a_sentence_belongs_to_the_shard_of_its_first_byte, NULL);
    test_add(a_mark_is_passed_however_windows_are_cut, NULL);
    test_add(another_text_is_not_passed, NULL);
    test_add(text_counts_once_for_all_its_sentences, NULL);
    test_add(a_state_comes_back_as_it_was_written, NULL);
    test_add(a_state_of_another_run_is_refused_by_name, NULL);
    test_add(what_is_no_state_is_refused, NULL);
    int status = test_run("resume_point");
    char command[600];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) ? 1 : status;
}
