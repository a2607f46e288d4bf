/* One golden from model file to tags, marginals and the best sequences, opened directly and converted: small enough to
 * run under valgrind, which tests/run.sh does. Every step that allocates or maps memory is taken. */
#include "harness.h"
#include "kernels/kernels.h"
#include "model/model_file.h"
#include "tests/golden/golden.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "tests/golden/tagger/v0.15.1-zip-word-crf"
#define CHARACTERS "tests/golden/tagger/v0.15.1-zip-made-chars-word-crf"

START_TEST(kernels_are_those_that_valgrind_can_run)
{
    const char *preload = getenv("LD_PRELOAD"); /* valgrind's own library is in it */
    const struct kernels *chosen = kernels_find("auto");
    ck_assert_ptr_nonnull(chosen);
    if (preload && strstr(preload, "valgrind"))
        ck_assert_str_ne(chosen->name, "avx512");
}
END_TEST

static void read_input(struct window *window)
{
    static const char *const files[] = {FOLDER "/input.conll"};
    struct reader_options reading = {.files = files, .file_count = 1, .format = INPUT_CONLL};
    struct reader *reader;
    struct ft_error error = {""};
    ck_assert_msg(reader_open(&reader, &reading, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(reader_next(reader, SIZE_MAX, SIZE_MAX, window, &error) == FT_OK, "%s", error.text);
    reader_close(reader);
}

static void check_tagging(const struct tagging *tagging, size_t tokens, size_t sentence)
{
    double before = 1, sum = 0;
    for (size_t t = 0; t < tokens; t++)
        ck_assert_msg(tagging->scores[t] > 0 && tagging->scores[t] < 1.000001, "sentence %zu, token %zu: marginal %g",
                      sentence, t + 1, tagging->scores[t]);
    ck_assert_msg(tokens == 0 || tagging->best_count == 3, "sentence %zu: %zu sequences", sentence,
                  tagging->best_count);
    for (size_t k = 0; k < tagging->best_count; k++) {
        double probability = tagging->best[k].probability;
        ck_assert_msg(probability >= 0 && probability <= before + 1e-9, "sentence %zu, sequence %zu: %g after %g",
                      sentence, k + 1, probability, before);
        before = probability;
        sum += probability;
    }
    ck_assert_msg(sum < 1.000001, "sentence %zu: probabilities of %g together", sentence, sum);
    for (size_t t = 0; t < tokens; t++)
        ck_assert_str_eq(tagging->best[0].tags[t], tagging->tags[t]);
}

static void check_model(const struct tagger *tagger, struct backend *backend, const struct golden *golden,
                        enum storage_mode storage)
{
    struct predictor_options options = {.storage = storage, .scores = SCORES_MARGINAL, .span_scores = true, .nbest = 3};
    struct predictor *predictor;
    struct window window;
    const struct tagging *taggings;
    bool kept_less = false;
    struct ft_error error = {""};
    size_t at = 0, spans = 0;
    window_init(&window);
    read_input(&window);
    ck_assert_msg(predictor_new(&predictor, tagger, backend, &options, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(predictor_run(predictor, &window, &taggings, &kept_less, &error) == FT_OK, "%s", error.text);
    for (size_t i = 0; i < window.count; i++) {
        for (size_t t = 0; t < window.sentences[i].count; t++, at++) {
            ck_assert_msg(at < golden->count, "more tokens than Flair's %zu", golden->count);
            ck_assert_str_eq(window.sentences[i].tokens[t].text, golden->tokens[at]);
            ck_assert_str_eq(taggings[i].tags[t], golden->tags[at]);
        }
        spans += taggings[i].span_count;
        check_tagging(&taggings[i], window.sentences[i].count, i + 1);
    }
    ck_assert_uint_eq(at, golden->count);
    ck_assert_uint_eq(spans, golden->span_count);
    predictor_free(predictor);
    window_release(&window);
}

START_TEST(a_golden_runs_end_to_end_directly_and_converted)
{
    struct backend *backend = golden_backend(2, 0, "auto");
    struct golden golden;
    struct model model, converted;
    struct output *output;
    struct ft_error error = {""};
    char path[] = "/tmp/flairtag-valgrind-XXXXXX";
    golden_read(&golden, FOLDER, "expected.tags.tsv", "expected.spans.tsv");
    golden_open(&model, FOLDER "/model.pt", backend);
    check_model(model.tagger, backend, &golden, STORAGE_NONE);
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    ck_assert_msg(output_open(&output, path, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(tagger_save(model.tagger, output, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(output_close(output, &error) == FT_OK, "%s", error.text);
    model_close(&model);
    golden_open(&converted, path, backend);
    unlink(path);
    check_model(converted.tagger, backend, &golden, STORAGE_CPU);
    model_close(&converted);
    golden_release(&golden);
    backend->ops->free(backend);
}
END_TEST

START_TEST(character_embeddings_run_from_file_to_spans)
{
    struct backend *backend = golden_backend(2, 3, "auto");
    struct golden golden;
    struct model model;
    struct tagged tagged;
    golden_read(&golden, CHARACTERS, "expected.tags.tsv", "expected.spans.tsv");
    golden_open(&model, CHARACTERS "/model.pt", backend);
    tagged_run(&tagged, model.tagger, backend, CHARACTERS "/input.conll");
    golden_check_tags(&golden, &tagged, model.tagger, 5e-4, CHARACTERS);
    golden_check_predictor(&golden, &tagged, model.tagger, backend, 5e-4, CHARACTERS);
    tagged_release(&tagged);
    model_close(&model);
    golden_release(&golden);
    backend->ops->free(backend);
}
END_TEST

START_TEST(a_window_without_tokens_leaves_nothing_behind)
{
    struct backend *backend = golden_backend(1, 0, "auto");
    struct predictor_options options = {.scores = SCORES_MARGINAL};
    struct predictor *predictor;
    struct model model;
    struct window window;
    const struct tagging *taggings;
    bool kept_less = false;
    struct ft_error error = {""};
    golden_open(&model, FOLDER "/model.pt", backend);
    window_init(&window);
    ck_assert_ptr_nonnull(window_add(&window)); /* comments alone come as such a sentence */
    ck_assert_msg(predictor_new(&predictor, model.tagger, backend, &options, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(predictor_run(predictor, &window, &taggings, &kept_less, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(taggings[0].span_count, 0);
    predictor_free(predictor);
    window_release(&window);
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(a_window_without_tokens_leaves_nothing_behind, NULL);
    test_add(character_embeddings_run_from_file_to_spans, NULL);
    test_add(kernels_are_those_that_valgrind_can_run, NULL);
    test_add(a_golden_runs_end_to_end_directly_and_converted, NULL);
    return test_run("valgrind");
}
