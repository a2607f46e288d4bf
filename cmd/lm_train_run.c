/* lm_train_run.c - see lm_train_run.h.
 *
 * Order of writing, so that a run killed at any moment can go on to the same end: logs are flushed before the
 * checkpoint that holds their lengths; models before the checkpoint that makes them final; the checkpoint goes last of
 * all. */
#include "cmd/lm_train_run.h"
#include "base/clock.h"
#include "cmd/interrupt.h"
#include "cmd/progress.h"
#include "run/lm_checkpoint.h"
#include "run/lm_score.h"
#include "run/memory_plan.h"
#include "run/text_dictionary.h"
#include "run/trained_lm.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_EVERY = 100, SAMPLE = 200 };
static const double NATS_A_BIT = 0.693147180559945309417;
static const char final_name[] = "final-lm.safetensors", checkpoint_name[] = "checkpoint.safetensors";

struct run {
    const struct lm_values *values;
    const struct run_folder *folder;
    char identity[RUN_IDENTITY_BYTES];
    struct lm_trainer_options options;
    struct machine machine;
    struct text_corpus corpus;
    struct characters *characters;
    struct text_ids valid;
    struct lm_trainer *trainer;
    struct lm_log *log;
    struct progress *progress;
    uint64_t best_saved;           /* state->best_chars of what the model file has */
    double saved, began;           /* clock */
    double split_began;            /* clock */
    uint64_t first_chars;          /* when this process began */
    double window, window_parts;   /* losses since the last line of the log */
    double train_bits, valid_bits; /* for the progress line; 0: not known yet */
    struct arena arena;
};

static const char *file_of(const struct run *run, const char *name, char path[RUN_PATH_BYTES])
{
    return run_folder_file(run->folder, name, path);
}

bool lm_train_is_finished(const struct run_folder *folder)
{
    char final[RUN_PATH_BYTES], checkpoint[RUN_PATH_BYTES];
    return !access(run_folder_file(folder, final_name, final), F_OK) &&
           access(run_folder_file(folder, checkpoint_name, checkpoint), F_OK);
}

ft_status lm_open_corpus(const struct lm_values *values, struct text_corpus *corpus, struct ft_error *error)
{
    struct stat about;
    struct text_options options = lm_text_options(values);
    struct text_files files = {.folder = values->text, .valid = values->valid, .test = values->test};
    if (!stat(values->text, &about) && S_ISDIR(about.st_mode))
        return text_corpus_open(corpus, &files, &options, error);
    size_t count = 1, i = 0;
    for (const char *at = values->text; (at = strchr(at, '\n')); at++)
        count++;
    char *names = strdup(values->text);
    const char **paths = calloc(count, sizeof *paths);
    if (!names || !paths) {
        free(names);
        free(paths);
        return ft_nomem(error, "the corpus' names");
    }
    for (char *rest = names, *name; i < count && (name = strsep(&rest, "\n"));)
        paths[i++] = name;
    files.train = paths;
    files.train_count = count;
    ft_status status = text_corpus_open(corpus, &files, &options, error);
    free(names);
    free(paths);
    return status;
}

ft_status lm_make_dictionary(const struct lm_values *values, const struct text_corpus *corpus, struct backend *backend,
                             struct arena *arena, struct bytes **items, size_t *count, double *known,
                             struct ft_error *error)
{
    const char *given = values->from ? values->from : values->dictionary;
    *known = 1;
    if (given)
        return text_dictionary_open(given, values->direction == 0, backend, arena, items, count, error);
    struct text_dictionary_rule rule = {(uint64_t)values->least, values->percentile};
    uint64_t *counts = calloc(UNICODE_COUNT, sizeof *counts);
    ft_status status = counts ? text_corpus_count(corpus, counts, error) : ft_nomem(error, "the text's characters");
    if (status == FT_OK)
        status = text_dictionary_make(counts, &rule, values->delimiter, arena, items, count, known, error);
    free(counts);
    return status;
}

static ft_status read_split(void *context, size_t epoch, size_t position, struct text_ids *ids, struct ft_error *error)
{
    const struct run *run = context;
    return text_corpus_split(&run->corpus, epoch, position, run->characters, ids, error);
}

/* The weights of --from, the caller's; NULL where there is none. */
static ft_status first_weights(const struct run *run, float **first, struct ft_error *error)
{
    struct model model = {0};
    struct parameters parameters;
    *first = NULL;
    if (!run->values->from)
        return FT_OK;
    ft_status status = model_open(run->values->from, run->machine.host, &model, error);
    if (status == FT_OK) {
        lm_parameters_lay_out(&parameters, &run->options.shape);
        *first = malloc(parameters.floats * sizeof **first);
        struct ft_error why = {""};
        status = *first ? lm_parameters_take(&parameters, model.lm, *first, &why) : ft_nomem(error, "a language model");
        if (status != FT_OK && *first)
            ft_fail(error, status, "%s: %s", run->values->from, why.text);
    }
    model_close(&model);
    return status;
}

static ft_status open_characters(struct run *run, double *known, struct ft_error *error)
{
    struct bytes *items;
    size_t count;
    ft_status status =
        lm_make_dictionary(run->values, &run->corpus, run->machine.host, &run->arena, &items, &count, known, error);
    if (status != FT_OK)
        return status;
    run->characters = arena_alloc(&run->arena, sizeof *run->characters);
    run->options.shape.items = count;
    return run->characters && characters_init(run->characters, items, count, &run->arena)
               ? FT_OK
               : ft_nomem(error, "the character dictionary");
}

static size_t network_bytes(const struct lm_trainer_options *options)
{
    return lm_network_bytes(&options->shape, options->batch, options->sequence_length, options->dropout > 0);
}

/* A GPU that `auto` found is left where training does not fit. */
static void settle_gpu(struct run *run)
{
    char needed[MEMORY_TEXT], has[MEMORY_TEXT];
    struct parameters parameters;
    lm_parameters_lay_out(&parameters, &run->options.shape);
    size_t vectors = update_moments(&run->options.update);
    size_t bytes = network_bytes(&run->options) + vectors * parameters.floats * sizeof(float);
    if (!machine_chose_gpu(&run->machine) || bytes < run->machine.gpu_memory)
        return;
    report_error("no GPU is used: training takes %s of the %s that it has", memory_text(bytes, needed),
                 memory_text(run->machine.gpu_memory, has));
    machine_leave_gpu(&run->machine);
}

static ft_status open_all(struct run *run, double *known, struct ft_error *error)
{
    float *first = NULL;
    ft_status status = machine_open(&run->machine, &run->values->model, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = lm_open_corpus(run->values, &run->corpus, error);
    if (status == FT_OK)
        status = open_characters(run, known, error);
    if (status == FT_OK)
        status = text_corpus_valid(&run->corpus, run->characters, &run->valid, error);
    if (status == FT_OK)
        status = first_weights(run, &first, error);
    struct lm_source source = {run, text_corpus_splits(&run->corpus), read_split, &run->valid};
    if (status == FT_OK)
        settle_gpu(run);
    if (status == FT_OK)
        status = lm_trainer_new(&run->trainer, &run->options, &source, first, run->machine.devices[0], error);
    free(first);
    return status;
}

static void close_all(struct run *run)
{
    lm_trainer_free(run->trainer);
    text_ids_release(&run->valid);
    text_corpus_release(&run->corpus);
    machine_close(&run->machine);
    arena_release(&run->arena);
}

static ft_status log_beginning(struct run *run, double known, struct ft_error *error)
{
    static const char *const optimizers[] = {"sgd", "adam", "adamw"}, *const schedules[] = {"plateau", "cosine"};
    const struct lm_trainer_options *options = &run->options;
    ft_status status =
        lm_log_line(run->log, error, "%s language model: %zu layer(s) of %zu units, characters of %zu columns%s",
                    run->values->direction ? "backward" : "forward", options->shape.layers, options->shape.hidden,
                    options->shape.embedding, options->shape.nout ? ", projected" : "");
    if (status == FT_OK)
        status = lm_log_line(run->log, error, "dictionary: %zu items, %.4f %% of the text; parameters: %zu",
                             options->shape.items, 100 * known, lm_trainer_network(run->trainer)->parameters.floats);
    char memory[MEMORY_TEXT], device[MACHINE_TEXT];
    if (status == FT_OK && run->machine.has_gpu)
        status = lm_log_line(run->log, error, "GPU: %s", machine_text(&run->machine, &run->values->model, device));
    if (status == FT_OK)
        status = lm_log_line(run->log, error, "memory: %s for weights, gradients and activations",
                             memory_text(network_bytes(options), memory));
    if (status == FT_OK)
        status = lm_log_line(run->log, error, "text: %zu file(s), %zu split(s); validation: %zu characters%s",
                             run->corpus.train_count, text_corpus_splits(&run->corpus), run->valid.count,
                             run->corpus.holds_out ? ", held out" : "");
    if (status == FT_OK)
        status = lm_log_line(
            run->log, error, "%s, rate %g, schedule %s, clip %g, dropout %g, %zu streams of %zu characters, seed %llu",
            optimizers[options->update.optimizer], options->rate, schedules[options->schedule], options->update.clip,
            options->dropout, options->batch, options->sequence_length, (unsigned long long)options->seed);
    return status;
}

static ft_status open_log(struct run *run, double known, struct ft_error *error)
{
    char path[RUN_PATH_BYTES];
    struct lm_log_marks marks;
    bool resumes = false;
    ft_status status = lm_checkpoint_marks(file_of(run, checkpoint_name, path), run->identity, &marks, error);
    if (status == FT_OK) {
        resumes = true;
        status = lm_checkpoint_resume(path, run->identity, run->trainer, error);
    } else if (status == FT_END) {
        status = FT_OK;
        marks = (struct lm_log_marks){0}; /* what a run wrote before its first checkpoint is written again */
    }
    if (status == FT_OK)
        status = lm_log_open(&run->log, run->folder->path, (enum flair_era)run->values->like, &marks, error);
    if (status == FT_OK && !resumes)
        status = log_beginning(run, known, error);
    return status;
}

/* Host weights and what is to be said with them. The caller frees `weights`. */
static ft_status read_model(struct run *run, enum lm_trainer_vector which, float **weights, struct trained_lm *trained,
                            struct ft_error *error)
{
    const struct lm_network *network = lm_trainer_network(run->trainer);
    *weights = malloc(network->parameters.floats * sizeof **weights);
    *trained = (struct trained_lm){&network->shape, &network->parameters,        *weights,
                                   run->characters, run->values->direction == 0, run->values->delimiter};
    return *weights ? lm_trainer_read(run->trainer, which, *weights, error) : ft_nomem(error, "a language model");
}

static ft_status save_model(struct run *run, enum lm_trainer_vector which, const char *path, struct ft_error *error)
{
    float *weights;
    struct trained_lm trained;
    ft_status status = read_model(run, which, &weights, &trained, error);
    if (status == FT_OK)
        status = trained_lm_save(&trained, run->machine.host, path, error);
    free(weights);
    return status;
}

/* What the model writes by now, into the log. */
static ft_status log_sample(struct run *run, struct ft_error *error)
{
    float *weights;
    char *text = NULL;
    struct trained_lm trained;
    struct arena arena;
    struct weights packed;
    struct lm *lm = calloc(1, sizeof *lm);
    struct lm_sample_options how = {"", SAMPLE, 1, run->options.seed};
    arena_init(&arena);
    weights_init(&packed);
    ft_status status = read_model(run, LM_WEIGHTS, &weights, &trained, error);
    if (status == FT_OK)
        status = lm ? trained_lm_build(&trained, lm, &arena, &packed, run->machine.host, error)
                    : ft_nomem(error, "a language model");
    if (status == FT_OK)
        status = lm_sample(lm, run->machine.host, &how, &text, error);
    if (status == FT_OK)
        status = lm_log_line(run->log, error, "sample: %s", text);
    free(text);
    weights_release(&packed);
    arena_release(&arena);
    free(weights);
    free(lm);
    return status;
}

/* Everything that is needed to go on, and the best model so far. */
static ft_status save(struct run *run, struct ft_error *error)
{
    const struct lm_trainer_state *state = lm_trainer_state(run->trainer);
    char path[RUN_PATH_BYTES];
    struct lm_log_marks marks;
    ft_status status = FT_OK;
    if (state->best_chars != run->best_saved) {
        status = save_model(run, LM_BEST, run->values->output, error);
        run->best_saved = state->best_chars;
    }
    if (status == FT_OK)
        status = lm_log_chart(run->log, error);
    if (status == FT_OK)
        status = lm_log_mark(run->log, &marks, error);
    if (status == FT_OK)
        status = lm_checkpoint_write(file_of(run, checkpoint_name, path), run->trainer, &marks, run->identity, error);
    run->saved = clock_seconds();
    return status;
}

static ft_status log_update(struct run *run, const struct lm_trainer_event *event, struct ft_error *error)
{
    const struct lm_trainer_state *state = lm_trainer_state(run->trainer);
    run->window += event->loss * (double)event->chars;
    run->window_parts += (double)event->chars;
    if (state->step % LOG_EVERY)
        return FT_OK;
    double loss = run->window / run->window_parts;
    run->window = run->window_parts = 0;
    run->train_bits = loss / NATS_A_BIT;
    return lm_log_line(
        run->log, error,
        "update %llu, %llu characters, epoch %zu, split %zu: loss %.4f, %.4f bits a character, norm %.3f, "
        "rate %.6g",
        (unsigned long long)state->step, (unsigned long long)state->chars, event->epoch, event->split, loss,
        run->train_bits, event->gradient_norm, event->rate);
}

static ft_status log_validation(struct run *run, const struct lm_trainer_event *event, struct ft_error *error)
{
    struct lm_record record = {.chars = lm_trainer_state(run->trainer)->chars,
                               .epoch = event->epoch,
                               .split = event->split,
                               .splits = text_corpus_splits(&run->corpus),
                               .split_ended = event->split_ended,
                               .seconds = clock_seconds() - run->split_began,
                               .rate = event->rate,
                               .train_bits = event->train_bits,
                               .valid_loss = event->valid.loss,
                               .valid_bits = event->valid.bits};
    run->train_bits = event->train_bits;
    run->valid_bits = event->valid.bits;
    ft_status status =
        lm_log_line(run->log, error, "validation: loss %.4f, perplexity %.4f, %.4f bits a character; train %.4f%s",
                    event->valid.loss, exp(event->valid.loss), event->valid.bits, event->train_bits,
                    event->is_best ? "; best so far" : "");
    if (status == FT_OK)
        status = lm_log_record(run->log, &record, error);
    if (status == FT_OK)
        status = log_sample(run, error);
    if (event->split_ended)
        run->split_began = clock_seconds();
    return status;
}

static void draw_progress(struct run *run)
{
    const struct lm_trainer_state *state = lm_trainer_state(run->trainer);
    char line[240], of[40] = "", bits[80] = "", left[40] = "";
    double seconds = clock_seconds() - run->began, read = (double)(state->chars - run->first_chars);
    double all = (double)run->options.max_chars, speed = seconds > 0 ? read / seconds : 0;
    if (run->options.max_chars)
        snprintf(of, sizeof of, " of %.1f", all / 1e6);
    if (run->options.max_chars && speed > 0) {
        unsigned long rest = (unsigned long)(fmax(0, all - (double)state->chars) / speed / 60);
        snprintf(left, sizeof left, ", %lu h %02lu min left", rest / 60, rest % 60);
    }
    if (run->valid_bits > 0)
        snprintf(bits, sizeof bits, ", train %.3f valid %.3f bits", run->train_bits, run->valid_bits);
    snprintf(line, sizeof line, "%.2f%s million characters, epoch %zu, split %zu of %zu, %.0f chars/s%s%s",
             (double)state->chars / 1e6, of, state->epoch, state->position + 1, text_corpus_splits(&run->corpus), speed,
             bits, left);
    progress_line(run->progress, line);
}

static ft_status train_to_end(struct run *run, struct ft_error *error)
{
    const struct lm_trainer_state *state = lm_trainer_state(run->trainer);
    ft_status status = FT_OK;
    run->saved = run->began = run->split_began = clock_seconds();
    run->first_chars = state->chars;
    while (status == FT_OK && !state->finished) {
        struct lm_trainer_event event;
        status = lm_trainer_step(run->trainer, &event, error);
        if (status == FT_OK)
            status = log_update(run, &event, error);
        if (status == FT_OK && event.validated)
            status = log_validation(run, &event, error);
        if (status != FT_OK)
            break;
        draw_progress(run);
        bool due = clock_seconds() - run->saved >= (double)run->values->checkpoint_seconds;
        if (due || interrupted || state->finished)
            status = save(run, error);
        if (status == FT_OK && interrupted && !state->finished)
            status = ft_fail(error, FT_INTERRUPTED, "interrupted; 'flairtag lm train --resume %s' goes on",
                             run->folder->path);
    }
    return status;
}

/* The test text by the last weights, as Flair reports it, and then by the best. */
static ft_status test(struct run *run, struct lm_evaluation *best, struct ft_error *error)
{
    struct text_ids ids = {0};
    struct lm_evaluation last;
    struct lm_network *network = lm_trainer_network(run->trainer);
    size_t floats = network->parameters.floats, steps = run->options.sequence_length;
    float *weights = NULL;
    ft_status status = text_corpus_test(&run->corpus, run->characters, &ids, error);
    if (status == FT_OK)
        status = lm_evaluate(network, &ids, steps, &last, error);
    if (status == FT_OK)
        status = lm_log_test(run->log, last.loss, error);
    if (status == FT_OK && !(weights = malloc(floats * sizeof *weights)))
        status = ft_nomem(error, "a language model");
    if (status == FT_OK)
        status = lm_trainer_read(run->trainer, lm_trainer_state(run->trainer)->best_chars ? LM_BEST : LM_WEIGHTS,
                                 weights, error);
    if (status == FT_OK)
        status =
            run->machine.devices[0]->ops->upload(run->machine.devices[0], network->weights, weights, floats, error);
    if (status == FT_OK)
        status = lm_evaluate(network, &ids, steps, best, error);
    if (status == FT_OK)
        status =
            lm_log_line(run->log, error, "test: last weights loss %.4f, %.4f bits; best weights loss %.4f, %.4f bits",
                        last.loss, last.bits, best->loss, best->bits);
    free(weights);
    text_ids_release(&ids);
    return status;
}

static ft_status make_report(const struct run *run, const struct lm_evaluation *tested, char **report,
                             struct ft_error *error)
{
    const struct lm_trainer_state *state = lm_trainer_state(run->trainer);
    double rows = (double)(run->valid.count / run->options.batch); /* of the divisor of the validation loss */
    double bits = state->best_loss * rows / (rows - 1) / NATS_A_BIT;
    bool has_test = tested->chars > 0;
    if (run->values->json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "model", run->values->output);
        cJSON_AddNumberToObject(json, "characters", (double)state->chars);
        cJSON_AddNumberToObject(json, "best_at", (double)state->best_chars);
        cJSON_AddNumberToObject(json, "valid_loss", state->best_loss);
        cJSON_AddNumberToObject(json, "valid_bits_per_character", bits);
        if (has_test) {
            cJSON_AddNumberToObject(json, "test_loss", tested->loss);
            cJSON_AddNumberToObject(json, "test_bits_per_character", tested->bits);
        }
        char *text = cJSON_Print(json);
        cJSON_Delete(json);
        if (text && asprintf(report, "%s\n", text) < 0)
            *report = NULL;
        cJSON_free(text);
    } else {
        char more[64] = "";
        if (has_test)
            snprintf(more, sizeof more, "; test %.4f", tested->bits);
        if (asprintf(report, "%s: validation %.4f bits a character, best of the run after %llu of %llu characters%s\n",
                     run->values->output, bits, (unsigned long long)state->best_chars, (unsigned long long)state->chars,
                     more) < 0)
            *report = NULL;
    }
    return *report ? FT_OK : ft_nomem(error, "the report");
}

static ft_status finish(struct run *run, char **report, struct ft_error *error)
{
    char path[RUN_PATH_BYTES];
    struct lm_evaluation tested = {0};
    bool has_best = lm_trainer_state(run->trainer)->best_chars > 0;
    ft_status status = save_model(run, has_best ? LM_BEST : LM_WEIGHTS, run->values->output, error);
    if (status == FT_OK)
        status = save_model(run, LM_WEIGHTS, file_of(run, final_name, path), error);
    if (status == FT_OK && run->corpus.test)
        status = test(run, &tested, error);
    if (status == FT_OK)
        status = make_report(run, &tested, report, error);
    if (status == FT_OK && unlink(file_of(run, checkpoint_name, path)))
        status = ft_fail(error, FT_FAILED, "%s: cannot be removed", path);
    return status;
}

ft_status lm_train_run(const struct lm_values *values, struct run_folder *folder, char **report, struct ft_error *error)
{
    struct run run = {.values = values, .folder = folder, .options = lm_trainer_options(values)};
    double known = 1;
    *report = NULL;
    arena_init(&run.arena);
    run_folder_identity(folder, run.identity);
    ft_status status = open_all(&run, &known, error);
    if (status == FT_OK && !values->resume)
        status = run_folder_describe(folder, error);
    if (status == FT_OK)
        status = open_log(&run, known, error);
    if (status == FT_OK) {
        run.progress = progress_new();
        status = train_to_end(&run, error);
        progress_free(run.progress);
    }
    if (status == FT_OK)
        status = finish(&run, report, error);
    struct ft_error ignored;
    ft_status closed = lm_log_close(run.log, status == FT_OK ? error : &ignored);
    close_all(&run);
    return status == FT_OK ? closed : status;
}
