/* Model files keep every part in its precision: what is saved is loaded to the same bits and runs to the same bits; a
 * file without integers is what it was before there were any. */
#include "base/input.h"
#include "harness.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include "tests/golden/golden.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/model-file-XXXXXX", path[64], again[64];
static struct ft_error error;

#define OK(call) ck_assert_msg((call) == FT_OK, "%s: %s", #call, error.text)

static void save(const struct model *model, const char *to)
{
    struct output *output = NULL;
    OK(output_open(&output, to, &error));
    if (model->kind == MODEL_LM)
        OK(lm_save(model->lm, output, &error));
    else
        OK(tagger_save(model->tagger, output, &error));
    OK(output_close(output, &error));
}

static void expect_same_bytes(const char *a, const char *b)
{
    char *text[2];
    size_t bytes[2];
    OK(input_slurp(a, &text[0], &bytes[0], &error));
    OK(input_slurp(b, &text[1], &bytes[1], &error));
    EXPECT(bytes[0] == bytes[1], "%s has %zu bytes, %s %zu", a, bytes[0], b, bytes[1]);
    EXPECT(!memcmp(text[0], text[1], bytes[0]), "%s and %s differ", a, b);
    free(text[0]);
    free(text[1]);
}

/* The description of a file holds `part`, or does not. */
static void expect_described(const char *part, bool wanted)
{
    struct safetensors *file;
    OK(safetensors_open(path, &file, &error));
    const char *about = safetensors_metadata(file, "flairtag");
    ck_assert_msg(!strstr(about, part) == !wanted, "%s is%s in %s", part, wanted ? " not" : "", about);
    safetensors_close(file);
}

static void expect_same_weights(const struct packed *a, const struct packed *b, size_t panels, const char *what)
{
    size_t columns = a->segments * panels * PANEL;
    EXPECT(a->precision == b->precision && a->groups == b->groups && a->segments == b->segments, "%s: another form",
           what);
    EXPECT(!memcmp(a->at, b->at, panels * a->groups * GROUP_ROW), "%s: other weights", what);
    EXPECT((uintptr_t)b->at % sizeof(float) == 0, "%s: weights at an odd address", what);
    if (a->precision == PRECISION_F32)
        return;
    EXPECT(a->segments > 0 && !memcmp(a->widths, b->widths, a->segments * sizeof *a->widths), "%s: other widths", what);
    EXPECT(!memcmp(a->scale, b->scale, columns * sizeof *a->scale), "%s: other scales", what);
    EXPECT(!a->offset == !b->offset && !a->offset == (a->precision == PRECISION_INT16), "%s: offsets", what);
    EXPECT(!a->offset || !memcmp(a->offset, b->offset, columns * sizeof *a->offset), "%s: other offsets", what);
}

static void expect_same_lm(const struct lm *a, const struct lm *b, const char *what)
{
    for (size_t k = 0; k < a->net.layers; k++)
        expect_same_weights(&a->net.layer[k].weights, &b->net.layer[k].weights, a->net.layer[k].panels, what);
    if (a->net.has_projection)
        expect_same_weights(&a->net.projection.weights, &b->net.projection.weights, a->net.projection.panels, what);
}

/* Saves, loads, compares and saves again. input NULL: a language model, which is not run. */
static void check_round_trip(const struct model *model, struct backend *backend, const char *input, const char *what)
{
    struct model loaded;
    save(model, path);
    golden_open(&loaded, path, backend);
    save(&loaded, again);
    expect_same_bytes(path, again);
    if (model->kind == MODEL_LM) {
        expect_same_lm(model->lm, loaded.lm, what);
        model_close(&loaded);
        return;
    }
    const struct tagger *a = model->tagger, *b = loaded.tagger;
    struct tagged before, after;
    for (size_t i = 0; i < a->member_count; i++)
        if (a->members[i].kind == MEMBER_LM)
            expect_same_lm(&a->members[i].lm, &b->members[i].lm, what);
    for (size_t k = 0; a->has_rnn && k < a->rnn.layers; k++)
        for (int d = 0; d < 2; d++)
            expect_same_weights(&a->rnn.layer[k][d].weights, &b->rnn.layer[k][d].weights, a->rnn.layer[k][d].panels,
                                what);
    if (a->has_reprojection)
        expect_same_weights(&a->reprojection.weights, &b->reprojection.weights, a->reprojection.panels, what);
    tagged_run(&before, a, backend, input);
    tagged_run(&after, b, backend, input);
    tagged_same(&before, &after, a, what);
    tagged_release(&before);
    tagged_release(&after);
    model_close(&loaded);
}

static void check_tagger(const char *from)
{
    struct backend *backend = golden_backend(2, 0, "auto");
    char input[600], what[800];
    snprintf(input, sizeof input, "%.*sinput.conll", (int)(strlen(from) - strlen("model.pt")), from);
    for (enum precision p = PRECISION_F32; p < PRECISIONS; p++) {
        struct model model;
        golden_open(&model, from, backend);
        OK(model_set_precision(&model, p, backend, &error));
        snprintf(what, sizeof what, "%s in %s", from, precision_names[p]);
        check_round_trip(&model, backend, input, what);
        ck_assert_uint_eq(model_other_integers(&model, p), PRECISION_F32);
        enum precision head = model.tagger->has_rnn ? head_precision_for(p) : PRECISION_F32;
        bool integers = head != PRECISION_F32;
        for (size_t i = 0; i < model.tagger->member_count; i++)
            integers |= p != PRECISION_F32 && model.tagger->members[i].kind == MEMBER_LM;
        snprintf(what, sizeof what, "\"precision\":\"%s\",\"reprojection\"", precision_names[head]);
        expect_described(what, head != PRECISION_F32); /* float32 goes without saying */
        expect_described("\"precision\":\"f32\"", false);
        expect_described(integers ? "{\"format\":2," : "{\"format\":1,", true);
        ck_assert_int_eq(model_other_integers(&model, PRECISION_F32) != PRECISION_F32, integers);
        model_close(&model);
    }
    backend->ops->free(backend);
}

START_TEST(taggers_are_kept_in_every_precision)
{
    glob_t found;
    ck_assert_int_eq(glob("tests/golden/tagger/*/model.pt", 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 10);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_tagger(found.gl_pathv[i]);
    globfree(&found);
}
END_TEST

START_TEST(a_reprojection_of_its_own_is_kept_in_every_precision)
{
    check_tagger(shared_path("golden/tagger/v0.8-zip-fwbw-crf-BIO-reproject19/model.pt"));
}
END_TEST

static void set_lm(struct model *model, size_t member, enum precision precision)
{
    struct tagger *tagger = model->tagger;
    ck_assert(tagger->members[member].kind == MEMBER_LM);
    OK(lm_set_precision(&tagger->members[member].lm, precision, &tagger->arena, &tagger->weights, 2, &error));
}

START_TEST(each_part_may_have_a_precision_of_its_own)
{
    static const struct {
        enum precision lm[2], head, others_than_int8;
        const char *format;
    } cases[] = {
        {{PRECISION_INT8, PRECISION_INT8}, PRECISION_F32, PRECISION_F32, "{\"format\":2,"},
        {{PRECISION_INT8, PRECISION_INT8}, PRECISION_INT16, PRECISION_F32, "{\"format\":2,"},
        {{PRECISION_INT8, PRECISION_INT8}, PRECISION_INT8, PRECISION_INT8, "{\"format\":2,"},
        {{PRECISION_F32, PRECISION_INT7}, PRECISION_INT8, PRECISION_INT7, "{\"format\":2,"},
        {{PRECISION_F32, PRECISION_F32}, PRECISION_INT16, PRECISION_F32, "{\"format\":2,"},
        {{PRECISION_F32, PRECISION_F32}, PRECISION_F32, PRECISION_F32, "{\"format\":1,"},
    };
    struct backend *backend = golden_backend(2, 0, "auto");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model;
        char what[64];
        golden_open(&model, "tests/golden/tagger/v0.11.3-zip-fwbw-crf/model.pt", backend);
        set_lm(&model, 0, cases[i].lm[0]);
        set_lm(&model, 1, cases[i].lm[1]);
        OK(tagger_set_head_precision(model.tagger, cases[i].head, 2, &error));
        snprintf(what, sizeof what, "mixed case %zu", i);
        check_round_trip(&model, backend, "tests/golden/tagger/v0.11.3-zip-fwbw-crf/input.conll", what);
        expect_described(cases[i].format, true);
        ck_assert_uint_eq(model_other_integers(&model, PRECISION_INT8), cases[i].others_than_int8);
        model_close(&model);
    }
    backend->ops->free(backend);
}
END_TEST

START_TEST(language_models_are_kept_in_every_precision)
{
    static const char *const files[] = {"tests/golden/lm/v0.15.1-zip-made-gru/lm-forward.pt",
                                        "tests/golden/lm/v0.15.1-zip-made-gru/lm-backward.pt"};
    struct backend *backend = golden_backend(2, 0, "auto");
    for (size_t i = 0; i < 2; i++)
        for (enum precision p = PRECISION_F32; p < PRECISIONS; p++) {
            struct model model;
            golden_open(&model, files[i], backend);
            OK(model_set_precision(&model, p, backend, &error));
            check_round_trip(&model, backend, NULL, files[i]);
            expect_described("\"precision\"", p != PRECISION_F32);
            expect_described("{\"format\":1,", p == PRECISION_F32);
            ck_assert_uint_eq(model_other_integers(&model, PRECISION_F32), p);
            model_close(&model);
        }
    backend->ops->free(backend);
}
END_TEST

START_TEST(the_model_that_ships_is_saved_to_its_own_bytes)
{
    struct backend *backend = golden_backend(2, 0, "auto");
    struct model model;
    golden_open(&model, "models/small.safetensors", backend);
    save(&model, path);
    expect_same_bytes("models/small.safetensors", path);
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    snprintf(again, sizeof again, "%s/b.safetensors", folder);
    test_add(taggers_are_kept_in_every_precision, NULL);
    test_add(a_reprojection_of_its_own_is_kept_in_every_precision,
             shared_path("golden/tagger/v0.8-zip-fwbw-crf-BIO-reproject19"));
    test_add(each_part_may_have_a_precision_of_its_own, NULL);
    test_add(language_models_are_kept_in_every_precision, NULL);
    test_add(the_model_that_ships_is_saved_to_its_own_bytes, NULL);
    int failed = test_run("model-file");
    unlink(path);
    unlink(again);
    rmdir(folder);
    return failed;
}
