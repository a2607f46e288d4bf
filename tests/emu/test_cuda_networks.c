/* Whole networks trained on CUDA and on the CPU side by side: heads of taggers, and language models with their trainer.
 * Losses and weights must stay together from update to update. And language models that score and write text. */
#include "device_backend.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "lm_scene.h"
#include "numbers.h"
#include "run/lm_score.h"
#include "run/network.h"
#include "run/update.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPU, CUDA, SIDES };
#define LIMIT 1e-4

static void open_sides(struct backend *backends[SIDES], bool native)
{
    backends[CPU] = backend_new(1, 0, "auto");
    backends[CUDA] = device_backend_new(&(struct cuda_options){.native = native});
}

static void close_sides(struct backend *backends[SIDES])
{
    for (int side = 0; side < SIDES; side++)
        backends[side]->ops->free(backends[side]);
}

/* The same vector of both sides, as one: its differences are held against its largest value. */
static void check_vector(const char *what, struct backend *const backends[SIDES], const float *const vectors[SIDES],
                         size_t floats)
{
    float *host[SIDES];
    for (int side = 0; side < SIDES; side++)
        host[side] = device_floats_get(backends[side], vectors[side], floats);
    device_floats_close(what, host[CUDA], host[CPU], 1, floats, LIMIT);
    free(host[CPU]);
    free(host[CUDA]);
}

/* A batch of random tokens in the arena. */
static struct network_batch random_batch(const struct network_shape *shape, struct packing *packing,
                                         struct arena *arena)
{
    struct ft_error error = {""};
    size_t lengths[5], count = random_between(1, 5);
    arena_clear(arena);
    for (size_t i = 0; i < count; i++)
        lengths[i] = random_between(1, 7);
    ck_assert_int_eq(packing_init(packing, lengths, count, arena, &error), FT_OK);
    size_t rows = packing->batch.rows;
    float *x = arena_array(arena, rows * shape->width, sizeof *x);
    uint32_t *gold = arena_array(arena, rows, sizeof *gold);
    random_fill(x, rows * shape->width, 1);
    for (size_t r = 0; r < rows; r++)
        gold[r] = random_below((uint32_t)shape->tags - 2);
    return (struct network_batch){.packing = packing, .x = x, .gold = gold};
}

struct head {
    struct network network;
    float *moments[2];
};

static void head_init(struct head *head, const struct network_shape *shape, size_t moments, struct backend *backend)
{
    struct ft_error error = {""};
    *head = (struct head){0};
    ck_assert_msg(network_init(&head->network, backend, shape, 35, 5, &error) == FT_OK, "%s", error.text);
    size_t floats = head->network.parameters.floats;
    float *drawn = malloc(floats * sizeof *drawn);
    parameters_draw(&head->network.parameters, shape, 5, drawn);
    ck_assert_int_eq(backend->ops->upload(backend, head->network.weights, drawn, floats, &error), FT_OK);
    for (size_t i = 0; i < moments; i++)
        ck_assert_ptr_nonnull(head->moments[i] = backend->ops->new_floats(backend, floats));
    free(drawn);
}

static void head_release(struct head *head)
{
    struct backend *backend = head->network.backend;
    for (size_t i = 0; i < 2; i++)
        backend->ops->free_floats(backend, head->moments[i]);
    network_release(&head->network);
}

static double train_head(struct head *head, const struct network_batch *batch, const struct network_step *step,
                         const struct update_rule *rule, double rate, enum loss_reduction reduction)
{
    struct ft_error error = {""};
    struct network *network = &head->network;
    struct update_vectors vectors = {network->parameters.floats, network->weights, network->gradients, head->moments[0],
                                     head->moments[1]};
    double loss, norm;
    ck_assert_msg(network_train(network, batch, step, reduction, &loss, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(update_weights(network->backend, rule, &vectors, rate, step->step + 1, &norm, &error) == FT_OK, "%s",
                  error.text);
    return loss;
}

static void check_tags(struct head heads[SIDES], const struct network_batch *batch, enum loss_reduction reduction)
{
    struct ft_error error = {""};
    size_t rows = batch->packing->batch.rows;
    double losses[SIDES];
    uint32_t tags[SIDES][64];
    for (int side = 0; side < SIDES; side++)
        ck_assert_msg(network_evaluate(&heads[side].network, batch, reduction, &losses[side], tags[side], &error) ==
                          FT_OK,
                      "%s", error.text);
    EXPECT(fabs(losses[CUDA] - losses[CPU]) <= LIMIT * fabs(losses[CPU]), "evaluated: %.9g, on the CPU %.9g",
           losses[CUDA], losses[CPU]);
    ck_assert_int_eq(memcmp(tags[CPU], tags[CUDA], rows * sizeof **tags), 0);
}

static void check_head(const struct network_shape *shape, const struct update_rule *rule, double rate,
                       enum loss_reduction reduction, bool native)
{
    enum { STEPS = 6 };
    static const struct network_dropout dropout = {.plain = 0.1f, .word = 0.1f, .locked = 0.2f, .between = 0.3f};
    struct backend *backends[SIDES];
    struct head heads[SIDES];
    struct arena arena;
    struct packing packing;
    arena_init(&arena);
    open_sides(backends, native);
    for (int side = 0; side < SIDES; side++)
        head_init(&heads[side], shape, update_moments(rule), backends[side]);
    size_t floats = heads[CPU].network.parameters.floats;
    for (uint64_t n = 0; n < STEPS; n++) {
        struct network_step step = {&dropout, 11, n};
        struct network_batch batch = random_batch(shape, &packing, &arena);
        double losses[SIDES];
        for (int side = 0; side < SIDES; side++)
            losses[side] = train_head(&heads[side], &batch, &step, rule, rate, reduction);
        EXPECT(fabs(losses[CUDA] - losses[CPU]) <= LIMIT * fabs(losses[CPU]), "update %d: loss %.9g, on the CPU %.9g",
               (int)n, losses[CUDA], losses[CPU]);
        check_vector("gradients", backends,
                     (const float *[]){heads[CPU].network.gradients, heads[CUDA].network.gradients}, floats);
    }
    for (size_t p = 0; p < heads[CPU].network.parameters.count; p++) {
        const struct parameter *parameter = &heads[CPU].network.parameters.list[p];
        check_vector(parameter->name, backends,
                     (const float *[]){heads[CPU].network.weights + parameter->offset,
                                       heads[CUDA].network.weights + parameter->offset},
                     parameter->rows * parameter->columns);
    }
    struct network_batch batch = random_batch(shape, &packing, &arena);
    check_tags(heads, &batch, reduction);
    for (int side = 0; side < SIDES; side++)
        head_release(&heads[side]);
    close_sides(backends);
    arena_release(&arena);
}

static const struct update_rule momentum = {OPTIMIZER_SGD, .momentum = 0.9, .decay = 1e-3, .clip = 1};
static const struct update_rule adamw = {OPTIMIZER_ADAMW, .decay = 0.01,   .beta1 = 0.9,
                                         .beta2 = 0.999,  .epsilon = 1e-4, .clip = 5};

START_TEST(heads_of_taggers_learn_what_they_learn_on_the_cpu)
{
    random_begin("heads_of_taggers_learn_what_they_learn_on_the_cpu");
    for (int native = 0; native < 2; native++) {
        check_head(&(struct network_shape){.width = 9,
                                           .reprojection = 7,
                                           .hidden = 11,
                                           .layers = 1,
                                           .tags = 6,
                                           .start = 4,
                                           .stop = 5,
                                           .crf = true},
                   &momentum, 0.1, LOSS_SUM, native);
        check_head(&(struct network_shape){.width = 13, .hidden = 6, .layers = 2, .tags = 7}, &adamw, 0.01, LOSS_MEAN,
                   native);
        check_head(
            &(struct network_shape){.width = 10, .reprojection = 5, .tags = 5, .start = 3, .stop = 4, .crf = true},
            &momentum, 0.1, LOSS_MEAN, native);
    }
}
END_TEST

static void check_trainers(struct backend *const backends[SIDES], struct lm_trainer *const trainers[SIDES])
{
    static const char *const names[] = {"weights", "best weights", "moments", "second moments", "hidden states"};
    struct ft_error error = {""};
    for (int v = 0; v < LM_TRAINER_VECTORS; v++) {
        enum lm_trainer_vector which = (enum lm_trainer_vector)v;
        size_t floats = lm_trainer_floats(trainers[CPU], which);
        float *host[SIDES];
        for (int side = 0; side < SIDES; side++) {
            host[side] = malloc((floats + 1) * sizeof **host);
            if (floats)
                ck_assert_msg(lm_trainer_read(trainers[side], which, host[side], &error) == FT_OK, "%s: %s",
                              backends[side]->ops->name, error.text);
        }
        device_floats_close(names[v], host[CUDA], host[CPU], 1, floats, LIMIT);
        free(host[CPU]);
        free(host[CUDA]);
    }
}

static void check_lm(const struct lm_trainer_options *options, bool native)
{
    struct backend *backends[SIDES];
    struct lm_trainer *trainers[SIDES];
    struct ft_error error = {""};
    struct text_ids valid;
    lm_scene_text(99, 0, &valid);
    struct lm_source source = lm_scene_source(&valid);
    open_sides(backends, native);
    for (int side = 0; side < SIDES; side++)
        ck_assert_msg(lm_trainer_new(&trainers[side], options, &source, NULL, backends[side], &error) == FT_OK, "%s",
                      error.text);
    size_t steps = 0;
    while (!lm_trainer_state(trainers[CPU])->finished) {
        struct lm_trainer_event events[SIDES];
        for (int side = 0; side < SIDES; side++)
            ck_assert_msg(lm_trainer_step(trainers[side], &events[side], &error) == FT_OK, "%s", error.text);
        EXPECT(fabs(events[CUDA].loss - events[CPU].loss) <= LIMIT * events[CPU].loss,
               "update %zu: loss %.9g, on the CPU %.9g", steps, events[CUDA].loss, events[CPU].loss);
        EXPECT(events[CUDA].validated == events[CPU].validated &&
                   (!events[CPU].validated ||
                    fabs(events[CUDA].valid.loss - events[CPU].valid.loss) <= LIMIT * events[CPU].valid.loss),
               "update %zu: validation %.9g, on the CPU %.9g", steps, events[CUDA].valid.loss, events[CPU].valid.loss);
        steps++;
    }
    ck_assert_uint_gt(steps, 4);
    ck_assert(lm_trainer_state(trainers[CUDA])->finished);
    check_trainers(backends, trainers);
    for (int side = 0; side < SIDES; side++)
        lm_trainer_free(trainers[side]);
    close_sides(backends);
    text_ids_release(&valid);
}

START_TEST(language_models_learn_what_they_learn_on_the_cpu)
{
    for (int native = 0; native < 2; native++) {
        struct lm_trainer_options options = {
            .shape = {.items = LM_SCENE_ITEMS, .embedding = 5, .hidden = 19, .layers = 2},
            .dropout = 0.2,
            .batch = 4,
            .sequence_length = 10,
            .max_epochs = 2,
            .update = {.clip = 0.25},
            .rate = 2,
            .factor = 0.25,
            .seed = 3};
        check_lm(&options, native);
        options.shape =
            (struct lm_shape){.items = LM_SCENE_ITEMS, .embedding = 7, .hidden = 12, .layers = 1, .nout = 9};
        options.dropout = 0;
        options.update = adamw;
        options.schedule = LM_COSINE;
        options.rate = 0.01;
        options.warmup_chars = 40;
        options.max_chars = 250;
        options.floor = 0.1;
        check_lm(&options, native);
    }
}
END_TEST

START_TEST(language_models_score_and_write_text_as_on_the_cpu)
{
    static const char *const texts[] = {"abc def", "a", "jjjjj ?", "abc dea", "hgfedcba abcdefgh"};
    enum { LINES = sizeof texts / sizeof *texts };
    struct ft_error error = {""};
    struct backend *backends[SIDES];
    open_sides(backends, true);
    for (int forward = 0; forward < 2; forward++) {
        struct small_lm small;
        struct lm_line lines[SIDES][LINES];
        uint32_t *ids[LINES];
        char *written[SIDES];
        double nats[SIDES];
        small_lm_init(&small, &small_lm_shape, forward, backends[CPU]);
        for (size_t i = 0; i < LINES; i++)
            ck_assert_int_eq(lm_score_ids(small.lm, texts[i], strlen(texts[i]), &ids[i], &lines[CPU][i].count, &error),
                             FT_OK);
        for (int side = 0; side < SIDES; side++) {
            struct lm_sample_options how = {"abc", 40, 0.8, 5};
            for (size_t i = 0; i < LINES; i++)
                lines[side][i] = (struct lm_line){.ids = ids[i], .count = lines[CPU][i].count};
            ck_assert_msg(lm_score_lines(small.lm, backends[side], lines[side], LINES, &error) == FT_OK, "%s",
                          error.text);
            ck_assert_msg(lm_score_text(small.lm, backends[side], ids[LINES - 1], lines[CPU][LINES - 1].count,
                                        &nats[side], &error) == FT_OK,
                          "%s", error.text);
            ck_assert_msg(lm_sample(small.lm, backends[side], &how, &written[side], &error) == FT_OK, "%s", error.text);
        }
        for (size_t i = 0; i < LINES; i++)
            EXPECT(fabs(lines[CUDA][i].nats - lines[CPU][i].nats) <= 1e-5 * lines[CPU][i].nats,
                   "line %zu: %.9g nats, on the CPU %.9g", i, lines[CUDA][i].nats, lines[CPU][i].nats);
        EXPECT(fabs(nats[CUDA] - nats[CPU]) <= 1e-5 * nats[CPU], "a text: %.9g nats, on the CPU %.9g", nats[CUDA],
               nats[CPU]);
        ck_assert_str_eq(written[CUDA], written[CPU]);
        for (int side = 0; side < SIDES; side++)
            free(written[side]);
        for (size_t i = 0; i < LINES; i++)
            free(ids[i]);
        backends[CUDA]->ops->free(backends[CUDA]); /* it knows layers by their addresses */
        backends[CUDA] = device_backend_new(&(struct cuda_options){.native = true});
        small_lm_release(&small);
    }
    close_sides(backends);
}
END_TEST

int main(void)
{
    test_add(heads_of_taggers_learn_what_they_learn_on_the_cpu, NULL);
    test_add(language_models_learn_what_they_learn_on_the_cpu, NULL);
    test_add(language_models_score_and_write_text_as_on_the_cpu, NULL);
    return test_run("cuda_networks");
}
