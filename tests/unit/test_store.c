/* What is kept of token vectors, what it costs, and that tags do not depend on it. */
#include "embedding.h"
#include "harness.h"
#include "numbers.h"
#include "run/random_model.h"
#include "run/storage_table.h"
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {"The quick brown fox",
                                    "x",
                                    "to be or not to be , that is",
                                    "naïve Ω 你好",
                                    "a bbb a",
                                    "",
                                    "a longer sentence than the others , with some more words in it ."};
enum { TEXTS = sizeof texts / sizeof *texts };

/* Floats of the language models' pieces, token by token: what a store in host memory holds. */
static float *written_vectors(const struct batch_run *run, const struct tagger *tagger)
{
    float *vectors = malloc((run->embedded.tokens * embedder_written_width(tagger) + 1) * sizeof *vectors),
          *to = vectors;
    for (size_t t = 0; t < run->embedded.tokens; t++)
        for (size_t p = 0; p < run->embedded.piece_count; p++) {
            enum member_kind kind = tagger->members[run->embedded.piece_member[p]].kind;
            if (kind != MEMBER_LM && kind != MEMBER_CHARS)
                continue;
            memcpy(to, run->embedded.pieces[p].rows[t], run->embedded.pieces[p].width * sizeof *to);
            to += run->embedded.pieces[p].width;
        }
    return vectors;
}

/* Rows stay where they were, to the bit, as long as the store keeps them; in host memory they are together. */
static void check_keeping(const char *path, enum storage_mode mode, enum gather_mode gather, enum lm_output output)
{
    struct backend *backend = test_backend();
    struct model model;
    struct sentences sentences;
    struct batch_run run;
    struct store store;
    struct ft_error error = {""};
    open_model(&model, backend, path);
    const struct tagger *tagger = model.tagger;
    sentences_init(&sentences, texts, TEXTS);
    batch_run(&run, tagger, backend, gather, output, &sentences, 0);
    size_t width = embedder_written_width(tagger), tokens = run.embedded.tokens, live = run.account.live_bytes;
    float *expected = written_vectors(&run, tagger);
    store_init(&store, mode, &run.account, &run.account);
    struct embedded kept = run.embedded; /* its rows are looked at behind store_put's back */
    ck_assert_int_eq(store_put(&store, tagger, &run.embedded, &error), FT_OK);
    ck_assert_uint_eq(run.embedded.pinned_count, 0);
    size_t bytes = mode == STORAGE_NONE ? 0 : mode == STORAGE_CPU ? tokens * width * sizeof(float) : live;
    ck_assert_msg(run.account.live_bytes == bytes, "%s, %s of %s: %zu bytes kept, should be %zu", storage_names[mode],
                  gather_names[gather], lm_output_names[output], run.account.live_bytes, bytes);
    ck_assert_uint_eq(store.rows, mode == STORAGE_NONE ? 0 : tokens);
    if (mode == STORAGE_CPU) {
        ck_assert_uint_eq(store.count, 1);
        ck_assert_uint_eq(store.kept[0]->width, width);
        ck_assert_uint_eq(first_difference(expected, store.kept[0]->data, tokens * width), tokens * width);
    } else if (mode == STORAGE_GPU) {
        struct batch_run again = {.embedded = kept};
        float *got = written_vectors(&again, tagger);
        ck_assert_uint_eq(first_difference(expected, got, tokens * width), tokens * width);
        free(got);
    }
    store_release(&store);
    free(expected);
    batch_run_release(&run);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}

START_TEST(kept_rows_are_those_that_were_embedded_and_go_with_the_store)
{
    static const char *const paths[] = {CHARACTER_MODEL, NESTED_MODEL};
    for (int path = 0; path < 2; path++)
        for (int mode = 0; mode < 3; mode++)
            for (int gather = 0; gather < 2; gather++)
                for (int output = 0; output < 2; output++)
                    check_keeping(paths[path], (enum storage_mode)mode, (enum gather_mode)gather,
                                  (enum lm_output)output);
}
END_TEST

START_TEST(gpu_storage_clones_by_default_and_the_others_slice)
{
    ck_assert_int_eq(store_default_gather(STORAGE_NONE), GATHER_SLICE);
    ck_assert_int_eq(store_default_gather(STORAGE_CPU), GATHER_SLICE);
    ck_assert_int_eq(store_default_gather(STORAGE_GPU), GATHER_CLONE);
}
END_TEST

/* 4 units a language model, 32 bytes a row of both. "ab c" and "d": 3 tokens, 96 bytes of rows; moving them to host
 * memory takes 96 more. 191 bytes are too few, and then nothing is kept, nor was anything lost that was kept before. */
START_TEST(a_full_store_keeps_nothing_of_the_batch)
{
    static const char *const small[] = {"ab c", "d"};
    struct backend *backend = test_backend();
    struct random_model *model;
    struct sentences sentences;
    struct ft_error error = {""};
    ck_assert_int_eq(random_model_new(&model, 4, NULL, backend, &error), FT_OK);
    const struct tagger *tagger = random_model_tagger(model);
    sentences_init(&sentences, small, 2);
    for (size_t budget = 191; budget <= 192; budget++) {
        struct batch_run run;
        struct store store;
        batch_run(&run, tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, budget);
        ck_assert_int_eq(run.status, FT_OK);
        store_init(&store, STORAGE_CPU, &run.account, &run.account);
        ft_status status = store_put(&store, tagger, &run.embedded, &error);
        ck_assert_int_eq(status, budget == 192 ? FT_OK : FT_FULL);
        ck_assert_uint_eq(run.account.live_bytes, budget == 192 ? 96 : 0);
        ck_assert_uint_eq(run.account.copied_bytes, budget == 192 ? 96 : 0);
        ck_assert_uint_eq(store.rows, budget == 192 ? 3 : 0);
        ck_assert_uint_eq(store.count, budget == 192 ? 1 : 0);
        ck_assert_uint_le(run.account.peak_bytes, budget);
        store_release(&store);
        batch_run_release(&run);
    }
    sentences_release(&sentences);
    random_model_free(model);
    backend->ops->free(backend);
}
END_TEST

/* The sentences as a reader would leave them in a window. */
static void window_of(struct window *window, const struct sentences *sentences)
{
    window_init(window);
    for (size_t i = 0; i < sentences->count; i++) {
        struct sentence *to = window_add(window);
        ck_assert_ptr_nonnull(to);
        *to = sentences->at[i];
        window->tokens += to->count;
    }
}

static void check_table(const char *path)
{
    struct backend *backend = test_backend();
    struct model model;
    struct sentences sentences;
    struct window window;
    struct ft_error error = {""};
    open_model(&model, backend, path);
    sentences_init(&sentences, texts, TEXTS);
    window_of(&window, &sentences);
    for (size_t batch = 1; batch <= 4; batch++)
        for (int i = 0; i < 12; i++) {
            struct storage_case how = {(enum lm_output)(i % 2), (enum gather_mode)(i / 2 % 2),
                                       (enum storage_mode)(i / 4)};
            struct storage_figures plan, run;
            ck_assert_int_eq(storage_table(model.tagger, NULL, &how, &window, batch, &plan, &error), FT_OK);
            ck_assert_int_eq(storage_table(model.tagger, backend, &how, &window, batch, &run, &error), FT_OK);
            ck_assert_msg(
                plan.rows == run.rows && plan.row_bytes == run.row_bytes && plan.copied == run.copied &&
                    plan.kept == run.kept && plan.peak == run.peak && !strcmp(plan.pins, run.pins),
                "%s, batches of %zu, %s of %s, %s: planned %zu rows, copied %zu, kept %zu, peak %zu; it was %zu, %zu, %zu, %zu",
                path, batch, gather_names[how.gather], lm_output_names[how.lm_output], storage_names[how.storage],
                plan.rows, plan.copied, plan.kept, plan.peak, run.rows, run.copied, run.kept, run.peak);
            ck_assert_uint_eq(run.rows, sentences.tokens);
        }
    window_release(&window);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}

START_TEST(the_plan_of_bytes_is_what_the_run_takes)
{
    check_table(CHARACTER_MODEL);
    check_table(ONE_HOT_MODEL);
    check_table(NESTED_MODEL);
}
END_TEST

/* "ab c" and "d" in one batch, 32 bytes a row: by hand as in test_embedder.c. Slices of `all` kept on the device pin 12
 * rows. */
START_TEST(the_table_by_hand)
{
    static const struct {
        struct storage_case how;
        size_t copied, kept, peak;
        const char *pins;
    } cases[] = {
        {{LM_BOUNDARY, GATHER_SLICE, STORAGE_NONE}, 0, 0, 96, "nothing"},
        {{LM_ALL, GATHER_SLICE, STORAGE_NONE}, 0, 0, 384, "nothing"},
        {{LM_BOUNDARY, GATHER_SLICE, STORAGE_CPU}, 96, 96, 192, "its batch's token rows in host memory"},
        {{LM_ALL, GATHER_CLONE, STORAGE_CPU}, 192, 96, 480, "its batch's token rows in host memory"},
        {{LM_ALL, GATHER_SLICE, STORAGE_GPU}, 0, 384, 384, "its batch's whole hidden-state tensors"},
        {{LM_BOUNDARY, GATHER_SLICE, STORAGE_GPU}, 0, 96, 96, "its batch's token rows"},
        {{LM_ALL, GATHER_CLONE, STORAGE_GPU}, 96, 96, 480, "its sentence's token rows"},
    };
    static const char *const small[] = {"ab c", "d"};
    struct backend *backend = test_backend();
    struct random_model *model;
    struct sentences sentences;
    struct window window;
    struct ft_error error = {""};
    ck_assert_int_eq(random_model_new(&model, 4, NULL, backend, &error), FT_OK);
    sentences_init(&sentences, small, 2);
    window_of(&window, &sentences);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct storage_figures figures;
        ck_assert_int_eq(
            storage_table(random_model_tagger(model), backend, &cases[i].how, &window, 32, &figures, &error), FT_OK);
        ck_assert_msg(figures.copied == cases[i].copied && figures.kept == cases[i].kept &&
                          figures.peak == cases[i].peak && !strcmp(figures.pins, cases[i].pins),
                      "case %zu: copied %zu, kept %zu, peak %zu, pins %s", i, figures.copied, figures.kept,
                      figures.peak, figures.pins);
    }
    window_release(&window);
    sentences_release(&sentences);
    random_model_free(model);
    backend->ops->free(backend);
}
END_TEST

/* Runs two windows; says whether the store was given up, and how much was live at the end. */
static float *predict_twice(const struct tagger *tagger, struct backend *backend,
                            const struct predictor_options *options, const struct window *window, int *gave_up,
                            size_t *live)
{
    struct predictor *predictor;
    struct ft_error error = {""};
    float *scores = calloc(2 * window->tokens, sizeof *scores);
    size_t at = 0;
    *gave_up = 0;
    ck_assert_int_eq(predictor_new(&predictor, tagger, backend, options, &error), FT_OK);
    for (int round = 0; round < 2; round++) {
        const struct tagging *taggings;
        bool kept_less = false;
        ck_assert_msg(predictor_run(predictor, window, &taggings, &kept_less, &error) == FT_OK, "%s", error.text);
        *gave_up += kept_less;
        for (size_t s = 0; s < window->count; s++)
            for (size_t j = 0; j < window->sentences[s].count; j++)
                scores[at++] = (float)taggings[s].scores[j];
    }
    *live = predictor_account(predictor)->live_bytes;
    predictor_free(predictor);
    return scores;
}

START_TEST(a_predictor_that_runs_out_of_room_stores_nothing_and_tags_on)
{
    struct backend *backend = test_backend();
    struct model model;
    struct sentences sentences;
    struct window window;
    int gave_up;
    size_t live;
    open_model(&model, backend, NESTED_MODEL);
    sentences_init(&sentences, texts, TEXTS);
    window_of(&window, &sentences);
    struct predictor_options options = {.scores = SCORES_FLAIR};
    float *expected = predict_twice(model.tagger, backend, &options, &window, &gave_up, &live);
    ck_assert_int_eq(gave_up, 0);
    ck_assert_uint_eq(live, 0);
    size_t rows = window.tokens * embedder_written_width(model.tagger) * sizeof(float);
    for (int i = 0; i < 8; i++) {
        options.storage = i / 4 ? STORAGE_GPU : STORAGE_CPU;
        options.gather = (enum gather_mode)(i / 2 % 2);
        options.lm_output = (enum lm_output)(i % 2);
        options.max_memory = 0;
        float *got = predict_twice(model.tagger, backend, &options, &window, &gave_up, &live);
        ck_assert_uint_eq(first_difference(expected, got, 2 * window.tokens), 2 * window.tokens);
        ck_assert_int_eq(gave_up, 0);
        ck_assert_uint_ge(live, 2 * rows);
        free(got);
        for (size_t share = 1; share <= 8; share++) {
            options.max_memory = live * share / 8 - 1;
            size_t left;
            got = predict_twice(model.tagger, backend, &options, &window, &gave_up, &left);
            ck_assert_msg(gave_up == 1 && left == 0, "case %d, %zu bytes: given up %d times, %zu bytes left", i,
                          options.max_memory, gave_up, left);
            ck_assert_uint_eq(first_difference(expected, got, 2 * window.tokens), 2 * window.tokens);
            free(got);
        }
    }
    free(expected);
    window_release(&window);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

/* The first window fits, but not twice: the store is given up. The second does not fit at all: no news by then. */
START_TEST(giving_up_is_said_once)
{
    static const char *const little[] = {"x"};
    struct backend *backend = test_backend();
    struct model model;
    struct sentences sentences[2];
    struct window windows[2];
    struct predictor *predictor;
    struct ft_error error = {""};
    open_model(&model, backend, NESTED_MODEL);
    sentences_init(&sentences[0], little, 1);
    sentences_init(&sentences[1], texts, TEXTS);
    size_t row = embedder_written_width(model.tagger) * sizeof(float);
    struct predictor_options options = {.storage = STORAGE_CPU, .max_memory = row + 1};
    ck_assert_int_eq(predictor_new(&predictor, model.tagger, backend, &options, &error), FT_OK);
    for (int i = 0; i < 2; i++) {
        const struct tagging *taggings;
        bool kept_less = false;
        window_of(&windows[i], &sentences[i]);
        ck_assert_msg(predictor_run(predictor, &windows[i], &taggings, &kept_less, &error) == FT_OK, "%s", error.text);
        ck_assert_msg(kept_less == (i == 0), "window %d: given up: %d", i, kept_less);
    }
    ck_assert_uint_eq(predictor_account(predictor)->live_bytes, 0);
    predictor_free(predictor);
    for (int i = 0; i < 2; i++) {
        window_release(&windows[i]);
        sentences_release(&sentences[i]);
    }
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(kept_rows_are_those_that_were_embedded_and_go_with_the_store, NULL);
    test_add(gpu_storage_clones_by_default_and_the_others_slice, NULL);
    test_add(a_full_store_keeps_nothing_of_the_batch, NULL);
    test_add(the_plan_of_bytes_is_what_the_run_takes, NULL);
    test_add(the_table_by_hand, NULL);
    test_add(a_predictor_that_runs_out_of_room_stores_nothing_and_tags_on, NULL);
    test_add(giving_up_is_said_once, NULL);
    return test_run("store");
}
