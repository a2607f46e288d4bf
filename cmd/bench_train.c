/* bench_train.c - how fast a tagger's head is trained on stored token vectors, against what the machine can do at most.
 * The first epoch, which embeds, stands apart. */
#include "base/clock.h"
#include "base/memory.h"
#include "cmd/bench_training.h"
#include "cmd/peak.h"
#include "flairtag.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

struct epoch {
    double seconds;
    struct trainer_seconds parts;
};

struct bench {
    struct machine machine;
    struct bench_training training;
    struct epoch *epochs; /* [1 + values->epochs] */
    double peak;
};

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
    struct trainer_seconds before = trainer_seconds(bench->training.trainer);
    double start = clock_seconds();
    ft_status status = bench_training_epoch(&bench->training, error);
    epoch->seconds = clock_seconds() - start;
    epoch->parts = difference(trainer_seconds(bench->training.trainer), before);
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
        printf("  %.0f tokens/s  %.1f Gop/s = %.1f %% of peak", (double)bench->training.tokens / seconds,
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
    const struct network *network = trainer_network(bench->training.trainer);
    double seconds = training_seconds(median);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "tokens_per_s", (double)bench->training.tokens / seconds);
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddNumberToObject(json, "percent_of_peak", 100 * operations / seconds / bench->peak);
    cJSON_AddNumberToObject(json, "gops", 1e-9 * operations / seconds);
    cJSON_AddNumberToObject(json, "peak_gops", 1e-9 * bench->peak);
    cJSON_AddNumberToObject(json, "operations", operations);
    cJSON_AddNumberToObject(json, "sentences", (double)bench->training.sentences);
    cJSON_AddNumberToObject(json, "tokens", (double)bench->training.tokens);
    cJSON_AddNumberToObject(json, "width", (double)network->shape.width);
    cJSON_AddNumberToObject(json, "parameters", (double)network->parameters.floats);
    cJSON_AddNumberToObject(json, "threads", (double)backend_cpu_threads(bench->machine.host));
    cJSON_AddNumberToObject(json, "stored_bytes", (double)row_store_counts(bench->training.rows).kept_bytes);
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)memory_peak());
    cJSON_AddStringToObject(json, "isa", backend_cpu_kernels(bench->machine.host)->name);
    cJSON *epochs = cJSON_AddArrayToObject(json, "epochs");
    for (long e = 0; e <= bench->training.values->epochs; e++)
        cJSON_AddItemToArray(epochs, epoch_json(&bench->epochs[e]));
    return bench_print_json(json, error);
}

static ft_status report(const struct bench *bench, struct ft_error *error)
{
    const struct network *network = trainer_network(bench->training.trainer);
    size_t later = (size_t)bench->training.values->epochs;
    double operations =
        work_training(&network->shape, (double)bench->training.tokens, (double)bench->training.sentences);
    struct epoch *sorted = calloc(later, sizeof *sorted), median;
    if (!sorted)
        return ft_nomem(error, "the report");
    for (size_t e = 0; e < later; e++)
        sorted[e] = bench->epochs[e + 1];
    qsort(sorted, later, sizeof *sorted, by_seconds);
    median = sorted[later / 2];
    free(sorted);
    if (bench->training.values->json)
        return print_json(bench, &median, operations, error);
    printf("%zu sentences, %zu tokens of %zu columns, %zu parameters; peak in f32 %.1f Gop/s (%s, %zu threads)\n",
           bench->training.sentences, bench->training.tokens, network->shape.width, network->parameters.floats,
           1e-9 * bench->peak, backend_cpu_kernels(bench->machine.host)->name,
           backend_cpu_threads(bench->machine.host));
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
    ft_status status = machine_open(&bench->machine, &values->model, MACHINE_ONE_GPU, &error);
    bool is_open = status == FT_OK;
    bench->epochs = calloc((size_t)values->epochs + 1, sizeof *bench->epochs);
    if (is_open)
        status = bench->epochs ? bench_training_open(&bench->training, values, &bench->machine, &error)
                               : ft_nomem(&error, "the epochs");
    if (status == FT_OK)
        status = bench_training_begin(&bench->training, bench->machine.devices[0], STORAGE_CPU, &error);
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
    if (is_open)
        bench_training_close(&bench->training);
    machine_close(&bench->machine);
    free(bench->epochs);
    free(bench);
    return (int)status;
}
