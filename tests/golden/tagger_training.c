#include "tests/golden/tagger_training.h"
#include "base/input.h"
#include "base/npy.h"
#include "harness.h"
#include "numbers.h"
#include "run/stack.h"
#include "run/trainer.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_LIMIT 1e-5
#define FIRST_LOSS_LIMIT 1e-5
enum { FIRST_STEPS = 20 };

struct training {
    char folder[1024];
    cJSON *about;
    struct trainer_options options;
    struct stack stack;
    struct corpus corpus;
    struct tag_set tags;
    struct row_store *rows;
    struct trainer *trainer;
    struct arena arena;
};

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "case.json has no number '%s'", key);
    return item->valuedouble;
}

static double tolerance(const struct training *training, const char *key)
{
    const cJSON *all = cJSON_GetObjectItem(training->about, "tolerance");
    return 10 * number(cJSON_GetObjectItem(all, "independent_float64"), key);
}

static void read_about(struct training *training, const char *folder)
{
    char path[1100], *text;
    size_t bytes;
    struct ft_error error = {""};
    snprintf(training->folder, sizeof training->folder, "%s", folder);
    snprintf(path, sizeof path, "%s/case.json", folder);
    ck_assert_msg(input_slurp(path, &text, &bytes, &error) == FT_OK, "%s", error.text);
    training->about = cJSON_Parse(text);
    free(text);
    const cJSON *options = cJSON_GetObjectItem(training->about, "options");
    ck_assert_msg(cJSON_IsObject(options), "%s: no options", path);
    training->options = (struct trainer_options){.hidden = (size_t)number(options, "hidden_size"),
                                                 .layers = (size_t)number(options, "rnn_layers"),
                                                 .crf = true,
                                                 .reproject = true,
                                                 .batch = (size_t)number(options, "mini_batch_size"),
                                                 .eval_batch = (size_t)number(options, "eval_batch_size"),
                                                 .max_epochs = (size_t)number(options, "max_epochs"),
                                                 .rate = number(options, "learning_rate"),
                                                 .update = {.clip = number(options, "clip")},
                                                 .factor = number(options, "anneal_factor"),
                                                 .min_rate = 1e-4,
                                                 .patience = (long)number(options, "patience")};
}

static void open_training(struct training *training, const char *folder, enum flair_era era, bool has_words,
                          struct backend *host, struct backend *device)
{
    char model[1100], corpus[1100];
    struct ft_error error = {""};
    *training = (struct training){0};
    read_about(training, folder);
    arena_init(&training->arena);
    training->options.era = era;
    snprintf(model, sizeof model, "%s/init/model.pt", folder);
    snprintf(corpus, sizeof corpus, "%s/corpus", folder);
    struct stack_part parts[] = {{STACK_WORDS, model}, {STACK_FORWARD, model}, {STACK_BACKWARD, model}};
    ft_status status = stack_open(&training->stack, parts + !has_words, has_words ? 3 : 2, host, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    struct corpus_options reading = {.folder = corpus, .era = era, .scheme = SCHEME_BIOES};
    status = corpus_open(&training->corpus, &reading, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    status = tag_set_init(&training->tags, &training->corpus, era, SCHEME_BIOES, true, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    size_t count;
    const struct sentence **sentences =
        trainer_sentences(&training->corpus, &training->options, &training->arena, &count);
    struct row_store_options storing = {.mode = STORAGE_CPU};
    enum storage_mode in_force;
    status =
        row_store_new(&training->rows, training->stack.tagger, device, &storing, sentences, count, &in_force, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    struct trainer_data data = {&training->corpus, &training->tags, training->rows};
    status = trainer_new(&training->trainer, &training->options, &data, device, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
}

static void close_training(struct training *training)
{
    trainer_free(training->trainer);
    row_store_free(training->rows);
    tag_set_release(&training->tags);
    corpus_release(&training->corpus);
    stack_close(&training->stack);
    arena_release(&training->arena);
    cJSON_Delete(training->about);
}

/* A parameter of one of the case's folders, under the name that its Flair gives it. */
static struct npy read_parameter(const struct training *training, const char *when, const struct parameter *parameter)
{
    char path[1200];
    struct npy array;
    struct ft_error error = {""};
    bool renamed = training->options.era == LIKE_FLAIR_0_15 && !strcmp(parameter->name, "transitions");
    snprintf(path, sizeof path, "%s/%s/%s%s.npy", training->folder, when, renamed ? "crf." : "", parameter->name);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(array.count == parameter->rows * parameter->columns && array.shape[0] == parameter->rows,
                  "%s: %zu numbers, not %zu x %zu", path, array.count, parameter->rows, parameter->columns);
    return array;
}

static void set_first_weights(struct training *training)
{
    const struct parameters *parameters = &trainer_network(training->trainer)->parameters;
    struct ft_error error = {""};
    float *weights = calloc(parameters->floats, sizeof *weights);
    for (size_t i = 0; i < parameters->count; i++) {
        struct npy array = read_parameter(training, "init", &parameters->list[i]);
        memcpy(weights + parameters->list[i].offset, array.data, array.count * sizeof(float));
        npy_release(&array);
    }
    const float *const vectors[TRAINER_VECTORS] = {weights, weights};
    ft_status status = trainer_resume(training->trainer, trainer_state(training->trainer), vectors, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    free(weights);
}

static double check_weights(const struct training *training, enum trainer_vector which, const char *when, double limit)
{
    const struct parameters *parameters = &trainer_network(training->trainer)->parameters;
    struct ft_error error = {""};
    double worst = 0;
    float *weights = malloc(parameters->floats * sizeof *weights);
    ck_assert_msg(trainer_read_vector(training->trainer, which, weights, &error) == FT_OK, "%s", error.text);
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        struct npy array = read_parameter(training, when, parameter);
        const float *expected = array.data, *got = weights + parameter->offset;
        for (size_t k = 0; k < array.count; k++) {
            double distance = fabs((double)got[k] - (double)expected[k]);
            EXPECT(distance <= limit, "%s: %s[%zu] is %.9g, Flair has %.9g", when, parameter->name, k, (double)got[k],
                   (double)expected[k]);
            worst = distance > worst ? distance : worst;
        }
        npy_release(&array);
    }
    free(weights);
    return worst;
}

static double relative(double got, double expected)
{
    return fabs(got - expected) / (fabs(expected) > 1e-30 ? fabs(expected) : 1);
}

static void check_evaluation(const struct training *training, const struct split_record *record, const cJSON *expected)
{
    double score = number(expected, "main_score"), loss = number(expected, "loss");
    size_t step = (size_t)number(expected, "after_step");
    EXPECT(fabs(record->f1 - score) <= 1e-9, "after step %zu: F1 %.9g, Flair has %.9g", step, record->f1, score);
    EXPECT(relative(record->loss, loss) <= tolerance(training, "dev_loss_relative"),
           "after step %zu: dev loss %.9g, Flair has %.9g", step, record->loss, loss);
}

static void follow(struct training *training)
{
    const cJSON *steps = cJSON_GetObjectItem(training->about, "steps"), *step;
    const cJSON *evaluation = cJSON_GetArrayItem(cJSON_GetObjectItem(training->about, "evaluations"), 0);
    struct ft_error error = {""};
    double worst_first = 0, worst = 0, worst_norm = 0;
    set_first_weights(training);
    cJSON_ArrayForEach(step, steps)
    {
        struct trainer_event event;
        size_t n = (size_t)number(step, "step");
        double rate = trainer_state(training->trainer)->schedule.rate;
        ck_assert_msg(!trainer_state(training->trainer)->finished, "the run ends before step %zu", n);
        ck_assert_msg(trainer_batch(training->trainer, &event, &error) == FT_OK, "%s", error.text);
        double off = relative(event.batch_loss, number(step, "loss"));
        double norm_off = relative(event.gradient_norm, number(step, "grad_norm_before_clip"));
        double limit = tolerance(training, "loss_relative_all");
        if (n <= FIRST_STEPS)
            limit = FIRST_LOSS_LIMIT;
        EXPECT(off <= limit, "step %zu: loss %.9g, Flair has %.9g", n, event.batch_loss, number(step, "loss"));
        EXPECT(norm_off <= tolerance(training, "grad_norm_relative_all"),
               "step %zu: gradient's norm %.9g, Flair has %.9g", n, event.gradient_norm,
               number(step, "grad_norm_before_clip"));
        EXPECT(rate == number(step, "learning_rate"), "step %zu: learning rate %g, Flair has %g", n, rate,
               number(step, "learning_rate"));
        if (n <= FIRST_STEPS && off > worst_first)
            worst_first = off;
        worst = off > worst ? off : worst;
        worst_norm = norm_off > worst_norm ? norm_off : worst_norm;
        if (n == 1)
            printf("  weights after step 1 within %.1e",
                   check_weights(training, VECTOR_WEIGHTS, "step1", WEIGHT_LIMIT));
        if (event.epoch_ended) {
            ck_assert_msg(evaluation && (size_t)number(evaluation, "after_step") == n, "no evaluation after step %zu",
                          n);
            check_evaluation(training, &event.record.dev, evaluation);
            evaluation = evaluation->next;
        }
    }
    EXPECT(trainer_state(training->trainer)->finished, "Flair's run has ended, this one has not");
    double final = check_weights(training, VECTOR_WEIGHTS, "final", tolerance(training, "final_weights"));
    printf(", losses %.1e (first %d), %.1e (all), norms %.1e, last weights %.1e\n", worst_first, FIRST_STEPS, worst,
           worst_norm, final);
}

/* The weights of the best epoch, of which a case keeps one tensor. */
static void check_best(const struct training *training)
{
    const struct network *network = trainer_network(training->trainer);
    const struct parameter *linear = parameters_find(&network->parameters, "linear.weight");
    struct parameter best = *linear;
    struct ft_error error = {""};
    snprintf(best.name, sizeof best.name, "best.linear.weight");
    struct npy array = read_parameter(training, "final", &best);
    float *weights = malloc(network->parameters.floats * sizeof *weights);
    ck_assert_msg(trainer_read_vector(training->trainer, VECTOR_BEST, weights, &error) == FT_OK, "%s", error.text);
    for (size_t k = 0; k < array.count; k++) {
        double off = fabs((double)weights[linear->offset + k] - (double)((const float *)array.data)[k]);
        EXPECT(off <= tolerance(training, "final_weights"), "best linear.weight[%zu] is off by %.3g", k, off);
    }
    free(weights);
    npy_release(&array);
}

/* The same tags in the same order. */
static void check_tag_set(const struct training *training)
{
    const cJSON *options = cJSON_GetObjectItem(training->about, "options");
    const cJSON *expected = cJSON_GetObjectItem(options, "tag_dictionary");
    ck_assert_uint_eq(training->tags.count, (size_t)cJSON_GetArraySize(expected));
    for (size_t i = 0; i < training->tags.count; i++)
        ck_assert_str_eq(training->tags.tags[i].at, cJSON_GetArrayItem(expected, (int)i)->valuestring);
}

void golden_follow_tagger_training(const char *folder, enum flair_era era, bool has_words, struct backend *host,
                                   struct backend *device)
{
    struct training training;
    open_training(&training, folder, era, has_words, host, device);
    check_tag_set(&training);
    follow(&training);
    check_best(&training);
    close_training(&training);
}
