/* bench_predict.c - how fast a corpus is tagged, against what the machine can do at most. */
#include "base/clock.h"
#include "base/memory.h"
#include "cmd/bench.h"
#include "cmd/interrupt.h"
#include "cmd/peak.h"
#include "flairtag.h"
#include "model/quantise.h"
#include "run/predictor.h"
#include "run/work.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

ft_status bench_model(const struct bench_values *values, const struct machine *machine, struct model *model,
                      struct random_model **random, struct ft_error *error)
{
    struct backend *backend = machine->host;
    *random = NULL;
    if (!values->random)
        return model_open_tagger(&machine->model, backend, model, error);
    ft_status status = FT_OK;
    if (values->words) {
        char path[4096];
        status = model_find(values->words, path, sizeof path, error);
        if (status == FT_OK)
            status = model_open(path, backend, model, error);
        if (status == FT_OK && model->kind != MODEL_WORDS)
            status = ft_fail(error, FT_MODEL, "%s: not a set of word vectors", path);
    }
    if (status == FT_OK)
        status = random_model_new(random, (size_t)values->random, model->words, backend, error);
    if (status == FT_OK && machine->model.precision != PRECISION_OF_FILE)
        status = tagger_set_precision(random_model_tagger(*random), model_precision(&machine->model, backend),
                                      backend_cpu_threads(backend), error);
    return status;
}

ft_status bench_tag(const struct bench_values *values, struct backend *backend, const struct tagger *tagger,
                    struct bench_figures *figures, struct ft_error *error)
{
    struct reader_options reading = input_reader_options(&values->input, values->files, values->file_count);
    struct predictor_options how = {.span_scores = true};
    struct reader *reader = NULL;
    struct predictor *predictor = NULL;
    struct window window;
    size_t max_chars, max_tokens;
    bool on_host = backend->ops->on_host;
    window_init(&window);
    predictor_window_size(tagger, &max_chars, &max_tokens);
    *figures = (struct bench_figures){0};
    struct step_counts before = {0}, behind = {0};
    if (on_host)
        before = backend_cpu_steps(backend);
    double start = clock_seconds();
    ft_status status = reader_open(&reader, &reading, error);
    if (status == FT_OK)
        status = predictor_new(&predictor, tagger, backend, &how, error);
    while (status == FT_OK && !interrupted) {
        const struct tagging *taggings;
        bool kept_less;
        status = reader_next(reader, max_chars, max_tokens, &window, error);
        if (status != FT_OK)
            break;
        status = predictor_run(predictor, &window, &taggings, &kept_less, error);
        for (size_t i = 0; i < window.count; i++) {
            const struct sentence *sentence = &window.sentences[i];
            figures->sentences += sentence->count > 0;
            figures->characters +=
                sentence->count ? sentence->count + 1 : 0; /* blanks between tokens, and the markers */
            for (size_t j = 0; j < sentence->count; j++)
                figures->characters += sentence->tokens[j].chars;
        }
        figures->tokens += window.tokens;
    }
    figures->seconds = clock_seconds() - start;
    if (on_host)
        behind = backend_cpu_steps(backend);
    figures->steps =
        (struct step_counts){behind.asked - before.asked, behind.taken - before.taken, behind.seconds - before.seconds};
    predictor_free(predictor);
    reader_close(reader);
    window_release(&window);
    if (status == FT_OK)
        return ft_fail(error, FT_INTERRUPTED, "interrupted");
    return status == FT_END ? FT_OK : status;
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct bench_figures *)a)->seconds, y = ((const struct bench_figures *)b)->seconds;
    return x < y ? -1 : x > y;
}

/* The precision that most of the work is done in. */
static enum precision main_precision(const struct operations *operations)
{
    enum precision most = PRECISION_F32;
    for (int p = 0; p < PRECISIONS; p++)
        if (operations->at[p] > operations->at[most])
            most = (enum precision)p;
    return most;
}

/* What a GPU could do at most is not measured, and which steps it shares it does not tell. */
static ft_status print_gpu_report(const struct bench_values *values, const struct machine *machine,
                                  const struct bench_figures *figures, double setup, struct ft_error *error)
{
    char text[MACHINE_TEXT];
    machine_text(machine, &values->model, text);
    double chars = (double)figures->characters / figures->seconds, tokens = (double)figures->tokens / figures->seconds;
    if (!values->json) {
        printf("%zu sentences, %zu tokens, %zu characters with markers in %.3f s (set-up apart: %.3f s)\n",
               figures->sentences, figures->tokens, figures->characters, figures->seconds, setup);
        printf("%.0f chars/s  %.0f tokens/s on %s\n", chars, tokens, text);
        return FT_OK;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "device", text);
    cJSON_AddNumberToObject(json, "chars_per_s", chars);
    cJSON_AddNumberToObject(json, "tokens_per_s", tokens);
    cJSON_AddNumberToObject(json, "seconds", figures->seconds);
    cJSON_AddNumberToObject(json, "setup_seconds", setup);
    cJSON_AddNumberToObject(json, "sentences", (double)figures->sentences);
    cJSON_AddNumberToObject(json, "tokens", (double)figures->tokens);
    cJSON_AddNumberToObject(json, "characters", (double)figures->characters);
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)memory_peak());
    return bench_print_json(json, error);
}

static ft_status print_report(const struct bench_values *values, const struct backend *backend,
                              const struct tagger *tagger, const struct bench_figures *figures, double setup,
                              const struct peaks *peaks, struct ft_error *error)
{
    struct tagger_work work = tagger_work(tagger);
    const struct step_counts *steps = &figures->steps;
    double taken = steps->asked ? (double)steps->taken / (double)steps->asked : 1;
    struct operations all = work_operations(&work, taken * (double)figures->characters, (double)figures->tokens);
    struct operations models = work_operations(&work, taken * (double)figures->characters, 0);
    enum precision precision = main_precision(&all);
    double percent = peaks_percent(peaks, &all, figures->seconds), operations = work_total(&all);
    double models_percent = steps->seconds > 0 ? peaks_percent(peaks, &models, steps->seconds) : 0;
    if (!values->json) {
        printf("%zu sentences, %zu tokens, %zu characters with markers in %.3f s (set-up apart: %.3f s)\n",
               figures->sentences, figures->tokens, figures->characters, figures->seconds, setup);
        printf("language models: %.3f s, %.1f %% of peak; %zu of %zu steps taken (%.1f %%), the others shared\n",
               steps->seconds, models_percent, steps->taken, steps->asked, 100 * taken);
        printf(
            "%.0f chars/s  %.0f tokens/s  %.1f Gop/s in %s = %.1f %% of the peak that %s has on %zu threads (%.1f)\n",
            (double)figures->characters / figures->seconds, (double)figures->tokens / figures->seconds,
            1e-9 * operations / figures->seconds, precision_names[precision], percent,
            backend_cpu_kernels(backend)->name, backend_cpu_threads(backend), 1e-9 * peaks->at[precision]);
        return FT_OK;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "chars_per_s", (double)figures->characters / figures->seconds);
    cJSON_AddNumberToObject(json, "tokens_per_s", (double)figures->tokens / figures->seconds);
    cJSON_AddNumberToObject(json, "seconds", figures->seconds);
    cJSON_AddNumberToObject(json, "percent_of_peak", percent);
    cJSON_AddNumberToObject(json, "setup_seconds", setup);
    cJSON_AddNumberToObject(json, "sentences", (double)figures->sentences);
    cJSON_AddNumberToObject(json, "tokens", (double)figures->tokens);
    cJSON_AddNumberToObject(json, "characters", (double)figures->characters);
    cJSON_AddNumberToObject(json, "lm_steps", (double)figures->steps.asked);
    cJSON_AddNumberToObject(json, "lm_steps_taken", (double)figures->steps.taken);
    cJSON_AddNumberToObject(json, "lm_seconds", steps->seconds);
    cJSON_AddNumberToObject(json, "lm_percent_of_peak", models_percent);
    cJSON_AddNumberToObject(json, "gops", 1e-9 * operations / figures->seconds);
    cJSON_AddNumberToObject(json, "peak_gops", 1e-9 * peaks->at[precision]);
    cJSON_AddNumberToObject(json, "threads", (double)backend_cpu_threads(backend));
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)memory_peak());
    cJSON_AddStringToObject(json, "isa", backend_cpu_kernels(backend)->name);
    cJSON_AddStringToObject(json, "precision", precision_names[precision]);
    return bench_print_json(json, error);
}

int bench_predict(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct machine machine = {0};
    struct model model = {0};
    struct random_model *random = NULL;
    struct bench_figures *runs = calloc((size_t)values->repeat, sizeof *runs);
    struct tagger_work work;
    struct peaks peaks = {{0}};
    double start = clock_seconds();
    ft_status status =
        runs ? machine_open(&machine, &values->model, MACHINE_ONE_GPU, &error) : ft_nomem(&error, "the runs");
    if (status == FT_OK)
        status = bench_model(values, &machine, &model, &random, &error);
    double setup = clock_seconds() - start;
    const struct tagger *tagger = random ? random_model_tagger(random) : model.tagger;
    if (status == FT_OK)
        work = tagger_work(tagger);
    if (status == FT_OK && !machine.has_gpu)
        peaks_measure(&peaks, &work, machine.host);
    for (long r = 0; status == FT_OK && r < values->repeat; r++) {
        status = bench_tag(values, machine.devices[0], tagger, &runs[r], &error);
        if (status == FT_OK && !machine.has_gpu)
            peaks_measure(&peaks, &work, machine.host);
    }
    if (status == FT_OK) {
        qsort(runs, (size_t)values->repeat, sizeof *runs, by_seconds);
        const struct bench_figures *median = &runs[values->repeat / 2];
        status = machine.has_gpu ? print_gpu_report(values, &machine, median, setup, &error)
                                 : print_report(values, machine.host, tagger, median, setup, &peaks, &error);
    }
    if (status != FT_OK)
        report_error("%s", error.text);
    random_model_free(random);
    model_close(&model);
    machine_close(&machine);
    free(runs);
    return (int)status;
}
