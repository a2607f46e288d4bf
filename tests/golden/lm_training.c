#include "tests/golden/lm_training.h"
#include "base/input.h"
#include "base/npy.h"
#include "harness.h"
#include "run/lm_score.h"
#include "run/lm_trainer.h"
#include "tests/golden/golden.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_LIMIT 1e-5
#define FIRST_LOSS_LIMIT 1e-4
#define EVALUATION_LIMIT 1e-4
enum { FIRST_STEPS = 20 };

/* A device may know layers by their addresses. */
static void forget(struct backend *device)
{
    if (device->ops->forget)
        device->ops->forget(device);
}

struct training {
    char folder[1024], delimiter[8];
    cJSON *about;
    struct backend *device;
    struct model model; /* the first weights, for the dictionary */
    struct text_corpus corpus;
    struct text_ids valid;
    struct lm_trainer_options options;
    struct lm_trainer *trainer;
    size_t visited; /* splits */
};

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "case.json has no number '%s'", key);
    return item->valuedouble;
}

static cJSON *read_about(const char *folder)
{
    char path[1100], *text;
    size_t bytes;
    struct ft_error error = {""};
    snprintf(path, sizeof path, "%s/case.json", folder);
    ck_assert_msg(input_slurp(path, &text, &bytes, &error) == FT_OK, "%s", error.text);
    cJSON *about = cJSON_Parse(text);
    free(text);
    ck_assert_ptr_nonnull(about);
    return about;
}

static double tolerance(const struct training *training, const char *key)
{
    const cJSON *all = cJSON_GetObjectItem(training->about, "tolerance");
    return 10 * number(cJSON_GetObjectItem(all, "independent_float64"), key);
}

/* The splits in the order that Flair visited them. */
static ft_status next_split(void *context, size_t epoch, size_t position, struct text_ids *ids, struct ft_error *error)
{
    struct training *training = context;
    const cJSON *order = cJSON_GetObjectItem(training->about, "split_order");
    int visit = (int)((epoch - 1) * training->corpus.train_count + position);
    ck_assert_int_eq(visit, (int)training->visited++);
    size_t split = (size_t)cJSON_GetArrayItem(order, visit)->valueint - 1;
    return text_corpus_split(&training->corpus, 1, split, &training->model.lm->characters, ids, error);
}

static void open_training(struct training *training, const char *folder, enum flair_era era, struct backend *host,
                          struct backend *device)
{
    char path[1100];
    struct ft_error error = {""};
    *training = (struct training){.about = read_about(folder), .device = device};
    snprintf(training->folder, sizeof training->folder, "%s", folder);
    const cJSON *options = cJSON_GetObjectItem(training->about, "options");
    const cJSON *nout = cJSON_GetObjectItem(options, "nout");
    snprintf(path, sizeof path, "%s/init/lm.pt", folder);
    golden_open(&training->model, path, host);
    snprintf(training->delimiter, sizeof training->delimiter, "%s", cJSON_GetObjectItem(options, "delim")->valuestring);
    snprintf(path, sizeof path, "%s/corpus", folder);
    struct text_files files = {.folder = path};
    struct text_options reading = {
        .era = era, .forward = cJSON_IsTrue(cJSON_GetObjectItem(options, "forward")), .delimiter = training->delimiter};
    ck_assert_msg(text_corpus_open(&training->corpus, &files, &reading, &error) == FT_OK, "%s", error.text);
    const struct characters *characters = &training->model.lm->characters;
    ck_assert_msg(text_corpus_valid(&training->corpus, characters, &training->valid, &error) == FT_OK, "%s",
                  error.text);
    training->options =
        (struct lm_trainer_options){.shape = {.items = characters->count,
                                              .embedding = (size_t)number(options, "E"),
                                              .hidden = (size_t)number(options, "H"),
                                              .layers = (size_t)number(options, "L"),
                                              .nout = cJSON_IsNumber(nout) ? (size_t)nout->valuedouble : 0},
                                    .batch = (size_t)number(options, "mini_batch_size"),
                                    .sequence_length = (size_t)number(options, "sequence_length"),
                                    .max_epochs = (size_t)number(options, "max_epochs"),
                                    .update = {.clip = number(options, "clip")},
                                    .rate = number(options, "learning_rate"),
                                    .factor = number(options, "anneal_factor"),
                                    .patience = (long)number(options, "patience")};
}

static void close_training(struct training *training)
{
    lm_trainer_free(training->trainer);
    text_ids_release(&training->valid);
    text_corpus_release(&training->corpus);
    model_close(&training->model);
    cJSON_Delete(training->about);
}

/* A parameter of one of the case's folders. */
static struct npy read_parameter(const struct training *training, const char *when, const struct parameter *parameter)
{
    char path[1200];
    struct npy array;
    struct ft_error error = {""};
    snprintf(path, sizeof path, "%s/%s/%s.npy", training->folder, when, parameter->name);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(array.count == parameter->rows * parameter->columns, "%s: %zu numbers, not %zu x %zu", path,
                  array.count, parameter->rows, parameter->columns);
    return array;
}

static void start(struct training *training)
{
    struct parameters parameters;
    struct ft_error error = {""};
    lm_parameters_lay_out(&parameters, &training->options.shape);
    float *first = calloc(parameters.floats, sizeof *first);
    for (size_t i = 0; i < parameters.count; i++) {
        struct npy array = read_parameter(training, "init", &parameters.list[i]);
        memcpy(first + parameters.list[i].offset, array.data, array.count * sizeof(float));
        npy_release(&array);
    }
    struct lm_source source = {training, training->corpus.train_count, next_split, &training->valid};
    ft_status status = lm_trainer_new(&training->trainer, &training->options, &source, first, training->device, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    free(first);
}

static double check_weights(const struct training *training, const char *when, double limit)
{
    const struct parameters *parameters = &lm_trainer_network(training->trainer)->parameters;
    struct ft_error error = {""};
    double worst = 0;
    float *weights = malloc(parameters->floats * sizeof *weights);
    ck_assert_msg(lm_trainer_read(training->trainer, LM_WEIGHTS, weights, &error) == FT_OK, "%s", error.text);
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
    return fabs(got - expected) / fabs(expected);
}

static void check_evaluation(const struct training *training, const struct lm_evaluation *got, const cJSON *expected,
                             const char *limit)
{
    double loss = number(expected, "loss");
    EXPECT(fabs(got->loss - loss) <= tolerance(training, limit), "after step %g: loss %.9g, Flair has %.9g",
           number(expected, "after_step"), got->loss, loss);
}

static void check_test(struct training *training, const cJSON *expected)
{
    struct text_ids test;
    struct lm_evaluation evaluation;
    struct ft_error error = {""};
    ck_assert_msg(text_corpus_test(&training->corpus, &training->model.lm->characters, &test, &error) == FT_OK, "%s",
                  error.text);
    ft_status status = lm_evaluate(lm_trainer_network(training->trainer), &test, training->options.sequence_length,
                                   &evaluation, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    check_evaluation(training, &evaluation, expected, "test_loss");
    text_ids_release(&test);
}

void golden_follow_lm_training(const char *folder, enum flair_era era, struct backend *host, struct backend *device)
{
    struct training training;
    struct ft_error error = {""};
    double worst_first = 0, worst = 0, first_weights = 0;
    open_training(&training, folder, era, host, device);
    start(&training);
    const cJSON *evaluation = cJSON_GetArrayItem(cJSON_GetObjectItem(training.about, "evaluations"), 0), *step;
    cJSON_ArrayForEach(step, cJSON_GetObjectItem(training.about, "steps"))
    {
        struct lm_trainer_event event;
        size_t n = (size_t)number(step, "step");
        ck_assert_msg(!lm_trainer_state(training.trainer)->finished, "the run ends before step %zu", n);
        ck_assert_msg(lm_trainer_step(training.trainer, &event, &error) == FT_OK, "%s", error.text);
        double off = relative(event.loss, number(step, "loss"));
        EXPECT(off <= (n <= FIRST_STEPS ? FIRST_LOSS_LIMIT : tolerance(&training, "loss_all")),
               "step %zu: loss %.9g, Flair has %.9g", n, event.loss, number(step, "loss"));
        if (n <= FIRST_STEPS)
            EXPECT(relative(event.gradient_norm, number(step, "grad_norm_before_clip")) <=
                       tolerance(&training, "grad_norm_relative_first_20"),
                   "step %zu: gradient's norm %.9g, Flair has %.9g", n, event.gradient_norm,
                   number(step, "grad_norm_before_clip"));
        EXPECT(event.rate == number(step, "learning_rate"), "step %zu: learning rate %g, Flair has %g", n, event.rate,
               number(step, "learning_rate"));
        ck_assert_uint_eq(event.chars, (size_t)number(step, "targets"));
        worst_first = n <= FIRST_STEPS ? fmax(off, worst_first) : worst_first;
        worst = fmax(off, worst);
        if (n == 1)
            first_weights = check_weights(&training, "step1", WEIGHT_LIMIT);
        if (event.validated) {
            ck_assert_uint_eq((size_t)number(evaluation, "after_step"), n);
            check_evaluation(&training, &event.valid, evaluation, "validation_loss");
            evaluation = evaluation->next;
        }
    }
    EXPECT(lm_trainer_state(training.trainer)->finished, "Flair's run has ended, this one has not");
    double last_weights = check_weights(&training, "final", tolerance(&training, "final_weights"));
    check_test(&training, evaluation);
    printf("  weights after step 1 within %.1e, losses %.1e (first %d), %.1e (all), last weights %.1e\n", first_weights,
           worst_first, FIRST_STEPS, worst, last_weights);
    close_training(&training);
}

/* The ids that Flair's trainer reads, and the losses of its evaluation at several batch sizes. */
void golden_check_lm_evaluation(const char *folder, const char *direction, enum flair_era era, struct backend *host,
                                struct backend *device)
{
    char path[1100];
    struct ft_error error = {""};
    struct model model;
    struct text_corpus corpus;
    struct text_ids ids;
    struct npy expected;
    cJSON *about = read_about(folder);
    const cJSON *eval = cJSON_GetObjectItem(cJSON_GetObjectItem(about, "eval"), direction), *one;
    snprintf(path, sizeof path, "%s/lm-%s.pt", folder, direction);
    golden_open(&model, path, host);
    snprintf(path, sizeof path, "%s/text.txt", folder);
    const char *files[] = {path};
    struct text_options reading = {.era = era, .forward = model.lm->forward, .delimiter = model.lm->delimiter_text.at};
    struct text_files text = {.train = files, .train_count = 1, .valid = path};
    ck_assert_msg(text_corpus_open(&corpus, &text, &reading, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(text_corpus_valid(&corpus, &model.lm->characters, &ids, &error) == FT_OK, "%s", error.text);
    snprintf(path, sizeof path, "%s/ids.%s.npy", folder, direction);
    ck_assert_msg(npy_read(path, &expected, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(ids.count, expected.count);
    for (size_t i = 0; i < ids.count; i++)
        EXPECT(text_id(&ids, i) == (uint32_t)((const int32_t *)expected.data)[i], "id %zu is %u, Flair has %d", i,
               text_id(&ids, i), ((const int32_t *)expected.data)[i]);
    npy_release(&expected);
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(eval, "trainer_evaluate"))
    {
        struct lm_network network;
        struct lm_evaluation evaluation;
        struct lm_shape shape = lm_shape_of(model.lm);
        size_t batch = (size_t)number(one, "mini_batch_size"), steps = (size_t)number(one, "sequence_length");
        ck_assert_msg(lm_network_init(&network, device, &shape, batch, steps, false, &error) == FT_OK, "%s",
                      error.text);
        float *weights = malloc(network.parameters.floats * sizeof *weights);
        ck_assert_msg(lm_parameters_take(&network.parameters, model.lm, weights, &error) == FT_OK, "%s", error.text);
        ft_status status = device->ops->upload(device, network.weights, weights, network.parameters.floats, &error);
        ck_assert_msg(status == FT_OK, "%s", error.text);
        free(weights);
        ck_assert_msg(lm_evaluate(&network, &ids, steps, &evaluation, &error) == FT_OK, "%s", error.text);
        EXPECT(relative(evaluation.loss, number(one, "loss")) <= EVALUATION_LIMIT, "loss %.9g, Flair has %.9g",
               evaluation.loss, number(one, "loss"));
        EXPECT(relative(exp(evaluation.loss), number(one, "perplexity")) <= EVALUATION_LIMIT,
               "perplexity %.9g, Flair has %.9g", exp(evaluation.loss), number(one, "perplexity"));
        lm_network_release(&network);
    }
    text_ids_release(&ids);
    text_corpus_release(&corpus);
    forget(device);
    model_close(&model);
    cJSON_Delete(about);
}

static double check_perplexity(const struct lm *lm, struct backend *backend, const char *text, size_t bytes,
                               const cJSON *expected)
{
    uint32_t *ids;
    size_t count;
    double nats;
    struct ft_error error = {""};
    ck_assert_int_eq(lm_score_ids(lm, text, bytes, &ids, &count, &error), FT_OK);
    ft_status status = lm_score_text(lm, backend, ids, count, &nats, &error);
    free(ids);
    if (!cJSON_IsNumber(expected)) { /* a single character */
        ck_assert_int_eq(status, FT_INPUT);
        return 0;
    }
    ck_assert_msg(status == FT_OK, "%s", error.text);
    double perplexity = exp(nats / (double)(count - 1)), off = relative(perplexity, expected->valuedouble);
    EXPECT(off <= EVALUATION_LIMIT, "perplexity %.9g, Flair has %.9g", perplexity, expected->valuedouble);
    return off;
}

double golden_check_perplexities(const char *folder, const char *direction, struct backend *host,
                                 struct backend *device)
{
    char path[1100], *text;
    size_t bytes;
    double worst;
    struct ft_error error = {""};
    struct model model;
    cJSON *about = read_about(folder);
    const cJSON *eval = cJSON_GetObjectItem(cJSON_GetObjectItem(about, "eval"), direction);
    const cJSON *strings = cJSON_GetObjectItem(about, "strings");
    const cJSON *perplexities = cJSON_GetObjectItem(eval, "perplexity_strings");
    snprintf(path, sizeof path, "%s/lm-%s.pt", folder, direction);
    golden_open(&model, path, host);
    snprintf(path, sizeof path, "%s/text.txt", folder);
    ck_assert_msg(input_slurp(path, &text, &bytes, &error) == FT_OK, "%s", error.text);
    worst = check_perplexity(model.lm, device, text, bytes, cJSON_GetObjectItem(eval, "perplexity_text"));
    ck_assert_int_gt(cJSON_GetArraySize(strings), 1);
    for (int i = 0; i < cJSON_GetArraySize(strings); i++) {
        const char *string = cJSON_GetArrayItem(strings, i)->valuestring;
        worst = fmax(worst,
                     check_perplexity(model.lm, device, string, strlen(string), cJSON_GetArrayItem(perplexities, i)));
    }
    free(text);
    forget(device);
    model_close(&model);
    cJSON_Delete(about);
    return worst;
}
