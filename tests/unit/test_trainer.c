/* A training run: it goes on to the same bits from wherever it was saved, follows its seed and options, and ends where
 * it should. That its numbers are Flair's is the golden runs' to show. */
#include "harness.h"
#include "numbers.h"
#include "training_scene.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN = 11, BATCHES_MAX = 64 };

/* What a run did: enough to tell it apart from any other. */
struct history {
    size_t batches;
    double losses[BATCHES_MAX], norms[BATCHES_MAX], dev_losses[BATCHES_MAX];
    float *weights, *best;
    size_t floats;
};

/* Takes a trainer to its end and frees it. */
static struct history finish(struct trainer *trainer)
{
    struct history history = {.floats = trainer_network(trainer)->parameters.floats};
    while (!trainer_state(trainer)->finished) {
        struct trainer_event event = scene_batch(trainer);
        ck_assert_uint_lt(history.batches, BATCHES_MAX);
        history.losses[history.batches] = event.batch_loss;
        history.norms[history.batches] = event.gradient_norm;
        history.dev_losses[history.batches++] = event.record.dev.loss;
    }
    history.weights = scene_vector(trainer, VECTOR_WEIGHTS);
    history.best = scene_vector(trainer, VECTOR_BEST);
    trainer_free(trainer);
    return history;
}

static void history_release(struct history *history)
{
    free(history->weights);
    free(history->best);
}

/* Whether `rest` is how `whole` ends. */
static bool is_end_of(const struct history *rest, const struct history *whole)
{
    size_t bytes = rest->batches * sizeof *rest->losses, from = whole->batches - rest->batches;
    return rest->batches <= whole->batches && !memcmp(rest->losses, whole->losses + from, bytes) &&
           !memcmp(rest->norms, whole->norms + from, bytes) &&
           !memcmp(rest->dev_losses, whole->dev_losses + from, bytes) &&
           !memcmp(rest->weights, whole->weights, whole->floats * sizeof(float)) &&
           !memcmp(rest->best, whole->best, whole->floats * sizeof(float));
}

/* A fresh trainer in the state of another one. */
static struct trainer *copy(const struct training_scene *scene, const struct trainer_options *options,
                            const struct trainer *from)
{
    struct trainer *trainer = scene_trainer(scene, options);
    struct ft_error error = {""};
    const float *vectors[TRAINER_VECTORS];
    for (int v = 0; v < TRAINER_VECTORS; v++)
        vectors[v] = scene_vector(from, (enum trainer_vector)v);
    ck_assert_msg(trainer_resume(trainer, trainer_state(from), vectors, &error) == FT_OK, "%s", error.text);
    for (int v = 0; v < TRAINER_VECTORS; v++)
        free((void *)vectors[v]);
    return trainer;
}

/* sentences: of an epoch. */
static void check_every_stop(const struct training_scene *scene, const struct trainer_options *options,
                             size_t sentences, const char *name)
{
    struct history whole = finish(scene_trainer(scene, options));
    ck_assert_uint_eq(whole.batches, options->max_epochs * ((sentences + options->batch - 1) / options->batch));
    struct trainer *trainer = scene_trainer(scene, options);
    for (size_t stop = 0; stop <= whole.batches; stop++) {
        struct history rest = finish(copy(scene, options, trainer));
        ck_assert_msg(rest.batches == whole.batches - stop && is_end_of(&rest, &whole),
                      "%s: another run from batch %zu on", name, stop);
        history_release(&rest);
        scene_batch(trainer);
    }
    trainer_free(trainer);
    history_release(&whole);
}

START_TEST(a_run_goes_on_to_the_same_bits_from_every_batch)
{
    static const char *const names[] = {"sgd", "sgd with momentum", "adam", "adamw"};
    struct training_scene scene;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 2);
    for (int way = 0; way < 4; way++) {
        struct trainer_options options = scene_options;
        options.update.momentum = way == 1 ? 0.9 : 0;
        options.update.decay = way ? 0.01 : 0;
        options.update.optimizer = way == 3 ? OPTIMIZER_ADAMW : way == 2 ? OPTIMIZER_ADAM : OPTIMIZER_SGD;
        options.rate = way > 1 ? 0.01 : 0.1;
        options.patience = 0; /* the rate falls, too */
        check_every_stop(&scene, &options, TRAIN, names[way]);
    }
    training_scene_release(&scene);
}
END_TEST

START_TEST(a_run_along_a_curve_with_averaged_weights_and_a_bias_goes_on_likewise)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.schedule = TRAIN_COSINE;
    options.warmup_fraction = 0.3;
    options.average = 0.9;
    options.o_bias = 0.5;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 2);
    check_every_stop(&scene, &options, TRAIN, "cosine");
    training_scene_release(&scene);
}
END_TEST

START_TEST(runs_of_0_4_and_of_softmax_go_on_likewise)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    training_scene_init(&scene, LIKE_FLAIR_0_4, true, PRECISION_F32, 1);
    options.era = LIKE_FLAIR_0_4;
    check_every_stop(&scene, &options, TRAIN, "0.4");
    training_scene_release(&scene);

    training_scene_init(&scene, LIKE_FLAIR_0_15, false, PRECISION_F32, 1);
    options.era = LIKE_FLAIR_0_15;
    options.crf = false;
    options.train_with_dev = false;
    check_every_stop(&scene, &options, TRAIN, "softmax");
    training_scene_release(&scene);
}
END_TEST

/* 9 of the 11 sentences of train have mentions, each of which has others. */
static const struct augment_options copying = {.lower = 0.5, .replaced = 1.5, .scheme = SCHEME_BIOES, .seed = 1};
enum { LOWERED = 6, REPLACED = 14 }; /* halves to even */

START_TEST(a_run_with_copies_and_few_empty_sentences_goes_on_likewise)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 2);
    training_scene_augment(&scene, &copying);
    options.empty_left_out = 0.7;
    options.schedule = TRAIN_LINEAR; /* whose end is the last batch of epochs that are shorter than train */
    struct trainer *trainer = scene_trainer(&scene, &options);
    const struct epoch_order *order = trainer_epoch_order(trainer);
    ck_assert_uint_eq(order->count, TRAIN + LOWERED + REPLACED);
    ck_assert_uint_gt(order->empty, 1);
    size_t sentences = epoch_order_count(order, 1);
    ck_assert_uint_lt(sentences, order->count);
    ck_assert_uint_eq(trainer_batches(trainer), (sentences + options.batch - 1) / options.batch);
    trainer_free(trainer);
    check_every_stop(&scene, &options, sentences, "copies");
    training_scene_release(&scene);
}
END_TEST

START_TEST(copies_change_no_tag_and_a_run_with_them_does_not_depend_on_threads)
{
    struct history runs[3];
    for (size_t i = 0; i < 3; i++) {
        struct training_scene scene;
        struct trainer_options options = scene_options;
        options.empty_left_out = 0.5;
        training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, i + 1);
        training_scene_augment(&scene, &copying);
        const struct split *train = &scene.corpus.splits[SPLIT_TRAIN];
        for (size_t s = 0; s < train->window.count; s++)
            for (size_t t = 0; t < train->window.sentences[s].count; t++)
                ck_assert_msg(map_get(&scene.tags.numbers, train->tags[s][t], strlen(train->tags[s][t]), NULL),
                              "a new tag %s", train->tags[s][t]);
        runs[i] = finish(scene_trainer(&scene, &options));
        training_scene_release(&scene);
        ck_assert_msg(is_end_of(&runs[i], &runs[0]), "%zu threads", i + 1);
    }
    for (size_t i = 0; i < 3; i++)
        history_release(&runs[i]);
}
END_TEST

START_TEST(bits_do_not_depend_on_threads_and_another_seed_gives_another_run)
{
    struct history runs[4];
    static const size_t threads[] = {1, 2, 3, 2};
    for (size_t i = 0; i < 4; i++) {
        struct training_scene scene;
        struct trainer_options options = scene_options;
        options.seed = i == 3 ? 2 : 1;
        training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, threads[i]);
        runs[i] = finish(scene_trainer(&scene, &options));
        training_scene_release(&scene);
        ck_assert_msg(is_end_of(&runs[i], &runs[0]) == (i < 3), "run %zu, %zu threads", i, threads[i]);
    }
    for (size_t i = 0; i < 4; i++)
        history_release(&runs[i]);
}
END_TEST

/* The loss of one batch of one sentence says which sentence it was, where nothing is learnt or dropped. */
static void losses_of_epochs(const struct training_scene *scene, bool shuffle, double losses[2][TRAIN])
{
    struct trainer_options options = scene_options;
    options.batch = 1;
    options.rate = options.min_rate = 0;
    options.max_epochs = 2;
    options.shuffle = shuffle;
    options.dropout = (struct network_dropout){0};
    struct trainer *trainer = scene_trainer(scene, &options);
    ck_assert_uint_eq(trainer_batches(trainer), TRAIN);
    for (size_t i = 0; i < 2 * TRAIN; i++) {
        losses[i / TRAIN][i % TRAIN] = scene_batch(trainer).batch_loss;
        if (!shuffle)
            ck_assert_uint_eq(trainer_batch_tokens(trainer),
                              scene->corpus.splits[SPLIT_TRAIN].window.sentences[i % TRAIN].count);
    }
    trainer_free(trainer);
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

START_TEST(an_epoch_has_every_sentence_once_in_a_new_order_or_in_the_corpus_own)
{
    struct training_scene scene;
    double in_order[2][TRAIN], shuffled[2][TRAIN];
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    losses_of_epochs(&scene, false, in_order);
    ck_assert(!memcmp(in_order[0], in_order[1], sizeof in_order[0]));
    losses_of_epochs(&scene, true, shuffled);
    ck_assert(memcmp(shuffled[0], shuffled[1], sizeof shuffled[0]));
    ck_assert(memcmp(shuffled[0], in_order[0], sizeof shuffled[0]));
    qsort(in_order[0], TRAIN, sizeof(double), ascending);
    for (size_t e = 0; e < 2; e++) {
        qsort(shuffled[e], TRAIN, sizeof(double), ascending);
        ck_assert(!memcmp(shuffled[e], in_order[0], sizeof shuffled[e]));
    }
    training_scene_release(&scene);
}
END_TEST

/* The next epoch's loss: 0.15 reports the sum over tokens; 0.4 the mean of its batches' means. */
static void check_epoch_loss(struct trainer *trainer, enum flair_era era, size_t epoch)
{
    struct trainer_event event;
    double loss = 0, parts = 0;
    do {
        event = scene_batch(trainer);
        loss += event.batch_loss;
        parts += era == LIKE_FLAIR_0_4 ? 1 : (double)trainer_batch_tokens(trainer);
    } while (!event.epoch_ended);
    ck_assert_uint_eq(event.record.epoch, epoch);
    ck_assert_double_eq_tol(event.record.train_loss, loss / parts, 1e-12);
    ck_assert(event.record.dev.there && event.record.dev.loss > 0 && !event.record.test.there);
    ck_assert_double_eq(event.record.rate, scene_options.rate);
    ck_assert_ptr_nonnull(trainer_dev_tags(trainer));
}

START_TEST(an_epochs_loss_is_reported_as_the_era_does)
{
    for (int era = 0; era < 2; era++) {
        struct training_scene scene;
        struct trainer_options options = scene_options;
        options.era = (enum flair_era)era;
        training_scene_init(&scene, options.era, true, PRECISION_F32, 1);
        struct trainer *trainer = scene_trainer(&scene, &options);
        ck_assert_ptr_null(trainer_dev_tags(trainer));
        for (size_t epoch = 1; epoch <= options.max_epochs; epoch++)
            check_epoch_loss(trainer, options.era, epoch);
        trainer_free(trainer);
        training_scene_release(&scene);
    }
}
END_TEST

/* Runs to the end; epochs by their records. */
static size_t run_epochs(struct trainer *trainer, struct epoch_record *records, bool *any_best)
{
    size_t epochs = 0;
    *any_best = false;
    while (!trainer_state(trainer)->finished) {
        struct trainer_event event = scene_batch(trainer);
        *any_best |= event.is_best;
        if (event.epoch_ended)
            records[epochs++] = event.record;
    }
    struct trainer_event nothing = scene_batch(trainer); /* after the end */
    ck_assert(!nothing.epoch_ended && nothing.batch_loss == 0);
    return epochs;
}

START_TEST(the_best_weights_are_those_of_the_epoch_with_the_best_score)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.max_epochs = 40;
    options.update.optimizer = OPTIMIZER_ADAM;
    options.rate = 0.03;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    float *kept = NULL;
    double best = 0;
    size_t best_epoch = 0;
    while (!trainer_state(trainer)->finished) {
        struct trainer_event event = scene_batch(trainer);
        if (!event.epoch_ended || event.record.dev.f1 <= best) {
            ck_assert(!event.is_best);
            continue;
        }
        ck_assert(event.is_best);
        best = event.record.dev.f1;
        best_epoch = event.record.epoch;
        free(kept);
        kept = scene_vector(trainer, VECTOR_WEIGHTS);
    }
    ck_assert_msg(best > 0.5, "nothing is learnt: dev F1 %g", best);
    ck_assert_uint_eq(trainer_state(trainer)->best_epoch, best_epoch);
    ck_assert_double_eq(trainer_state(trainer)->best_score, best);
    float *held = scene_vector(trainer, VECTOR_BEST);
    size_t floats = trainer_network(trainer)->parameters.floats;
    ck_assert_uint_eq(first_difference(kept, held, floats), floats);
    free(kept);
    free(held);
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

START_TEST(train_with_dev_learns_from_both_follows_the_training_loss_and_has_no_best)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    struct epoch_record records[BATCHES_MAX];
    bool any_best;
    options.train_with_dev = true;
    options.max_epochs = 4;
    options.patience = 0;
    options.rate = 3; /* the loss does not fall every time */
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    ck_assert_uint_eq(trainer_batches(trainer), (TRAIN + 3 + 2) / 3);
    ck_assert_uint_eq(run_epochs(trainer, records, &any_best), 4);
    ck_assert(!any_best && !trainer_state(trainer)->best_epoch && !trainer_dev_tags(trainer));
    double rate = options.rate, least = INFINITY;
    for (size_t e = 0; e < 4; e++) {
        ck_assert(!records[e].dev.there);
        ck_assert_double_eq(records[e].rate, rate);
        if (records[e].train_loss >= least)
            rate /= 2;
        least = fmin(least, records[e].train_loss);
    }
    ck_assert_msg(rate < options.rate, "the loss fell in every epoch");
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

/* The longest sentence of train and the longest of dev come into one batch. */
START_TEST(a_batch_may_have_the_longest_sentences_of_train_and_dev_together)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.train_with_dev = true;
    options.batch = TRAIN + 3;
    options.eval_batch = 1;
    options.max_epochs = 1;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    ck_assert(scene_batch(trainer).epoch_ended);
    ck_assert_uint_eq(trainer_batch_tokens(trainer),
                      scene.corpus.splits[SPLIT_TRAIN].window.tokens + scene.corpus.splits[SPLIT_DEV].window.tokens);
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

START_TEST(a_run_ends_with_its_last_epoch_or_below_the_least_rate)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    struct epoch_record records[BATCHES_MAX];
    bool any_best;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    ck_assert_uint_eq(run_epochs(trainer, records, &any_best), 3);
    ck_assert_uint_eq(trainer_state(trainer)->epoch, 3);
    trainer_free(trainer);

    options.update.clip = 1e-12; /* nothing is learnt: the rate falls after epochs 2, 3 and 4 */
    options.min_rate = 0.02;
    options.patience = 0;
    options.max_epochs = 50;
    trainer = scene_trainer(&scene, &options);
    ck_assert_uint_eq(run_epochs(trainer, records, &any_best), 4);
    ck_assert_double_eq(records[3].rate, 0.025);
    ck_assert_double_eq(trainer_state(trainer)->schedule.rate, 0.0125);
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

START_TEST(test_is_evaluated_where_it_is_monitored_and_changes_nothing)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    struct epoch_record with[BATCHES_MAX], without[BATCHES_MAX];
    bool any_best;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    ck_assert_uint_eq(run_epochs(trainer, without, &any_best), 3);
    trainer_free(trainer);
    options.monitor_test = true;
    trainer = scene_trainer(&scene, &options);
    ck_assert_uint_eq(run_epochs(trainer, with, &any_best), 3);
    trainer_free(trainer);
    for (size_t e = 0; e < 3; e++) {
        ck_assert(!without[e].test.there && with[e].test.there && with[e].test.loss > 0);
        ck_assert_double_ne(with[e].test.loss, with[e].dev.loss);
        ck_assert_double_eq(with[e].train_loss, without[e].train_loss);
        ck_assert_double_eq(with[e].dev.loss, without[e].dev.loss);
    }
    training_scene_release(&scene);
}
END_TEST

START_TEST(a_loss_that_is_no_number_ends_the_run_with_its_batch)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    struct trainer_event event;
    struct ft_error error = {""};
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    scene_batch(trainer);
    float *vectors[TRAINER_VECTORS];
    for (int v = 0; v < TRAINER_VECTORS; v++)
        vectors[v] = scene_vector(trainer, (enum trainer_vector)v);
    for (size_t i = 0; i < trainer_network(trainer)->parameters.floats; i++)
        vectors[VECTOR_WEIGHTS][i] = NAN;
    ck_assert_int_eq(trainer_resume(trainer, trainer_state(trainer), (const float *const *)vectors, &error), FT_OK);
    ck_assert_int_eq(trainer_batch(trainer, &event, &error), FT_FAILED);
    ck_assert_str_eq(error.text, "the loss of batch 2 in epoch 1 is no longer a number (a smaller --learning-rate may "
                                 "help)");
    for (int v = 0; v < TRAINER_VECTORS; v++)
        free(vectors[v]);
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

int main(void)
{
    test_add(a_run_goes_on_to_the_same_bits_from_every_batch, NULL);
    test_add(a_run_along_a_curve_with_averaged_weights_and_a_bias_goes_on_likewise, NULL);
    test_add(runs_of_0_4_and_of_softmax_go_on_likewise, NULL);
    test_add(a_run_with_copies_and_few_empty_sentences_goes_on_likewise, NULL);
    test_add(copies_change_no_tag_and_a_run_with_them_does_not_depend_on_threads, NULL);
    test_add(bits_do_not_depend_on_threads_and_another_seed_gives_another_run, NULL);
    test_add(an_epoch_has_every_sentence_once_in_a_new_order_or_in_the_corpus_own, NULL);
    test_add(an_epochs_loss_is_reported_as_the_era_does, NULL);
    test_add(the_best_weights_are_those_of_the_epoch_with_the_best_score, NULL);
    test_add(train_with_dev_learns_from_both_follows_the_training_loss_and_has_no_best, NULL);
    test_add(a_batch_may_have_the_longest_sentences_of_train_and_dev_together, NULL);
    test_add(a_run_ends_with_its_last_epoch_or_below_the_least_rate, NULL);
    test_add(test_is_evaluated_where_it_is_monitored_and_changes_nothing, NULL);
    test_add(a_loss_that_is_no_number_ends_the_run_with_its_batch, NULL);
    return test_run("trainer");
}
