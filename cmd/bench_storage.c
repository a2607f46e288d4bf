/* bench_storage.c - the table of storage modes: what each copies and what each keeps alive. */
#include "cmd/bench.h"
#include "cmd/interrupt.h"
#include "cmd/peak.h"
#include "cmd/storage_options.h"
#include "flairtag.h"
#include "run/storage_table.h"
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

static const char *const lm_outputs[] = {"boundary", "all"}, *const gathers[] = {"slice", "clone"},
                         *const storages[] = {"none", "cpu", "gpu"};
enum { CASES = 12 };

static struct storage_case case_number(int i)
{
    return (struct storage_case){(enum lm_output)(i / 6), (enum gather_mode)(i / 3 % 2), (enum storage_mode)(i % 3)};
}

/* What a case has done a second; all 0 in a plan. */
struct speed {
    double chars, tokens, percent_of_peak;
};

/* Of the language models alone: shared beginnings are counted as work that was not done, as in 'bench predict'. */
static struct speed speed_of(const struct storage_figures *figures, const struct tagger_work *work,
                             const struct peaks *peaks)
{
    if (figures->seconds <= 0)
        return (struct speed){0, 0, 0};
    double chars = (double)figures->steps.asked / (double)figures->models;
    double taken = (double)figures->steps.taken / (double)figures->models;
    struct operations done = work_operations(work, taken, 0);
    return (struct speed){chars / figures->seconds, (double)figures->rows / figures->seconds,
                          peaks_percent(peaks, &done, figures->seconds)};
}

static void print_table(const struct storage_figures figures[CASES], const struct tagger_work *work,
                        const struct peaks *peaks)
{
    printf("%zu token rows of %zu bytes\n\n", figures[0].rows, figures[0].row_bytes);
    printf("%-9s %-6s %-7s %15s %15s %15s %9s %9s %9s %6s  %s\n", "lm-output", "gather", "storage", "copied", "kept",
           "peak", "seconds", "chars/s", "tokens/s", "% peak", "a kept row pins");
    for (int i = 0; i < CASES; i++) {
        struct storage_case how = case_number(i);
        struct speed speed = speed_of(&figures[i], work, peaks);
        printf("%-9s %-6s %-7s %15zu %15zu %15zu %9.2f %9.0f %9.0f %6.1f  %s\n", lm_outputs[how.lm_output],
               gathers[how.gather], storages[how.storage], figures[i].copied, figures[i].kept, figures[i].peak,
               figures[i].seconds, speed.chars, speed.tokens, speed.percent_of_peak, figures[i].pins);
    }
}

static ft_status print_json(const struct storage_figures figures[CASES], const struct tagger_work *work,
                            const struct peaks *peaks, struct ft_error *error)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "rows", (double)figures[0].rows);
    cJSON_AddNumberToObject(json, "row_bytes", (double)figures[0].row_bytes);
    cJSON *cases = cJSON_AddArrayToObject(json, "cases");
    for (int i = 0; i < CASES; i++) {
        struct storage_case how = case_number(i);
        struct speed speed = speed_of(&figures[i], work, peaks);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "lm_output", lm_outputs[how.lm_output]);
        cJSON_AddStringToObject(one, "gather", gathers[how.gather]);
        cJSON_AddStringToObject(one, "storage", storages[how.storage]);
        cJSON_AddNumberToObject(one, "seconds", figures[i].seconds);
        cJSON_AddNumberToObject(one, "chars_per_s", speed.chars);
        cJSON_AddNumberToObject(one, "tokens_per_s", speed.tokens);
        cJSON_AddNumberToObject(one, "percent_of_peak", speed.percent_of_peak);
        cJSON_AddNumberToObject(one, "copied", (double)figures[i].copied);
        cJSON_AddNumberToObject(one, "kept", (double)figures[i].kept);
        cJSON_AddNumberToObject(one, "peak", (double)figures[i].peak);
        cJSON_AddStringToObject(one, "pins", figures[i].pins);
        cJSON_AddItemToArray(cases, one);
    }
    return bench_print_json(json, error);
}

static ft_status read_corpus(const struct bench_values *values, struct window *corpus, struct ft_error *error)
{
    struct reader_options reading = input_reader_options(&values->input, values->files, values->file_count);
    struct reader *reader;
    struct window rest;
    ft_status status = reader_open(&reader, &reading, error);
    if (status != FT_OK)
        return status;
    window_init(&rest);
    status = reader_next(reader, SIZE_MAX, SIZE_MAX, corpus, error);
    if (status == FT_OK) /* what follows is the end, the error that cut the window short, or a pipe that pauses */
        status = reader_next(reader, SIZE_MAX, SIZE_MAX, &rest, error);
    if (status == FT_OK)
        status = ft_fail(error, FT_INPUT, "'bench storage' wants the corpus in files, not from a pipe that pauses");
    window_release(&rest);
    reader_close(reader);
    return status == FT_END ? FT_OK : status;
}

int bench_storage(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct machine machine = {0};
    struct model model = {0};
    struct random_model *random = NULL;
    struct window corpus;
    struct storage_figures figures[CASES];
    window_init(&corpus);
    ft_status status = read_corpus(values, &corpus, &error);
    if (status == FT_OK)
        status = machine_open(&machine, &values->model, MACHINE_ONE_GPU, &error);
    if (status == FT_OK)
        status = bench_model(values, &machine, &model, &random, &error);
    const struct tagger *tagger = random ? random_model_tagger(random) : model.tagger;
    struct tagger_work work = {{0}, {0}};
    struct peaks peaks = {{0}};
    if (status == FT_OK && !values->plan) {
        work = tagger_work(tagger);
        peaks_measure(&peaks, &work, machine.host);
    }
    for (int i = 0; status == FT_OK && i < CASES; i++) {
        struct storage_case how = case_number(i);
        status = storage_table(tagger, values->plan ? NULL : machine.devices[0], &how, &corpus,
                               (size_t)values->mini_batch, &figures[i], &error);
        if (status == FT_NOMEM && machine.has_gpu) { /* that is a result, too */
            figures[i].pins = "out of the GPU's memory";
            figures[i].seconds = 0;
            status = FT_OK;
        }
        if (interrupted)
            status = ft_fail(&error, FT_INTERRUPTED, "interrupted");
    }
    if (status == FT_OK && values->json)
        status = print_json(figures, &work, &peaks, &error);
    else if (status == FT_OK)
        print_table(figures, &work, &peaks);
    if (status != FT_OK)
        report_error("%s", error.text);
    random_model_free(random);
    model_close(&model);
    window_release(&corpus);
    machine_close(&machine);
    return (int)status;
}
