/* Where the back end's memory is not the host's: nobody but its operations follows its pointers, and what comes out is
 * the CPU's to the bit, whatever is kept where and wherever the memory ends. */
#include "embedding.h"
#include "fake_device.h"
#include "harness.h"
#include "numbers.h"
#include "run/predictor_group.h"
#include "run/random_model.h"
#include "run/storage_table.h"
#include "training_scene.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const texts[] = {"The quick brown fox",
                                    "x",
                                    "to be or not to be , that is",
                                    "naïve Ω 你好",
                                    "a bbb a",
                                    "",
                                    "a longer sentence than the others , with some more words in it ."};
enum { TEXTS = sizeof texts / sizeof *texts };

/* A model, opened by the CPU, and a device beside it. */
struct scene {
    struct backend *cpu, *device;
    struct model opened;
    struct random_model *made;
    struct tagger *tagger;
    struct sentences sentences;
    struct window window;
};

static void scene_begin(struct scene *scene)
{
    scene->device = fake_device_new(scene->cpu, 0);
    sentences_init(&scene->sentences, texts, TEXTS);
    window_init(&scene->window);
    for (size_t i = 0; i < TEXTS; i++) {
        struct sentence *to = window_add(&scene->window);
        ck_assert_ptr_nonnull(to);
        *to = scene->sentences.at[i];
        scene->window.tokens += to->count;
    }
}

static void scene_open(struct scene *scene, const char *path)
{
    *scene = (struct scene){.cpu = test_backend()};
    open_model(&scene->opened, scene->cpu, path);
    scene->tagger = scene->opened.tagger;
    scene_begin(scene);
}

static void scene_make(struct scene *scene, enum words_type type)
{
    struct ft_error error = {""};
    *scene = (struct scene){.cpu = test_backend()};
    ck_assert_int_eq(random_model_new(&scene->made, 4, NULL, scene->cpu, &error), FT_OK);
    scene->tagger = random_model_tagger(scene->made);
    ck_assert_int_eq(words_set_type(scene->tagger->members[0].words, type, &error), FT_OK);
    scene_begin(scene);
}

static void scene_end(struct scene *scene)
{
    window_release(&scene->window);
    sentences_release(&scene->sentences);
    fake_device_free(scene->device);
    if (scene->made)
        random_model_free(scene->made);
    else
        model_close(&scene->opened);
    scene->cpu->ops->free(scene->cpu);
}

static void with_every_model(void (*check)(struct scene *scene))
{
    static const char *const paths[] = {CHARACTER_MODEL, ONE_HOT_MODEL, NESTED_MODEL};
    struct scene scene;
    for (size_t i = 0; i < 3; i++) {
        scene_open(&scene, paths[i]);
        check(&scene);
        scene_end(&scene);
    }
    for (int type = WORDS_F32; type < WORDS_TYPES; type++) {
        scene_make(&scene, (enum words_type)type);
        check(&scene);
        scene_end(&scene);
    }
}

static void check_embedding(struct scene *scene)
{
    const struct sentences *sentences = &scene->sentences;
    struct batch_run run;
    struct ft_error error = {""};
    batch_run(&run, scene->tagger, scene->cpu, GATHER_SLICE, LM_BOUNDARY, sentences, 0);
    float *expected = batch_vectors(&run, scene->tagger);
    size_t numbers = sentences->tokens * scene->tagger->width, written = embedder_written_width(scene->tagger);
    size_t steps = run.embedded.steps;
    batch_run_release(&run);
    for (int i = 0; i < 4; i++) {
        struct storage_account host = {0};
        struct embedder_options how = {(enum gather_mode)(i / 2), (enum lm_output)(i % 2)};
        struct store store;
        run = (struct batch_run){.account = {.backend = scene->device}};
        arena_init(&run.arena);
        ck_assert_int_eq(embedder_run(scene->tagger, scene->device, &how, sentences->pointers, sentences->count,
                                      &run.account, &run.arena, &run.embedded, &error),
                         FT_OK);
        ck_assert_uint_eq(run.embedded.steps, steps);
        ck_assert_uint_eq(run.account.live_bytes, fake_device_memory(scene->device).live);
        if (how.gather == GATHER_CLONE || how.lm_output == LM_BOUNDARY)
            ck_assert_uint_eq(run.account.live_bytes, sentences->tokens * written * sizeof(float));
        store_init(&store, STORAGE_NONE, &run.account, &host);
        ck_assert_int_eq(store_to_host(&store, scene->tagger, &run.embedded, &error), FT_OK);
        ck_assert_uint_eq(fake_device_memory(scene->device).live, 0);
        ck_assert_uint_eq(host.live_bytes, sentences->tokens * written * sizeof(float));
        float *got = batch_vectors(&run, scene->tagger);
        size_t at = first_difference(expected, got, numbers);
        EXPECT(at == numbers, "%s of %s: number %zu differs", gather_names[how.gather], lm_output_names[how.lm_output],
               at);
        free(got);
        batch_run_release(&run);
        ck_assert_uint_eq(host.live_bytes, 0);
    }
    free(expected);
}

START_TEST(vectors_of_a_device_are_the_cpus)
{
    with_every_model(check_embedding);
}
END_TEST

/* Everything that the taggings of a window hold, as numbers and names in a row of text. */
static char *describe(const struct window *window, const struct tagging *taggings)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(to);
    for (size_t s = 0; s < window->count; s++) {
        const struct tagging *tagging = &taggings[s];
        for (size_t t = 0; t < window->sentences[s].count; t++)
            fprintf(to, "%s %a ", tagging->tags[t], tagging->scores ? tagging->scores[t] : 0);
        for (size_t i = 0; i < tagging->span_count; i++)
            fprintf(to, "[%s %a] ", tagging->spans[i].type, tagging->spans[i].score);
        for (size_t k = 0; k < tagging->best_count; k++) {
            for (size_t t = 0; t < window->sentences[s].count; t++)
                fprintf(to, "%s ", tagging->best[k].tags[t]);
            fprintf(to, "%a ", tagging->best[k].probability);
        }
        fprintf(to, "\n");
    }
    fclose(to);
    return text;
}

struct outcome {
    char *text[2];
    int kept_less;
    enum storage_mode storage;
    size_t live; /* of the back end's memory, at the end */
};

/* Runs the window twice. */
static struct outcome predict(const struct scene *scene, struct backend *backend,
                              const struct predictor_options *options)
{
    struct predictor *predictor;
    struct outcome outcome = {.kept_less = 0};
    struct ft_error error = {""};
    ck_assert_int_eq(predictor_new(&predictor, scene->tagger, backend, options, &error), FT_OK);
    for (int round = 0; round < 2; round++) {
        const struct tagging *taggings;
        bool kept_less = false;
        ck_assert_msg(predictor_run(predictor, &scene->window, &taggings, &kept_less, &error) == FT_OK, "%s",
                      error.text);
        outcome.text[round] = describe(&scene->window, taggings);
        outcome.kept_less += kept_less;
    }
    outcome.storage = predictor_storage(predictor);
    outcome.live = predictor_account(predictor)->live_bytes;
    predictor_free(predictor);
    return outcome;
}

static void outcome_release(struct outcome *outcome)
{
    free(outcome->text[0]);
    free(outcome->text[1]);
}

static void check_tagging(struct scene *scene)
{
    for (int scores = SCORES_NONE; scores <= SCORES_MARGINAL; scores++)
        for (int i = 0; i < 12; i++) {
            struct predictor_options options = {.storage = (enum storage_mode)(i / 4),
                                                .gather = (enum gather_mode)(i / 2 % 2),
                                                .lm_output = (enum lm_output)(i % 2),
                                                .scores = (enum score_column)scores,
                                                .span_scores = true,
                                                .nbest = i % 3 ? 3 : 0};
            struct outcome expected = predict(scene, scene->cpu, &options);
            struct outcome got = predict(scene, scene->device, &options);
            for (int round = 0; round < 2; round++)
                ck_assert_str_eq(got.text[round], expected.text[round]);
            ck_assert_uint_eq(got.live, options.storage == STORAGE_GPU ? expected.live : 0);
            ck_assert_int_eq(got.kept_less, 0);
            outcome_release(&expected);
            outcome_release(&got);
        }
}

START_TEST(tags_of_a_device_are_the_cpus)
{
    with_every_model(check_tagging);
}
END_TEST

/* From a capacity in which everything fits down to one in which the longest sentence alone does not. */
static void check_capacity(struct scene *scene)
{
    struct predictor_options options = {.storage = STORAGE_GPU, .gather = GATHER_CLONE, .scores = SCORES_FLAIR};
    struct outcome expected = predict(scene, scene->cpu, &options);
    struct outcome whole = predict(scene, scene->device, &options);
    size_t most = fake_device_memory(scene->device).peak, fell = 0;
    outcome_release(&whole);
    struct window alone = {.sentences = &scene->window.sentences[TEXTS - 1], .count = 1};
    alone.tokens = alone.sentences[0].count;
    struct scene longest = *scene;
    longest.window = alone;
    fake_device_set_capacity(scene->device, 0);
    options.storage = STORAGE_NONE;
    struct backend *other = fake_device_new(scene->cpu, 0);
    struct outcome least = predict(&longest, other, &options);
    size_t needed = fake_device_memory(other).peak;
    outcome_release(&least);
    fake_device_free(other);
    options.storage = STORAGE_GPU;
    ck_assert_uint_lt(needed, most);
    for (int share = 16; share >= 0; share--) {
        fake_device_set_capacity(scene->device, needed + (most - needed) * (size_t)share / 16);
        struct outcome got = predict(scene, scene->device, &options);
        for (int round = 0; round < 2; round++)
            ck_assert_str_eq(got.text[round], expected.text[round]);
        ck_assert_int_le(got.kept_less, 1);
        ck_assert_int_eq(got.storage, got.kept_less ? STORAGE_CPU : STORAGE_GPU);
        fell += got.kept_less;
        outcome_release(&got);
    }
    ck_assert_uint_gt(fell, 0);
    fake_device_set_capacity(scene->device, 64);
    struct predictor *predictor;
    const struct tagging *taggings;
    struct ft_error error = {""};
    bool kept_less = false;
    ck_assert_int_eq(predictor_new(&predictor, scene->tagger, scene->device, &options, &error), FT_OK);
    ck_assert_int_eq(predictor_run(predictor, &scene->window, &taggings, &kept_less, &error), FT_NOMEM);
    fake_device_set_capacity(scene->device, 0); /* and goes on where there is some again */
    ck_assert_int_eq(predictor_run(predictor, &scene->window, &taggings, &kept_less, &error), FT_OK);
    predictor_free(predictor);
    outcome_release(&expected);
}

START_TEST(where_the_devices_memory_ends_less_is_kept_and_batches_are_smaller)
{
    with_every_model(check_capacity);
}
END_TEST

enum { MOST_DEVICES = 9 };

static void check_group(struct scene *scene)
{
    struct predictor_options options = {.scores = SCORES_MARGINAL, .storage = STORAGE_GPU, .span_scores = true};
    struct outcome expected = predict(scene, scene->cpu, &options);
    struct backend *hosts[MOST_DEVICES], *devices[MOST_DEVICES];
    for (size_t count = 1; count <= MOST_DEVICES; count += 2) { /* at last more than there are sentences */
        struct predictor_group *group;
        struct ft_error error = {""};
        size_t live = 0;
        for (size_t i = 0; i < count; i++) {
            hosts[i] = test_backend();
            devices[i] = fake_device_new(hosts[i], 0);
        }
        ck_assert_int_eq(predictor_group_new(&group, scene->tagger, devices, count, &options, &error), FT_OK);
        for (int round = 0; round < 2; round++) {
            const struct tagging *taggings;
            bool kept_less = false;
            ck_assert_int_eq(predictor_group_run(group, &scene->window, &taggings, &kept_less, &error), FT_OK);
            char *got = describe(&scene->window, taggings);
            ck_assert_str_eq(got, expected.text[round]);
            ck_assert(!kept_less);
            free(got);
        }
        ck_assert_int_eq(predictor_group_storage(group), STORAGE_GPU);
        for (size_t i = 0; i < count; i++)
            live += predictor_group_account(group, i)->live_bytes;
        ck_assert_uint_eq(live, expected.live);
        if (count == 3) /* everybody works */
            for (size_t i = 0; i < count; i++)
                ck_assert_uint_gt(predictor_group_account(group, i)->live_bytes, 0);
        if (count > 1) { /* one that cannot is everybody's failure, and none that lasts */
            const struct tagging *taggings;
            bool kept_less = false;
            fake_device_set_capacity(devices[1], 1);
            ck_assert_int_eq(predictor_group_run(group, &scene->window, &taggings, &kept_less, &error), FT_NOMEM);
            fake_device_set_capacity(devices[1], 0);
            ck_assert_int_eq(predictor_group_run(group, &scene->window, &taggings, &kept_less, &error), FT_OK);
        }
        predictor_group_free(group);
        for (size_t i = 0; i < count; i++) {
            fake_device_free(devices[i]);
            hosts[i]->ops->free(hosts[i]);
        }
    }
    outcome_release(&expected);
}

START_TEST(several_devices_tag_a_window_together_as_one_does)
{
    struct scene scene;
    scene_make(&scene, WORDS_F32);
    check_group(&scene);
    scene_end(&scene);
    scene_open(&scene, CHARACTER_MODEL);
    check_group(&scene);
    scene_end(&scene);
}
END_TEST

/* Copied and kept are those of a CPU-only run; the peak is the device's, without what lies in host memory. */
static void check_table(struct scene *scene)
{
    for (size_t batch = 1; batch <= 4; batch++)
        for (int i = 0; i < 12; i++) {
            struct storage_case how = {(enum lm_output)(i % 2), (enum gather_mode)(i / 2 % 2),
                                       (enum storage_mode)(i / 4)};
            struct storage_figures plan, run;
            struct ft_error error = {""};
            ck_assert_int_eq(storage_table(scene->tagger, NULL, &how, &scene->window, batch, &plan, &error), FT_OK);
            ck_assert_int_eq(storage_table(scene->tagger, scene->device, &how, &scene->window, batch, &run, &error),
                             FT_OK);
            ck_assert_uint_eq(run.rows, plan.rows);
            ck_assert_uint_eq(run.copied, plan.copied);
            ck_assert_uint_eq(run.kept, plan.kept);
            if (how.storage == STORAGE_CPU)
                ck_assert_uint_lt(run.peak, plan.peak);
            else
                ck_assert_uint_eq(run.peak, plan.peak);
            ck_assert_uint_eq(fake_device_memory(scene->device).live, 0);
        }
}

START_TEST(the_storage_table_of_a_device_has_the_planned_bytes)
{
    with_every_model(check_table);
}
END_TEST

/* Reads all sentences, in an order that changes, into rows that lie apart and backwards. */
static void check_read(const struct scene *scene, struct row_store *store, const float *expected, size_t turn)
{
    enum { GAP = 2 };
    size_t width = scene->tagger->width, tokens = 0, numbers[TEXTS], first[TEXTS], stride = width + GAP;
    struct ft_error error = {""};
    for (size_t i = 0; i < TEXTS; i++) {
        first[i] = tokens;
        tokens += scene->sentences.at[i].count;
        numbers[i] = (i + turn) % TEXTS;
    }
    uint32_t *place = calloc(tokens, sizeof *place);
    float *rows = scene->device->ops->new_floats(scene->device, tokens * stride);
    float *host = malloc(tokens * stride * sizeof *host);
    for (size_t t = 0; t < tokens; t++)
        place[t] = (uint32_t)(tokens - 1 - t);
    struct row_target to = {rows, stride, place};
    for (size_t i = 0, token = 0; i < TEXTS; i += 2) { /* two at a time, the rest of the rows behind */
        size_t count = i + 2 < TEXTS ? 2 : TEXTS - i, read = 0;
        for (size_t k = i; k < i + count; k++)
            read += scene->sentences.at[numbers[k]].count;
        for (size_t t = 0; t < read; t++)
            place[t] = (uint32_t)(read - 1 - t);
        to.rows = rows + token * stride;
        ck_assert_msg(row_store_read(store, numbers + i, count, &to, &error) == FT_OK, "%s", error.text);
        ck_assert_int_eq(
            scene->device->ops->download(scene->device, host, rows + token * stride, read * stride, &error), FT_OK);
        size_t t = 0;
        for (size_t k = i; k < i + count; k++)
            for (size_t j = 0; j < scene->sentences.at[numbers[k]].count; j++, t++) {
                const float *got = host + place[t] * stride;
                size_t at = first_difference(expected + (first[numbers[k]] + j) * width, got, width);
                EXPECT(at == width, "sentence %zu, token %zu: number %zu differs", numbers[k], j, at);
                for (size_t g = 0; g < GAP; g++)
                    EXPECT(same_float(got[width + g], 0), "something is written behind a row");
            }
        token += read;
    }
    scene->device->ops->free_floats(scene->device, rows);
    free(host);
    free(place);
}

static void check_rows(struct scene *scene)
{
    struct batch_run run;
    struct ft_error error = {""};
    batch_run(&run, scene->tagger, scene->cpu, GATHER_SLICE, LM_BOUNDARY, &scene->sentences, 0);
    float *expected = batch_vectors(&run, scene->tagger);
    batch_run_release(&run);
    size_t bytes = scene->sentences.tokens * embedder_written_width(scene->tagger) * sizeof(float);
    for (int i = 0; i < 12; i++) {
        struct row_store_options how = {.mode = (enum storage_mode)(i / 4),
                                        .gather = (enum gather_mode)(i / 2 % 2),
                                        .lm_output = (enum lm_output)(i % 2)};
        struct row_store *store;
        enum storage_mode in_force;
        ck_assert_int_eq(row_store_new(&store, scene->tagger, scene->device, &how, scene->sentences.pointers, TEXTS,
                                       &in_force, &error),
                         FT_OK);
        ck_assert_int_eq(in_force, how.mode);
        for (size_t epoch = 0; epoch < 3; epoch++)
            check_read(scene, store, expected, epoch);
        struct row_store_counts counts = row_store_counts(store);
        ck_assert_uint_eq(counts.embedded, (how.mode == STORAGE_NONE ? 3 : 1) * (TEXTS - 1));
        ck_assert_uint_eq(counts.kept_bytes, how.mode == STORAGE_NONE ? 0 : counts.kept_bytes);
        if (how.mode != STORAGE_NONE && (how.mode == STORAGE_CPU || how.lm_output == LM_BOUNDARY))
            ck_assert_uint_eq(counts.kept_bytes, bytes);
        ck_assert_int_eq(row_store_leave_device(store), how.mode == STORAGE_GPU);
        check_read(scene, store, expected, 1);
        ck_assert_int_eq(row_store_counts(store).left_device, how.mode == STORAGE_GPU);
        ck_assert_uint_eq(row_store_counts(store).kept_bytes, how.mode == STORAGE_NONE ? 0 : bytes);
        row_store_free(store);
        ck_assert_uint_eq(fake_device_memory(scene->device).live, 0);
    }
    free(expected);
}

START_TEST(rows_of_a_device_are_read_as_they_were_computed_wherever_they_are_kept)
{
    with_every_model(check_rows);
}
END_TEST

START_TEST(budgets_of_host_and_device_are_kept_apart)
{
    struct scene scene;
    struct ft_error error = {""};
    scene_make(&scene, WORDS_F32);
    size_t bytes = scene.sentences.tokens * embedder_written_width(scene.tagger) * sizeof(float);
    static const struct {
        size_t host, device; /* more than all rows take, by so many eighths; 0: no bound */
        enum storage_mode mode;
    } cases[] = {{0, 0, STORAGE_GPU}, {0, 8, STORAGE_GPU},  {0, 7, STORAGE_CPU},
                 {8, 7, STORAGE_CPU}, {7, 7, STORAGE_NONE}, {7, 0, STORAGE_GPU}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row_store_options how = {.mode = STORAGE_GPU,
                                        .gather = GATHER_CLONE,
                                        .budget = bytes * cases[i].host / 8,
                                        .device_budget = bytes * cases[i].device / 8};
        struct row_store *store;
        enum storage_mode in_force;
        ck_assert_int_eq(
            row_store_new(&store, scene.tagger, scene.device, &how, scene.sentences.pointers, TEXTS, &in_force, &error),
            FT_OK);
        ck_assert_msg(in_force == cases[i].mode, "case %zu: %s", i, storage_names[in_force]);
        row_store_free(store);
    }
    struct row_store_options halves = {.mode = STORAGE_GPU, .type = ROWS_F16};
    struct row_store *store;
    ck_assert_int_eq(
        row_store_new(&store, scene.tagger, scene.device, &halves, scene.sentences.pointers, TEXTS, NULL, &error),
        FT_USAGE);
    scene_end(&scene);
}
END_TEST

/* What a training run leaves: its weights. */
static float *train(const struct training_scene *scene, struct backend *backend, const struct trainer_options *options,
                    const struct row_store_options *keeping, size_t *floats)
{
    struct ft_error error = {""};
    struct trainer_options all = {.monitor_test = true};
    struct row_store *rows;
    struct trainer *trainer;
    struct arena arena;
    size_t count;
    arena_init(&arena);
    const struct sentence **sentences = trainer_sentences(&scene->corpus, &all, &arena, &count);
    ck_assert_msg(row_store_new(&rows, scene->stack.tagger, backend, keeping, sentences, count, NULL, &error) == FT_OK,
                  "%s", error.text);
    struct trainer_data data = {&scene->corpus, &scene->tags, rows};
    ck_assert_msg(trainer_new(&trainer, options, &data, backend, &error) == FT_OK, "%s", error.text);
    while (!trainer_state(trainer)->finished)
        scene_batch(trainer);
    *floats = trainer_network(trainer)->parameters.floats;
    float *weights = scene_vector(trainer, trainer_result(trainer));
    trainer_free(trainer);
    row_store_free(rows);
    arena_release(&arena);
    return weights;
}

static void check_training(const struct training_scene *scene, const struct trainer_options *options, const char *name)
{
    for (int i = 0; i < 5; i++) {
        struct row_store_options keeping = {.mode = (enum storage_mode)(i % 3),
                                            .gather = store_default_gather((enum storage_mode)(i % 3)),
                                            .type = i < 3 ? ROWS_F32 : ROWS_F16};
        size_t floats;
        struct backend *device = fake_device_new(scene->backend, 0);
        float *expected = train(scene, scene->backend, options, &keeping, &floats);
        float *got = train(scene, device, options, &keeping, &floats);
        size_t at = first_difference(expected, got, floats), most = fake_device_memory(device).peak;
        ck_assert_msg(at == floats, "%s, storage %s: weight %zu differs", name, storage_names[i % 3], at);
        free(got);
        if (keeping.mode == STORAGE_GPU) { /* with a little less it must let go of what it keeps */
            fake_device_set_capacity(device, most - 1);
            got = train(scene, device, options, &keeping, &floats);
            ck_assert_uint_gt(fake_device_memory(device).refused, 0);
            at = first_difference(expected, got, floats);
            ck_assert_msg(at == floats, "%s, out of memory: weight %zu differs", name, at);
            free(got);
        }
        fake_device_free(device);
        free(expected);
    }
}

START_TEST(training_on_a_device_gives_the_cpus_weights)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 2);
    options.monitor_test = true;
    check_training(&scene, &options, "two layers, CRF");
    options.layers = 0;
    options.reproject_to = 0;
    options.reproject = false;
    options.update.optimizer = OPTIMIZER_ADAM;
    options.rate = 0.01;
    options.average = 0.9;
    check_training(&scene, &options, "a linear layer, Adam");
    training_scene_release(&scene);
    training_scene_init(&scene, LIKE_FLAIR_0_4, false, PRECISION_F32, 2);
    options = scene_options;
    options.crf = false;
    options.era = LIKE_FLAIR_0_4;
    options.o_bias = 0.5;
    check_training(&scene, &options, "softmax, O lowered");
    training_scene_release(&scene);
}
END_TEST

int main(void)
{
    test_add(vectors_of_a_device_are_the_cpus, NULL);
    test_add(tags_of_a_device_are_the_cpus, NULL);
    test_add(where_the_devices_memory_ends_less_is_kept_and_batches_are_smaller, NULL);
    test_add(several_devices_tag_a_window_together_as_one_does, NULL);
    test_add(the_storage_table_of_a_device_has_the_planned_bytes, NULL);
    test_add(rows_of_a_device_are_read_as_they_were_computed_wherever_they_are_kept, NULL);
    test_add(budgets_of_host_and_device_are_kept_apart, NULL);
    test_add(training_on_a_device_gives_the_cpus_weights, NULL);
    return test_run("device");
}
