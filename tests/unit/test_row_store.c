/* Token vectors of a corpus over several epochs: the same to the bit whatever is kept, embedded once where they are
 * kept, and at the bytes that were planned. */
#include "embedding.h"
#include "harness.h"
#include "kernels/half.h"
#include "numbers.h"
#include "run/random_model.h"
#include "run/row_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {"The quick brown fox",
                                    "",
                                    "a bbb a",
                                    "x",
                                    "naïve Ω 你好",
                                    "to be or not to be , that is",
                                    "a longer sentence than the others , with some more words in it ."};
enum { TEXTS = sizeof texts / sizeof *texts, FULL = TEXTS - 1 };

static const char *const type_names[2] = {"f32", "f16"};

/* A model, sentences, and what every read shall give. */
struct scene {
    struct backend *backend;
    struct model opened;
    struct random_model *made;
    struct tagger *tagger;
    struct sentences sentences;
    size_t first[SENTENCES_MAX]; /* token of each sentence */
    float *expected[2];          /* [tokens, width] by row type */
};

static void scene_expect(struct scene *scene)
{
    const struct tagger *tagger = scene->tagger;
    size_t token = 0;
    for (size_t i = 0; i < scene->sentences.count; i++) {
        scene->first[i] = token;
        token += scene->sentences.at[i].count;
    }
    struct batch_run run;
    batch_run(&run, tagger, scene->backend, GATHER_SLICE, LM_BOUNDARY, &scene->sentences, 0);
    scene->expected[ROWS_F32] = batch_vectors(&run, tagger);
    float *rounded = scene->expected[ROWS_F16] = batch_vectors(&run, tagger);
    uint16_t *half = malloc(tagger->width * sizeof *half);
    for (size_t t = 0; t < run.embedded.tokens; t++)
        for (size_t p = 0; p < run.embedded.piece_count; p++) {
            size_t width = run.embedded.pieces[p].width;
            if (embedder_writes(&tagger->members[run.embedded.piece_member[p]])) {
                ck_assert(half_round(half, rounded, width));
                half_widen(rounded, half, width);
            }
            rounded += width;
        }
    free(half);
    batch_run_release(&run);
}

/* path NULL: a random model of `hidden` units. words: of its word vectors. */
static void scene_init_words(struct scene *scene, const char *path, size_t hidden, enum words_type words,
                             const char *const *lines, size_t count)
{
    struct ft_error error = {""};
    *scene = (struct scene){.backend = test_backend()};
    if (path)
        open_model(&scene->opened, scene->backend, path);
    else
        ck_assert_int_eq(random_model_new(&scene->made, hidden, NULL, scene->backend, &error), FT_OK);
    scene->tagger = path ? scene->opened.tagger : random_model_tagger(scene->made);
    for (size_t m = 0; m < scene->tagger->member_count; m++)
        if (scene->tagger->members[m].kind == MEMBER_WORDS)
            ck_assert_int_eq(words_set_type(scene->tagger->members[m].words, words, &error), FT_OK);
    sentences_init(&scene->sentences, lines, count);
    for (size_t i = 0; i < count; i++) {
        scene->sentences.at[i].file = "train.conll";
        scene->sentences.at[i].line = 10 * i + 1;
    }
    scene_expect(scene);
}

static void scene_init(struct scene *scene, const char *path, size_t hidden, const char *const *lines, size_t count)
{
    scene_init_words(scene, path, hidden, WORDS_F32, lines, count);
}

static void scene_release(struct scene *scene)
{
    free(scene->expected[0]);
    free(scene->expected[1]);
    sentences_release(&scene->sentences);
    if (scene->made)
        random_model_free(scene->made);
    else
        model_close(&scene->opened);
    scene->backend->ops->free(scene->backend);
}

static struct row_store *store_of(const struct scene *scene, const struct row_store_options *options,
                                  enum storage_mode *in_force)
{
    struct row_store *store = NULL;
    struct ft_error error = {""};
    ck_assert_msg(row_store_new(&store, scene->tagger, scene->backend, options, scene->sentences.pointers,
                                scene->sentences.count, in_force, &error) == FT_OK,
                  "%s", error.text);
    ck_assert_uint_eq(row_store_width(store), scene->tagger->width);
    return store;
}

/* Reads sentences into rows that lie apart, so that what lies between can be looked at. */
static void check_read(const struct scene *scene, struct row_store *store, enum row_type type, const size_t *numbers,
                       size_t count, const char *what)
{
    enum { GAP = 3 };
    size_t width = scene->tagger->width, tokens = 0, row = 0;
    struct ft_error error = {""};
    for (size_t k = 0; k < count; k++)
        tokens += scene->sentences.at[numbers[k]].count;
    float *got = malloc((tokens * (width + GAP) + 1) * sizeof *got), **rows = calloc(tokens + 1, sizeof *rows);
    uint32_t *place = calloc(tokens + 1, sizeof *place);
    struct row_target to = {got, width + GAP, place};
    for (size_t i = 0; i < tokens * (width + GAP); i++)
        got[i] = 77;
    for (size_t t = 0; t < tokens; t++) /* backwards: rows may lie anywhere */
        rows[t] = got + (place[t] = (uint32_t)(tokens - 1 - t)) * (width + GAP);
    ck_assert_msg(row_store_read(store, numbers, count, &to, &error) == FT_OK, "%s: %s", what, error.text);
    for (size_t k = 0; k < count; k++)
        for (size_t j = 0; j < scene->sentences.at[numbers[k]].count; j++, row++) {
            const float *expected = scene->expected[type] + (scene->first[numbers[k]] + j) * width;
            size_t at = first_difference(expected, rows[row], width);
            EXPECT(at == width, "%s: sentence %zu, token %zu: number %zu differs", what, numbers[k], j, at);
            for (size_t i = 0; i < GAP; i++)
                EXPECT(rows[row][width + i] == 77, "%s: something is written behind a row", what);
        }
    free(got);
    free(rows);
    free(place);
}

struct batch {
    size_t count, numbers[TEXTS + 1];
};
/* Number 1 has no tokens. */
static const struct batch first_epoch[] = {{4, {0, 1, 2, 2}}, {1, {3}}, {4, {4, 5, 2, 6}}, {0, {0}}};
static const struct batch second_epoch[] = {{3, {6, 0, 4}}, {1, {1}}, {4, {5, 3, 2, 2}}};
enum { FIRST = 4, SECOND = 3, EMBEDDED_FIRST = 2 + 1 + 4, EMBEDDED_SECOND = 3 + 3, READ_FIRST = 9, READ_SECOND = 8 };

static void check_epoch(const struct scene *scene, struct row_store *store, enum row_type type,
                        const struct batch *batches, size_t count, const char *what)
{
    for (size_t b = 0; b < count; b++)
        check_read(scene, store, type, batches[b].numbers, batches[b].count, what);
}

static void check_ways(const char *path, enum words_type words)
{
    struct scene scene;
    scene_init_words(&scene, path, 5, words, texts, TEXTS);
    size_t width = embedder_written_width(scene.tagger), tokens = scene.sentences.tokens;
    for (int i = 0; i < 24; i++) {
        struct row_store_options how = {(enum storage_mode)(i / 8),
                                        (enum gather_mode)(i / 4 % 2),
                                        (enum lm_output)(i / 2 % 2),
                                        (enum row_type)(i % 2),
                                        0,
                                        0};
        char what[256];
        snprintf(what, sizeof what, "%s: %s, %s of %s, %s", path ? path : "random", storage_names[how.mode],
                 gather_names[how.gather], lm_output_names[how.lm_output], type_names[how.type]);
        enum storage_mode in_force;
        struct row_store *store = store_of(&scene, &how, &in_force);
        ck_assert_int_eq(in_force, how.mode);
        check_epoch(&scene, store, how.type, first_epoch, FIRST, what);
        struct row_store_counts counts = row_store_counts(store);
        bool stored = how.mode != STORAGE_NONE;
        ck_assert_msg(counts.read == READ_FIRST && counts.embedded == (stored ? FULL : EMBEDDED_FIRST),
                      "%s: %zu read, %zu embedded", what, counts.read, counts.embedded);
        size_t bytes = tokens * (how.type == ROWS_F16 ? (width + 1) / 2 : width) * sizeof(float);
        bool whole =
            how.mode == STORAGE_GPU && how.gather == GATHER_SLICE && how.lm_output == LM_ALL && how.type == ROWS_F32;
        if (!stored)
            ck_assert_uint_eq(counts.planned_bytes, 0);
        else if (!whole)
            ck_assert_msg(counts.planned_bytes == bytes, "%s: %zu planned, should be %zu", what, counts.planned_bytes,
                          bytes);
        if (whole)
            ck_assert_uint_le(counts.kept_bytes, counts.planned_bytes);
        else
            ck_assert_msg(counts.kept_bytes == counts.planned_bytes, "%s: %zu kept, %zu planned", what,
                          counts.kept_bytes, counts.planned_bytes);
        ck_assert_uint_eq(counts.asked_bytes, counts.planned_bytes);
        ck_assert(!counts.stopped);
        for (size_t epoch = 1; epoch < 3; epoch++) {
            check_epoch(&scene, store, how.type, second_epoch, SECOND, what);
            struct row_store_counts later = row_store_counts(store);
            size_t embedded = stored ? FULL : EMBEDDED_FIRST + epoch * EMBEDDED_SECOND;
            ck_assert_msg(later.read == READ_FIRST + epoch * READ_SECOND && later.embedded == embedded,
                          "%s, later: %zu read, %zu embedded", what, later.read, later.embedded);
            ck_assert_uint_eq(later.kept_bytes, counts.kept_bytes);
            if (stored)
                ck_assert_uint_eq(later.copied_bytes, counts.copied_bytes);
        }
        row_store_free(store);
    }
    scene_release(&scene);
}

START_TEST(every_way_of_keeping_gives_the_same_rows_and_embeds_no_sentence_twice)
{
    check_ways(NULL, WORDS_F32);
    check_ways(CHARACTER_MODEL, WORDS_F32);
    check_ways(ONE_HOT_MODEL, WORDS_F32);
    check_ways(NESTED_MODEL, WORDS_F32);
}
END_TEST

START_TEST(rows_of_narrow_word_vectors_are_kept_like_those_of_language_models)
{
    check_ways(NULL, WORDS_F16);
    check_ways(NULL, WORDS_INT8);
    check_ways(CHARACTER_MODEL, WORDS_F16);
}
END_TEST

/* As in test_embedder.c: 32 bytes a row of both models. "ab c" is 2 tokens and 6 steps, "d" one token and 3 steps. */
enum { ROW = 32, TOKEN_ROWS = 3 * ROW, TENSOR_ROWS = 12 * ROW };
static const char *const small[] = {"ab c", "d"};
static const size_t both[] = {0, 1};

START_TEST(bytes_are_those_computed_by_hand)
{
    static const struct {
        struct row_store_options how;
        size_t kept, copied, kept_alone; /* with one batch, and with one a sentence */
    } cases[] = {
        {{STORAGE_NONE, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, 0, 0}, 0, 0, 0},
        {{STORAGE_NONE, GATHER_CLONE, LM_BOUNDARY, ROWS_F32, 0, 0}, 0, TOKEN_ROWS, 0},
        {{STORAGE_NONE, GATHER_SLICE, LM_ALL, ROWS_F16, 0, 0}, 0, 0, 0},
        {{STORAGE_CPU, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, 0, 0}, TOKEN_ROWS, TOKEN_ROWS, TOKEN_ROWS},
        {{STORAGE_CPU, GATHER_CLONE, LM_ALL, ROWS_F32, 0, 0}, TOKEN_ROWS, 2 * TOKEN_ROWS, TOKEN_ROWS},
        {{STORAGE_CPU, GATHER_CLONE, LM_ALL, ROWS_F16, 0, 0}, TOKEN_ROWS / 2, TOKEN_ROWS / 2, TOKEN_ROWS / 2},
        {{STORAGE_GPU, GATHER_CLONE, LM_BOUNDARY, ROWS_F32, 0, 0}, TOKEN_ROWS, TOKEN_ROWS, TOKEN_ROWS},
        {{STORAGE_GPU, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, 0, 0}, TOKEN_ROWS, 0, TOKEN_ROWS},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, 0, 0}, TENSOR_ROWS, 0, 6 * ROW + 3 * ROW},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F16, 0, 0}, TOKEN_ROWS / 2, TOKEN_ROWS / 2, TOKEN_ROWS / 2},
    };
    struct scene scene;
    scene_init(&scene, NULL, 4, small, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row_store *store = store_of(&scene, &cases[i].how, NULL);
        check_read(&scene, store, cases[i].how.type, both, 2, "both");
        struct row_store_counts counts = row_store_counts(store);
        ck_assert_msg(counts.kept_bytes == cases[i].kept && counts.copied_bytes == cases[i].copied &&
                          counts.planned_bytes == cases[i].kept,
                      "case %zu: %zu kept, %zu copied, %zu planned", i, counts.kept_bytes, counts.copied_bytes,
                      counts.planned_bytes);
        row_store_free(store);
        store = store_of(&scene, &cases[i].how, NULL);
        for (size_t k = 0; k < 2; k++)
            check_read(&scene, store, cases[i].how.type, both + k, 1, "one by one");
        ck_assert_uint_eq(row_store_counts(store).kept_bytes, cases[i].kept_alone);
        row_store_free(store);
    }
    scene_release(&scene);
}
END_TEST

START_TEST(what_does_not_fit_the_budget_falls_back_before_anything_is_embedded)
{
    static const struct {
        struct row_store_options how;
        enum storage_mode in_force;
        size_t asked, planned;
    } cases[] = {
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, TENSOR_ROWS, 0}, STORAGE_GPU, TENSOR_ROWS, TENSOR_ROWS},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, TENSOR_ROWS - 1, 0}, STORAGE_CPU, TENSOR_ROWS, TOKEN_ROWS},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, TOKEN_ROWS, 0}, STORAGE_CPU, TENSOR_ROWS, TOKEN_ROWS},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, TOKEN_ROWS - 1, 0}, STORAGE_NONE, TENSOR_ROWS, 0},
        {{STORAGE_GPU, GATHER_CLONE, LM_ALL, ROWS_F32, TOKEN_ROWS, 0}, STORAGE_GPU, TOKEN_ROWS, TOKEN_ROWS},
        {{STORAGE_GPU, GATHER_CLONE, LM_ALL, ROWS_F32, TOKEN_ROWS - 1, 0}, STORAGE_NONE, TOKEN_ROWS, 0},
        {{STORAGE_GPU, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, TOKEN_ROWS - 1, 0}, STORAGE_NONE, TOKEN_ROWS, 0},
        {{STORAGE_CPU, GATHER_SLICE, LM_ALL, ROWS_F32, TOKEN_ROWS, 0}, STORAGE_CPU, TOKEN_ROWS, TOKEN_ROWS},
        {{STORAGE_CPU, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, TOKEN_ROWS - 1, 0}, STORAGE_NONE, TOKEN_ROWS, 0},
        {{STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F16, TOKEN_ROWS / 2, 0}, STORAGE_GPU, TOKEN_ROWS / 2, TOKEN_ROWS / 2},
        {{STORAGE_GPU, GATHER_CLONE, LM_ALL, ROWS_F16, TOKEN_ROWS / 2 - 1, 0}, STORAGE_NONE, TOKEN_ROWS / 2, 0},
        {{STORAGE_NONE, GATHER_SLICE, LM_ALL, ROWS_F32, 1, 0}, STORAGE_NONE, 0, 0},
    };
    struct scene scene;
    scene_init(&scene, NULL, 4, small, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum storage_mode in_force;
        struct row_store *store = store_of(&scene, &cases[i].how, &in_force);
        struct row_store_counts counts = row_store_counts(store);
        ck_assert_msg(in_force == cases[i].in_force && counts.asked_bytes == cases[i].asked &&
                          counts.planned_bytes == cases[i].planned,
                      "case %zu: %s, %zu asked for, %zu planned", i, storage_names[in_force], counts.asked_bytes,
                      counts.planned_bytes);
        for (int epoch = 0; epoch < 2; epoch++)
            check_read(&scene, store, cases[i].how.type, both, 2, "a bound store");
        counts = row_store_counts(store);
        ck_assert_uint_eq(counts.kept_bytes, counts.planned_bytes);
        ck_assert_uint_eq(counts.embedded, in_force == STORAGE_NONE ? 4 : 2);
        ck_assert(!counts.stopped);
        row_store_free(store);
    }
    scene_release(&scene);
}
END_TEST

/* A capital I with a dot is two characters in lower case, which the plan does not count: 4 of them and two markers are
 * 6 steps planned and 10 taken, and 2 * 6 rows are planned for both sentences. */
START_TEST(a_store_whose_budget_is_passed_in_the_middle_keeps_what_it_holds_and_goes_on)
{
    static const char *const dotted[] = {"İİİİ", "x"};
    static const size_t order[] = {1, 0};
    const struct row_store_options how = {STORAGE_GPU, GATHER_SLICE, LM_ALL, ROWS_F32, 12 * ROW, 0};
    struct scene scene;
    scene_init(&scene, NULL, 4, dotted, 2);
    for (size_t m = 1; m < 3; m++)
        scene.tagger->members[m].lm.lower = true;
    free(scene.expected[0]);
    free(scene.expected[1]);
    scene_expect(&scene);
    enum storage_mode in_force;
    struct row_store *store = store_of(&scene, &how, &in_force);
    ck_assert_int_eq(in_force, STORAGE_GPU);
    for (size_t epoch = 0; epoch < 3; epoch++) {
        for (size_t k = 0; k < 2; k++) {
            check_read(&scene, store, ROWS_F32, order + k, 1, "a full store");
            struct row_store_counts counts = row_store_counts(store);
            ck_assert_uint_eq(counts.kept_bytes, 3 * ROW); /* `x`, which came first, and its markers */
            ck_assert_int_eq(counts.stopped, epoch + k > 0);
            ck_assert_uint_eq(counts.embedded, 1 + k + epoch);
        }
    }
    row_store_free(store);
    scene_release(&scene);
}
END_TEST

static const struct backend_ops *real;
static int gathers_left, encodes_spoilt;

static ft_status failing_gather(struct backend *backend, const float *const *rows, size_t count, size_t width,
                                float *out, size_t out_stride, struct ft_error *error)
{
    return gathers_left-- > 0 ? real->gather(backend, rows, count, width, out, out_stride, error)
                              : ft_nomem(error, "this test's clones");
}

START_TEST(clones_that_find_no_memory_end_the_keeping_and_lose_nothing)
{
    const struct row_store_options how = {STORAGE_GPU, GATHER_CLONE, LM_BOUNDARY, ROWS_F32, 0, 0};
    struct scene scene;
    scene_init(&scene, NULL, 4, texts, TEXTS);
    real = scene.backend->ops;
    struct backend_ops ops = *real;
    ops.gather = failing_gather;
    scene.backend->ops = &ops;
    for (int left = 0; left < 2 * FULL; left++) { /* two models a sentence */
        gathers_left = left;
        struct row_store *store = store_of(&scene, &how, NULL);
        for (int epoch = 0; epoch < 2; epoch++)
            check_epoch(&scene, store, ROWS_F32, first_epoch, FIRST, "clones fail");
        struct row_store_counts counts = row_store_counts(store);
        ck_assert_msg(counts.stopped, "with %d clones the store goes on keeping", left);
        static const size_t batch_ends[] = {2, 3, 6}; /* sentences held after each of the first epoch's batches */
        size_t held = 0, tokens = 0;
        static const size_t order[] = {0, 2, 3, 4, 5, 6};
        for (size_t b = 0; b < 3; b++)
            held = batch_ends[b] <= (size_t)left / 2 ? batch_ends[b] : held;
        for (size_t k = 0; k < held; k++)
            tokens += scene.sentences.at[order[k]].count;
        ck_assert_msg(counts.kept_bytes == tokens * ROW, "with %d clones %zu bytes are kept, should be %zu", left,
                      counts.kept_bytes, tokens * ROW);
        row_store_free(store);
    }
    scene.backend->ops = real;
    scene_release(&scene);
}
END_TEST

/* The first row that is wanted becomes too large for a half. */
static ft_status spoiling_encode(struct backend *backend, const struct lm_pass *passes, size_t count,
                                 struct ft_error *error)
{
    ft_status status = real->lm_encode(backend, passes, count, error);
    if (encodes_spoilt-- > 0)
        passes[0].out[passes[0].sequences[0].rows[0] * passes[0].lm->layer[0].hidden + 1] = 1e5f;
    return status;
}

START_TEST(a_row_that_half_precision_does_not_hold_is_refused_and_the_store_stays_usable)
{
    const struct row_store_options how = {STORAGE_GPU, GATHER_CLONE, LM_BOUNDARY, ROWS_F16, 0, 0};
    struct scene scene;
    struct ft_error error = {""};
    scene_init(&scene, NULL, 4, small, 2);
    real = scene.backend->ops;
    struct backend_ops ops = *real;
    ops.lm_encode = spoiling_encode;
    scene.backend->ops = &ops;
    float *row = malloc(scene.tagger->width * sizeof *row);
    struct row_target to = {row, scene.tagger->width, NULL};
    struct row_store *store = store_of(&scene, &how, NULL);
    encodes_spoilt = 1;
    ck_assert_int_eq(row_store_read(store, both + 1, 1, &to, &error), FT_FAILED);
    ck_assert_msg(!strncmp(error.text, "train.conll:11: ", 16), "%s", error.text);
    ck_assert_uint_eq(row_store_counts(store).kept_bytes, 0);
    ck_assert_uint_eq(row_store_counts(store).read, 0);
    check_read(&scene, store, ROWS_F16, both, 2, "after a refusal");
    ck_assert_uint_eq(row_store_counts(store).embedded, 2);
    row_store_free(store);
    free(row);
    scene.backend->ops = real;
    scene_release(&scene);
}
END_TEST

START_TEST(sentences_that_were_not_named_are_refused_before_anything_is_done)
{
    const struct row_store_options how = {STORAGE_CPU, GATHER_SLICE, LM_BOUNDARY, ROWS_F32, 0, 0};
    static const size_t strange[] = {0, 2};
    struct scene scene;
    struct ft_error error = {""};
    struct row_target to = {0};
    scene_init(&scene, NULL, 4, small, 2);
    struct row_store *store = store_of(&scene, &how, NULL);
    ck_assert_int_eq(row_store_read(store, strange, 2, &to, &error), FT_USAGE);
    ck_assert_uint_eq(row_store_counts(store).embedded, 0);
    check_read(&scene, store, ROWS_F32, both, 2, "after a refusal");
    row_store_free(store);
    scene_release(&scene);
}
END_TEST

START_TEST(rows_of_tables_take_no_language_model_and_no_bytes)
{
    struct scene scene;
    scene_init(&scene, NULL, 4, texts, TEXTS);
    free(scene.expected[0]);
    free(scene.expected[1]);
    size_t members = scene.tagger->member_count, width = scene.tagger->width;
    scene.tagger->member_count = 1; /* the word vectors */
    scene.tagger->width = scene.tagger->members[0].width;
    scene_expect(&scene);
    for (int mode = 0; mode < 3; mode++)
        for (int type = 0; type < 2; type++) {
            const struct row_store_options how = {
                (enum storage_mode)mode, GATHER_CLONE, LM_ALL, (enum row_type)type, 1, 0};
            enum storage_mode in_force;
            struct row_store *store = store_of(&scene, &how, &in_force);
            ck_assert_int_eq(in_force, how.mode);
            check_epoch(&scene, store, how.type, first_epoch, FIRST, "tables");
            check_epoch(&scene, store, how.type, second_epoch, SECOND, "tables");
            struct row_store_counts counts = row_store_counts(store);
            ck_assert_uint_eq(counts.embedded, 0);
            ck_assert_uint_eq(counts.kept_bytes, 0);
            ck_assert_uint_eq(counts.planned_bytes, 0);
            row_store_free(store);
        }
    scene.tagger->member_count = members;
    scene.tagger->width = width;
    scene_release(&scene);
}
END_TEST

int main(void)
{
    test_add(every_way_of_keeping_gives_the_same_rows_and_embeds_no_sentence_twice, NULL);
    test_add(rows_of_narrow_word_vectors_are_kept_like_those_of_language_models, NULL);
    test_add(bytes_are_those_computed_by_hand, NULL);
    test_add(what_does_not_fit_the_budget_falls_back_before_anything_is_embedded, NULL);
    test_add(a_store_whose_budget_is_passed_in_the_middle_keeps_what_it_holds_and_goes_on, NULL);
    test_add(clones_that_find_no_memory_end_the_keeping_and_lose_nothing, NULL);
    test_add(a_row_that_half_precision_does_not_hold_is_refused_and_the_store_stays_usable, NULL);
    test_add(sentences_that_were_not_named_are_refused_before_anything_is_done, NULL);
    test_add(rows_of_tables_take_no_language_model_and_no_bytes, NULL);
    return test_run("row_store");
}
