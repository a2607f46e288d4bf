/* The public API: every function, and every way in which one can fail. */
#include "flairtag.h"
#include "harness.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL "models/small.safetensors"
#define POS_FOLDER "tests/golden/tagger/v0.15.1-zip-made-nested-pos-crf"

static struct ft_model *open_model(const char *name, const struct ft_options *options)
{
    struct ft_model *model;
    struct ft_error error;
    ck_assert_msg(ft_model_open(&model, name, options, &error) == FT_OK, "%s", error.text);
    return model;
}

static struct ft_result *tag_text(struct ft_model *model, const char *text)
{
    struct ft_result *result;
    struct ft_error error;
    ck_assert_msg(ft_tag_text(model, text, strlen(text), &result, &error) == FT_OK, "%s", error.text);
    return result;
}

/* A file for a test; lives in the folder of temporary files. */
static const char *write_file(const char *bytes, size_t count)
{
    static char path[64];
    strcpy(path, "/tmp/test_api.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    close(fd);
    return path;
}

static struct ft_stream *open_stream(struct ft_model *model, const struct ft_stream_options *options)
{
    struct ft_stream *stream;
    struct ft_error error;
    ck_assert_msg(ft_stream_open(&stream, model, options, &error) == FT_OK, "%s", error.text);
    return stream;
}

static void assert_same(const struct ft_sentence *a, const struct ft_sentence *b)
{
    ck_assert_uint_eq(a->token_count, b->token_count);
    for (size_t i = 0; i < a->token_count; i++) {
        ck_assert_str_eq(a->tokens[i].text, b->tokens[i].text);
        ck_assert_str_eq(a->tokens[i].tag, b->tokens[i].tag);
        ck_assert_msg(a->tokens[i].score == b->tokens[i].score, "token %zu: %.17g and %.17g", i, a->tokens[i].score,
                      b->tokens[i].score);
    }
    ck_assert_uint_eq(a->span_count, b->span_count);
    for (size_t i = 0; i < a->span_count; i++) {
        ck_assert_str_eq(a->spans[i].type, b->spans[i].type);
        ck_assert_uint_eq(a->spans[i].first, b->spans[i].first);
        ck_assert_uint_eq(a->spans[i].last, b->spans[i].last);
        ck_assert_msg(a->spans[i].score == b->spans[i].score, "span %zu: %.17g and %.17g", i, a->spans[i].score,
                      b->spans[i].score);
    }
}

START_TEST(versions_agree)
{
    int major, minor, patch;
    ck_assert_str_eq(ft_version(), FLAIRTAG_VERSION);
    ck_assert_int_eq(sscanf(FLAIRTAG_VERSION, "%d.%d.%d", &major, &minor, &patch), 3);
    ck_assert_int_eq(FLAIRTAG_VERSION_NUMBER, 10000 * major + 100 * minor + patch);
}
END_TEST

START_TEST(a_model_is_opened_by_path_by_name_or_by_default)
{
    static const char *const names[] = {SMALL, "small", NULL};
    setenv("FLAIRTAG_MODELS", "/no/such/folder:models", 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ft_model *model = open_model(names[i], NULL);
        ck_assert_str_eq(ft_model_path(model), SMALL);
        ft_model_close(model);
    }
    ft_model_close(NULL);
}
END_TEST

START_TEST(a_model_that_cannot_be_opened_says_why)
{
    static const struct {
        const char *name, *says;
    } cases[] = {{"smal", "no model 'smal'; did you mean 'small'?"},
                 {"/no/such.safetensors", "/no/such.safetensors"},
                 {"tests/golden/lm/v0.15.1-zip-made-gru/lm-forward.pt", "not a tagger but a language model"},
                 {"Makefile", "Makefile: "}};
    setenv("FLAIRTAG_MODELS", "models", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ft_error error = {""};
        struct ft_model *model = (struct ft_model *)&error;
        ck_assert_int_eq(ft_model_open(&model, cases[i].name, NULL, &error), FT_MODEL);
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(error.text, cases[i].says), "'%s' lacks '%s'", error.text, cases[i].says);
        ck_assert_int_eq(ft_model_open(&model, cases[i].name, NULL, NULL), FT_MODEL);
    }
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        struct ft_options options;
        const char *says;
    } cases[] = {{{.size = 0}, "options of 0 bytes"},
                 {{.size = sizeof(struct ft_options), .isa = "mmx"}, "no 'mmx' kernels"},
                 {{.size = sizeof(struct ft_options), .threads = 1025}, "1025 threads are more than 1024"},
                 {{.size = sizeof(struct ft_options), .precision = (enum ft_precision)6}, "unknown precision 6"},
                 {{.size = sizeof(struct ft_options), .scores = (enum ft_scores) - 1}, "unknown kind of scores -1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ft_error error = {""};
        struct ft_model *model;
        ck_assert_int_eq(ft_model_open(&model, SMALL, &cases[i].options, &error), FT_USAGE);
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(error.text, cases[i].says), "'%s' lacks '%s'", error.text, cases[i].says);
    }
}
END_TEST

START_TEST(options_of_an_older_and_a_newer_header_are_understood)
{
    struct {
        struct ft_options options;
        size_t later;
    } newer = {{.size = sizeof newer, .threads = 1}, 0};
    struct ft_options older = {.size = offsetof(struct ft_options, threads), .isa = "scalar", .threads = 5000};
    struct ft_model *model;
    struct ft_error error;
    ft_model_close(open_model(SMALL, &older)); /* what lies behind its size is not looked at */
    ft_model_close(open_model(SMALL, &newer.options));
    newer.later = 1;
    ck_assert_int_eq(ft_model_open(&model, SMALL, &newer.options, &error), FT_USAGE);
    ck_assert_str_eq(error.text, "an option is set that libflairtag " FLAIRTAG_VERSION " does not have");
}
END_TEST

START_TEST(spans_of_a_text_say_where_they_are)
{
    const char *text = "Caf\xc3\xa9 au lait.\r\n\nMarie Curie lived in Warsaw. He saw Angela Merkel in London.";
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_result *result = tag_text(model, text);
    ft_model_close(model); /* a result stands by itself */
    ck_assert_uint_eq(ft_result_count(result), 3);
    ck_assert_ptr_null(ft_result_sentence(result, 3));
    size_t spans = 0;
    static const size_t lines[] = {1, 3, 3};
    for (size_t i = 0; i < 3; i++) {
        const struct ft_sentence *sentence = ft_result_sentence(result, i);
        ck_assert_str_eq(sentence->text, text);
        ck_assert_uint_eq(sentence->text_bytes, strlen(text));
        ck_assert_uint_eq(sentence->line, lines[i]);
        ck_assert_uint_eq(sentence->number, i + 1);
        ck_assert_uint_eq(sentence->text_start, 0);
        ck_assert_ptr_null(sentence->file);
        for (size_t t = 0; t < sentence->token_count; t++) {
            const struct ft_token *token = &sentence->tokens[t];
            ck_assert_msg(!strncmp(text + token->start_byte, token->text, token->end_byte - token->start_byte),
                          "'%s' is not at byte %zu", token->text, token->start_byte);
            /* the only character of two bytes is the fourth */
            ck_assert_uint_eq(token->start, token->start_byte - (token->start_byte > 3));
            ck_assert_uint_eq(token->end, token->end_byte - (token->end_byte > 3));
            ck_assert(token->score > 0 && token->score <= 1);
        }
        for (size_t s = 0; s < sentence->span_count; s++, spans++) {
            const struct ft_span *span = &sentence->spans[s];
            ck_assert_uint_eq(strlen(span->text), span->end_byte - span->start_byte);
            ck_assert(!strncmp(text + span->start_byte, span->text, strlen(span->text)));
            ck_assert_uint_eq(span->start, sentence->tokens[span->first].start);
            ck_assert_uint_eq(span->end, sentence->tokens[span->last].end);
        }
    }
    ck_assert_uint_eq(spans, 4);
    const struct ft_span *curie = &ft_result_sentence(result, 1)->spans[0];
    ck_assert_str_eq(curie->type, "person");
    ck_assert_str_eq(curie->text, "Marie Curie");
    ck_assert_uint_eq(curie->first, 0);
    ck_assert_uint_eq(curie->last, 1);
    ck_assert_uint_eq(curie->start, 16);
    ck_assert_uint_eq(curie->start_byte, 17);
    ck_assert_uint_eq(curie->end, 27);
    ft_result_free(result);
    ft_result_free(NULL);
}
END_TEST

START_TEST(a_batch_gives_what_its_sentences_give_alone)
{
    const char *const first[] = {"Marie", "Curie", "lived", "in", "Warsaw"}, *const last[] = {"New York", "wins"};
    const struct ft_tokens sentences[] = {{first, 5}, {NULL, 0}, {last, 2}};
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_result *batch, *alone;
    struct ft_error error;
    ck_assert_int_eq(ft_tag_batch(model, sentences, 3, &batch, &error), FT_OK);
    ck_assert_uint_eq(ft_result_count(batch), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(ft_tag_tokens(model, sentences[i].tokens, sentences[i].count, &alone, &error), FT_OK);
        ck_assert_uint_eq(ft_result_count(alone), 1);
        ck_assert_uint_eq(ft_result_sentence(batch, i)->number, i + 1);
        assert_same(ft_result_sentence(batch, i), ft_result_sentence(alone, 0));
        ft_result_free(alone);
    }
    ck_assert_str_eq(ft_result_sentence(batch, 0)->text, "Marie Curie lived in Warsaw");
    ck_assert_uint_eq(ft_result_sentence(batch, 0)->span_count, 2);
    ck_assert_str_eq(ft_result_sentence(batch, 1)->text, "");
    ck_assert_uint_eq(ft_result_sentence(batch, 1)->token_count, 0);
    ck_assert_str_eq(ft_result_sentence(batch, 2)->tokens[0].text, "New York");
    ck_assert_uint_eq(ft_result_sentence(batch, 2)->tokens[1].start_byte, 9);
    ft_result_free(batch);
    ck_assert_int_eq(ft_tag_batch(model, NULL, 0, &batch, &error), FT_OK);
    ck_assert_uint_eq(ft_result_count(batch), 0);
    ck_assert_ptr_null(ft_result_sentence(batch, 0));
    ft_result_free(batch);
    ft_model_close(model);
}
END_TEST

START_TEST(text_without_a_token_has_no_sentence)
{
    struct ft_model *model = open_model(SMALL, NULL);
    static const char *const texts[] = {"", "\n\r\n \t\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ft_result *result = tag_text(model, texts[i]);
        ck_assert_uint_eq(ft_result_count(result), 0);
        ft_result_free(result);
    }
    struct ft_result *result;
    ck_assert_int_eq(ft_tag_text(model, NULL, 0, &result, NULL), FT_OK);
    ck_assert_uint_eq(ft_result_count(result), 0);
    ft_result_free(result);
    ft_model_close(model);
}
END_TEST

START_TEST(tokens_and_text_that_are_none_are_refused)
{
    static const char *const empty[] = {"a", ""}, *const broken[] = {"a", "b\xff"}, *const missing[] = {NULL};
    static const struct {
        const char *const *tokens;
        size_t count;
        ft_status status;
        const char *says;
    } cases[] = {{empty, 2, FT_INPUT, "sentence 1: token 2 is empty"},
                 {broken, 2, FT_INPUT, "sentence 1: token 2: invalid UTF-8 at byte 2"},
                 {missing, 1, FT_USAGE, "sentence 1: token 1 is NULL"}};
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_result *result;
    struct ft_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        result = (struct ft_result *)&error;
        ck_assert_int_eq(ft_tag_tokens(model, cases[i].tokens, cases[i].count, &result, &error), cases[i].status);
        ck_assert_ptr_null(result);
        ck_assert_str_eq(error.text, cases[i].says);
    }
    ck_assert_int_eq(ft_tag_text(model, "ab\xc3", 3, &result, &error), FT_INPUT);
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error.text, "text: invalid UTF-8 at byte 3");
    ck_assert_int_eq(ft_tag_text(model, "ab\0c", 4, &result, &error), FT_INPUT);
    ck_assert_str_eq(error.text, "text: NUL byte at byte 3");
    ck_assert_int_eq(ft_tag_text(model, "", ((size_t)1 << 31) + 1, &result, &error), FT_INPUT);
    ck_assert_str_eq(error.text, "text of more than 2 GiB");
    ft_model_close(model);
}
END_TEST

START_TEST(threads_and_instruction_sets_give_the_same_bits)
{
    struct ft_options scalar = {.size = sizeof scalar, .isa = "scalar", .threads = 1};
    struct ft_options many = {.size = sizeof many, .threads = 7};
    struct ft_model *models[] = {open_model(SMALL, &scalar), open_model(SMALL, &many)};
    struct ft_result *results[2];
    for (size_t i = 0; i < 2; i++)
        results[i] = tag_text(models[i], "Marie Curie lived in Warsaw.");
    assert_same(ft_result_sentence(results[0], 0), ft_result_sentence(results[1], 0));
    for (size_t i = 0; i < 2; i++) {
        ft_result_free(results[i]);
        ft_model_close(models[i]);
    }
}
END_TEST

static double score_by(enum ft_precision precision, enum ft_scores scores)
{
    struct ft_options options = {.size = sizeof options, .precision = precision, .scores = scores};
    struct ft_model *model = open_model(SMALL, &options);
    struct ft_result *result = tag_text(model, "Marie Curie lived in Warsaw.");
    double score = ft_result_sentence(result, 0)->spans[0].score;
    ft_result_free(result);
    ft_model_close(model);
    return score;
}

START_TEST(precision_and_scores_are_chosen)
{
    double plain = score_by(FT_PRECISION_OF_MODEL, FT_SCORES_FLAIR), last = 0;
    ck_assert(score_by(FT_PRECISION_F32, FT_SCORES_FLAIR) == plain); /* what the model's file holds */
    ck_assert(score_by(FT_PRECISION_F32, FT_SCORES_MARGINAL) != plain);
    for (int precision = FT_PRECISION_INT16; precision <= FT_PRECISION_INT7; precision++) {
        double score = score_by((enum ft_precision)precision, FT_SCORES_FLAIR);
        ck_assert_msg(score != plain && score != last && score > plain - 0.1 && score < plain + 0.1,
                      "precision %d: %g beside %g", precision, score, plain);
        last = score;
    }
    double fastest = score_by(FT_PRECISION_FASTEST, FT_SCORES_FLAIR);
    ck_assert_msg(fastest > plain - 0.1 && fastest < plain + 0.1, "%g beside %g", fastest, plain);
}
END_TEST

START_TEST(labels_of_tokens_make_no_spans)
{
    struct ft_model *model = open_model(POS_FOLDER "/model.pt", NULL);
    struct ft_stream_options options = {.size = sizeof options, .path = POS_FOLDER "/input.conll"};
    struct ft_stream *stream = open_stream(model, &options);
    const struct ft_sentence *sentence;
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_OK);
    ck_assert_uint_eq(sentence->token_count, 3);
    ck_assert_str_eq(sentence->tokens[0].tag, "ADJ");
    ck_assert_str_eq(sentence->tokens[1].tag, "NOUN");
    ck_assert_double_eq_tol(sentence->tokens[1].score, 0.364286453, 1e-5); /* Flair's own */
    ck_assert_uint_eq(sentence->span_count, 0);
    ft_stream_close(stream);
    ft_model_close(model);
}
END_TEST

/* What a stream over `bytes` gives, as "token/tag token/tag|...". */
static const char *streamed(struct ft_model *model, struct ft_stream_options options, const char *bytes, size_t count,
                            ft_status *status)
{
    static char text[4096];
    char *at = text;
    const struct ft_sentence *sentence;
    struct ft_error error = {""};
    const char *path = write_file(bytes, count);
    options.size = sizeof options;
    options.path = path;
    struct ft_stream *stream = open_stream(model, &options);
    unlink(path);
    *at = 0;
    while ((*status = ft_stream_next(stream, &sentence, &error)) == FT_OK) {
        ck_assert_str_eq(sentence->file, path);
        for (size_t i = 0; i < sentence->token_count; i++)
            at += sprintf(at, "%s%s", i ? " " : "", sentence->tokens[i].text);
        at += sprintf(at, "|");
    }
    ck_assert_ptr_null(sentence);
    sprintf(at, "%s", *status == FT_END ? "" : error.text + strlen(path));
    ck_assert_int_eq(ft_stream_next(stream, &sentence, &error), *status); /* it stays so */
    ft_stream_close(stream);
    return text;
}

START_TEST(streams_read_every_format)
{
    static const struct {
        enum ft_format format;
        const char *bytes, *gives;
    } cases[] = {{FT_FORMAT_GUESS, "Marie Curie lives. Here.", "Marie Curie lives .|Here .|"},
                 {FT_FORMAT_TEXT, "a b.\nc\td", "a b .|c d|"},
                 {FT_FORMAT_CONLL, "# x\na O\nb O\n\n-DOCSTART- O\n\nc O\n# y\n", "# x|a b|c|# y|"},
                 {FT_FORMAT_CONLLU, "# x\n1\ta\n2\tb\n\n1\tc\n", "a b|c|"},
                 {FT_FORMAT_JSONL, "{\"text\": \"a b.\"}\n{\"text\": \"\"}\n{\"tokens\": [\"c d\"]}\n", "a b .|c d|"},
                 {FT_FORMAT_TOKENS, "a b.\n\nc\n", "a b.|c|"}};
    struct ft_model *model = open_model(SMALL, NULL);
    ft_status status;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ft_stream_options options = {.format = cases[i].format};
        const char *given = streamed(model, options, cases[i].bytes, strlen(cases[i].bytes), &status);
        ck_assert_int_eq(status, FT_END);
        if (cases[i].format != FT_FORMAT_CONLL)
            ck_assert_str_eq(given, cases[i].gives);
        else
            ck_assert_msg(strstr(given, "a b|") && strstr(given, "c"), "%s", given);
    }
    ft_model_close(model);
}
END_TEST

START_TEST(streams_take_the_readers_options)
{
    static const struct {
        struct ft_stream_options options;
        const char *bytes, *gives;
    } cases[] = {
        {{.format = FT_FORMAT_CONLL, .token_column = 2}, "1 a\n2 b\n", "a b|"},
        {{.format = FT_FORMAT_TEXT, .encoding = FT_ENCODING_LATIN1}, "caf\xe9", "caf\xc3\xa9|"},
        {{.format = FT_FORMAT_TEXT, .bad_input = FT_BAD_INPUT_SKIPPED}, "a\nb\xff\nc", "a|c|"},
        {{.format = FT_FORMAT_TEXT, .bad_input = FT_BAD_INPUT_REPLACED}, "a\nb \xff\nc", "a|b \xef\xbf\xbd|c|"},
        {{.rules = FT_RULES_FLAIR}, "a\rb\n", "a b|"}};
    struct ft_model *model = open_model(SMALL, NULL);
    ft_status status;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(streamed(model, cases[i].options, cases[i].bytes, strlen(cases[i].bytes), &status),
                         cases[i].gives);
        ck_assert_int_eq(status, FT_END);
    }
    ft_model_close(model);
}
END_TEST

START_TEST(a_stream_gives_what_comes_before_a_bad_line_then_its_place)
{
    struct ft_model *model = open_model(SMALL, NULL);
    ft_status status;
    struct ft_stream_options options = {.format = FT_FORMAT_TEXT};
    const char *given = streamed(model, options, "a b\nc \xff\nd\n", 10, &status);
    ck_assert_int_eq(status, FT_INPUT);
    ck_assert_msg(!strncmp(given, "a b|:2:3: invalid UTF-8", 23), "%s", given);
    ft_model_close(model);
}
END_TEST

START_TEST(a_stream_of_text_says_where_its_lines_begin)
{
    struct ft_model *model = open_model(SMALL, NULL);
    const char *path = write_file("caf\xc3\xa9.\n\nHe. Marie Curie.", 24);
    struct ft_stream_options options = {.size = sizeof options, .path = path, .format = FT_FORMAT_TEXT};
    struct ft_stream *stream = open_stream(model, &options);
    static const struct {
        const char *text;
        size_t line, text_start, start, start_byte;
    } wanted[] = {{"caf\xc3\xa9.", 1, 0, 0, 0}, {"He. Marie Curie.", 3, 7, 0, 0}, {"He. Marie Curie.", 3, 7, 4, 4}};
    const struct ft_sentence *sentence;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_OK);
        ck_assert_uint_eq(sentence->text_bytes, strlen(wanted[i].text));
        ck_assert(!memcmp(sentence->text, wanted[i].text, sentence->text_bytes));
        ck_assert_uint_eq(sentence->number, i + 1);
        ck_assert_uint_eq(sentence->line, wanted[i].line);
        ck_assert_uint_eq(sentence->text_start, wanted[i].text_start);
        ck_assert_uint_eq(sentence->tokens[0].start, wanted[i].start);
        ck_assert_uint_eq(sentence->tokens[0].start_byte, wanted[i].start_byte);
    }
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_END);
    ft_stream_close(stream);
    unlink(path);
    ft_model_close(model);
}
END_TEST

START_TEST(a_descriptor_is_read_from_where_it_stands_and_stays_open)
{
    int ends[2];
    char byte;
    struct ft_model *model = open_model(SMALL, NULL);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "xa b\nc\n", 7), 7);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    struct ft_stream_options options = {.size = sizeof options, .descriptor = ends[0], .format = FT_FORMAT_TOKENS};
    struct ft_stream *stream = open_stream(model, &options);
    const struct ft_sentence *sentence;
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_OK); /* though the other end is open */
    ck_assert_uint_eq(sentence->token_count, 2);
    ck_assert_str_eq(sentence->text, "a b");
    ck_assert_str_eq(sentence->file, "-");
    close(ends[1]);
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_OK);
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_END);
    ft_stream_close(stream);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0); /* still open, at its end */
    close(ends[0]);
    ft_stream_close(NULL);
    ft_model_close(model);
}
END_TEST

START_TEST(without_options_a_stream_is_standard_input)
{
    struct ft_model *model = open_model(SMALL, NULL);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(write(ends[1], "Hello there.\n", 13), 13);
    close(ends[1]);
    struct ft_stream *stream = open_stream(model, NULL);
    const struct ft_sentence *sentence;
    ck_assert_int_eq(ft_stream_next(stream, &sentence, NULL), FT_OK);
    ck_assert_uint_eq(sentence->token_count, 3);
    ft_stream_close(stream);
    ft_model_close(model);
}
END_TEST

START_TEST(a_stream_that_cannot_be_opened_says_why)
{
    static const struct {
        struct ft_stream_options options;
        ft_status status;
        const char *says;
    } cases[] = {
        {{.size = 1}, FT_USAGE, "options of 1 bytes"},
        {{.size = sizeof(struct ft_stream_options), .format = (enum ft_format)6}, FT_USAGE, "unknown format 6"},
        {{.size = sizeof(struct ft_stream_options), .bad_input = (enum ft_bad_input)3}, FT_USAGE, "bad input 3"},
        {{.size = sizeof(struct ft_stream_options), .encoding = (enum ft_encoding)2}, FT_USAGE, "encoding 2"},
        {{.size = sizeof(struct ft_stream_options), .rules = (enum ft_rules)2}, FT_USAGE, "unknown rules 2"},
        {{.size = sizeof(struct ft_stream_options), .token_column = -1}, FT_USAGE, "token column -1"},
        {{.size = sizeof(struct ft_stream_options), .path = "/no/such"}, FT_INPUT, "cannot read '/no/such'"},
        {{.size = sizeof(struct ft_stream_options), .path = "/tmp"}, FT_INPUT, "Is a directory"},
        {{.size = sizeof(struct ft_stream_options), .descriptor = 987}, FT_INPUT, "the file descriptor"}};
    struct ft_model *model = open_model(SMALL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ft_error error = {""};
        struct ft_stream *stream;
        ck_assert_int_eq(ft_stream_open(&stream, model, &cases[i].options, &error), cases[i].status);
        ck_assert_ptr_null(stream);
        ck_assert_msg(strstr(error.text, cases[i].says), "'%s' lacks '%s'", error.text, cases[i].says);
    }
    ft_model_close(model);
}
END_TEST

struct worker {
    struct ft_model *model;
    const struct ft_sentence *wanted;
    pthread_t thread;
};

static void *tag_many_times(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < 10; i++) {
        struct ft_result *result = tag_text(worker->model, worker->wanted->text);
        assert_same(ft_result_sentence(result, 0), worker->wanted);
        ft_result_free(result);
    }
    return NULL;
}

START_TEST(threads_may_share_a_model)
{
    static const char *const texts[] = {"Marie Curie lived in Warsaw.", "Nothing here.", "London calls Angela Merkel."};
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_result *results[3];
    struct worker workers[3];
    for (size_t i = 0; i < 3; i++) {
        results[i] = tag_text(model, texts[i]);
        workers[i] = (struct worker){.model = model, .wanted = ft_result_sentence(results[i], 0)};
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, tag_many_times, &workers[i]), 0);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(workers[i].thread, NULL);
        ft_result_free(results[i]);
    }
    ft_model_close(model);
}
END_TEST

START_TEST(two_streams_over_one_model_take_turns)
{
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_stream_options options = {
        .size = sizeof options, .path = "data/samples/sample.conll", .format = FT_FORMAT_CONLL};
    struct ft_stream *a = open_stream(model, &options), *b = open_stream(model, &options);
    const struct ft_sentence *from_a, *from_b;
    size_t sentences = 0;
    while (ft_stream_next(a, &from_a, NULL) == FT_OK) {
        ck_assert_int_eq(ft_stream_next(b, &from_b, NULL), FT_OK);
        ft_result_free(tag_text(model, "Something between."));
        assert_same(from_a, from_b);
        sentences++;
    }
    ck_assert_uint_gt(sentences, 3);
    ft_stream_close(a);
    ft_stream_close(b);
    ft_model_close(model);
}
END_TEST

START_TEST(a_process_may_fork_between_calls)
{
    struct ft_model *model = open_model(SMALL, NULL);
    struct ft_result *before = tag_text(model, "Marie Curie lived in Warsaw.");
    pid_t child = fork();
    if (!child) {
        struct ft_result *result = NULL;
        const char *text = ft_result_sentence(before, 0)->text;
        ft_status status = ft_tag_text(model, text, strlen(text), &result, NULL);
        _exit(status != FT_OK || ft_result_sentence(result, 0)->span_count != 2);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ft_result_free(before);
    ft_model_close(model);
}
END_TEST

int main(void)
{
    test_add(versions_agree, NULL);
    test_add(a_model_is_opened_by_path_by_name_or_by_default, NULL);
    test_add(a_model_that_cannot_be_opened_says_why, NULL);
    test_add(options_that_make_no_sense_are_refused, NULL);
    test_add(options_of_an_older_and_a_newer_header_are_understood, NULL);
    test_add(spans_of_a_text_say_where_they_are, NULL);
    test_add(a_batch_gives_what_its_sentences_give_alone, NULL);
    test_add(text_without_a_token_has_no_sentence, NULL);
    test_add(tokens_and_text_that_are_none_are_refused, NULL);
    test_add(threads_and_instruction_sets_give_the_same_bits, NULL);
    test_add(precision_and_scores_are_chosen, NULL);
    test_add(labels_of_tokens_make_no_spans, NULL);
    test_add(streams_read_every_format, NULL);
    test_add(streams_take_the_readers_options, NULL);
    test_add(a_stream_gives_what_comes_before_a_bad_line_then_its_place, NULL);
    test_add(a_stream_of_text_says_where_its_lines_begin, NULL);
    test_add(a_descriptor_is_read_from_where_it_stands_and_stays_open, NULL);
    test_add(without_options_a_stream_is_standard_input, NULL);
    test_add(a_stream_that_cannot_be_opened_says_why, NULL);
    test_add(threads_may_share_a_model, NULL);
    test_add(two_streams_over_one_model_take_turns, NULL);
    test_add(a_process_may_fork_between_calls, NULL);
    return test_run("api");
}
