/* lm_train.c - `flairtag lm train`: what is to be trained, settled once and written down, so that a run can be gone on
 * with. */
#include "cmd/lm_train_run.h"
#include "cmd/options_json.h"
#include "cmd/run_inputs.h"
#include "flairtag.h"
#include "run/lm_speed.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TIMED = 2 };
/* What of the values is not the run's but of the process that works on it, or of other sub-commands. */
static const char *const not_of_the_run[] = {"run",         "resume",    "json",    "threads",  "lanes",
                                             "isa",         "model",     "prefix",  "per-line", "characters",
                                             "temperature", "precision", "context", "device",   "gpu-mem"};

/* The texts, a whole path a line: operands and --text together. */
static ft_status settle_text(struct lm_values *values, char **operands, size_t count, struct arena *arena,
                             struct ft_error *error)
{
    size_t bytes = 1, used = 0;
    const char **paths = arena_array(arena, count + 1, sizeof *paths);
    if (!paths)
        return ft_nomem(error, "the corpus' names");
    size_t named = 0;
    if (values->text)
        paths[named++] = values->text;
    for (size_t i = 0; i < count; i++)
        paths[named++] = operands[i];
    if (!named)
        return ft_fail(error, FT_USAGE, "lm train wants a folder of texts or text files");
    for (size_t i = 0; i < named; i++) {
        ft_status status = path_make_whole(&paths[i], arena, error);
        struct stat about;
        if (status != FT_OK)
            return status;
        if (strchr(paths[i], '\n'))
            return ft_fail(error, FT_USAGE, "a path with a line feed in it cannot be trained on");
        if (named > 1 && !stat(paths[i], &about) && S_ISDIR(about.st_mode))
            return ft_fail(error, FT_USAGE, "%s: a folder stands alone, or its files are named one by one", paths[i]);
        bytes += strlen(paths[i]) + 1;
    }
    char *all = arena_alloc(arena, bytes);
    for (size_t i = 0; all && i < named; i++)
        used += (size_t)snprintf(all + used, bytes - used, "%s%s", i ? "\n" : "", paths[i]);
    values->text = all;
    return all ? FT_OK : ft_nomem(error, "the corpus' names");
}

/* A whole path of a file that need not be there yet. */
static ft_status make_whole_output(const char **path, struct arena *arena, struct ft_error *error)
{
    char folder[PATH_MAX], whole[PATH_MAX + NAME_MAX + 2];
    const char *slash = strrchr(*path, '/'), *name = slash ? slash + 1 : *path;
    size_t length = slash ? (size_t)(slash - *path) + 1 : 1;
    if (length >= sizeof folder || strlen(name) > NAME_MAX)
        return ft_fail(error, FT_USAGE, "%s: the path is too long", *path);
    memcpy(folder, slash ? *path : ".", length);
    folder[length] = '\0';
    errno = 0;
    char *real = realpath(folder, NULL);
    if (!real && errno == ENOMEM)
        return ft_nomem(error, "the model's name");
    if (!real || !*name) {
        free(real);
        return ft_fail(error, FT_FAILED, "%s: cannot be written: there is no such folder", *path);
    }
    int bytes = snprintf(whole, sizeof whole, "%s/%s", strcmp(real, "/") ? real : "", name);
    free(real);
    *path = arena_copy(arena, whole, (size_t)bytes);
    return *path ? FT_OK : ft_nomem(error, "the model's name");
}

static ft_status settle_output(struct lm_values *values, struct arena *arena, struct ft_error *error)
{
    static const char ending[] = ".safetensors";
    if (!values->output)
        values->output = values->direction ? "lm-backward.safetensors" : "lm-forward.safetensors";
    ft_status status = make_whole_output(&values->output, arena, error);
    if (status != FT_OK || values->run)
        return status;
    size_t length = strlen(values->output), end = sizeof ending - 1;
    if (length > end && !strcmp(values->output + length - end, ending))
        length -= end;
    char *run = arena_alloc(arena, length + sizeof ".run");
    if (!run)
        return ft_nomem(error, "the run's name");
    snprintf(run, length + sizeof ".run", "%.*s.run", (int)length, values->output);
    values->run = run;
    return FT_OK;
}

/* Shape, delimiter and direction of the model to begin with. */
static ft_status settle_from(struct lm_values *values, struct arena *arena, struct ft_error *error)
{
    char found[PATH_MAX];
    struct backend *backend = NULL;
    struct model model = {0};
    ft_status status = model_find(values->from, found, sizeof found, error);
    values->from = found;
    if (status == FT_OK)
        status = path_make_whole(&values->from, arena, error);
    if (status == FT_OK)
        status = model_backend(&values->model, &backend, error);
    if (status == FT_OK)
        status = model_open(values->from, backend, &model, error);
    if (status == FT_OK && model.kind != MODEL_LM)
        status = ft_fail(error, FT_MODEL, "%s: not a language model", values->from);
    if (status == FT_OK && values->direction != LM_UNSAID && (values->direction == 0) != model.lm->forward)
        status = ft_fail(error, FT_USAGE, "%s: reads in the other direction", values->from);
    if (status == FT_OK) {
        struct lm_shape shape = lm_shape_of(model.lm);
        values->hidden = (long)shape.hidden;
        values->layers = (long)shape.layers;
        values->nout = (long)shape.nout;
        values->embedding = (long)shape.embedding;
        values->direction = !model.lm->forward;
        values->delimiter = arena_copy(arena, model.lm->delimiter_text.at, model.lm->delimiter_text.count);
        if (!values->delimiter)
            status = ft_nomem(error, "the document delimiter");
    }
    model_close(&model);
    if (backend)
        backend->ops->free(backend);
    return status;
}

/* As many characters as will be trained on in the time asked for. */
static ft_status plan_seconds(struct lm_values *values, const struct text_corpus *corpus, struct ft_error *error)
{
    struct machine machine = {0};
    struct bytes *items;
    struct arena arena;
    size_t count = 0;
    double known, seconds[TIMED];
    struct lm_trainer_options options = lm_trainer_options(values);
    arena_init(&arena);
    ft_status status = machine_open(&machine, &values->model, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = lm_make_dictionary(values, corpus, machine.host, &arena, &items, &count, &known, error);
    options.shape.items = count;
    if (status == FT_OK)
        status = lm_speed_measure(&options, machine.devices[0], TIMED, seconds, error);
    if (status == FT_OK) {
        double speed = (double)(TIMED * options.batch * options.sequence_length) / (seconds[0] + seconds[1]);
        values->max_chars = (long)(speed * (double)values->max_seconds) + 1;
        values->max_seconds = 0;
        report_error("%.0f characters a second: the run will read %ld characters", speed, values->max_chars);
    }
    machine_close(&machine);
    arena_release(&arena);
    return status;
}

static ft_status count_chars(const struct text_corpus *corpus, long *chars, struct ft_error *error)
{
    uint64_t *counts = calloc(UNICODE_COUNT, sizeof *counts), sum = 0;
    ft_status status = counts ? text_corpus_count(corpus, counts, error) : ft_nomem(error, "the text's characters");
    for (size_t c = 0; counts && c < UNICODE_COUNT; c++)
        sum += counts[c];
    *chars = (long)sum;
    free(counts);
    return status;
}

/* How long it will be. */
static ft_status settle_length(struct lm_values *values, const struct text_corpus *corpus, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (values->rate < 0)
        values->rate = values->optimizer == OPTIMIZER_SGD ? 20 : 0.002;
    if (values->clip < 0)
        values->clip = values->optimizer == OPTIMIZER_SGD ? 0.25 : 1;
    if (values->schedule == LM_UNSAID)
        values->schedule = values->optimizer == OPTIMIZER_SGD ? LM_PLATEAU : LM_COSINE;
    bool bounded = values->max_chars || values->max_seconds, cosine = values->schedule == LM_COSINE;
    if (values->max_epochs == LM_UNSAID)
        values->max_epochs = cosine && !bounded ? 1 : 1000;
    if (cosine && !bounded) {
        long chars = 0;
        status = count_chars(corpus, &chars, error);
        values->max_chars = chars > LONG_MAX / values->max_epochs ? LONG_MAX : chars * values->max_epochs;
    }
    if (values->max_seconds)
        status = plan_seconds(values, corpus, error);
    if (values->warmup_chars == LM_UNSAID)
        values->warmup_chars = cosine ? values->max_chars / 50 : 0;
    if (values->valid_chars == LM_UNSAID)
        values->valid_chars = cosine ? values->max_chars / 20 : 0;
    return status;
}

/* What can be told without reading any text. */
static ft_status settle_files(struct lm_values *values, char **operands, size_t count, struct arena *arena,
                              struct ft_error *error)
{
    ft_status status = settle_text(values, operands, count, arena, error);
    if (status == FT_OK && values->from)
        status = settle_from(values, arena, error);
    if (status == FT_OK && values->direction == LM_UNSAID)
        status = ft_fail(error, FT_USAGE, "lm train wants --direction forward or --direction backward");
    if (status == FT_OK)
        status = settle_output(values, arena, error);
    if (status == FT_OK)
        status = path_make_whole(&values->valid, arena, error);
    if (status == FT_OK)
        status = path_make_whole(&values->test, arena, error);
    return status == FT_OK ? path_make_whole(&values->dictionary, arena, error) : status;
}

static ft_status settle_text_options(struct lm_values *values, struct ft_error *error)
{
    struct text_corpus corpus = {0};
    ft_status status = lm_open_corpus(values, &corpus, error);
    if (status == FT_OK && corpus.holds_out)
        report_error("no validation text: the last 1/500 of each training file is held out for it");
    if (status == FT_OK)
        status = settle_length(values, &corpus, error);
    text_corpus_release(&corpus);
    return status;
}

/* The text of run.json, the caller's. */
static ft_status describe(const struct lm_values *values, const struct command *self, char **text,
                          struct ft_error *error)
{
    struct text_corpus corpus = {0};
    cJSON *options = options_to_json(self, values), *inputs = cJSON_CreateObject();
    ft_status status = options && inputs ? lm_open_corpus(values, &corpus, error) : ft_nomem(error, "a training run");
    for (size_t i = 0; options && i < sizeof not_of_the_run / sizeof *not_of_the_run; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(options, not_of_the_run[i]);
    cJSON_DeleteItemFromObjectCaseSensitive(options, "max-seconds"); /* has become max-chars */
    if (!values->max_chars)
        cJSON_DeleteItemFromObjectCaseSensitive(options, "max-chars");
    for (size_t i = 0; status == FT_OK && i < corpus.train_count; i++)
        status = inputs_add(inputs, corpus.train[i], error);
    const char *const others[] = {corpus.valid, corpus.test, values->dictionary, values->from};
    for (size_t i = 0; status == FT_OK && i < sizeof others / sizeof *others; i++)
        status = others[i] ? inputs_add(inputs, others[i], error) : FT_OK;
    text_corpus_release(&corpus);
    if (status == FT_OK)
        return run_description("lm", options, inputs, text, error);
    cJSON_Delete(options);
    cJSON_Delete(inputs);
    return status;
}

/* The values of a run that was begun before; strings are lent by *description, the caller's. */
static ft_status recall(const struct run_folder *folder, const struct command *self, struct lm_values *values,
                        cJSON **description, struct ft_error *error)
{
    const char *wrong = "format";
    *description = cJSON_Parse(folder->text);
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(*description, "format");
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(*description, "options");
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(*description, "inputs");
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*description, "kind"));
    if (cJSON_IsObject(options) && (!kind || strcmp(kind, "lm") != 0))
        return ft_fail(error, FT_INPUT, "%s: a tagger's run ('flairtag train --resume' goes on with it)", folder->path);
    if (!cJSON_IsNumber(format) || format->valuedouble != RUN_FORMAT || !cJSON_IsObject(options) ||
        !cJSON_IsObject(inputs) || !options_from_json(self, options, values, &wrong) || !lm_check(values) ||
        !values->text || !values->output || values->direction == LM_UNSAID || values->schedule == LM_UNSAID)
        return ft_fail(error, FT_INPUT, "%s/run.json: damaged, or of another version of flairtag (%s)", folder->path,
                       wrong);
    return inputs_check(inputs, error);
}

/* A folder for a new run, which is not described in it yet, or one of a run to go on with. */
static ft_status open_folder(struct run_folder *folder, const struct command *self, struct lm_values *values,
                             char **operands, size_t count, cJSON **description, struct arena *arena,
                             struct ft_error *error)
{
    if (values->resume) {
        ft_status status = run_folder_open(folder, values->resume, error);
        return status == FT_OK ? recall(folder, self, values, description, error) : status;
    }
    ft_status status = settle_files(values, operands, count, arena, error);
    if (status == FT_OK)
        status = run_folder_create(folder, values->run, error);
    if (status == FT_OK)
        status = settle_text_options(values, error);
    return status == FT_OK ? describe(values, self, &folder->text, error) : status;
}

int lm_train(struct lm_values *values, char **operands, size_t count, const struct command *self, const bool *said)
{
    if (values->resume && count) {
        report_error("--resume knows the run's text: '%s' cannot be given", operands[0]);
        return FT_USAGE;
    }
    if (values->resume ? !resume_stands_alone(self, said) : !lm_check(values))
        return FT_USAGE;
    struct ft_error error = {""};
    struct run_folder folder = {.lock = -1};
    struct arena arena;
    cJSON *description = NULL;
    char *report = NULL;
    arena_init(&arena);
    ft_status status = open_folder(&folder, self, values, operands, count, &description, &arena, &error);
    if (status == FT_OK && lm_train_is_finished(&folder))
        report_error("%s: the run has come to its end; there is nothing left to do", folder.path);
    else if (status == FT_OK)
        status = lm_train_run(values, &folder, &report, &error);
    if (report)
        fputs(report, stdout);
    if (report && fflush(stdout) && status == FT_OK)
        status = ft_fail(&error, FT_FAILED, "cannot write to standard output");
    if (status != FT_OK)
        report_error("%s", error.text);
    free(report);
    cJSON_Delete(description);
    run_folder_close(&folder);
    arena_release(&arena);
    return (int)status;
}
