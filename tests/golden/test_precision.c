/* What integers cost: hidden states, tags and F1 of really trained models in every precision against float32, and
 * int16's tags on models of random weights, where every tag that differs must be a near tie. */
#include "harness.h"
#include "model/quantise.h"
#include "run/random_model.h"
#include "tests/golden/golden.h"
#include "text/evaluation.h"
#include "text/pairs.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tag(struct tagged *tagged, struct model *model, const char *path, enum precision precision,
                struct backend *backend, const char *input)
{
    struct ft_error error = {""};
    golden_open(model, path, backend);
    ck_assert_msg(model_set_precision(model, precision, backend, &error) == FT_OK, "%s: %s", path, error.text);
    tagged_run(tagged, model->tagger, backend, input);
}

/* Micro F1 of the spans, in percent, against the last column of the input. */
static double f1_of(const struct tagged *tagged, const struct tagger *tagger)
{
    struct evaluation evaluation;
    struct arena arena;
    struct ft_error error = {""};
    size_t at = 0;
    arena_init(&arena);
    evaluation_init(&evaluation, SPANS_FLAIR_NEW);
    for (size_t s = 0; s < tagged->window.count; s++) {
        const struct sentence *sentence = &tagged->window.sentences[s];
        const char **gold, **tags = arena_array(&arena, sentence->count, sizeof *tags);
        if (!sentence->count)
            continue;
        for (size_t j = 0; j < sentence->count; j++)
            tags[j] = tagger->tags[tagged->tags[at++]];
        EXPECT(sentence_column(sentence, -1, 0, &arena, &gold, &error) == FT_OK, "%s", error.text);
        EXPECT(evaluation_add(&evaluation, sentence, gold, tags, &error) == FT_OK, "%s", error.text);
    }
    double f1 = 100 * tally_scores(evaluation.spans).f1;
    evaluation_release(&evaluation);
    arena_release(&arena);
    return f1;
}

/* |h - exact| / |h| over all columns that language models give. */
static double relative_rms(const struct tagged *tagged, const struct tagged *exact, const struct tagger *tagger)
{
    double difference = 0, whole = 0;
    for (size_t t = 0; t < exact->embedded.tokens; t++)
        for (size_t i = 0, column = 0; i < tagger->member_count; column += tagger->members[i++].width)
            for (size_t k = 0; tagger->members[i].kind == MEMBER_LM && k < tagger->members[i].width; k++) {
                double x = exact->embeddings[t * exact->width + column + k];
                double d = (double)tagged->embeddings[t * exact->width + column + k] - x;
                difference += d * d;
                whole += x * x;
            }
    ck_assert(whole > 0);
    return sqrt(difference / whole);
}

static size_t differing_tags(const struct tagged *a, const struct tagged *b)
{
    size_t count = 0;
    ck_assert_uint_eq(a->embedded.tokens, b->embedded.tokens);
    for (size_t t = 0; t < a->embedded.tokens; t++)
        count += a->tags[t] != b->tags[t];
    return count;
}

/* What a sentence's path scores by the float32 emissions. */
static double path_score(const struct tagger *tagger, const float *emissions, const uint32_t *tags, size_t count)
{
    const struct crf *crf = &tagger->crf;
    double score = 0;
    for (size_t t = 0; t < count; t++) {
        score += (double)emissions[t * crf->tags + tags[t]];
        if (tagger->has_crf)
            score += (double)crf->transitions[tags[t] * crf->tags + (t ? tags[t - 1] : crf->start)];
    }
    return tagger->has_crf ? score + (double)crf->transitions[crf->stop * crf->tags + tags[count - 1]] : score;
}

/* The most that a sentence of differing tags loses in float32's scores. */
static double widest_gap(const struct tagged *tagged, const struct tagged *exact, const struct tagger *tagger)
{
    double widest = 0;
    for (size_t s = 0; s < exact->embedded.count; s++) {
        size_t first = exact->embedded.sentences[s].first, count = exact->embedded.sentences[s].count;
        const float *emissions = exact->emissions + first * tagger->crf.tags;
        if (!count)
            continue;
        double gap = path_score(tagger, emissions, exact->tags + first, count) -
                     path_score(tagger, emissions, tagged->tags + first, count);
        widest = gap > widest ? gap : widest;
    }
    return widest;
}

/* Bounds of one trained model on one corpus; percent: of F1. */
struct bounds {
    size_t tags;
    double rms, percent;
};

static void check_trained(const char *path, const char *input, const struct bounds bounds[PRECISIONS])
{
    struct backend *backend = golden_backend(2, 0, "auto");
    struct model model;
    struct tagged exact;
    tag(&exact, &model, path, PRECISION_F32, backend, input);
    double f1 = f1_of(&exact, model.tagger);
    printf("%s on %s: F1 %.2f in f32\n", path, input, f1);
    for (enum precision p = PRECISION_INT16; p < PRECISIONS; p++) {
        struct model other;
        struct tagged tagged;
        tag(&tagged, &other, path, p, backend, input);
        double rms = relative_rms(&tagged, &exact, model.tagger), gap = widest_gap(&tagged, &exact, model.tagger);
        double change = f1_of(&tagged, model.tagger) - f1;
        size_t differ = differing_tags(&tagged, &exact);
        printf("  %s: relative RMS of h %.1e, %zu of %zu tags differ (scores by at most %.1e), F1 %+.2f\n",
               precision_names[p], rms, differ, exact.embedded.tokens, gap, change);
        fflush(stdout);
        EXPECT(rms > 0 && rms <= bounds[p].rms, "%s: relative RMS of h %g", precision_names[p], rms);
        EXPECT(differ <= bounds[p].tags, "%s: %zu tags differ", precision_names[p], differ);
        EXPECT(fabs(change) <= bounds[p].percent, "%s: F1 changes by %g", precision_names[p], change);
        tagged_release(&tagged);
        model_close(&other);
    }
    tagged_release(&exact);
    model_close(&model);
    backend->ops->free(backend);
}

#define TRAINED shared_path("golden-trained/wnut17/model.pt")
#define SMALL "models/small.safetensors"
#define DEV shared_path("data/wnut17/dev.conll")
#define TEST shared_path("data/wnut17/test.conll")

START_TEST(a_trained_model_on_the_development_set)
{
    check_trained(TRAINED, DEV, (const struct bounds[]){{0}, {0, 3e-4, 0}, {10, 1e-2, 0.1}, {20, 2e-2, 0.5}});
}
END_TEST

START_TEST(a_trained_model_on_the_test_set)
{
    check_trained(TRAINED, TEST, (const struct bounds[]){{0}, {0, 3e-4, 0}, {10, 1e-2, 0.1}, {20, 2e-2, 0.5}});
}
END_TEST

START_TEST(the_model_that_ships_on_the_development_set)
{
    check_trained(SMALL, DEV, (const struct bounds[]){{0}, {0, 3e-4, 0}, {10, 1e-2, 0.1}, {50, 2e-2, 0.5}});
}
END_TEST

START_TEST(the_model_that_ships_on_the_test_set)
{
    check_trained(SMALL, TEST, (const struct bounds[]){{0}, {0, 3e-4, 0}, {20, 1e-2, 0.1}, {50, 2e-2, 0.5}});
}
END_TEST

struct tally_of_tags {
    size_t tokens, differ;
    double widest;
};

/* Two taggers of the same weights, one in float32 and one in int16, on WNUT-17's development set. */
static void count_differences(struct tally_of_tags *tally, const struct tagger *exact, const struct tagger *rounded,
                              struct backend *backend, const char *name, double near_tie)
{
    struct tagged a, b;
    tagged_run(&a, exact, backend, DEV);
    tagged_run(&b, rounded, backend, DEV);
    double gap = widest_gap(&b, &a, exact);
    size_t differ = differing_tags(&b, &a);
    ck_assert(memcmp(a.emissions, b.emissions, a.embedded.tokens * exact->crf.tags * sizeof(float)) != 0);
    if (differ)
        printf("  %s: %zu of %zu tags differ, scores by at most %.1e\n", name, differ, a.embedded.tokens, gap);
    fflush(stdout);
    EXPECT(gap <= near_tie, "%s: a sentence's tags score %g less", name, gap);
    tally->tokens += a.embedded.tokens;
    tally->differ += differ;
    tally->widest = gap > tally->widest ? gap : tally->widest;
    tagged_release(&a);
    tagged_release(&b);
}

static void check_tally(const struct tally_of_tags *tally, const char *name, size_t in_10000)
{
    printf("%s in int16: %zu of %zu tags differ, scores by at most %.1e\n", name, tally->differ, tally->tokens,
           tally->widest);
    fflush(stdout);
    ck_assert_uint_ge(tally->tokens, 50000);
    ck_assert_msg(tally->differ * 10000 <= tally->tokens * in_10000, "%zu of %zu tags differ", tally->differ,
                  tally->tokens);
}

START_TEST(int16_changes_one_tag_in_10000_of_models_before_training)
{
    static const size_t widths[] = {64, 128, 256, 512};
    struct backend *backend = golden_backend(2, 0, "auto");
    struct tally_of_tags tally = {0};
    struct ft_error error = {""};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct random_model *models[2];
        char name[64];
        snprintf(name, sizeof name, "random weights, H = %zu", widths[i]);
        for (int m = 0; m < 2; m++)
            ck_assert_msg(random_model_new(&models[m], widths[i], NULL, backend, &error) == FT_OK, "%s", error.text);
        struct tagger *rounded = random_model_tagger(models[1]);
        ck_assert_msg(tagger_set_precision(rounded, PRECISION_INT16, 2, &error) == FT_OK, "%s", error.text);
        count_differences(&tally, random_model_tagger(models[0]), rounded, backend, name, 1e-4);
        random_model_free(models[0]);
        random_model_free(models[1]);
    }
    check_tally(&tally, "models before training", 1);
    backend->ops->free(backend);
}
END_TEST

static bool reads_language_models(const struct tagger *tagger)
{
    for (size_t i = 0; i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM)
            return true;
    return false;
}

START_TEST(int16_changes_one_tag_in_10000_of_the_goldens)
{
    struct backend *backend = golden_backend(2, 0, "auto");
    struct tally_of_tags tally = {0};
    char pattern[600];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*/model.pt", shared_path("golden/tagger"));
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct model exact, rounded;
        struct ft_error error = {""};
        golden_open(&exact, found.gl_pathv[i], backend);
        golden_open(&rounded, found.gl_pathv[i], backend);
        ck_assert_msg(model_set_precision(&rounded, PRECISION_INT16, backend, &error) == FT_OK, "%s", error.text);
        if (reads_language_models(exact.tagger)) /* nothing else is rounded */
            count_differences(&tally, exact.tagger, rounded.tagger, backend, found.gl_pathv[i], 1e-3);
        model_close(&exact);
        model_close(&rounded);
    }
    check_tally(&tally, "goldens", 1);
    globfree(&found);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    const char *trained = shared_path("golden-trained/wnut17"), *data = shared_path("data/wnut17");
    const char *random = shared_path("golden/tagger");
    test_add(a_trained_model_on_the_development_set, trained);
#ifdef __SANITIZE_ADDRESS__
    trained = data = random = "a build without sanitizers"; /* the same code again, five times slower */
#endif
    test_add(a_trained_model_on_the_test_set, trained);
    test_add(the_model_that_ships_on_the_development_set, data);
    test_add(the_model_that_ships_on_the_test_set, data);
    test_add(int16_changes_one_tag_in_10000_of_models_before_training, data);
    test_add(int16_changes_one_tag_in_10000_of_the_goldens, random);
    return test_run("golden-precision");
}
