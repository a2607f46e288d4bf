/* bench_train.c - how fast a tagger's head is trained on stored token vectors, against what the machine can do at most.
 * The first epoch, which embeds, stands apart. */
#include "base/clock.h"
#include "base/memory.h"
#include "cmd/bench.h"
#include "cmd/interrupt.h"
#include "cmd/peak.h"
#include "cmd/train_options.h"
#include "flairtag.h"
#include "run/trainer.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

struct epoch {
    double seconds;
    struct trainer_seconds parts;
};

struct bench {
    const struct bench_values *values;
    struct machine machine;
    struct model model; /* the embeddings are one of three: a model's, a random model's, word vectors alone */
    struct random_model *random;
    struct stack stack;
    char words[4096]; /* their path */
    struct corpus corpus;
    struct tag_set tags;
    struct row_store *rows;
    struct trainer *trainer;
    struct epoch *epochs;     /* [1 + values->epochs] */
    size_t tokens, sentences; /* trained in an epoch */
    double peak;
    struct arena arena;
};

static ft_status open_corpus(struct bench *bench, struct ft_error *error)
{
    const struct input_values *input = &bench->values->input;
    struct corpus_options reading = {.files = {bench->values->files[0]},
                                     .era = LIKE_FLAIR_0_15,
                                     .scheme = SCHEME_BIOES,
                                     .token_column = (int)input->token_column,
                                     .tag_column = (int)input->tag_column,
                                     .seed = 1};
    ft_status status = corpus_open(&bench->corpus, &reading, error);
    if (status != FT_OK)
        return status;
    for (size_t s = 0; s < SPLITS; s++) {
        const struct window *window = &bench->corpus.splits[s].window;
        if (s == SPLIT_TRAIN || (s == SPLIT_DEV && !bench->values->evaluate)) {
            bench->tokens += window->tokens;
            bench->sentences += window->count;
        }
    }
    return tag_set_init(&bench->tags, &bench->corpus, reading.era, reading.scheme, true, error);
}

static ft_status open_embeddings(struct bench *bench, const struct tagger **tagger, struct ft_error *error)
{
    const struct bench_values *values = bench->values;
    ft_status status;
    if (values->words && !values->random && !values->model.model) {
        status = model_find(values->words, bench->words, sizeof bench->words, error);
        struct stack_part words = {STACK_WORDS, bench->words};
        if (status == FT_OK)
            status = stack_open(&bench->stack, &words, 1, bench->machine.host, error);
        *tagger = bench->stack.tagger;
        return status;
    }
    status = bench_model(values, &bench->machine, &bench->model, &bench->random, error);
    *tagger = bench->random ? random_model_tagger(bench->random) : bench->model.tagger;
    return status;
}

/* Flair's head, unless the options say otherwise. */
static struct trainer_options options_of(const struct bench_values *values)
{
    struct train_values training = train_defaults;
    training.hidden = values->hidden;
    training.layers = values->layers;
    training.reproject = values->reproject;
    training.batch = values->mini_batch;
    training.max_epochs = 1 + values->epochs;
    training.train_with_dev = !values->evaluate; /* dev is a tenth of the file, which no test for the best wants then */
    train_settle(&training);
    return train_trainer_options(&training);
}

static ft_status open_all(struct bench *bench, struct ft_error *error)
{
    struct trainer_options options = options_of(bench->values);
    struct row_store_options storing = {.mode = STORAGE_CPU, .gather = store_default_gather(STORAGE_CPU)};
    const struct tagger *tagger = NULL;
    size_t count;
    ft_status status = machine_open(&bench->machine, &bench->values->model, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = open_corpus(bench, error);
    if (status == FT_OK)
        status = open_embeddings(bench, &tagger, error);
    const struct sentence **sentences =
        status == FT_OK ? trainer_sentences(&bench->corpus, &options, &bench->arena, &count) : NULL;
    bench->epochs = calloc(options.max_epochs, sizeof *bench->epochs);
    if (status == FT_OK && (!sentences || !bench->epochs))
        status = ft_nomem(error, "the corpus");
    if (status == FT_OK)
        status =
            row_store_new(&bench->rows, tagger, bench->machine.devices[0], &storing, sentences, count, NULL, error);
    struct trainer_data data = {&bench->corpus, &bench->tags, bench->rows};
    if (status == FT_OK)
        status = trainer_new(&bench->trainer, &options, &data, bench->machine.devices[0], error);
    return status;
}

static void close_all(struct bench *bench)
{
    trainer_free(bench->trainer);
    row_store_free(bench->rows);
    stack_close(&bench->stack);
    random_model_free(bench->random);
    model_close(&bench->model);
    tag_set_release(&bench->tags);
    corpus_release(&bench->corpus);
    machine_close(&bench->machine);
    free(bench->epochs);
    arena_release(&bench->arena);
}

/* The better of what it was and what it is now: the machine may have been busy. */
static void measure_peak(struct bench *bench)
{
    double again =
        peak_measure(backend_cpu_kernels(bench->machine.host), PRECISION_F32, backend_cpu_threads(bench->machine.host));
    if (again > bench->peak)
        bench->peak = again;
}

static struct trainer_seconds difference(struct trainer_seconds a, struct trainer_seconds b)
{
    return (struct trainer_seconds){a.vectors - b.vectors,
                                    {a.network.forward - b.network.forward, a.network.loss - b.network.loss,
                                     a.network.backward - b.network.backward},
                                    a.update - b.update,
                                    a.evaluation - b.evaluation};
}

static ft_status train_epoch(struct bench *bench, struct epoch *epoch, struct ft_error *error)
{
    struct trainer_seconds before = trainer_seconds(bench->trainer);
    struct trainer_event event = {0};
    double start = clock_seconds();
    ft_status status = FT_OK;
    while (status == FT_OK && !event.epoch_ended) {
        status = trainer_batch(bench->trainer, &event, error);
        if (status == FT_OK && interrupted)
            status = ft_fail(error, FT_INTERRUPTED, "interrupted");
    }
    epoch->seconds = clock_seconds() - start;
    epoch->parts = difference(trainer_seconds(bench->trainer), before);
    return status;
}

/* Evaluation, which is no work that is counted, is no time either. */
static double training_seconds(const struct epoch *epoch)
{
    return epoch->seconds - epoch->parts.evaluation;
}

static int by_seconds(const void *a, const void *b)
{
    double x = training_seconds(a), y = training_seconds(b);
    return x < y ? -1 : x > y;
}

static void print_parts(const struct trainer_seconds *parts)
{
    printf("  (vectors %.3f, forward %.3f, loss %.3f, backward %.3f, update %.3f", parts->vectors,
           parts->network.forward, parts->network.loss, parts->network.backward, parts->update);
    if (parts->evaluation > 0)
        printf("; evaluation %.3f", parts->evaluation);
    printf(")\n");
}

static void print_epoch(const struct bench *bench, size_t number, const struct epoch *epoch, double operations)
{
    double seconds = training_seconds(epoch);
    printf("epoch %zu: %.3f s", number, seconds);
    if (number == 1)
        printf(", embedding included");
    else
        printf("  %.0f tokens/s  %.1f Gop/s = %.1f %% of peak", (double)bench->tokens / seconds,
               1e-9 * operations / seconds, 100 * operations / seconds / bench->peak);
    print_parts(&epoch->parts);
}

static cJSON *epoch_json(const struct epoch *epoch)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seconds", training_seconds(epoch));
    cJSON_AddNumberToObject(json, "vectors", epoch->parts.vectors);
    cJSON_AddNumberToObject(json, "forward", epoch->parts.network.forward);
    cJSON_AddNumberToObject(json, "loss", epoch->parts.network.loss);
    cJSON_AddNumberToObject(json, "backward", epoch->parts.network.backward);
    cJSON_AddNumberToObject(json, "update", epoch->parts.update);
    cJSON_AddNumberToObject(json, "evaluation", epoch->parts.evaluation);
    return json;
}

static ft_status print_json(const struct bench *bench, const struct epoch *median, double operations,
                            struct ft_error *error)
{
    const struct network *network = trainer_network(bench->trainer);
    double seconds = training_seconds(median);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "tokens_per_s", (double)bench->tokens / seconds);
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddNumberToObject(json, "percent_of_peak", 100 * operations / seconds / bench->peak);
    cJSON_AddNumberToObject(json, "gops", 1e-9 * operations / seconds);
    cJSON_AddNumberToObject(json, "peak_gops", 1e-9 * bench->peak);
    cJSON_AddNumberToObject(json, "operations", operations);
    cJSON_AddNumberToObject(json, "sentences", (double)bench->sentences);
    cJSON_AddNumberToObject(json, "tokens", (double)bench->tokens);
    cJSON_AddNumberToObject(json, "width", (double)network->shape.width);
    cJSON_AddNumberToObject(json, "parameters", (double)network->parameters.floats);
    cJSON_AddNumberToObject(json, "threads", (double)backend_cpu_threads(bench->machine.host));
    cJSON_AddNumberToObject(json, "stored_bytes", (double)row_store_counts(bench->rows).kept_bytes);
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)memory_peak());
    cJSON_AddStringToObject(json, "isa", backend_cpu_kernels(bench->machine.host)->name);
    cJSON *epochs = cJSON_AddArrayToObject(json, "epochs");
    for (long e = 0; e <= bench->values->epochs; e++)
        cJSON_AddItemToArray(epochs, epoch_json(&bench->epochs[e]));
    return bench_print_json(json, error);
}

static ft_status report(const struct bench *bench, struct ft_error *error)
{
    const struct network *network = trainer_network(bench->trainer);
    size_t later = (size_t)bench->values->epochs;
    double operations = work_training(&network->shape, (double)bench->tokens, (double)bench->sentences);
    struct epoch *sorted = calloc(later, sizeof *sorted), median;
    if (!sorted)
        return ft_nomem(error, "the report");
    for (size_t e = 0; e < later; e++)
        sorted[e] = bench->epochs[e + 1];
    qsort(sorted, later, sizeof *sorted, by_seconds);
    median = sorted[later / 2];
    free(sorted);
    if (bench->values->json)
        return print_json(bench, &median, operations, error);
    printf("%zu sentences, %zu tokens of %zu columns, %zu parameters; peak in f32 %.1f Gop/s (%s, %zu threads)\n",
           bench->sentences, bench->tokens, network->shape.width, network->parameters.floats, 1e-9 * bench->peak,
           backend_cpu_kernels(bench->machine.host)->name, backend_cpu_threads(bench->machine.host));
    for (size_t e = 0; e <= later; e++)
        print_epoch(bench, e + 1, &bench->epochs[e], operations);
    printf("an epoch after the first (median): %.3f s, %.1f %% of peak; most memory %.1f MiB\n",
           training_seconds(&median), 100 * operations / training_seconds(&median) / bench->peak,
           (double)memory_peak() / (1 << 20));
    return FT_OK;
}

int bench_train(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct bench *bench = calloc(1, sizeof *bench); /* too large for the stack */
    if (!bench) {
        report_error("out of memory");
        return FT_NOMEM;
    }
    bench->values = values;
    arena_init(&bench->arena);
    ft_status status = open_all(bench, &error);
    if (status == FT_OK)
        measure_peak(bench);
    for (long e = 0; status == FT_OK && e <= values->epochs; e++) {
        status = train_epoch(bench, &bench->epochs[e], &error);
        if (status == FT_OK)
            measure_peak(bench);
    }
    if (status == FT_OK)
        status = report(bench, &error);
    if (status != FT_OK)
        report_error("%s", error.text);
    close_all(bench);
    free(bench);
    return (int)status;
}
