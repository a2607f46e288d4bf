/* test_evaluation.c - counts and reports, by hand and against the reports of conlleval and of three versions of
 * Flair. */
#include "base/error.h"
#include "base/input.h"
#include "harness.h"
#include "text/evaluation.h"
#include "text/evaluation_page.h"
#include "text/pairs.h"
#include "text/scheme.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TOKENS = 64 };

static struct evaluation evaluation;
static struct ft_error error;

/* One sentence of "token gold predicted" triples. */
static ft_status add(const char *line)
{
    static char copy[1024];
    struct token tokens[MOST_TOKENS] = {0};
    const char *gold[MOST_TOKENS], *predicted[MOST_TOKENS];
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "), n++) {
        tokens[n].text = at;
        tokens[n].bytes = (uint32_t)strlen(at);
        gold[n] = strtok(NULL, " ");
        predicted[n] = strtok(NULL, " ");
    }
    struct sentence sentence = {.tokens = tokens, .count = n, .file = "hand.conll", .line = 5};
    return evaluation_add(&evaluation, &sentence, gold, predicted, &error);
}

static void start(enum span_rule rule)
{
    evaluation_init(&evaluation, rule);
}

static void expect_report(enum evaluation_report report, const char *expected)
{
    char *text;
    ck_assert_int_eq(evaluation_report(&evaluation, report, &text, &error), FT_OK);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void expect_tally(struct tally tally, size_t gold, size_t predicted, size_t correct)
{
    ck_assert_uint_eq(tally.gold, gold);
    ck_assert_uint_eq(tally.predicted, predicted);
    ck_assert_uint_eq(tally.correct, correct);
}

START_TEST(a_span_is_correct_when_tokens_and_type_are_equal)
{
    for (enum span_rule rule = SPANS_CONLLEVAL; rule <= SPANS_FLAIR_NEW; rule++) {
        start(rule);
        /* right; wrong type; wrong end; missing; invented */
        add("a B-X B-X b I-X I-X c O O d B-Y B-X");
        add("a B-X B-X b I-X O c B-Y O d O B-Y");
        expect_tally(evaluation.spans, 4, 4, 1);
        ck_assert_uint_eq(evaluation.sentences, 2);
        ck_assert_uint_eq(evaluation.tokens, 8);
        ck_assert_uint_eq(evaluation.tokens_right, 4);
        /* places: 1-2, 4 | 1-2, 1, 3, 4; one agrees */
        ck_assert_uint_eq(evaluation.places, 6);
        ck_assert_uint_eq(evaluation.places_agreed, 1);
        size_t count;
        const struct type_tally **classes = evaluation_classes(&evaluation, &count);
        ck_assert_uint_eq(count, 2);
        ck_assert_str_eq(classes[0]->type, "X"); /* 2 + 3 against 2 + 1 */
        expect_tally(classes[0]->count, 2, 3, 1);
        expect_tally(classes[1]->count, 2, 1, 0);
        struct averages a = evaluation_averages(&evaluation, classes, count);
        ck_assert_double_eq_tol(a.micro.f1, 0.25, 1e-15);
        ck_assert_double_eq_tol(a.macro.precision, 1. / 6, 1e-15);
        ck_assert_double_eq_tol(a.macro.recall, 0.25, 1e-15);
        ck_assert_double_eq_tol(a.macro.f1, 0.2, 1e-15); /* X: 2 * 1/3 * 1/2 / (5/6) = 0.4 */
        ck_assert_double_eq_tol(a.weighted.f1, 0.2, 1e-15);
        ck_assert_double_eq_tol(a.accuracy, 1. / 6, 1e-15);
        free(classes);
        evaluation_release(&evaluation);
    }
}
END_TEST

/* Paris/X is right once, Rome/X is never right, though both sides have it; Oslo/X is on one side only. */
START_TEST(a_surface_form_counts_once_and_is_correct_when_right_in_place)
{
    start(SPANS_CONLLEVAL);
    add("Paris B-X B-X and O O Paris B-X O");
    add("Paris B-X B-X");
    add("Rome B-X O Rome O B-X Oslo O B-X");
    add("New B-X B-X York I-X I-X");
    add("New B-X B-X York I-X B-X"); /* predicted: New/X and York/X, neither right */
    expect_tally(evaluation.spans, 6, 7, 3);
    expect_tally(evaluation.surfaces, 3, 6, 2);
    expect_report(REPORT_WNUT, "          precision  recall      F1     gold  predicted  correct\n"
                               "entities      42.86   50.00   46.15        6          7        3\n"
                               "surfaces      33.33   66.67   44.44        3          6        2\n");
    evaluation_release(&evaluation);
}
END_TEST

START_TEST(rules_count_malformed_tags_each_in_its_way)
{
    const char *line = "a B-X B-X b I-X I-Y c O O d S-X S-X e E-Y E-Y";
    start(SPANS_CONLLEVAL);
    add(line);
    expect_tally(evaluation.spans, 3, 4, 2); /* 1-2 X, 4 X, 5 Y against 1 X, 2 Y, 4 X, 5 Y */
    evaluation_release(&evaluation);
    start(SPANS_FLAIR_NEW);
    add(line);
    expect_tally(evaluation.spans, 2, 3, 1); /* 1-2 X, 4-5 X against 1 X, 2 Y, 4-5 X */
    evaluation_release(&evaluation);
    start(SPANS_FLAIR_OLD);
    ck_assert_int_eq(add(line), FT_INPUT); /* gold S- */
    evaluation_release(&evaluation);
}
END_TEST

START_TEST(gold_tags_that_old_flair_does_not_read_are_an_error_with_their_place)
{
    start(SPANS_FLAIR_OLD);
    ck_assert_int_eq(add("a O O b PER O"), FT_INPUT);
    ck_assert_str_eq(error.text,
                     "hand.conll:5: tag 'PER' is neither IOB1 nor BIO, which is all that Flair up to 0.10 reads "
                     "(--rule flair-new and --rule conlleval take it)");
    evaluation_release(&evaluation);
}
END_TEST

/* The script never ends a chunk without type, so that it is not correct even where both sides agree. */
START_TEST(conlleval_counts_as_the_script_does_with_odd_tags)
{
    start(SPANS_CONLLEVAL);
    add("a B-X B-X b foo foo c O O d B-Y B-Y e O O");
    expect_tally(evaluation.spans, 3, 3, 2);
    expect_report(REPORT_CONLLEVAL, "processed 5 tokens with 3 phrases; found: 3 phrases; correct: 2.\n"
                                    "accuracy: 100.00%; precision:  66.67%; recall:  66.67%; FB1:  66.67\n"
                                    "                 : precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n"
                                    "                 : precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n"
                                    "                X: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
                                    "                Y: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n");
    evaluation_release(&evaluation);
}
END_TEST

START_TEST(document_marks_are_tokens_to_conlleval)
{
    start(SPANS_CONLLEVAL);
    evaluation_add_outside(&evaluation, 1);
    add("a O B-X");
    expect_report(REPORT_CONLLEVAL, "processed 2 tokens with 0 phrases; found: 1 phrases; correct: 0.\n"
                                    "accuracy:  50.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00\n"
                                    "                X: precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n");
    evaluation_release(&evaluation);
}
END_TEST

/* An independent count: every gold span against every predicted one. */
static struct tally slow_tally(enum span_rule rule, const char *const *gold, const char *const *predicted, size_t n,
                               struct arena *arena)
{
    struct tally tally = {0};
    size_t bad;
    const char **converted;
    if (rule == SPANS_FLAIR_OLD) {
        ck_assert_int_eq(scheme_old_reader(gold, n, arena, &converted, &bad), FT_OK);
        gold = converted;
    }
    struct span *g = spans_from_tags(rule, gold, NULL, n, arena, &tally.gold);
    struct span *p = spans_from_tags(rule, predicted, NULL, n, arena, &tally.predicted);
    for (size_t i = 0; i < tally.gold; i++)
        for (size_t j = 0; j < tally.predicted; j++)
            tally.correct += g[i].first == p[j].first && g[i].last == p[j].last && !strcmp(g[i].type, p[j].type);
    return tally;
}

START_TEST(counts_are_those_of_a_slow_comparison)
{
    static const char *const pool[] = {"O", "B-x", "I-x", "B-y", "I-y", "E-x", "S-x", "E-y", "S-y"};
    unsigned seed = (unsigned)getpid();
    printf("counts_are_those_of_a_slow_comparison: seed %u\n", seed);
    struct arena arena;
    arena_init(&arena);
    for (enum span_rule rule = SPANS_CONLLEVAL; rule <= SPANS_FLAIR_NEW; rule++) {
        struct tally sum = {0};
        start(rule);
        for (int s = 0; s < 5000; s++) {
            struct token tokens[8];
            const char *gold[8], *predicted[8];
            size_t n = (size_t)(rand_r(&seed) % 8);
            for (size_t t = 0; t < n; t++) {
                tokens[t] = (struct token){.text = "w", .bytes = 1};
                gold[t] = pool[rand_r(&seed) % (rule == SPANS_FLAIR_OLD ? 5 : 9)];
                predicted[t] = rand_r(&seed) % 4 ? gold[t] : pool[rand_r(&seed) % 9];
            }
            struct sentence sentence = {.tokens = tokens, .count = n, .file = "random", .line = 1};
            ck_assert_int_eq(evaluation_add(&evaluation, &sentence, gold, predicted, &error), FT_OK);
            struct tally tally = slow_tally(rule, gold, predicted, n, &arena);
            sum.gold += tally.gold;
            sum.predicted += tally.predicted;
            sum.correct += tally.correct;
            expect_tally(evaluation.spans, sum.gold, sum.predicted, sum.correct);
            arena_clear(&arena);
        }
        ck_assert_uint_gt(sum.correct, 0);
        ck_assert_uint_lt(sum.correct, sum.gold);
        evaluation_release(&evaluation);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(nothing_at_all_has_scores_of_zero)
{
    start(SPANS_CONLLEVAL);
    expect_report(REPORT_CONLLEVAL, "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n");
    expect_report(REPORT_TABLE, "type   precision  recall      F1     gold  predicted  correct\n"
                                "\n"
                                "micro       0.00    0.00    0.00        0          0        0\n"
                                "macro       0.00    0.00    0.00\n"
                                "\n"
                                "sentences: 0; tokens: 0; equal tags: 0.00 %; rule: conlleval\n");
    evaluation_release(&evaluation);
}
END_TEST

START_TEST(the_table_aligns_names_of_any_script)
{
    start(SPANS_FLAIR_NEW);
    add("a B-person B-person b I-person I-person c B-\xc3\xa9t\xc3\xa9 O");
    expect_report(REPORT_TABLE, "type    precision  recall      F1     gold  predicted  correct\n"
                                "person     100.00  100.00  100.00        1          1        1\n"
                                "\xc3\xa9t\xc3\xa9          0.00    0.00    0.00        1          0        0\n"
                                "\n"
                                "micro      100.00   50.00   66.67        2          1        1\n"
                                "macro       50.00   50.00   50.00\n"
                                "\n"
                                "sentences: 1; tokens: 3; equal tags: 66.67 %; rule: flair-new\n");
    evaluation_release(&evaluation);
}
END_TEST

/* Up to 0.10 a row "samples avg"; from 0.11 "accuracy" where both sides have the same places, and fractions where
 * nothing agrees. */
START_TEST(flair_s_report_depends_on_version_and_agreement)
{
    start(SPANS_FLAIR_OLD);
    add("a B-X B-X b B-Y B-X");
    expect_report(REPORT_FLAIR_0_10, "\nResults:\n- F-score (micro) 0.5\n- F-score (macro) 0.3333\n- Accuracy 0.5\n\n"
                                     "By class:\n"
                                     "              precision    recall  f1-score   support\n\n"
                                     "           X     0.5000    1.0000    0.6667         1\n"
                                     "           Y     0.0000    0.0000    0.0000         1\n\n"
                                     "   micro avg     0.5000    0.5000    0.5000         2\n"
                                     "   macro avg     0.2500    0.5000    0.3333         2\n"
                                     "weighted avg     0.2500    0.5000    0.3333         2\n"
                                     " samples avg     0.5000    0.5000    0.5000         2\n");
    evaluation_release(&evaluation);
    start(SPANS_FLAIR_NEW);
    add("a B-X B-X b B-Y B-X");
    expect_report(REPORT_FLAIR_0_15, "\nResults:\n- F-score (micro) 0.5\n- F-score (macro) 0.3333\n- Accuracy 0.5\n\n"
                                     "By class:\n"
                                     "              precision    recall  f1-score   support\n\n"
                                     "           X     0.5000    1.0000    0.6667         1\n"
                                     "           Y     0.0000    0.0000    0.0000         1\n\n"
                                     "    accuracy                         0.5000         2\n"
                                     "   macro avg     0.2500    0.5000    0.3333         2\n"
                                     "weighted avg     0.2500    0.5000    0.3333         2\n");
    evaluation_release(&evaluation);
    start(SPANS_FLAIR_NEW);
    add("a B-X O b O B-X");
    expect_report(REPORT_FLAIR_0_11, "\nResults:\n- F-score (micro) 0.0\n- F-score (macro) 0.0\n- Accuracy 0.0\n\n"
                                     "By class:\n"
                                     "              precision    recall  f1-score   support\n\n"
                                     "           X     0.0000    0.0000    0.0000       1.0\n\n"
                                     "   micro avg     0.0000    0.0000    0.0000       1.0\n"
                                     "   macro avg     0.0000    0.0000    0.0000       1.0\n"
                                     "weighted avg     0.0000    0.0000    0.0000       1.0\n");
    evaluation_release(&evaluation);
}
END_TEST

START_TEST(json_holds_every_figure)
{
    start(SPANS_CONLLEVAL);
    add("a B-X B-X b O B-\"q\"");
    expect_report(
        REPORT_JSON,
        "{\"rule\":\"conlleval\",\"sentences\":1,\"tokens\":2,\"tag_accuracy\":0.5,\"span_accuracy\":0.5,"
        "\"micro\":{\"precision\":0.5,\"recall\":1,\"f1\":0.66666666666666663,\"gold\":1,\"predicted\":2,\"correct\":1}"
        ","
        "\"macro\":{\"precision\":0.5,\"recall\":0.5,\"f1\":0.5},"
        "\"weighted\":{\"precision\":1,\"recall\":1,\"f1\":1},"
        "\"surfaces\":{\"precision\":0.5,\"recall\":1,\"f1\":0.66666666666666663,\"gold\":1,\"predicted\":2,"
        "\"correct\":1},"
        "\"types\":[{\"type\":\"\\\"q\\\"\",\"precision\":0,\"recall\":0,\"f1\":0,\"gold\":0,\"predicted\":1,"
        "\"correct\":0},"
        "{\"type\":\"X\",\"precision\":1,\"recall\":1,\"f1\":1,\"gold\":1,\"predicted\":1,\"correct\":1}]}\n");
    evaluation_release(&evaluation);
}
END_TEST

/* ten thousand types and surfaces, each counted once: the tables grow */
START_TEST(many_types_are_counted_apart)
{
    start(SPANS_FLAIR_NEW);
    for (int i = 0; i < 10000; i++) {
        char line[64];
        snprintf(line, sizeof line, "w%d B-t%d B-t%d", i, i, i % 5000);
        ck_assert_int_eq(add(line), FT_OK);
    }
    expect_tally(evaluation.spans, 10000, 10000, 5000);
    expect_tally(evaluation.surfaces, 10000, 10000, 5000);
    ck_assert_uint_eq(evaluation.type_count, 10000);
    evaluation_release(&evaluation);
}
END_TEST

static char *text_of(const char *folder, const char *name)
{
    char path[1024], *bytes;
    size_t count;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(input_slurp(path, &bytes, &count, &error) == FT_OK, "%s", error.text);
    return bytes;
}

static void expect_scores(const char *where, const cJSON *json, struct scores s, size_t support)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {{"precision", s.precision}, {"recall", s.recall}, {"f1-score", s.f1}, {"support", (double)support}};
    ck_assert_msg(cJSON_IsObject(json), "%s: no figures", where);
    for (size_t i = 0; i < 4; i++) {
        const cJSON *figure = cJSON_GetObjectItemCaseSensitive(json, figures[i].name);
        ck_assert_msg(figure && fabs(figure->valuedouble - figures[i].value) < 1e-12, "%s: %s is %.17g", where,
                      figures[i].name, figures[i].value);
    }
}

static void expect_classification(const cJSON *json)
{
    size_t count;
    const struct type_tally **classes = evaluation_classes(&evaluation, &count);
    struct averages a = evaluation_averages(&evaluation, classes, count);
    const cJSON *report = cJSON_GetObjectItemCaseSensitive(json, "classification_report");
    const cJSON *next = report ? report->child : NULL, *row;
    for (size_t i = 0; report && i < count; i++, next = next->next) {
        ck_assert_ptr_nonnull(next);
        ck_assert_str_eq(next->string, classes[i]->type); /* in the same order */
        expect_scores(next->string, next, tally_scores(classes[i]->count), classes[i]->count.gold);
    }
    if (report) {
        if ((row = cJSON_GetObjectItemCaseSensitive(report, "micro avg")))
            expect_scores("micro avg", row, a.micro, a.total.gold);
        expect_scores("macro avg", cJSON_GetObjectItemCaseSensitive(report, "macro avg"), a.macro, a.total.gold);
        expect_scores("weighted avg", cJSON_GetObjectItemCaseSensitive(report, "weighted avg"), a.weighted,
                      a.total.gold);
    }
    if ((row = cJSON_GetObjectItemCaseSensitive(report, "samples avg")))
        expect_scores("samples avg", row, (struct scores){a.samples, a.samples, a.samples}, a.total.gold);
    double score = cJSON_GetObjectItemCaseSensitive(json, "main_score")->valuedouble;
    ck_assert_double_eq_tol(a.micro.f1, score, 1e-12);
    free(classes);
}

/* The file that Flair writes beside its scores: token, gold and predicted spans as BIO. */
static void print_bio(FILE *out, enum span_rule rule, const struct pair *pair)
{
    struct arena arena;
    arena_init(&arena);
    size_t n = pair->sentence->count, bad, count;
    const char *const *sides[] = {pair->gold, pair->predicted};
    const char **bio[2], **converted;
    if (rule == SPANS_FLAIR_OLD) {
        ck_assert_int_eq(scheme_old_reader(pair->gold, n, &arena, &converted, &bad), FT_OK);
        sides[0] = converted;
    }
    for (int side = 0; side < 2; side++) {
        struct span *spans = spans_from_tags(rule, sides[side], NULL, n, &arena, &count);
        bio[side] = scheme_tags(SCHEME_BIO, spans, count, n, &arena);
    }
    for (size_t t = 0; t < n; t++)
        fprintf(out, "%s %s %s\n", pair->sentence->tokens[t].text, bio[0][t], bio[1][t]);
    fputc('\n', out);
    arena_release(&arena);
}

static char *read_pairs(const char *folder, enum span_rule rule)
{
    char gold[1024], predicted[1024], *bio;
    size_t bytes;
    snprintf(gold, sizeof gold, "%s/gold.conll", folder);
    snprintf(predicted, sizeof predicted, "%s/pred.conll", folder);
    struct pairs *pairs;
    struct pair pair;
    FILE *out = open_memstream(&bio, &bytes);
    ck_assert_int_eq(pairs_open(&pairs, &(struct pairs_options){.gold = gold, .predicted = predicted}, &error), FT_OK);
    ft_status status;
    while ((status = pairs_next(pairs, &pair, &error)) == FT_OK) {
        ck_assert_int_eq(evaluation_add(&evaluation, pair.sentence, pair.gold, pair.predicted, &error), FT_OK);
        print_bio(out, rule, &pair);
    }
    ck_assert_msg(status == FT_END, "%s", error.text);
    pairs_close(pairs);
    fclose(out);
    return bio;
}

static const char *const CASES[] = {"duplicates",  "malformed-gold", "malformed-pred",
                                    "no-entities", "no-predictions", "one-class",
                                    "one-label",   "wellformed-bio", "wellformed-bioes"};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

static void expect_flair(const char *version, enum span_rule rule, enum evaluation_report report)
{
    for (int c = 0; c < CASE_COUNT; c++) {
        char relative[128], name[64];
        snprintf(relative, sizeof relative, "golden/eval/%s", CASES[c]);
        const char *folder = shared_path(relative);
        start(rule);
        char *bio = read_pairs(folder, rule);
        snprintf(name, sizeof name, "%s.json", version);
        char *source = text_of(folder, name);
        cJSON *json = cJSON_Parse(source);
        ck_assert_ptr_nonnull(json);
        const char *expected = cJSON_GetObjectItemCaseSensitive(json, "report")->valuestring;
        size_t length = strlen(expected);
        char *text;
        ck_assert_int_eq(evaluation_report(&evaluation, report, &text, &error), FT_OK);
        /* a report always ends its last line; Flair's error text does not */
        ck_assert_msg(!strncmp(text, expected, length) && (!text[length] || !strcmp(text + length, "\n")),
                      "%s: expected\n%s\nfound\n%s", CASES[c], expected, text);
        expect_classification(json);
        snprintf(name, sizeof name, "%s.test.tsv", version);
        char *lines = text_of(folder, name);
        /* a corpus without any span gave 0.10 a tagger of token labels, which writes another kind of file */
        if (rule != SPANS_FLAIR_OLD || evaluation.spans.gold)
            ck_assert_msg(!strcmp(lines, bio), "%s: %s differs from\n%s", CASES[c], name, bio);
        free(lines);
        free(bio);
        free(text);
        free(source);
        cJSON_Delete(json);
        evaluation_release(&evaluation);
    }
}

START_TEST(flair_0_10_s_report_figures_and_file_are_met)
{
    expect_flair("0.10", SPANS_FLAIR_OLD, REPORT_FLAIR_0_10);
}
END_TEST

START_TEST(flair_0_11_s_report_figures_and_file_are_met)
{
    expect_flair("0.11.3", SPANS_FLAIR_NEW, REPORT_FLAIR_0_11);
}
END_TEST

START_TEST(flair_0_15_s_report_figures_and_file_are_met)
{
    expect_flair("0.15.1", SPANS_FLAIR_NEW, REPORT_FLAIR_0_15);
}
END_TEST

START_TEST(conlleval_s_report_is_met_letter_for_letter)
{
    for (int c = 0; c < CASE_COUNT; c++) {
        char relative[128];
        snprintf(relative, sizeof relative, "golden/eval/%s", CASES[c]);
        const char *folder = shared_path(relative);
        start(SPANS_CONLLEVAL);
        free(read_pairs(folder, SPANS_CONLLEVAL));
        char *expected = text_of(folder, "conlleval.txt");
        expect_report(REPORT_CONLLEVAL, expected);
        free(expected);
        evaluation_release(&evaluation);
    }
}
END_TEST

/* What an evaluation of a few sentences writes behind the head of its page. */
static char *page_data(const char *const *lines, enum span_rule rule)
{
    static char path[] = "/tmp/evaluation-page-XXXXXX";
    struct evaluation_page page;
    struct output *output;
    char *text, *data;
    size_t bytes;
    close(mkstemp(path));
    start(rule);
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(evaluation_page_begin(&page, output, "<gold>", &evaluation, &error), FT_OK);
    for (; *lines; lines++)
        ck_assert_int_eq(add(*lines), FT_OK);
    ck_assert_int_eq(evaluation_page_end(&page, &evaluation, &error), FT_OK);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    evaluation_page_release(&page);
    ck_assert_int_eq(input_slurp(path, &text, &bytes, &error), FT_OK);
    unlink(path);
    data = strdup(strstr(text, "id=\"data\">\n") + strlen("id=\"data\">\n"));
    free(text);
    return data;
}

START_TEST(a_page_holds_the_sentences_with_spans_and_then_the_figures)
{
    const char *lines[] = {"Ann B-per B-per Lee I-per I-per at O O Rome B-<b> O", "no O O", "x O S-loc", NULL};
    char *data = page_data(lines, SPANS_FLAIR_NEW), *report;
    ck_assert_int_eq(evaluation_report(&evaluation, REPORT_JSON, &report, &error), FT_OK);
    char *figures = strstr(data, "{\"rule\":\"flair-new\"");
    ck_assert_ptr_nonnull(figures);
    ck_assert_ptr_nonnull(strstr(figures, "\"type\":\"\\u003cb>\""));
    ck_assert_str_eq(strchr(figures, '\n'), "\n</script>\n</body>\n</html>\n");
    ck_assert_int_eq(strncmp(figures, report, strcspn(report, "<")), 0);
    *figures = 0;
    ck_assert_str_eq(data, "\"\\u003cgold>\"\n"
                           "[0,[\"Ann\",\"Lee\",\"at\",\"Rome\"],[[0,1,\"per\"],[3,3,\"\\u003cb>\"]],[[0,1,\"per\"]]]\n"
                           "[0,[\"x\"],[],[[0,0,\"loc\"]]]\n");
    free(report);
    free(data);
    evaluation_release(&evaluation);
}
END_TEST

static ft_status refuse(void *context, const struct compared_sentence *compared, struct ft_error *why)
{
    size_t *seen = context;
    *seen += compared->gold_count;
    return *seen > 1 ? ft_fail(why, FT_FAILED, "no more") : FT_OK;
}

START_TEST(what_a_watcher_returns_ends_the_count)
{
    size_t seen = 0;
    start(SPANS_CONLLEVAL);
    evaluation_watch(&evaluation, refuse, &seen);
    ck_assert_int_eq(add("a B-x O"), FT_OK);
    ck_assert_int_eq(add("b B-x O"), FT_FAILED);
    ck_assert_str_eq(error.text, "no more");
    evaluation_release(&evaluation);
}
END_TEST

int main(void)
{
    const char *golden = shared_path("golden/eval");
    test_add(a_span_is_correct_when_tokens_and_type_are_equal, NULL);
    test_add(a_surface_form_counts_once_and_is_correct_when_right_in_place, NULL);
    test_add(rules_count_malformed_tags_each_in_its_way, NULL);
    test_add(gold_tags_that_old_flair_does_not_read_are_an_error_with_their_place, NULL);
    test_add(conlleval_counts_as_the_script_does_with_odd_tags, NULL);
    test_add(document_marks_are_tokens_to_conlleval, NULL);
    test_add(counts_are_those_of_a_slow_comparison, NULL);
    test_add(nothing_at_all_has_scores_of_zero, NULL);
    test_add(the_table_aligns_names_of_any_script, NULL);
    test_add(flair_s_report_depends_on_version_and_agreement, NULL);
    test_add(json_holds_every_figure, NULL);
    test_add(many_types_are_counted_apart, NULL);
    test_add(flair_0_10_s_report_figures_and_file_are_met, golden);
    test_add(flair_0_11_s_report_figures_and_file_are_met, golden);
    test_add(flair_0_15_s_report_figures_and_file_are_met, golden);
    test_add(conlleval_s_report_is_met_letter_for_letter, golden);
    test_add(a_page_holds_the_sentences_with_spans_and_then_the_figures, NULL);
    test_add(what_a_watcher_returns_ends_the_count, NULL);
    return test_run("evaluation");
}
