/* test_writer.c - tagged sentences in every format, held against the text a person expects to see. */
#include "harness.h"
#include "base/input.h"
#include "text/writer.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/writer-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][512];
    static int used;
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* How a test wants its input tagged: word for word, "O" where the list has ended. */
struct plan {
    const char *name, *text; /* of the input file */
    const char *tags;        /* separated by blanks */
    enum input_format input;
    enum output_format format;
    enum score_column scores;
    bool color, token_labels;
    size_t best_count;
    size_t window_tokens; /* 0: 1000 */
};

static void tag_sentence(const struct plan *plan, const struct sentence *sentence, const char **rest,
                         struct writer *writer, struct arena *arena)
{
    const char **tags = arena_array(arena, sentence->count, sizeof *tags);
    double *scores = arena_array(arena, sentence->count, sizeof *scores);
    for (size_t i = 0; i < sentence->count; i++) {
        size_t length = strcspn(*rest, " ");
        tags[i] = length ? arena_copy(arena, *rest, length) : "O";
        *rest += length + ((*rest)[length] == ' ');
        scores[i] = 0.5 + (double)i / 8;
    }
    struct tagging tagging = {.tags = tags, .token_labels = plan->token_labels, .best_count = plan->best_count};
    struct tag_sequence best[4];
    for (size_t i = 0; i < plan->best_count; i++)
        best[i] = (struct tag_sequence){tags, 1.0 / (double)(i + 2)};
    tagging.best = best;
    tagging.scores = plan->scores ? scores : NULL;
    if (!plan->token_labels)
        tagging.spans = spans_from_tags(SPANS_CONLLEVAL, tags, scores, sentence->count, arena, &tagging.span_count);
    struct ft_error error;
    ck_assert_int_eq(writer_sentence(writer, sentence, &tagging, &error), FT_OK);
}

/* Returns what was written; the caller frees it. */
static char *written(struct plan plan)
{
    const char *files[] = {path_of(plan.name ? plan.name : "in")};
    FILE *file = fopen(files[0], "wb");
    fwrite(plan.text, 1, strlen(plan.text), file);
    fclose(file);
    struct reader_options reading = {.files = files, .file_count = 1, .format = plan.input};
    struct writer_options writing = {.format = plan.format, .scores = plan.scores, .color = plan.color};
    struct reader *reader;
    struct writer *writer;
    struct output *output;
    struct window window;
    struct arena arena;
    struct ft_error error;
    window_init(&window);
    arena_init(&arena);
    ck_assert_int_eq(reader_open(&reader, &reading, &error), FT_OK);
    ck_assert_int_eq(output_open(&output, path_of("out"), &error), FT_OK);
    ck_assert_int_eq(writer_new(&writer, output, &writing, &error), FT_OK);
    ft_status status;
    while (!(status = reader_next(reader, 1000, plan.window_tokens ? plan.window_tokens : 1000, &window, &error)))
        for (size_t i = 0; i < window.count; i++) {
            tag_sentence(&plan, &window.sentences[i], &plan.tags, writer, &arena);
            arena_clear(&arena); /* the writer keeps nothing of a tagging */
        }
    ck_assert_int_eq(status, FT_END);
    ck_assert_int_eq(writer_end(writer, &error), FT_OK);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    writer_free(writer);
    reader_close(reader);
    window_release(&window);
    arena_release(&arena);
    char *text;
    size_t count;
    ck_assert_int_eq(input_slurp(path_of("out"), &text, &count, &error), FT_OK);
    return text;
}

static void check(struct plan plan, const char *expected)
{
    char *text = written(plan);
    ck_assert_str_eq(text, expected);
    free(text);
}

#define CHECK(expected, ...) check((struct plan){__VA_ARGS__}, expected)

START_TEST(conll_adds_a_column_and_keeps_every_line_in_its_place)
{
    CHECK("-DOCSTART-\tO\tO\n\n# x\na\tO\tB-per\nb c\tO\tI-per\n\n\nd\tO\tO\n# end\n\n",
          .text = "-DOCSTART-\tO\n\n# x\na\tO\nb c\tO\n\t\n\r\nd\tO\r\n# end", .tags = "B-per I-per O",
          .format = OUTPUT_CONLL, .input = INPUT_CONLL);
    /* joined by what joins the line's own columns; a single column by a TAB */
    CHECK("a NN S-x\n b  O O\n\nc\tO\n\n", .text = "a NN\n b  O \n\nc \n", .tags = "S-x O O", .format = OUTPUT_CONLL,
          .input = INPUT_CONLL);
    CHECK("-DOCSTART- O O 1.000000\n\na O B-x 0.500000\nb O O 0.625000\n\n", .text = "-DOCSTART- O\n\na O\nb O\n\n",
          .tags = "B-x O", .format = OUTPUT_CONLL, .input = INPUT_CONLL, .scores = SCORES_FLAIR);
}
END_TEST

START_TEST(conllu_lines_that_are_no_words_pass_through)
{
    CHECK("# id\n1-2\tdu\t_\n1\tde\t_\tO\n2\tle\t_\tS-x\n\n", .text = "# id\n1-2\tdu\t_\n1\tde\t_\n2\tle\t_\n\n",
          .tags = "O S-x", .format = OUTPUT_CONLL, .input = INPUT_CONLLU);
}
END_TEST

START_TEST(conll_of_other_input_is_token_and_tag)
{
    CHECK("a\tB-x\nb\tO\n\nc\tO\n\n", .text = "a b\nc\n", .tags = "B-x O O", .format = OUTPUT_CONLL,
          .input = INPUT_TOKENS);
}
END_TEST

START_TEST(bio_and_bioes_are_made_from_the_spans)
{
    CHECK("a\tB-x\nb\tI-x\nc\tB-x\nd\tB-y\n\ne\tO\n\n", .text = "a b c d\ne\n", .tags = "I-x I-x B-x I-y O",
          .format = OUTPUT_BIO, .input = INPUT_TOKENS);
    CHECK("a\tB-x\nb\tI-x\nc\tE-x\nd\tS-y\ne\tO\n\n", .text = "a b c d e\n", .tags = "B-x I-x I-x B-y O",
          .format = OUTPUT_BIOES, .input = INPUT_TOKENS);
    CHECK("a\tB-x\t0.500000\nb\tO\t0.625000\n\n", .text = "a b\n", .tags = "B-x O", .format = OUTPUT_BIO,
          .input = INPUT_TOKENS, .scores = SCORES_MARGINAL);
    CHECK("a\tNN\nb\tVB\n\n", .text = "a b\n", .tags = "NN VB", .format = OUTPUT_BIOES, .input = INPUT_TOKENS,
          .token_labels = true);
    CHECK("a b\tO\nc d\tO\n\n", .text = "{\"tokens\": [\"a\\tb\", \"c\\nd\"]}\n", .tags = "O O", .format = OUTPUT_BIO,
          .input = INPUT_JSONL);
}
END_TEST

static const char tsv_head[] = "file\tsentence\tfirst\tlast\tstart\tend\ttype\ttext\tscore\n";

START_TEST(tsv_has_a_row_a_span_with_offsets_in_the_file)
{
    char expected[2000];
    const char *in = path_of("in");
    snprintf(expected, sizeof expected,
             "%s%s\t1\t2\t3\t7\t16\tper\tJos\xc3\xa9  Paz\t0.687500\n%s\t2\t1\t1\t24\t29\tloc\tParis\t0.500000\n",
             tsv_head, in, in);
    check((struct plan){.text = "\n\nHere Jos\xc3\xa9  Paz lives.\nParis.\n",
                        .tags = "O B-per I-per O O S-loc O",
                        .format = OUTPUT_TSV,
                        .input = INPUT_TEXT},
          expected);
    check((struct plan){.text = "", .tags = "", .format = OUTPUT_TSV}, tsv_head);
    snprintf(expected, sizeof expected, "%s%s\t1\t1\t1\t0\t1\tNN\ta\t0.500000\n%s\t1\t2\t2\t2\t3\tO\tb\t0.625000\n",
             tsv_head, in, in);
    check((struct plan){.text = "a b\n",
                        .tags = "NN O",
                        .format = OUTPUT_TSV,
                        .input = INPUT_TOKENS,
                        .token_labels = true,
                        .scores = SCORES_FLAIR},
          expected);
}
END_TEST

START_TEST(jsonl_keeps_the_object_and_adds_to_it)
{
    CHECK(
        "{\"id\": 12345678901234567890, \"tokens\": [\"a\", \"b\"], \"x\": {\"k\": [1, \"}\\\"\"]}, "
        "\"tags\": [\"B-p\", \"I-p\"], \"spans\": [{\"start\": 0, \"end\": 3, \"first\": 0, \"last\": 1, \"type\": \"p\", "
        "\"text\": \"a b\", \"score\": 0.562500}]}\n{\"tokens\": [], \"tags\": [], \"spans\": []}\n",
        .text =
            "{\"id\":12345678901234567890,\"tags\":[\"old\"],\"tokens\":[\"a\", \"b\"] , \"spans\" : [],\"x\":{\"k\": [1, "
            "\"}\\\"\"]}}\n{\"tokens\":[]}\n",
        .tags = "B-p I-p", .format = OUTPUT_JSONL, .input = INPUT_JSONL);
}
END_TEST

START_TEST(sentences_of_one_text_become_one_object_again)
{
    CHECK(
        "{\"text\": \"I saw Ann. Bob too.\", \"tokens\": [\"I\", \"saw\", \"Ann\", \".\", \"Bob\", \"too\", \".\"], "
        "\"tags\": [\"O\", \"O\", \"S-p\", \"O\", \"S-p\", \"O\", \"O\"], \"spans\": [{\"start\": 6, \"end\": 9, \"first\": 2, "
        "\"last\": 2, \"type\": \"p\", \"text\": \"Ann\", \"score\": 0.750000}, {\"start\": 11, \"end\": 14, \"first\": 4, "
        "\"last\": 4, \"type\": \"p\", \"text\": \"Bob\", \"score\": 0.500000}]}\n",
        .text = "{\"text\": \"I saw Ann. Bob too.\"}\n", .tags = "O O S-p O S-p O O", .format = OUTPUT_JSONL,
        .input = INPUT_JSONL, .window_tokens = 1);
}
END_TEST

START_TEST(jsonl_of_other_input_has_text_scores_and_the_n_best)
{
    CHECK(
        "{\"text\": \"a \\\"b\", \"tokens\": [\"a\", \"\\\"b\"], \"tags\": [\"O\", \"O\"], \"spans\": [], "
        "\"scores\": [0.500000, 0.625000], \"nbest\": [{\"first\": 0, \"last\": 1, \"probability\": 0.5, \"tags\": [\"O\", "
        "\"O\"]}, {\"first\": 0, \"last\": 1, \"probability\": 0.333333333, \"tags\": [\"O\", \"O\"]}]}\n",
        .text = "# c\na O\n\"b O\n\n# left over\n", .tags = "O O", .format = OUTPUT_JSONL, .input = INPUT_CONLL,
        .scores = SCORES_FLAIR, .best_count = 2);
}
END_TEST

/* The lines between those around a page's data. */
static char *data_of(const char *page)
{
    static const char before[] = "<script type=\"application/json\" id=\"data\">\n";
    const char *from = strstr(page, before);
    ck_assert_ptr_nonnull(from);
    from += sizeof before - 1;
    const char *end = strstr(from, "</script>");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, "</script>\n</body>\n</html>\n");
    return strndup(from, (size_t)(end - from));
}

static void check_page(struct plan plan, const char *expected)
{
    plan.format = OUTPUT_HTML;
    char *page = written(plan), *data = data_of(page);
    ck_assert_msg(!strncmp(page, "<!doctype html>\n", 16), "%.40s", page);
    char *named = strdup(data), *path = strstr(named, folder); /* the file's name is this run's own */
    if (path)
        memmove(path, path + strlen(folder) + 1, strlen(path + strlen(folder) + 1) + 1);
    ck_assert_str_eq(named, expected);
    free(named);
    free(data);
    free(page);
}

#define CHECK_PAGE(expected, ...) check_page((struct plan){__VA_ARGS__}, expected)

START_TEST(a_page_holds_names_of_files_and_sentences_in_pieces)
{
    CHECK_PAGE("\"in\"\n"
               "[1,[\"per\",0.5625,\"Ann Lee\"],\"  saw \",[\"loc\",0.8750,\"Rome\"],\".\"]\n"
               "[2,\"Nice\",[\"x\",0.6250,\"!\"]]\n"
               "[3,[\"y\",0.5000,\"So\"]]\n"
               "{\"end\":true}\n",
               .text = "Ann Lee  saw Rome. Nice!\nSo\n", .tags = "B-per I-per O B-loc O O B-x B-y", .input = INPUT_TEXT,
               .scores = SCORES_FLAIR);
    CHECK_PAGE("\"in\"\n[1,\"a \",[\"x\",0.6250,\"b\"],\" \",[\"y\",0.7500,\"c\"]]\n{\"end\":true}\n",
               .text = "a\nb\nc\n", .tags = "O B-x B-y", .input = INPUT_CONLL, .scores = SCORES_FLAIR);
    CHECK_PAGE("{\"end\":true}\n", .text = "", .tags = "");
}
END_TEST

START_TEST(a_page_of_token_labels_marks_every_token_but_those_outside)
{
    CHECK_PAGE("\"in\"\n[1,[\"NN\",0.5000,\"a\"],\" \",[\"VB\",0.6250,\"b\"],\" c\"]\n{\"end\":true}\n",
               .text = "a\nb\nc\n", .tags = "NN VB O", .input = INPUT_CONLL, .scores = SCORES_FLAIR,
               .token_labels = true);
    CHECK_PAGE("\"in\"\n[1,[\"NN\",null,\"a\"]]\n{\"end\":true}\n", .text = "a\n", .tags = "NN", .input = INPUT_CONLL,
               .token_labels = true);
}
END_TEST

START_TEST(no_text_of_a_page_can_end_its_data)
{
    CHECK_PAGE("\"in\"\n"
               "[1,\"\\u003c/script> \\u003c!-- \\\"q\\\" \\\\ & ' x\xe2\x80\xa8y \\u0001\\n\"]\n"
               "[2,[\"\\u003c/b>\",0.5000,\"\\u003cb>\"]]\n"
               "{\"end\":true}\n",
               .text = "{\"tokens\": [\"</script>\", \"<!--\", \"\\\"q\\\"\", \"\\\\\", \"&\", \"'\", "
                       "\"x\\u2028y\", \"\\u0001\\n\"]}\n{\"tokens\": [\"<b>\"]}\n",
               .tags = "O O O O O O O O B-</b>", .input = INPUT_JSONL, .scores = SCORES_FLAIR);
    CHECK_PAGE("\"\\u003ci>\xef\xbf\xbd\xef\xbf\xbd.txt\"\n[1,\"a\"]\n{\"end\":true}\n", .name = "<i>\xff\xc3.txt",
               .text = "a\n", .tags = "O", .input = INPUT_CONLL);
}
END_TEST

START_TEST(a_long_line_of_many_sentences_takes_no_square_of_its_length)
{
    enum { SENTENCES = 100000 };
    static const char sentence[] = "Ann is here. ";
    char *text = malloc(SENTENCES * (sizeof sentence - 1) + 1), *to = text;
    for (size_t i = 0; i < SENTENCES; i++)
        to = stpcpy(to, sentence);
    clock_t begin = clock();
    char *page = written((struct plan){.text = text, .tags = "B-per", .input = INPUT_TEXT, .format = OUTPUT_HTML});
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    ck_assert_ptr_nonnull(strstr(page, "\n[100000,\"Ann is here.\"]\n"));
    ck_assert_msg(seconds < 20, "%.1f s", seconds); /* a square would take several minutes */
    free(page);
    free(text);
}
END_TEST

START_TEST(colour_is_the_types_own_and_ends_with_the_entity)
{
    char *text = written((struct plan){.text = "a O\nb O\nc O\n\nd O\n",
                                       .tags = "S-x O S-y S-x",
                                       .format = OUTPUT_CONLL,
                                       .input = INPUT_CONLL,
                                       .color = true});
    char *lines[6] = {text};
    for (int i = 1; i < 6; i++) {
        lines[i] = strchr(lines[i - 1], '\n');
        ck_assert_ptr_nonnull(lines[i]);
        *lines[i]++ = '\0';
    }
    int first, last;
    char rest[64];
    ck_assert_int_eq(sscanf(lines[0], "\033[%dm%63[^\n]", &first, rest), 2);
    ck_assert_str_eq(rest, "a O S-x\033[0m");
    ck_assert_int_ge(first, 31);
    ck_assert_int_le(first, 36);
    ck_assert_str_eq(lines[1], "b O O");
    ck_assert_int_eq(sscanf(lines[4], "\033[%dm", &last), 1);
    ck_assert_int_eq(first, last);
    free(text);
    text = written(
        (struct plan){.text = "a b\n", .tags = "S-x O", .format = OUTPUT_JSONL, .input = INPUT_TOKENS, .color = true});
    ck_assert_ptr_null(strchr(text, '\033')); /* JSON stays JSON */
    free(text);
}
END_TEST

START_TEST(formats_have_their_defaults)
{
    ck_assert_int_eq(writer_default_format(INPUT_CONLL), OUTPUT_CONLL);
    ck_assert_int_eq(writer_default_format(INPUT_CONLLU), OUTPUT_CONLL);
    ck_assert_int_eq(writer_default_format(INPUT_TOKENS), OUTPUT_BIO);
    ck_assert_int_eq(writer_default_format(INPUT_TEXT), OUTPUT_TSV);
    ck_assert_int_eq(writer_default_format(INPUT_JSONL), OUTPUT_JSONL);
}
END_TEST

START_TEST(an_output_that_fails_is_told_at_once)
{
    struct output *output;
    struct writer *writer;
    struct ft_error error;
    struct writer_options options = {.format = OUTPUT_BIO};
    size_t bytes = 1000000;
    char *long_text = malloc(bytes + 1);
    memset(long_text, 'x', bytes);
    long_text[bytes] = '\0';
    struct token token = {
        .text = long_text, .bytes = (uint32_t)bytes, .chars = (uint32_t)bytes, .end = (uint32_t)bytes};
    struct sentence sentence = {.tokens = &token, .count = 1, .source = long_text, .source_bytes = bytes};
    const char *tags[] = {"O"};
    struct tagging tagging = {.tags = tags};
    ck_assert_int_eq(output_open(&output, "/dev/full", &error), FT_OK);
    ck_assert_int_eq(writer_new(&writer, output, &options, &error), FT_OK);
    ck_assert_int_eq(writer_sentence(writer, &sentence, &tagging, &error), FT_FAILED);
    ck_assert_str_eq(error.text, "cannot write '/dev/full': No space left on device");
    writer_free(writer);
    output_discard(output);
    free(long_text);
}
END_TEST

START_TEST(what_is_written_as_jsonl_of_random_words_is_read_back)
{
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 100; round++) {
        char text[600];
        size_t used = 0;
        static const char *const pieces[] = {"a", "\"", "\\", "\xc3\xa9",     "{",    "]",
                                             ",", ":",  " ",  "\xe2\x80\xa8", "\x01", "\x7f"};
        while (used < 500 && rand() % 60) {
            const char *piece = pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)];
            memcpy(text + used, piece, strlen(piece));
            used += strlen(piece);
        }
        text[used] = '\0';
        char *once = written((struct plan){.text = text, .tags = "", .format = OUTPUT_JSONL, .input = INPUT_TOKENS});
        cJSON *object = cJSON_Parse(*once ? once : "{}");
        ck_assert_msg(object != NULL, "seed %u: %s", seed, once);
        cJSON_Delete(object);
        char *twice = written((struct plan){.text = once, .tags = "", .format = OUTPUT_JSONL, .input = INPUT_JSONL});
        ck_assert_msg(!strcmp(once, twice), "seed %u: %s%s", seed, once, twice);
        free(once);
        free(twice);
    }
}
END_TEST

START_TEST(line_n_of_the_output_is_line_n_of_the_corpus)
{
    char *corpus, *text;
    size_t count;
    ck_assert_int_eq(input_slurp(shared_path("data/wnut17/train.conll"), &corpus, &count, NULL), FT_OK);
    text = written((struct plan){.text = corpus, .tags = "", .format = OUTPUT_CONLL});
    const char *from = corpus, *to = text;
    for (size_t line = 1; *from || *to; line++) {
        size_t had = strcspn(from, "\n"), has = strcspn(to, "\n");
        bool blank = had == strspn(from, "\t");
        ck_assert_msg(blank ? has == 0 : has == had + 2 && !memcmp(from, to, had) && !memcmp(to + had, "\tO", 2),
                      "line %zu", line);
        from += had + 1;
        to += has + 1;
    }
    free(corpus);
    free(text);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(conll_adds_a_column_and_keeps_every_line_in_its_place, NULL);
    test_add(conllu_lines_that_are_no_words_pass_through, NULL);
    test_add(conll_of_other_input_is_token_and_tag, NULL);
    test_add(bio_and_bioes_are_made_from_the_spans, NULL);
    test_add(tsv_has_a_row_a_span_with_offsets_in_the_file, NULL);
    test_add(jsonl_keeps_the_object_and_adds_to_it, NULL);
    test_add(sentences_of_one_text_become_one_object_again, NULL);
    test_add(jsonl_of_other_input_has_text_scores_and_the_n_best, NULL);
    test_add(a_page_holds_names_of_files_and_sentences_in_pieces, NULL);
    test_add(a_page_of_token_labels_marks_every_token_but_those_outside, NULL);
    test_add(no_text_of_a_page_can_end_its_data, NULL);
    test_add(a_long_line_of_many_sentences_takes_no_square_of_its_length, NULL);
    test_add(colour_is_the_types_own_and_ends_with_the_entity, NULL);
    test_add(formats_have_their_defaults, NULL);
    test_add(an_output_that_fails_is_told_at_once, "/dev/full");
    test_add(what_is_written_as_jsonl_of_random_words_is_read_back, NULL);
    test_add(line_n_of_the_output_is_line_n_of_the_corpus, shared_path("data/wnut17/train.conll"));
    int result = test_run("writer");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) ? 1 : result;
}
