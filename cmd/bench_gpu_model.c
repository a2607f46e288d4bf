/* bench_gpu_model.c - how long a corpus would take on GPUs that are not there: estimates of run/gpu_model.h. The host's
 * work is done, and timed, on this machine. */
#include "base/clock.h"
#include "cmd/bench_training.h"
#include "flairtag.h"
#include "run/gpu_model.h"
#include <stdio.h>

enum { MATHS = 3, MODES = 3 };
static const char *const mode_names[MODES] = {"none", "cpu", "gpu"};

/* host: seconds of this machine's for all that devices do not do. */
struct prediction {
    struct bench_figures figures;
    struct gpu_estimate device;
    double host;
};

struct epoch_estimate {
    double device, host;
};
struct training_estimate {
    struct epoch_estimate first, later; /* the first embeds */
    double kept;                        /* bytes of rows, wherever */
    enum storage_mode in_force;
};

static ft_status estimate_prediction(const struct bench_values *values, const struct tagger *tagger,
                                     const struct gpu_card *card, enum cuda_math math, struct prediction *prediction,
                                     struct ft_error *error)
{
    struct backend *device;
    ft_status status = gpu_model_new(&device, card, math, error);
    if (status != FT_OK)
        return status;
    status = bench_tag(values, device, tagger, &prediction->figures, error);
    prediction->device = gpu_model_estimate(device);
    prediction->host = prediction->figures.seconds;
    device->ops->free(device);
    return status;
}

static ft_status estimate_epoch(struct bench_training *training, struct backend *device, struct epoch_estimate *epoch,
                                struct ft_error *error)
{
    double before = gpu_model_estimate(device).seconds, start = clock_seconds();
    ft_status status = bench_training_epoch(training, error);
    epoch->device = gpu_model_estimate(device).seconds - before;
    epoch->host = clock_seconds() - start;
    return status;
}

static ft_status estimate_training(struct bench_training *training, const struct gpu_card *card, enum cuda_math math,
                                   enum storage_mode mode, struct training_estimate *estimate, struct ft_error *error)
{
    struct backend *device;
    ft_status status = gpu_model_new(&device, card, math, error);
    if (status != FT_OK)
        return status;
    status = bench_training_begin(training, device, mode, error);
    if (status == FT_OK)
        status = estimate_epoch(training, device, &estimate->first, error);
    if (status == FT_OK)
        status = estimate_epoch(training, device, &estimate->later, error);
    if (status == FT_OK) {
        estimate->kept = (double)row_store_counts(training->rows).kept_bytes;
        estimate->in_force = training->storage;
    }
    bench_training_end(training);
    device->ops->free(device);
    return status;
}

static void print_prediction(const struct gpu_card *card, enum cuda_math math, const struct prediction *prediction)
{
    const struct gpu_estimate *device = &prediction->device;
    double all = device->seconds + prediction->host;
    printf("%-12s %-5s %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %10.0f\n", card->name, gpu_math_names[math],
           device->lm_seconds, device->seconds - device->lm_seconds, device->copy_seconds, device->seconds,
           prediction->host, all, (double)prediction->figures.characters / all);
}

static void print_training(const struct gpu_card *card, enum cuda_math math, enum storage_mode mode,
                           const struct training_estimate *estimate)
{
    printf("%-12s %-5s %-7s %9.3f %9.3f %9.3f %9.3f %10.3f%s%s\n", card->name, gpu_math_names[math], mode_names[mode],
           estimate->first.device, estimate->first.host, estimate->later.device, estimate->later.host,
           estimate->kept / 1e9, estimate->in_force != mode ? "  as " : "",
           estimate->in_force != mode ? mode_names[estimate->in_force] : "");
}

static cJSON *prediction_json(const struct prediction *prediction)
{
    const struct gpu_estimate *device = &prediction->device;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "device_seconds", device->seconds);
    cJSON_AddNumberToObject(json, "lm_seconds", device->lm_seconds);
    cJSON_AddNumberToObject(json, "copy_seconds", device->copy_seconds);
    cJSON_AddNumberToObject(json, "host_seconds", prediction->host);
    cJSON_AddNumberToObject(json, "operations", device->operations);
    cJSON_AddNumberToObject(json, "launches", device->launches);
    cJSON_AddNumberToObject(json, "uploaded", device->uploaded);
    cJSON_AddNumberToObject(json, "downloaded", device->downloaded);
    cJSON_AddNumberToObject(json, "lm_steps", (double)device->steps.asked);
    cJSON_AddNumberToObject(json, "lm_steps_taken", (double)device->steps.taken);
    return json;
}

static cJSON *training_json(enum storage_mode mode, const struct training_estimate *estimate)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "storage", mode_names[mode]);
    cJSON_AddStringToObject(json, "storage_in_force", mode_names[estimate->in_force]);
    cJSON_AddNumberToObject(json, "first_epoch_device_seconds", estimate->first.device);
    cJSON_AddNumberToObject(json, "first_epoch_host_seconds", estimate->first.host);
    cJSON_AddNumberToObject(json, "epoch_device_seconds", estimate->later.device);
    cJSON_AddNumberToObject(json, "epoch_host_seconds", estimate->later.host);
    cJSON_AddNumberToObject(json, "kept_bytes", estimate->kept);
    return json;
}

/* Whatever the card has units for. */
static ft_status each_device(ft_status (*work)(void *argument, const struct gpu_card *card, enum cuda_math math,
                                               struct ft_error *error),
                             void *argument, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t c = 0; c < gpu_card_count; c++)
        for (int math = 0; status == FT_OK && math < MATHS; math++)
            if (gpu_cards[c].operations[math] > 0)
                status = work(argument, &gpu_cards[c], (enum cuda_math)math, error);
    return status;
}

struct estimates {
    struct bench_training training;
    cJSON *json, *predictions, *trainings; /* NULL: tables are printed */
};

static void add_json(cJSON *array, cJSON *json, const struct gpu_card *card, enum cuda_math math)
{
    cJSON_AddStringToObject(json, "card", card->name);
    cJSON_AddStringToObject(json, "math", gpu_math_names[math]);
    cJSON_AddItemToArray(array, json);
}

static ft_status predict_on(void *argument, const struct gpu_card *card, enum cuda_math math, struct ft_error *error)
{
    struct estimates *estimates = argument;
    struct prediction prediction;
    ft_status status =
        estimate_prediction(estimates->training.values, estimates->training.tagger, card, math, &prediction, error);
    if (status == FT_OK && estimates->json)
        add_json(estimates->predictions, prediction_json(&prediction), card, math);
    else if (status == FT_OK)
        print_prediction(card, math, &prediction);
    return status;
}

static ft_status train_on(void *argument, const struct gpu_card *card, enum cuda_math math, struct ft_error *error)
{
    struct estimates *estimates = argument;
    ft_status status = FT_OK;
    for (int mode = 0; status == FT_OK && mode < MODES; mode++) {
        struct training_estimate estimate;
        status = estimate_training(&estimates->training, card, math, (enum storage_mode)mode, &estimate, error);
        if (status == FT_OK && estimates->json)
            add_json(estimates->trainings, training_json((enum storage_mode)mode, &estimate), card, math);
        else if (status == FT_OK)
            print_training(card, math, (enum storage_mode)mode, &estimate);
    }
    return status;
}

static ft_status estimate_all(struct estimates *estimates, struct ft_error *error)
{
    if (!estimates->json) {
        printf(
            "Estimates from shapes, schedules and data sheets; no GPU was used. Seconds; the host's are measured here.\n"
            "\npredict\n%-12s %-5s %9s %9s %9s %9s %9s %9s %10s\n",
            "card", "math", "LM", "head", "copies", "device", "host", "all", "chars/s");
    }
    ft_status status = each_device(predict_on, estimates, error);
    if (status == FT_OK && !estimates->json)
        printf("\ntrain, an epoch\n%-12s %-5s %-7s %9s %9s %9s %9s %10s\n", "card", "math", "storage", "first",
               "its host", "later", "its host", "kept GB");
    return status == FT_OK ? each_device(train_on, estimates, error) : status;
}

int bench_gpu_model(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct machine machine = {.count = 0};
    struct estimates estimates = {.json = values->json ? cJSON_CreateObject() : NULL};
    struct bench_values wanted = *values;
    wanted.model.device = "cpu";
    wanted.epochs = 1;
    if (estimates.json) {
        cJSON_AddStringToObject(estimates.json, "kind", "estimate");
        estimates.predictions = cJSON_AddArrayToObject(estimates.json, "predict");
        estimates.trainings = cJSON_AddArrayToObject(estimates.json, "train");
    }
    ft_status status = machine_open(&machine, &wanted.model, MACHINE_CPU_ALONE, &error);
    bool is_open = status == FT_OK;
    if (is_open)
        status = bench_training_open(&estimates.training, &wanted, &machine, &error);
    if (status == FT_OK)
        status = estimate_all(&estimates, &error);
    if (status == FT_OK && estimates.json)
        status = bench_print_json(estimates.json, &error);
    else
        cJSON_Delete(estimates.json);
    if (status != FT_OK)
        report_error("%s", error.text);
    if (is_open)
        bench_training_close(&estimates.training);
    machine_close(&machine);
    return (int)status;
}
