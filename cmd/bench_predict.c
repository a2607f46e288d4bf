/* bench_predict.c - how fast a corpus is tagged, against what the machine can do at most. */
#include "base/clock.h"
#include "base/parallel.h"
#include "cmd/bench.h"
#include "cmd/interrupt.h"
#include "flairtag.h"
#include "run/predictor.h"
#include "run/work.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

ft_status bench_model(const struct bench_values *values, struct backend *backend, struct model *model,
                      struct random_model **random, struct ft_error *error)
{
    *random = NULL;
    if (!values->random)
        return model_open_tagger(&values->model, backend, model, error);
    ft_status status = FT_OK;
    if (values->words) {
        char path[4096];
        status = model_find(values->words, path, sizeof path, error);
        if (status == FT_OK)
            status = model_open(path, backend, model, error);
        if (status == FT_OK && model->kind != MODEL_WORDS)
            status = ft_fail(error, FT_MODEL, "%s: not a set of word vectors", path);
    }
    return status != FT_OK ? status : random_model_new(random, (size_t)values->random, model->words, backend, error);
}

struct peak {
    const struct kernels *kernels;
    size_t rounds;
    double operations[1024];
};

static void peak_work(void *argument, size_t thread)
{
    struct peak *peak = argument;
    float sink = 1;
    peak->operations[thread] = peak->kernels->peak(peak->rounds, &sink);
}

/* Operations a second of all threads together, the best of a few runs. */
static double measure_peak(const struct backend *backend)
{
    struct peak peak = {.kernels = backend_cpu_kernels(backend), .rounds = 1000};
    size_t threads = backend_cpu_threads(backend);
    double best = 0;
    for (int run = 0; run < 8;) {
        double start = clock_seconds(), operations = 0;
        parallel_run(threads, peak_work, &peak);
        double seconds = clock_seconds() - start;
        if (seconds < 0.05) { /* too short to tell */
            peak.rounds *= 4;
            continue;
        }
        for (size_t t = 0; t < threads && t < 1024; t++)
            operations += peak.operations[t];
        if (operations / seconds > best)
            best = operations / seconds;
        run++;
    }
    return best;
}

struct figures {
    size_t sentences, tokens, characters; /* characters with two markers a sentence, as a language model sees them */
    double seconds;
};

/* One whole run: read, tag and drop. */
static ft_status run_once(const struct bench_values *values, struct backend *backend, const struct tagger *tagger,
                          struct figures *figures, struct ft_error *error)
{
    struct reader_options reading = input_reader_options(&values->input, values->files, values->file_count);
    struct predictor_options how = {.span_scores = true};
    struct reader *reader = NULL;
    struct predictor *predictor = NULL;
    struct window window;
    size_t max_chars, max_tokens;
    window_init(&window);
    predictor_window_size(tagger, &max_chars, &max_tokens);
    *figures = (struct figures){0};
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
    predictor_free(predictor);
    reader_close(reader);
    window_release(&window);
    if (status == FT_OK)
        return ft_fail(error, FT_INTERRUPTED, "interrupted");
    return status == FT_END ? FT_OK : status;
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct figures *)a)->seconds, y = ((const struct figures *)b)->seconds;
    return x < y ? -1 : x > y;
}

static ft_status print_report(const struct bench_values *values, const struct backend *backend,
                              const struct tagger *tagger, const struct figures *figures, double setup, double peak,
                              struct ft_error *error)
{
    struct tagger_work work = tagger_work(tagger);
    double operations = work.per_character * (double)figures->characters + work.per_token * (double)figures->tokens;
    double percent = 100 * operations / figures->seconds / peak;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!values->json) {
        printf("%zu sentences, %zu tokens, %zu characters with markers in %.3f s (set-up apart: %.3f s)\n",
               figures->sentences, figures->tokens, figures->characters, figures->seconds, setup);
        printf("%.0f chars/s  %.0f tokens/s  %.1f GFLOP/s = %.1f %% of the %.1f GFLOP/s that %s gives on %zu threads\n",
               (double)figures->characters / figures->seconds, (double)figures->tokens / figures->seconds,
               1e-9 * operations / figures->seconds, percent, 1e-9 * peak, backend_cpu_kernels(backend)->name,
               backend_cpu_threads(backend));
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
    cJSON_AddNumberToObject(json, "gflops", 1e-9 * operations / figures->seconds);
    cJSON_AddNumberToObject(json, "peak_gflops", 1e-9 * peak);
    cJSON_AddNumberToObject(json, "threads", (double)backend_cpu_threads(backend));
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)usage.ru_maxrss * 1024);
    cJSON_AddStringToObject(json, "isa", backend_cpu_kernels(backend)->name);
    cJSON_AddStringToObject(json, "precision", "f32");
    char *text = cJSON_Print(json);
    ft_status status = text ? FT_OK : ft_nomem(error, "the report");
    if (text)
        printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

int bench_predict(const struct bench_values *values)
{
    struct ft_error error = {""};
    struct backend *backend = NULL;
    struct model model = {0};
    struct random_model *random = NULL;
    struct figures *runs = calloc((size_t)values->repeat, sizeof *runs);
    double start = clock_seconds(), peak = 0;
    ft_status status = runs ? model_backend(&values->model, &backend, &error) : ft_nomem(&error, "the runs");
    if (status == FT_OK)
        status = bench_model(values, backend, &model, &random, &error);
    double setup = clock_seconds() - start;
    const struct tagger *tagger = random ? random_model_tagger(random) : model.tagger;
    if (status == FT_OK)
        peak = measure_peak(backend);
    for (long r = 0; status == FT_OK && r < values->repeat; r++) {
        status = run_once(values, backend, tagger, &runs[r], &error);
        double again = status == FT_OK ? measure_peak(backend) : 0; /* the machine may have been busy the first time */
        if (again > peak)
            peak = again;
    }
    if (status == FT_OK) {
        qsort(runs, (size_t)values->repeat, sizeof *runs, by_seconds);
        status = print_report(values, backend, tagger, &runs[values->repeat / 2], setup, peak, &error);
    }
    if (status != FT_OK)
        report_error("%s", error.text);
    random_model_free(random);
    model_close(&model);
    if (backend)
        backend->ops->free(backend);
    free(runs);
    return (int)status;
}
