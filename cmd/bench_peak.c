/* bench_peak.c - the machine's peaks by instruction set and precision. */
#include "cmd/bench.h"
#include "cmd/interrupt.h"
#include "cmd/peak.h"
#include "flairtag.h"
#include "model/quantise.h"
#include <stdio.h>
#include <string.h>

int bench_peak(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct backend *backend = NULL;
    const struct kernels *sets[KERNEL_SETS];
    size_t count = kernels_available(sets);
    ft_status status = model_backend(&values->model, &backend, &error);
    if (status != FT_OK) {
        report_error("%s", error.text);
        return (int)status;
    }
    size_t threads = backend_cpu_threads(backend);
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "peaks");
    if (!values->json)
        printf("Gop/s         1 thread  %2zu threads\n", threads);
    for (size_t i = 0; i < count && !interrupted; i++) {
        if (strcmp(values->model.isa, "auto") && strcmp(values->model.isa, sets[i]->name))
            continue;
        for (int p = 0; p < PRECISIONS && !interrupted; p++) {
            double one = peak_measure(sets[i], (enum precision)p, 1);
            double all = threads > 1 ? peak_measure(sets[i], (enum precision)p, threads) : one;
            if (!values->json) {
                printf("%-10s %-5s %8.1f %11.1f\n", sets[i]->name, precision_names[p], 1e-9 * one, 1e-9 * all);
                fflush(stdout);
                continue;
            }
            cJSON *peak = cJSON_CreateObject();
            cJSON_AddStringToObject(peak, "isa", sets[i]->name);
            cJSON_AddStringToObject(peak, "precision", precision_names[p]);
            cJSON_AddNumberToObject(peak, "gops_1_thread", 1e-9 * one);
            cJSON_AddNumberToObject(peak, "gops", 1e-9 * all);
            cJSON_AddItemToArray(list, peak);
        }
    }
    cJSON_AddNumberToObject(json, "threads", (double)threads);
    status = interrupted ? ft_fail(&error, FT_INTERRUPTED, "interrupted") : FT_OK;
    if (status == FT_OK && values->json)
        status = bench_print_json(json, &error);
    else
        cJSON_Delete(json);
    if (status != FT_OK)
        report_error("%s", error.text);
    backend->ops->free(backend);
    return (int)status;
}
