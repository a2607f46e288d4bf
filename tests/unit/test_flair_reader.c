/* test_flair_reader.c - Flair 0.15.1's reading of column files: every reader golden, in each of its variants, line for
 * line and through the reader. */
#include "harness.h"
#include "base/input.h"
#include "base/utf8.h"
#include "text/flair_columns.h"
#include "text/reader.h"
#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TOKENS = 64 };

/* One sentence in the goldens' own words. */
struct seen {
    char *tokens[MOST_TOKENS];
    char *tags_text[MOST_TOKENS];
    const char *tags[MOST_TOKENS];
    size_t count;
};

static void check_spans(const cJSON *expected, struct span *spans, size_t count, const char *what)
{
    const cJSON *list = cJSON_GetObjectItem(expected, "spans"), *span;
    ck_assert_msg((size_t)cJSON_GetArraySize(list) == count, "%s: %zu spans, expected %d", what, count,
                  cJSON_GetArraySize(list));
    size_t i = 0;
    cJSON_ArrayForEach(span, list)
    {
        ck_assert_int_eq(cJSON_GetArrayItem(span, 0)->valueint, (int)spans[i].first + 1);
        ck_assert_int_eq(cJSON_GetArrayItem(span, 1)->valueint, (int)spans[i].last + 1);
        ck_assert_str_eq(cJSON_GetArrayItem(span, 2)->valuestring, spans[i].type);
        i++;
    }
}

static void check_labels(const cJSON *expected, const struct seen *seen, bool labels)
{
    const cJSON *list = cJSON_GetObjectItem(expected, "token_labels");
    const cJSON *label = list ? list->child : NULL;
    for (size_t i = 0; labels && i < seen->count; i++) {
        if (!strcmp(seen->tags[i], "O"))
            continue;
        ck_assert_ptr_nonnull(label);
        ck_assert_int_eq(cJSON_GetArrayItem(label, 0)->valueint, (int)i + 1);
        ck_assert_str_eq(cJSON_GetArrayItem(label, 1)->valuestring, seen->tags[i]);
        label = label->next;
    }
    ck_assert_ptr_null(label);
}

static void check_sentence(const cJSON *expected, struct seen *seen, bool labels, const char *what)
{
    const cJSON *tokens = cJSON_GetObjectItem(expected, "tokens");
    const cJSON *spaces = cJSON_GetObjectItem(expected, "whitespace_after");
    ck_assert_msg(expected != NULL, "%s: a sentence too many", what);
    ck_assert_msg((size_t)cJSON_GetArraySize(tokens) == seen->count, "%s: %zu tokens", what, seen->count);
    for (size_t i = 0; i < seen->count; i++) {
        ck_assert_str_eq(cJSON_GetArrayItem(tokens, (int)i)->valuestring, seen->tokens[i]);
        ck_assert_int_eq(cJSON_GetArrayItem(spaces, (int)i)->valueint, i + 1 < seen->count);
    }
    struct arena arena;
    arena_init(&arena);
    size_t count = 0;
    struct span *spans = labels ? NULL : flair_columns_spans(seen->tags, seen->count, &arena, &count);
    check_spans(expected, spans, count, what);
    check_labels(expected, seen, labels);
    arena_release(&arena);
}

static void end_sentence(struct flair_columns *columns, struct seen *seen, const cJSON **expected, const char *what)
{
    ck_assert(!flair_columns_hollow(columns));
    if (!seen->count)
        return;
    bool labels = flair_columns_end(columns, seen->tags, seen->count);
    check_sentence(*expected, seen, labels, what);
    *expected = (*expected)->next;
    for (size_t i = 0; i < seen->count; i++) {
        free(seen->tokens[i]);
        free(seen->tags_text[i]);
    }
    seen->count = 0;
}

/* Line for line, as the variant says. */
static void check_lines(const char *raw, size_t bytes, const cJSON *outcome, struct flair_columns columns,
                        const char *what)
{
    const cJSON *expected = cJSON_GetObjectItem(outcome, "sentences")->child;
    struct seen seen = {0};
    for (size_t at = 0; at < bytes;) {
        const char *line = raw + at;
        size_t length = 0;
        while (at + length < bytes && line[length] != '\n')
            length++;
        at += length + 1;
        if (length && line[length - 1] == '\r')
            length--;
        struct flair_fields fields;
        enum flair_line kind = flair_columns_line(&columns, line, length, &fields);
        ck_assert_int_ne(kind, FLAIR_SHORT);
        if (kind == FLAIR_BLANK)
            end_sentence(&columns, &seen, &expected, what);
        if (kind != FLAIR_TOKEN)
            continue;
        ck_assert_uint_lt(seen.count, MOST_TOKENS);
        seen.tokens[seen.count] = strndup(fields.token, fields.token_bytes);
        seen.tags_text[seen.count] = fields.tag ? strndup(fields.tag, fields.tag_bytes) : NULL;
        seen.tags[seen.count] = seen.tags_text[seen.count];
        seen.count++;
    }
    end_sentence(&columns, &seen, &expected, what);
    ck_assert_msg(expected == NULL, "%s: sentences are missing", what);
}

/* The whole file through the reader (the default variant). */
static void check_reader(const char *path, int tag_column, const cJSON *outcome, const char *what)
{
    const char *files[] = {path};
    struct reader_options options = {.files = files, .file_count = 1, .tag_column = tag_column, .rules = READER_FLAIR};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    window_init(&window);
    const cJSON *sentences = cJSON_GetObjectItem(outcome, "sentences"), *expected = sentences ? sentences->child : NULL;
    ft_status status;
    while (!(status = reader_next(reader, 100, 100, &window, &error)))
        for (size_t i = 0; sentences && i < window.count; i++) {
            const struct sentence *sentence = &window.sentences[i];
            if (!sentence->count)
                continue;
            struct seen seen = {.count = sentence->count};
            for (size_t t = 0; t < sentence->count; t++) {
                seen.tokens[t] = (char *)sentence->tokens[t].text;
                seen.tags[t] = sentence->tokens[t].gold;
            }
            check_sentence(expected, &seen, cJSON_GetObjectItem(expected, "token_labels") != NULL, what);
            expected = expected->next;
        }
    ck_assert_msg(status == (sentences ? FT_END : FT_INPUT), "%s: status %d", what, status);
    ck_assert_ptr_null(expected);
    window_release(&window);
    reader_close(reader);
}

static int check_case(const char *folder)
{
    char path[2048], what[2048];
    char *json, *raw;
    size_t bytes, ignored;
    snprintf(path, sizeof path, "%s/case.json", folder);
    ck_assert_int_eq(input_slurp(path, &json, &ignored, NULL), FT_OK);
    cJSON *golden = cJSON_Parse(json);
    ck_assert_ptr_nonnull(golden);
    snprintf(path, sizeof path, "%s/raw.txt", folder);
    ck_assert_int_eq(input_slurp(path, &raw, &bytes, NULL), FT_OK);
    int tag_column = 0, checked = 0;
    const cJSON *column, *variant;
    cJSON_ArrayForEach(column, cJSON_GetObjectItem(golden, "columns")) if (!strcmp(column->valuestring, "ner"))
        tag_column = atoi(column->string) + 1;
    cJSON_ArrayForEach(variant, cJSON_GetObjectItem(cJSON_GetObjectItem(golden, "versions"), "0.15.1"))
    {
        struct flair_columns columns;
        flair_columns_init(&columns, 1, tag_column);
        columns.tabs_only = !strcmp(variant->string, "tab");
        columns.comment = !strcmp(variant->string, "comment") ? "#" : "# ";
        snprintf(what, sizeof what, "%s, variant %s", folder, variant->string);
        if (cJSON_GetObjectItem(variant, "sentences"))
            check_lines(raw, bytes, variant, columns, what);
        if (!strcmp(variant->string, "default") || cJSON_GetObjectItem(variant, "error"))
            check_reader(path, tag_column, variant, what);
        checked++;
    }
    cJSON_Delete(golden);
    free(json);
    free(raw);
    return checked;
}

START_TEST(every_golden_is_read_as_flair_reads_it)
{
    const char *root = shared_path("golden/reader");
    DIR *folder = opendir(root);
    ck_assert_ptr_nonnull(folder);
    int cases = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
        cases += check_case(path);
    }
    closedir(folder);
    ck_assert_int_ge(cases, 60); /* 20 files in 3 variants */
}
END_TEST

static ft_status read_all(const char *text, size_t *sentences, struct ft_error *error)
{
    char path[] = "/tmp/flair-reader-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    const char *files[] = {path};
    struct reader_options options = {.files = files, .file_count = 1, .tag_column = 2, .rules = READER_FLAIR};
    struct reader *reader;
    struct window window;
    ck_assert_int_eq(reader_open(&reader, &options, error), FT_OK);
    window_init(&window);
    ft_status status;
    *sentences = 0;
    while (!(status = reader_next(reader, 1000, 1000, &window, error)))
        for (size_t i = 0; i < window.count; i++)
            *sentences += window.sentences[i].count > 0;
    window_release(&window);
    reader_close(reader);
    unlink(path);
    return status;
}

START_TEST(a_sentence_of_empty_tokens_only_is_an_error_as_in_flair)
{
    struct ft_error error;
    size_t sentences;
    ck_assert_int_eq(read_all("a\tO\n\n\tO\n\nb\tO\n", &sentences, &error), FT_INPUT);
    ck_assert_uint_eq(sentences, 1);
    ck_assert_ptr_nonnull(strstr(error.text, ":3: sentence of empty tokens only"));
    ck_assert_int_eq(read_all("\tO\n", &sentences, &error), FT_INPUT);
}
END_TEST

START_TEST(a_lone_carriage_return_ends_a_line)
{
    struct ft_error error;
    size_t sentences;
    ck_assert_int_eq(read_all("a\tO\rb\tO\r\rc\tO\r\n\r\nd\tO", &sentences, &error), FT_END);
    ck_assert_uint_eq(sentences, 3);
}
END_TEST

START_TEST(a_group_of_comments_ends_the_probing)
{
    struct flair_columns columns;
    struct flair_fields fields;
    flair_columns_init(&columns, 1, 2);
    flair_columns_line(&columns, "# only this", 11, &fields);
    flair_columns_line(&columns, "", 0, &fields);
    flair_columns_line(&columns, "a PER", 5, &fields);
    const char *tags[] = {"PER"};
    ck_assert(!flair_columns_end(&columns, tags, 1));
    /* without that group the same tag makes the column one of labels */
    flair_columns_new_file(&columns);
    flair_columns_line(&columns, "a PER", 5, &fields);
    ck_assert(flair_columns_end(&columns, tags, 1));
}
END_TEST

int main(void)
{
    test_add(every_golden_is_read_as_flair_reads_it, shared_path("golden/reader"));
    test_add(a_sentence_of_empty_tokens_only_is_an_error_as_in_flair, NULL);
    test_add(a_lone_carriage_return_ends_a_line, NULL);
    test_add(a_group_of_comments_ends_the_probing, NULL);
    return test_run("flair_reader");
}
