/* bench_lm.c - how fast a character language model is trained, against what the machine can do at most. */
#include "cmd/bench.h"
#include "cmd/peak.h"
#include "flairtag.h"
#include "run/lm_speed.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum { HIDDEN = 1024, ITEMS = 275, EMBEDDING = 100, STREAMS = 100, SEQUENCE = 250, UPDATES = 3 };

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static ft_status print(const struct bench_values *values, const struct lm_shape *shape, double seconds, double peak,
                       struct ft_error *error)
{
    double speed = (double)STREAMS * SEQUENCE / seconds, operations = speed * lm_training_operations(shape);
    if (!values->json) {
        printf(
            "%zu layer(s) of %zu units, %d streams of %d characters an update: %.0f characters/s, %.1f GFLOP/s, %.1f "
            "%% of %.1f\n",
            shape->layers, shape->hidden, STREAMS, SEQUENCE, speed, operations / 1e9, 100 * operations / peak,
            peak / 1e9);
        return FT_OK;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "hidden", (double)shape->hidden);
    cJSON_AddNumberToObject(json, "layers", (double)shape->layers);
    cJSON_AddNumberToObject(json, "seconds_per_update", seconds);
    cJSON_AddNumberToObject(json, "chars_per_s", speed);
    cJSON_AddNumberToObject(json, "gflops", operations / 1e9);
    cJSON_AddNumberToObject(json, "peak_gflops", peak / 1e9);
    cJSON_AddNumberToObject(json, "percent_of_peak", 100 * operations / peak);
    return bench_print_json(json, error);
}

int bench_lm(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct machine machine = {0};
    struct lm_trainer_options options = {
        .shape = {.items = ITEMS,
                  .embedding = EMBEDDING,
                  .hidden = values->random ? (size_t)values->random : HIDDEN,
                  .layers = values->layers ? (size_t)values->layers : 1},
        .batch = STREAMS,
        .sequence_length = SEQUENCE,
        .update = {.optimizer = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 1},
        .seed = 1};
    size_t updates = (size_t)values->repeat * UPDATES;
    double *seconds = calloc(updates, sizeof *seconds), peak = 0;
    ft_status status = seconds ? machine_open(&machine, &values->model, MACHINE_ONE_GPU, &error)
                               : ft_nomem(&error, "the measurements");
    for (int side = 0; status == FT_OK && side < 2; side++) { /* before and after: the machine may have been busy */
        double now = peak_measure(backend_cpu_kernels(machine.host), PRECISION_F32, backend_cpu_threads(machine.host));
        peak = now > peak ? now : peak;
        if (!side)
            status = lm_speed_measure(&options, machine.devices[0], updates, seconds, &error);
    }
    if (status == FT_OK) {
        qsort(seconds, updates, sizeof *seconds, ascending);
        status = print(values, &options.shape, seconds[updates / 2], peak, &error);
    }
    if (status != FT_OK)
        report_error("%s", error.text);
    machine_close(&machine);
    free(seconds);
    return (int)status;
}
