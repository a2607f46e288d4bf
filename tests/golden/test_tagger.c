/* Every tagger golden: Flair's files of all versions give Flair's tags, spans, vectors, emissions and confidences,
 * opened directly and converted, and the same bits on every instruction set; quantised, numbers near those, and the
 * same bits likewise. */
#include "harness.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include "tests/golden/golden.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Limits: rounding of float32. A CRF's confidence is the softmax of a running sum, whose error grows with the sentence.
 */
#define EMBEDDING_LIMIT 1e-6
#define EMISSION_LIMIT 5e-5
#define SOFTMAX_LIMIT 1e-5
#define CRF_LIMIT 5e-4

/* Rounding of inputs and weights to integers, through all layers. */
#define INT16_LIMIT 0.03
#define INT8_LIMIT 1.5

static void check_converted(const struct tagger *tagger, struct backend *backend, const struct tagged *direct,
                            const char *input, const char *name)
{
    char folder[] = "/tmp/golden-tagger-XXXXXX", path[64], what[256];
    struct output *output = NULL;
    struct ft_error error = {""};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    ck_assert_msg(output_open(&output, path, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(tagger_save(tagger, output, &error) == FT_OK, "%s: saving: %s", name, error.text);
    ck_assert_msg(output_close(output, &error) == FT_OK, "%s", error.text);
    struct model model;
    struct tagged tagged;
    golden_open(&model, path, backend);
    tagged_run(&tagged, model.tagger, backend, input);
    snprintf(what, sizeof what, "%s after conversion", name);
    tagged_same(direct, &tagged, tagger, what);
    for (size_t i = 0; i < tagger->crf.tags; i++)
        ck_assert_str_eq(model.tagger->tags[i], tagger->tags[i]);
    ck_assert_int_eq(model.tagger->span_rule, tagger->span_rule);
    ck_assert_int_eq(model.tagger->token_labels, tagger->token_labels);
    tagged_release(&tagged);
    model_close(&model);
    unlink(path);
    rmdir(folder);
}

static void check_instruction_sets(const struct tagger *tagger, const struct tagged *direct, const char *input,
                                   const char *name)
{
    const struct kernels *sets[KERNEL_SETS];
    for (size_t i = 1, count = kernels_available(sets); i < count; i++) {
        if (tagger->width > 256 && !strcmp(sets[i]->name, "scalar"))
            continue; /* half a minute of fmaf; the small models run the same code */
        char what[256];
        struct backend *backend = golden_backend(1, 5, sets[i]->name);
        struct tagged tagged;
        snprintf(what, sizeof what, "%s with %s", name, sets[i]->name);
        tagged_run(&tagged, tagger, backend, input);
        tagged_same(direct, &tagged, tagger, what);
        tagged_release(&tagged);
        backend->ops->free(backend);
    }
}

/* Quantised, a tagger gives the same bits on every instruction set, for any number of threads and lanes, and emissions
 * near those of float32. Which tags change is measured on trained models; these are random ones, whose tags lie near
 * each other. */
static void check_precision(struct tagger *tagger, enum precision precision, double limit, const struct tagged *exact,
                            const char *input, const char *name)
{
    static const size_t threads[] = {1, 3}, lanes[] = {96, 7};
    char what[256];
    struct backend *backend = golden_backend(2, 0, "auto");
    struct tagged direct;
    struct ft_error error = {""};
    snprintf(what, sizeof what, "%s in %s", name, precision_names[precision]);
    ck_assert_msg(tagger_set_precision(tagger, precision, 2, &error) == FT_OK, "%s: %s", what, error.text);
    tagged_run(&direct, tagger, backend, input);
    double worst = 0;
    size_t numbers = direct.embedded.tokens * tagger->crf.tags;
    for (size_t i = 0; i < numbers; i++)
        worst = fmax(worst, distance_of((double)exact->emissions[i], (double)direct.emissions[i]));
    printf("%s: worst difference of emissions from float32 %.1e\n", what, worst);
    fflush(stdout);
    ck_assert_msg(worst <= limit, "%s: emissions are off by %.2g", what, worst);
    bool rounds = tagger->has_rnn && head_precision_for(precision) != PRECISION_F32;
    for (size_t i = 0; i < tagger->member_count; i++)
        rounds |= tagger->members[i].kind == MEMBER_LM;
    ck_assert_msg(rounds == (worst > 0), "%s: %s was quantised", what, rounds ? "nothing" : "something");
    for (int i = 0; i < 2; i++) {
        struct backend *other = golden_backend(threads[i], lanes[i], "auto");
        struct tagged tagged;
        tagged_run(&tagged, tagger, other, input);
        tagged_same(&direct, &tagged, tagger, what);
        tagged_release(&tagged);
        other->ops->free(other);
    }
    check_instruction_sets(tagger, &direct, input, what);
    tagged_release(&direct);
    backend->ops->free(backend);
}

static void check_case(const char *folder)
{
    char path[1024], input[1024];
    struct backend *backend = golden_backend(2, 0, "auto");
    struct golden golden;
    struct model model;
    struct tagged tagged;
    snprintf(path, sizeof path, "%s/model.pt", folder);
    snprintf(input, sizeof input, "%s/input.conll", folder);
    golden_read(&golden, folder, "expected.tags.tsv", "expected.spans.tsv");
    golden_open(&model, path, backend);
    ck_assert_msg(model.kind == MODEL_TAGGER, "%s is no tagger", path);
    const struct tagger *tagger = model.tagger;
    double limit = tagger->has_crf ? CRF_LIMIT : SOFTMAX_LIMIT;
    tagged_run(&tagged, tagger, backend, input);
    size_t count, *sentences = golden_numbers(folder, "dump", "sentences", &count);
    double embeddings = golden_check_rows(folder, "embeddings.npy", &tagged, tagged.embeddings, tagged.width, sentences,
                                          count, EMBEDDING_LIMIT, folder);
    double emissions = golden_check_rows(folder, "emissions.npy", &tagged, tagged.emissions, tagger->crf.tags,
                                         sentences, count, EMISSION_LIMIT, folder);
    double confidence = golden_check_tags(&golden, &tagged, tagger, limit, folder);
    printf("%s: %zu tokens, worst differences: embeddings %.1e, emissions %.1e, confidence %.1e\n", folder,
           golden.count, embeddings, emissions, confidence);
    fflush(stdout);
    golden_check_predictor(&golden, &tagged, tagger, backend, limit, folder);
    check_converted(tagger, backend, &tagged, input, folder);
    check_instruction_sets(tagger, &tagged, input, folder);
    check_precision(model.tagger, PRECISION_INT16, INT16_LIMIT, &tagged, input, folder);
    check_precision(model.tagger, PRECISION_INT8, INT8_LIMIT, &tagged, input, folder);
    free(sentences);
    tagged_release(&tagged);
    model_close(&model);
    golden_release(&golden);
    backend->ops->free(backend);
}

/* clang-format off */
#define OWN_CASES(each) \
    each(own_v0_10_zip_word_crf, "v0.10-zip-word-crf") \
    each(own_v0_11_3_zip_fwbw_crf, "v0.11.3-zip-fwbw-crf") \
    each(own_v0_12_2_zip_word_crf_noreproject, "v0.12.2-zip-word-crf-noreproject") \
    each(own_v0_15_1_zip_fwbw_softmax_half, "v0.15.1-zip-fwbw-softmax-half") \
    each(own_v0_15_1_zip_word_crf, "v0.15.1-zip-word-crf") \
    each(own_v0_4_3_legacy_word_gensim3_softmax, "v0.4.3-legacy-word-gensim3-softmax") \
    each(own_v0_4_4_legacy_fwbw_nout_inithidden, "v0.4.4-legacy-fwbw-nout-inithidden") \
    each(own_v0_8_legacy_word_gensim4_inithidden_rnn2, "v0.8-legacy-word-gensim4-inithidden-rnn2") \
    each(own_v0_8_zip_views, "v0.8-zip-views") \
    each(character_embeddings_with_words, "v0.15.1-zip-made-chars-word-crf") \
    each(character_embeddings_alone_under_a_gru, "v0.15.1-zip-made-chars-alone-gru") \
    each(one_hot_embeddings_under_two_gru_layers, "v0.15.1-zip-made-onehot-fw-gru2-softmax") \
    each(nested_stacks_and_labels_of_tokens, "v0.15.1-zip-made-nested-pos-crf") \
    each(a_reprojection_without_recurrent_layer, "v0.15.1-zip-made-onehot-nornn-softmax") \
    each(a_stable_one_hot_table, "v0.15.1-zip-made-onehot-stable-crf")
/* clang-format on */

/* clang-format off */
#define SHARED_CASES(each) \
    each(v0_10_zip_word_crf, "v0.10-zip-word-crf") \
    each(v0_10_zip_word_stable_softmax_inithidden, "v0.10-zip-word-stable-softmax-inithidden") \
    each(v0_11_3_legacy_word_softmax_BIO, "v0.11.3-legacy-word-softmax-BIO") \
    each(v0_11_3_zip_fwbw_crf, "v0.11.3-zip-fwbw-crf") \
    each(v0_12_2_legacy_fwbw_inithidden_ignored, "v0.12.2-legacy-fwbw-inithidden-ignored") \
    each(v0_12_2_zip_word_crf_noreproject, "v0.12.2-zip-word-crf-noreproject") \
    each(v0_15_1_zip_fwbw_softmax_half, "v0.15.1-zip-fwbw-softmax-half") \
    each(v0_15_1_zip_single_fw_nornn, "v0.15.1-zip-single-fw-nornn") \
    each(v0_15_1_zip_word_crf, "v0.15.1-zip-word-crf") \
    each(v0_4_3_legacy_fwbw_crf, "v0.4.3-legacy-fwbw-crf") \
    each(v0_4_3_legacy_word_gensim3_softmax, "v0.4.3-legacy-word-gensim3-softmax") \
    each(v0_4_4_legacy_fwbw_nout_inithidden, "v0.4.4-legacy-fwbw-nout-inithidden") \
    each(v0_4_4_legacy_word_gensim3_crf_rnn2, "v0.4.4-legacy-word-gensim3-crf-rnn2") \
    each(v0_4_4_zip_fwbw_crf_2layer, "v0.4.4-zip-fwbw-crf-2layer") \
    each(v0_6_1_zip_word_gensim4_crf_noreproject, "v0.6.1-zip-word-gensim4-crf-noreproject") \
    each(v0_8_legacy_half, "v0.8-legacy-half") \
    each(v0_8_legacy_word_gensim4_inithidden_rnn2, "v0.8-legacy-word-gensim4-inithidden-rnn2") \
    each(v0_8_zip_H256_crf, "v0.8-zip-H256-crf") \
    each(v0_8_zip_fwbw_crf_BIO_reproject19, "v0.8-zip-fwbw-crf-BIO-reproject19") \
    each(v0_8_zip_views, "v0.8-zip-views")
/* clang-format on */

#define OWN_TEST(id, folder)                       \
    START_TEST(id)                                 \
    {                                              \
        check_case("tests/golden/tagger/" folder); \
    }                                              \
    END_TEST
#define SHARED_TEST(id, folder)                           \
    START_TEST(id)                                        \
    {                                                     \
        check_case(shared_path("golden/tagger/" folder)); \
    }                                                     \
    END_TEST
OWN_CASES(OWN_TEST)
SHARED_CASES(SHARED_TEST)

#define ADD_OWN(id, folder) test_add(id, NULL);
#define ADD_SHARED(id, folder) test_add(id, shared_path("golden/tagger/" folder));

int main(void)
{
    OWN_CASES(ADD_OWN)
    SHARED_CASES(ADD_SHARED)
    return test_run("golden-tagger");
}
