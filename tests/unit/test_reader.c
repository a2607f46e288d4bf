/* test_reader.c - sentences from every format, from files, pipes and damaged bytes. */
#include "harness.h"
#include "base/utf8.h"
#include "text/reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/reader-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][512];
    static int used;
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_bytes(const char *name, const void *bytes, size_t count)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    fclose(file);
    return path;
}

static const char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

/* What came out: every sentence as "[token/gold token/gold]", left-over lines as "<n>". */
struct outcome {
    char text[4096];
    ft_status status;
    struct ft_error error;
    enum input_format format;
    struct reader_counts counts;
};

static struct outcome outcome;

static void render(const struct sentence *sentence)
{
    size_t used = strlen(outcome.text), room = sizeof outcome.text;
    char *to = outcome.text;
    if (!sentence->count)
        used += (size_t)snprintf(to + used, room - used, "<%zu>", sentence->line_count);
    for (size_t i = 0; i < sentence->count; i++) {
        const struct token *token = &sentence->tokens[i];
        used += (size_t)snprintf(to + used, room - used, "%s%s%s%s", i ? " " : "[", token->text, token->gold ? "/" : "",
                                 token->gold ? token->gold : "");
    }
    if (sentence->count)
        snprintf(to + used, room - used, "]");
}

static const char *read_with(struct reader_options options)
{
    struct reader *reader;
    struct window window;
    outcome = (struct outcome){0};
    outcome.status = reader_open(&reader, &options, &outcome.error);
    if (outcome.status)
        return outcome.text;
    window_init(&window);
    while (!(outcome.status = reader_next(reader, 1, 1, &window, &outcome.error)))
        for (size_t i = 0; i < window.count; i++)
            render(&window.sentences[i]);
    outcome.format = reader_format(reader);
    outcome.counts = reader_counts(reader);
    window_release(&window);
    reader_close(reader);
    return outcome.text;
}

static const char *read_bytes(const char *name, const void *bytes, size_t count, struct reader_options options)
{
    const char *files[] = {write_bytes(name, bytes, count)};
    options.files = files;
    options.file_count = 1;
    return read_with(options);
}

#define READ_WITH(name, text, ...) read_bytes(name, text, sizeof(text) - 1, (struct reader_options){__VA_ARGS__})
#define READ(name, text) READ_WITH(name, text, .format = INPUT_GUESS)

START_TEST(a_line_with_a_tab_splits_at_tabs_only_and_others_at_runs_of_blanks)
{
    ck_assert_str_eq(READ_WITH("a", "a b\tB-x\nc\tO\n\n", .tag_column = 2), "[a b/B-x c/O]");
    ck_assert_str_eq(READ_WITH("a", "  a   NN  O \nb NN B-x\n", .format = INPUT_CONLL, .tag_column = 3), "[a/O b/B-x]");
    ck_assert_str_eq(READ_WITH("a", "1\tword\tO\n", .token_column = 2, .tag_column = 3), "[word/O]");
    ck_assert_str_eq(READ_WITH("a", "a\t\n", .tag_column = 2), "[a/]");
    ck_assert_int_eq(outcome.format, INPUT_CONLL);
    ck_assert_int_eq(outcome.status, FT_END);
}
END_TEST

START_TEST(white_space_ends_a_sentence_but_not_a_token)
{
    ck_assert_str_eq(READ("a", "a\tO\n\t\nb\tO\n \nc\tO\r\n\r\nd\tO\n\xc2\xa0\ne\tO"), "[a][b][c][d][e]");
    ck_assert_str_eq(READ("a", "\xef\xbb\xbf"
                               "a\xc2\xa0z\tO\n\xef\xbb\xbfq\tO\n\xc2\xa0\tO\n"),
                     "[a\xc2\xa0z \xef\xbb\xbfq \xc2\xa0]");
}
END_TEST

START_TEST(comments_and_document_marks_are_no_tokens)
{
    ck_assert_str_eq(READ_WITH("a", "# id 1\na O\n#tag B-x\n#\t\nb O\n\n#\n", .format = INPUT_CONLL),
                     "[a #tag # b]<1>");
    ck_assert_str_eq(READ_WITH("a", "-DOCSTART- -X- O\n\na NN O\n\n-DOCSTART- -X- O\n", .tag_column = 3), "[a/O]<1>");
}
END_TEST

START_TEST(every_line_is_kept_with_its_sentence)
{
    const char *files[] = {write_text("a", "# c\n\n-DOCSTART-\tO\n\na\tO\n# m\nb\tO\n\t\n\n\nc\tO\n# end\n")};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_uint_eq(window.count, 2);
    ck_assert_uint_eq(window.tokens, 3);
    ck_assert_uint_eq(window.chars, 6);
    const struct sentence *first = &window.sentences[0], *second = &window.sentences[1];
    ck_assert_uint_eq(first->line_count, 8);
    ck_assert_uint_eq(first->line, 5);
    ck_assert_int_eq(first->lines[0].kind, LINE_VERBATIM);
    ck_assert_int_eq(first->lines[2].kind, LINE_DOCSTART);
    ck_assert_int_eq(first->lines[4].kind, LINE_TOKEN);
    ck_assert_str_eq(first->lines[5].text, "# m");
    ck_assert_uint_eq(first->lines[7].bytes, 0); /* the TAB */
    ck_assert_str_eq(first->source, "a b");
    ck_assert_uint_eq(first->tokens[1].start, 2);
    ck_assert(first->tokens[0].space_after && !first->tokens[1].space_after);
    ck_assert_uint_eq(second->line_count, 4);
    ck_assert_uint_eq(second->line, 11);
    ck_assert_uint_eq(second->number, 2);
    ck_assert_str_eq(second->file, files[0]);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_END);
    reader_close(reader);
    window_release(&window);
}
END_TEST

START_TEST(wrong_columns_name_file_line_and_the_way_out)
{
    char expected[700];
    ck_assert_str_eq(READ_WITH("bad", "a\tO\n\nb\nc\tO\n\n", .tag_column = 2), "[a/O]");
    ck_assert_int_eq(outcome.status, FT_INPUT);
    snprintf(expected, sizeof expected, "%s:3: expected 2 columns or more, found 1 (--tag-column says where tags are)",
             path_of("bad"));
    ck_assert_str_eq(outcome.error.text, expected);
    READ_WITH("bad", "a b\nc d\ne\n", .format = INPUT_CONLL, .token_column = 2);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "bad:3: expected 2 columns or more, found 1 (--token-column"));
    READ("bad", "a\tO\n\tO\n");
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "bad:2: empty token in column 1"));
    ck_assert_str_eq(READ_WITH("bad", "a\tO\n\tO\nb\nc\tO\n", .tag_column = 2, .on_error = ON_ERROR_SKIP), "[a/O c/O]");
    ck_assert_uint_eq(outcome.counts.lines_skipped, 2);
    ck_assert_str_eq(READ_WITH("bad", "a\tO\n\tO\n", .on_error = ON_ERROR_REPLACE), "[a \xef\xbf\xbd]");
    ck_assert_uint_eq(outcome.counts.characters_replaced, 1);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_told_with_their_column)
{
    char expected[700];
    ck_assert_str_eq(READ("u", "a\tO\n\n\xc3\xa9x\xff\tO\n\n"), "[a]");
    ck_assert_int_eq(outcome.status, FT_INPUT);
    snprintf(expected, sizeof expected, "%s:3:3: invalid UTF-8 (", path_of("u"));
    ck_assert_int_eq(strncmp(outcome.error.text, expected, strlen(expected)), 0);
    READ("u", "ab\0c\tO\n");
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "u:1:3: NUL byte"));
    READ_WITH("u",
              "\xff\xfe"
              "a\0",
              .format = INPUT_CONLL);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "looks like UTF-16"));
    ck_assert_str_eq(READ_WITH("u", "a\tO\nb\xff\tO\nc\0\tO\nd\tO\n", .on_error = ON_ERROR_SKIP), "[a d]");
    ck_assert_uint_eq(outcome.counts.lines_skipped, 2);
    /* one mark for each broken beginning of a character, as Python replaces */
    ck_assert_str_eq(READ_WITH("u", "a\xff\xe2\x82z\0\xed\xa0\x80\tO\n", .on_error = ON_ERROR_REPLACE),
                     "[a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd]");
    ck_assert_uint_eq(outcome.counts.characters_replaced, 6);
    ck_assert_str_eq(READ_WITH("u", "caf\xe9\tO\n", .encoding = ENCODING_LATIN1), "[caf\xc3\xa9]");
    READ_WITH("u", "a\tO\nq\xe9\0\tO\n", .encoding = ENCODING_LATIN1);
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "u:2:3: NUL byte"));
}
END_TEST

START_TEST(conllu_keeps_ranges_empty_nodes_and_space_after)
{
    static const char text[] =
        "# text = x\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n1\tde\t_\t_\t_\t_\t_\t_\t_\t_\n"
        "2\tle\t_\t_\t_\t_\t_\t_\t_\t_\n3\t,\t_\t_\t_\t_\t_\t_\t_\tA=b|SpaceAfter=No\n"
        "3.1\tno\t_\t_\t_\t_\t_\t_\t_\t_\n4\tfin\t_\t_\t_\t_\t_\t_\t_\t_\n\n";
    const char *files[] = {write_bytes("x.conllu", text, sizeof text - 1)};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_int_eq(reader_format(reader), INPUT_CONLLU);
    const struct sentence *sentence = &window.sentences[0];
    ck_assert_uint_eq(sentence->count, 4);
    ck_assert_str_eq(sentence->source, "de le , fin");
    static const bool space[4] = {false, false, false, true};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(sentence->tokens[i].space_after, space[i]);
    ck_assert_int_eq(sentence->lines[1].kind, LINE_VERBATIM);
    ck_assert_uint_eq(sentence->line_count, 8);
    reader_close(reader);
    window_release(&window);
    READ("noname", "1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n");
    ck_assert_int_eq(outcome.format, INPUT_CONLLU);
}
END_TEST

START_TEST(tokens_are_split_at_blanks_a_sentence_a_line)
{
    ck_assert_str_eq(READ_WITH("t",
                               " a  b\xc2\xa0"
                               "c\td \r\n\n \ne",
                               .format = INPUT_TOKENS),
                     "[a b\xc2\xa0"
                     "c d][e]");
    ck_assert_str_eq(READ_WITH("t", "a b\n", .format = INPUT_TOKENS), "[a b]");
}
END_TEST

START_TEST(json_lines_hold_tokens_or_text)
{
    ck_assert_str_eq(
        READ("j.jsonl",
             "{\"id\": 1, \"tokens\": [\"a b\", \"\\u00e9\"]}\n\n{\"text\": \"One two\"}\n{\"text\": \"\"}\n"),
        "[a b \xc3\xa9][One two]<0>");
    ck_assert_int_eq(outcome.format, INPUT_JSONL);
    ck_assert_str_eq(READ_WITH("j", "{\"tokens\": [\"a\"], \"tags\": [\"B-x\"]}\n", .tag_column = 1), "[a/B-x]");
    ck_assert_int_eq(outcome.format, INPUT_JSONL);
}
END_TEST

START_TEST(tokens_beside_their_text_get_its_offsets)
{
    static const char text[] =
        "{\"text\": \" ab, c\", \"tokens\": [\"ab\", \",\", \"c\"]}\n{\"text\": \"z\", \"tokens\": [\"a\", \"b\"]}\n";
    const char *files[] = {write_bytes("o.jsonl", text, sizeof text - 1)};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    const struct sentence *first = &window.sentences[0], *second = &window.sentences[1];
    ck_assert_str_eq(first->source, " ab, c");
    ck_assert_uint_eq(first->tokens[0].start, 1);
    ck_assert(!first->tokens[0].space_after && first->tokens[1].space_after);
    ck_assert_uint_eq(first->tokens[2].end, 6);
    ck_assert_str_eq(second->source, "a b"); /* not made of its text */
    ck_assert_uint_eq(second->tokens[1].start, 2);
    ck_assert_int_eq(strncmp(second->object, "{\"text\": \"z\"", 12), 0);
    reader_close(reader);
    window_release(&window);
}
END_TEST

START_TEST(bad_json_is_told_by_line)
{
    static const char *const bad[][2] = {
        {"{\"tokens\": [\"a\"}\n", "bad JSON"},
        {"{\"text\": \"a\"} x\n", "bad JSON"},
        {"{\"name\": \"a\"}\n", "expected an object with"},
        {"[1]\n", "expected a JSON object"},
        {"{\"tokens\": [\"a\", 1]}\n", "token 2 is no string"},
        {"{\"tokens\": [\"\"]}\n", "token 1 is empty"},
        {"{\"text\": \"a\\u0000b\"}\n", "\\u0000 in JSON is no character"},
        {"{\"text\": \"a\\ud83d\"}\n", "\\ud83d in JSON is no character"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        int count = snprintf(text, sizeof text, "{\"tokens\": [\"ok\"]}\n%s", bad[i][0]);
        ck_assert_str_eq(read_bytes("b.jsonl", text, (size_t)count, (struct reader_options){0}), "[ok]");
        ck_assert_int_eq(outcome.status, FT_INPUT);
        ck_assert_msg(strstr(outcome.error.text, "b.jsonl:2: ") && strstr(outcome.error.text, bad[i][1]), "%s",
                      outcome.error.text);
        read_bytes("b.jsonl", text, (size_t)count, (struct reader_options){.on_error = ON_ERROR_SKIP});
        ck_assert_int_eq(outcome.status, FT_END);
        ck_assert_uint_eq(outcome.counts.lines_skipped, 1);
    }
    ck_assert_str_eq(
        READ_WITH("b.jsonl", "{\"tokens\": [\"a\\ud83d\", \"\\ud83d\\ude00\"]}\n", .on_error = ON_ERROR_REPLACE),
        "[a\xef\xbf\xbd \xf0\x9f\x98\x80]");
}
END_TEST

START_TEST(text_has_offsets_in_its_line_and_in_its_file)
{
    static const char text[] = "\xc3\xa9t\xc3\xa9 is here.\r\n\nSecond line. Third one.\n";
    const char *files[] = {write_bytes("x.txt", text, sizeof text - 1)};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_int_eq(reader_format(reader), INPUT_TEXT);
    ck_assert_uint_eq(window.count, 3);
    const struct sentence *third = &window.sentences[2];
    ck_assert_uint_eq(third->line, 3);
    ck_assert_uint_eq(third->number, 3);
    ck_assert_uint_eq(third->source_start, 15); /* 12 characters, CR LF, LF */
    ck_assert_uint_eq(third->tokens[0].start, 13);
    ck_assert_str_eq(third->tokens[0].text, "Third");
    ck_assert(window.sentences[1].first_of_source && !window.sentences[1].last_of_source && third->last_of_source);
    ck_assert_uint_eq(window.sentences[0].tokens[1].start, 4);
    reader_close(reader);
    window_release(&window);
}
END_TEST

START_TEST(the_format_is_guessed_from_the_beginning)
{
    static const struct {
        const char *name, *text;
        enum input_format format;
    } cases[] = {
        {"g", "EU B-ORG\nrejects O\n\n", INPUT_CONLL},
        {"g", "EU B-ORG\n", INPUT_CONLL},
        {"g", "EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n", INPUT_CONLL},
        {"g", "-DOCSTART- O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n", INPUT_CONLL},
        {"g", "the DT\ncat NN\n. .\n", INPUT_CONLL},
        {"g", "a\tb\n", INPUT_CONLL},
        {"g", "\n\n# c\nBarack\nObama\n\nspoke\n", INPUT_CONLL},
        {"g", "He lives here.\nShe does not.\n", INPUT_TEXT},
        {"g", "two words\nper line\n", INPUT_TEXT},
        {"g", "Hello\n", INPUT_TEXT},
        {"g", "# Title\nSome text here.\n", INPUT_TEXT},
        {"g", "{not json}\n", INPUT_TEXT},
        {"g", " {\"text\": \"a\"}\n", INPUT_JSONL},
        {"g.jsonl", "{}\n", INPUT_JSONL},
        {"g.conllu.gz", "a b\n", INPUT_CONLLU},
        {"g.conll", "a b\nc\n", INPUT_CONLL},
        {"g", "", INPUT_TEXT},
        {"g", "\n \n", INPUT_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_bytes(cases[i].name, cases[i].text, strlen(cases[i].text),
                   (struct reader_options){.on_error = ON_ERROR_SKIP});
        ck_assert_msg(outcome.format == cases[i].format, "case %zu: %d", i, outcome.format);
    }
}
END_TEST

START_TEST(a_named_column_means_columns)
{
    read_bytes("g", "two words\nper line\n", 19, (struct reader_options){.tag_column = 2});
    ck_assert_int_eq(outcome.format, INPUT_CONLL);
    read_bytes("g", "{\"text\": \"a\"}\n", 14, (struct reader_options){.token_column = 1});
    ck_assert_int_eq(outcome.format, INPUT_JSONL);
}
END_TEST

START_TEST(files_follow_each_other_and_a_missing_one_is_told_in_its_turn)
{
    gzFile gz = gzopen(path_of("two.gz"), "wb");
    gzputs(gz, "b\tO\n");
    gzclose(gz);
    const char *files[] = {write_text("one", "a\tO"), path_of("two.gz"), "/no/such"};
    ck_assert_str_eq(read_with((struct reader_options){.files = files, .file_count = 3}), "[a][b]");
    ck_assert_int_eq(outcome.status, FT_INPUT);
    ck_assert_str_eq(outcome.error.text, "cannot read '/no/such': No such file or directory");
    ck_assert_str_eq(read_with((struct reader_options){.files = files + 2, .file_count = 1}), "");
    ck_assert_int_eq(outcome.status, FT_INPUT);
    const char *directory[] = {folder};
    read_with((struct reader_options){.files = directory, .file_count = 1});
    ck_assert_ptr_nonnull(strstr(outcome.error.text, "Is a directory"));
}
END_TEST

static void put(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(a_pipe_that_pauses_is_answered_with_whole_sentences)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct reader_options options = {0};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    put(ends[1], "a\tO\n\nb\tO\n\nhalf\tO\nof");
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_uint_eq(window.count, 2);
    ck_assert_int_eq(reader_format(reader), INPUT_CONLL);
    put(ends[1], "\tO\n\n");
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_uint_eq(window.count, 1);
    ck_assert_str_eq(window.sentences[0].source, "half of");
    ck_assert_uint_eq(window.sentences[0].number, 3);
    put(ends[1], "end\tO");
    close(ends[1]);
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_OK);
    ck_assert_str_eq(window.sentences[0].source, "end");
    ck_assert_int_eq(reader_next(reader, 1000, 1000, &window, &error), FT_END);
    reader_close(reader);
    window_release(&window);
}
END_TEST

START_TEST(a_window_ends_with_the_sentence_that_passes_its_bounds)
{
    const char *files[] = {write_text("w", "aa\tO\nbb\tO\n\ncc\tO\n\ndd\tO\n\n")};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 7, 1000, &window, &error), FT_OK); /* 6 characters, then 3 more */
    ck_assert_uint_eq(window.count, 2);
    ck_assert_int_eq(reader_next(reader, 1000, 1, &window, &error), FT_OK);
    ck_assert_uint_eq(window.count, 1);
    size_t done, total;
    reader_progress(reader, &done, &total);
    ck_assert_uint_eq(done, 23);
    ck_assert_uint_eq(total, 23);
    ck_assert_int_eq(reader_next(reader, 1000, 1, &window, &error), FT_END);
    reader_close(reader);
    window_release(&window);
}
END_TEST

START_TEST(very_long_tokens_and_sentences_come_whole)
{
    size_t token = 300000, lines = 50000, used = 0;
    char *text = malloc(token + 10 + lines * 4);
    memset(text, 'x', token);
    used = token;
    used += (size_t)sprintf(text + used, "\tO\n");
    for (size_t i = 0; i < lines; i++)
        used += (size_t)sprintf(text + used, "y\tO\n");
    const char *files[] = {write_bytes("long", text, used)};
    struct reader_options options = {.files = files, .file_count = 1};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    ck_assert_int_eq(reader_next(reader, 10, 10, &window, &error), FT_OK);
    ck_assert_uint_eq(window.count, 1);
    ck_assert_uint_eq(window.sentences[0].count, lines + 1);
    ck_assert_uint_eq(window.sentences[0].tokens[0].chars, token);
    reader_close(reader);
    window_release(&window);
    free(text);
}
END_TEST

START_TEST(a_file_of_comments_streams_in_portions)
{
    size_t lines = 20000;
    char *text = malloc(lines * 4 + 1);
    for (size_t i = 0; i < lines; i++)
        memcpy(text + i * 4, "# c\n", 4);
    const char *files[] = {write_bytes("comments", text, lines * 4)};
    struct reader_options options = {.files = files, .file_count = 1, .format = INPUT_CONLL};
    struct reader *reader;
    struct window window;
    struct ft_error error;
    size_t seen = 0, windows = 0;
    window_init(&window);
    ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
    while (!reader_next(reader, 1000, 1000, &window, &error)) {
        windows++;
        for (size_t i = 0; i < window.count; i++)
            seen += window.sentences[i].line_count;
    }
    ck_assert_uint_eq(seen, lines);
    ck_assert_uint_gt(windows, 3);
    reader_close(reader);
    window_release(&window);
    free(text);
}
END_TEST

static void check_sentence(const struct sentence *sentence, unsigned seed)
{
    size_t tokens = 0;
    for (size_t i = 0; i < sentence->line_count; i++) {
        ck_assert_uint_eq(strlen(sentence->lines[i].text), sentence->lines[i].bytes);
        tokens += sentence->lines[i].kind == LINE_TOKEN;
    }
    ck_assert_msg(!sentence->lines || tokens == sentence->count, "seed %u", seed);
    for (size_t i = 0; i < sentence->count; i++) {
        const struct token *token = &sentence->tokens[i];
        size_t bad;
        ck_assert_uint_gt(token->bytes, 0);
        ck_assert_uint_eq(strlen(token->text), token->bytes);
        ck_assert_msg(utf8_valid(token->text, token->bytes, &bad), "seed %u", seed);
        ck_assert_uint_eq(utf8_count(token->text, token->bytes), token->chars);
        ck_assert_msg(token->end <= utf8_count(sentence->source, sentence->source_bytes), "seed %u", seed);
    }
}

START_TEST(random_bytes_never_break_it)
{
    static const char *const pieces[] = {"a",
                                         "\t",
                                         " ",
                                         "\n",
                                         "\n\n",
                                         "\r\n",
                                         "O",
                                         "#",
                                         "# ",
                                         "-DOCSTART-",
                                         "\xc3\xa9",
                                         "\xc2\xa0",
                                         "{\"text\": \"",
                                         "\"}",
                                         "[\"",
                                         "\\u00",
                                         "\xff",
                                         "1-2",
                                         "3.1",
                                         ". ",
                                         "{\"tokens\": [\"x\"]}",
                                         "\xef\xbb\xbf",
                                         "\r"};
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 600; round++) {
        char bytes[600];
        size_t used = 0;
        while (used < 500 && rand() % 100) {
            const char *piece = pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)];
            size_t length = strlen(piece);
            memcpy(bytes + used, piece, length);
            used += length;
            if (rand() % 20 == 0)
                bytes[used++] = (char)rand();
        }
        const char *files[] = {write_bytes("fuzz", bytes, used)};
        struct reader_options options = {.files = files,
                                         .file_count = 1,
                                         .format = rand() % 6,
                                         .on_error = rand() % 3,
                                         .encoding = rand() % 2,
                                         .rules = rand() % 4 == 0,
                                         .tag_column = rand() % 3,
                                         .token_column = rand() % 3};
        struct reader *reader;
        struct window window;
        struct ft_error error;
        ft_status status;
        window_init(&window);
        ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
        while (!(status = reader_next(reader, 50, 50, &window, &error)))
            for (size_t i = 0; i < window.count; i++)
                check_sentence(&window.sentences[i], seed);
        ck_assert_msg(status == FT_END || status == FT_INPUT, "seed %u: status %d", seed, status);
        reader_close(reader);
        window_release(&window);
    }
}
END_TEST

START_TEST(wnut_has_its_published_counts)
{
    static const struct {
        const char *name;
        size_t sentences, tokens;
    } parts[] = {{"train", 3394, 62730}, {"dev", 1009, 15733}, {"test", 1287, 23394}};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "data/wnut17/%s.conll", parts[i].name);
        const char *files[] = {shared_path(name)};
        struct reader_options options = {.files = files, .file_count = 1, .tag_column = 2};
        struct reader *reader;
        struct window window;
        struct ft_error error;
        size_t sentences = 0, tokens = 0;
        window_init(&window);
        ck_assert_int_eq(reader_open(&reader, &options, &error), FT_OK);
        while (!reader_next(reader, 5000, 1000, &window, &error))
            for (size_t s = 0; s < window.count; s++) {
                sentences += window.sentences[s].count > 0;
                tokens += window.sentences[s].count;
            }
        ck_assert_int_eq(reader_format(reader), INPUT_CONLL);
        ck_assert_uint_eq(sentences, parts[i].sentences);
        ck_assert_uint_eq(tokens, parts[i].tokens);
        reader_close(reader);
        window_release(&window);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(a_line_with_a_tab_splits_at_tabs_only_and_others_at_runs_of_blanks, NULL);
    test_add(white_space_ends_a_sentence_but_not_a_token, NULL);
    test_add(comments_and_document_marks_are_no_tokens, NULL);
    test_add(every_line_is_kept_with_its_sentence, NULL);
    test_add(wrong_columns_name_file_line_and_the_way_out, NULL);
    test_add(bytes_that_are_no_text_are_told_with_their_column, NULL);
    test_add(conllu_keeps_ranges_empty_nodes_and_space_after, NULL);
    test_add(tokens_are_split_at_blanks_a_sentence_a_line, NULL);
    test_add(json_lines_hold_tokens_or_text, NULL);
    test_add(tokens_beside_their_text_get_its_offsets, NULL);
    test_add(bad_json_is_told_by_line, NULL);
    test_add(text_has_offsets_in_its_line_and_in_its_file, NULL);
    test_add(the_format_is_guessed_from_the_beginning, NULL);
    test_add(a_named_column_means_columns, NULL);
    test_add(files_follow_each_other_and_a_missing_one_is_told_in_its_turn, NULL);
    test_add(a_pipe_that_pauses_is_answered_with_whole_sentences, NULL);
    test_add(a_window_ends_with_the_sentence_that_passes_its_bounds, NULL);
    test_add(very_long_tokens_and_sentences_come_whole, NULL);
    test_add(a_file_of_comments_streams_in_portions, NULL);
    test_add(random_bytes_never_break_it, NULL);
    test_add(wnut_has_its_published_counts, shared_path("data/wnut17/train.conll"));
    int result = test_run("reader");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) ? 1 : result;
}
