/* train_run.c - see train_run.h.
 *
 * Order of writing, so that a run killed at any moment can go on to the same end: logs are flushed before the
 * checkpoint that holds their lengths; models before the checkpoint that makes them final; the checkpoint goes last of
 * all. */
#include "cmd/train_run.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cmd/interrupt.h"
#include "cmd/name_list.h"
#include "cmd/progress.h"
#include "cmd/train_state.h"
#include "run/checkpoint.h"
#include "run/extra_corpus.h"
#include "run/final_test.h"
#include "run/split_scores.h"
#include "run/tagged_table.h"
#include "run/trained.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *file_of(const struct run *run, const char *name, char path[RUN_PATH_BYTES])
{
    return run_folder_file(run->folder, name, path);
}

bool train_is_finished(const struct run_folder *folder)
{
    char final[RUN_PATH_BYTES], checkpoint[RUN_PATH_BYTES];
    return !access(run_folder_file(folder, "final-model.safetensors", final), F_OK) &&
           access(run_folder_file(folder, "checkpoint.safetensors", checkpoint), F_OK);
}

/* Tokens of the largest batch that there can be. */
static size_t most_rows(const struct run *run)
{
    size_t longest = 0;
    for (size_t s = 0; s < SPLITS; s++) {
        const struct window *window = &run->corpus.splits[s].window;
        for (size_t i = 0; i < window->count; i++)
            longest = window->sentences[i].count > longest ? window->sentences[i].count : longest;
    }
    return longest * (run->options.eval_batch > run->options.batch ? run->options.eval_batch : run->options.batch);
}

/* Bytes left for stored token vectors within --max-mem. */
static ft_status plan_host_memory(struct run *run, size_t *budget, struct ft_error *error)
{
    enum { PROGRAM = 24 << 20, VECTORS = 3 };
    *budget = 0;
    if (!run->values->max_memory)
        return FT_OK;
    size_t models = 0, corpus = 0;
    for (size_t i = 0; i < run->stack.model_count; i++)
        models += run->stack.models[i].file_bytes;
    for (size_t s = 0; s < SPLITS; s++) {
        corpus += 2 * window_held(&run->corpus.splits[s].window);
    }
    for (size_t i = 0; i < run->corpus.other_count; i++)
        corpus += 2 * window_held(&run->corpus.others[i]);
    size_t rows = most_rows(run);
    size_t width = run->stack.tagger->width;
    struct network_shape shape = trainer_shape(&run->options, width, &run->tags);
    struct parameters parameters;
    parameters_lay_out(&parameters, &shape);
    size_t vectors = VECTORS + 2 * update_moments(&run->options.update) + (run->options.average > 0 ? 2 : 0);
    size_t fixed =
        PROGRAM + models + corpus + network_bytes(&shape, rows) + vectors * parameters.floats * sizeof(float);
    if (fixed >= run->values->max_memory) {
        char needed[MEMORY_TEXT], bound[MEMORY_TEXT];
        return ft_fail(error, FT_NOMEM,
                       "training takes %s besides stored vectors, more than --max-mem %s (smaller "
                       "batches, or --reproject-to, take less)",
                       memory_text(fixed, needed), memory_text(run->values->max_memory, bound));
    }
    *budget = run->values->max_memory - fixed;
    return FT_OK;
}

/* Bytes of the GPU's memory that training takes besides stored token vectors; not known as well as on the host. */
static size_t gpu_bytes(const struct run *run, size_t rows)
{
    enum { AHEAD_BATCHES = 4 }; /* that are embedded at once */
    struct memory_plan plan;
    struct network_shape shape = trainer_shape(&run->options, run->stack.tagger->width, &run->tags);
    struct memory_request embedding = {.tagger = run->stack.tagger,
                                       .gather = (enum gather_mode)run->values->storage.gather,
                                       .lm_output = (enum lm_output)run->values->storage.lm_output};
    if (memory_plan_init(&plan, &embedding, NULL) != FT_OK)
        return SIZE_MAX;
    if (plan.max_tokens > AHEAD_BATCHES * rows)
        plan.max_tokens = AHEAD_BATCHES * rows;
    struct parameters parameters;
    parameters_lay_out(&parameters, &shape);
    size_t vectors = 1 + update_moments(&run->options.update) + (run->options.average > 0 ? 1 : 0);
    return memory_on_device(&plan) + network_bytes(&shape, rows) + vectors * parameters.floats * sizeof(float);
}

/* Bytes left for stored token vectors of the GPU's memory, at least one: what does not fit after all is noticed when it
 * happens. A GPU that `auto` found is left where training does not fit. */
static size_t plan_gpu_memory(struct run *run)
{
    size_t fixed = gpu_bytes(run, most_rows(run)), there = run->machine.gpu_memory;
    if (fixed < there)
        return there - fixed;
    if (machine_chose_gpu(&run->machine)) {
        char needed[MEMORY_TEXT], has[MEMORY_TEXT];
        report_error("no GPU is used: training takes %s of the %s that it has, besides stored vectors",
                     memory_text(fixed, needed), memory_text(there, has));
        machine_leave_gpu(&run->machine);
    }
    return 1;
}

static ft_status open_rows(struct run *run, struct ft_error *error)
{
    struct row_store_options options = {.mode = (enum storage_mode)run->values->storage.storage,
                                        .gather = (enum gather_mode)run->values->storage.gather,
                                        .lm_output = (enum lm_output)run->values->storage.lm_output,
                                        .type = (enum row_type)run->values->row_type};
    size_t count;
    const struct sentence **sentences = trainer_sentences(&run->corpus, &run->options, &run->arena, &count);
    if (!sentences)
        return ft_nomem(error, "the corpus");
    ft_status status = plan_host_memory(run, &options.budget, error);
    if (run->machine.has_gpu)
        options.device_budget = plan_gpu_memory(run);
    if (status == FT_OK)
        status = row_store_new(&run->rows, run->stack.tagger, run->machine.devices[0], &options, sentences, count,
                               &run->storage, error);
    if (status == FT_OK && run->storage != options.mode) {
        char asked[MEMORY_TEXT], left[MEMORY_TEXT];
        bool of_gpu = run->machine.has_gpu && options.mode == STORAGE_GPU;
        report_error("cannot keep %s of token vectors in the %s that %s; storing %s instead",
                     memory_text(row_store_counts(run->rows).asked_bytes, asked),
                     memory_text(of_gpu ? options.device_budget : options.budget, left),
                     of_gpu ? "are left of the GPU's memory" : "--max-mem leaves", storage_names[run->storage]);
    }
    return status;
}

/* Whether there is what a bias is of. */
static ft_status check_o_bias(const struct run *run, struct ft_error *error)
{
    size_t place;
    return run->values->o_bias ? o_bias_find(&trainer_network(run->trainer)->parameters, &run->tags, &place, error)
                               : FT_OK;
}

static void report_notes(const struct run *run, size_t first)
{
    for (size_t i = first; !run->values->resume && i < run->corpus.note_count; i++)
        report_error("%s", run->corpus.notes[i]);
}

/* The sentences of --extra, behind those of train and their copies. */
static ft_status open_extra(struct run *run, const struct corpus_options *reading, struct ft_error *error)
{
    struct extra_rules rules;
    const char **files;
    size_t count, notes = run->corpus.note_count;
    ft_status status =
        name_list_split(run->values->extra, &run->arena, &files, &count, "the names of extra files", error);
    if (status == FT_OK)
        status = extra_rules_parse(&rules, run->values->extra_labels, &run->arena, error);
    if (status == FT_OK)
        status = extra_corpus_add(&run->corpus, &run->tags, reading, files, count, &rules, error);
    if (status == FT_OK)
        report_notes(run, notes);
    return status;
}

static ft_status open_all(struct run *run, struct ft_error *error)
{
    const struct train_values *values = run->values;
    struct corpus_options reading = train_corpus_options(values);
    struct stack_part parts[STACK_MAX];
    size_t part_count;
    ft_status status = machine_open(&run->machine, &values->machine, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = corpus_open(&run->corpus, &reading, error);
    if (status == FT_OK)
        report_notes(run, 0);
    if (status == FT_OK)
        status = tag_set_init(&run->tags, &run->corpus, reading.era, reading.scheme, values->crf, error);
    struct augment_options augmenting = train_augment_options(values);
    if (status == FT_OK) /* after the tags were numbered */
        status = augment_train(&run->corpus, &augmenting, &run->copies, error);
    if (status == FT_OK && values->extra)
        status = open_extra(run, &reading, error);
    if (status == FT_OK)
        status = train_stack_parts(values, &run->arena, parts, &part_count, error);
    if (status == FT_OK)
        status = stack_open(&run->stack, parts, part_count, run->machine.host, error);
    if (status == FT_OK)
        status = open_rows(run, error);
    struct trainer_data data = {&run->corpus, &run->tags, run->rows};
    if (status == FT_OK)
        status = trainer_new(&run->trainer, &run->options, &data, run->machine.devices[0], error);
    return status == FT_OK ? check_o_bias(run, error) : status;
}

static void close_all(struct run *run)
{
    trainer_free(run->trainer);
    row_store_free(run->rows);
    stack_close(&run->stack);
    tag_set_release(&run->tags);
    corpus_release(&run->corpus);
    machine_close(&run->machine);
    arena_release(&run->arena);
}

static ft_status open_log(struct run *run, struct ft_error *error)
{
    char path[RUN_PATH_BYTES];
    struct run_log_marks marks;
    bool resumes = false;
    ft_status status = checkpoint_marks(file_of(run, "checkpoint.safetensors", path), run->identity, &marks, error);
    if (status == FT_OK) {
        resumes = true;
        status = checkpoint_resume(path, run->identity, run->trainer, error);
    } else if (status == FT_END) {
        status = FT_OK;
        marks = (struct run_log_marks){0}; /* what a run wrote before its first checkpoint is written again */
    }
    if (status == FT_OK)
        status =
            run_log_open(&run->log, run->folder->path, run->options.era, run->values->write_weights, &marks, error);
    if (status == FT_OK && !resumes)
        status = train_log_beginning(run, error);
    return status;
}

static ft_status lower_o(const struct run *run, float *weights, struct ft_error *error)
{
    size_t place;
    ft_status status = o_bias_find(&trainer_network(run->trainer)->parameters, &run->tags, &place, error);
    if (status == FT_OK)
        weights[place] = o_bias_lowered(weights[place], run->o_bias);
    return status;
}

static ft_status save_model(struct run *run, enum trainer_vector which, const char *name, struct ft_error *error)
{
    const struct network *network = trainer_network(run->trainer);
    char path[RUN_PATH_BYTES];
    float *weights = malloc(network->parameters.floats * sizeof *weights);
    char *record = train_record(run, trainer_state(run->trainer), which == VECTOR_BEST);
    struct trained trained = {&run->stack,      &network->shape, &network->parameters, weights, &run->tags,
                              run->options.era, record};
    ft_status status =
        weights && record ? trainer_read_vector(run->trainer, which, weights, error) : ft_nomem(error, "a model");
    if (status == FT_OK && run->values->o_bias)
        status = lower_o(run, weights, error);
    if (status == FT_OK)
        status = trained_save(&trained, run->machine.host, file_of(run, name, path), error);
    free(weights);
    free(record);
    return status;
}

/* Everything that is needed to go on, and the best model so far. */
static ft_status save(struct run *run, struct ft_error *error)
{
    const struct trainer_state *state = trainer_state(run->trainer);
    char path[RUN_PATH_BYTES];
    struct run_log_marks marks;
    ft_status status = FT_OK;
    if (state->best_epoch != run->best_saved) {
        status = save_model(run, VECTOR_BEST, "best-model.safetensors", error);
        run->best_saved = state->best_epoch;
    }
    if (status == FT_OK)
        status = run_log_chart(run->log, error);
    if (status == FT_OK)
        status = run_log_mark(run->log, &marks, error);
    if (status == FT_OK)
        status =
            checkpoint_write(file_of(run, "checkpoint.safetensors", path), run->trainer, &marks, run->identity, error);
    run->saved = clock_seconds();
    return status;
}

static ft_status log_weights(struct run *run, struct ft_error *error)
{
    const struct network *network = trainer_network(run->trainer);
    float *weights = malloc(network->parameters.floats * sizeof *weights);
    ft_status status =
        weights ? trainer_read_vector(run->trainer, VECTOR_WEIGHTS, weights, error) : ft_nomem(error, "weights.txt");
    for (size_t i = 0; status == FT_OK && i < network->parameters.count; i++) {
        const struct parameter *parameter = &network->parameters.list[i];
        status =
            run_log_weights(run->log, trainer_state(run->trainer)->step, parameter->name, weights + parameter->offset,
                            parameter->rows * parameter->columns, run->options.seed, error);
    }
    free(weights);
    return status;
}

/* Ten lines an epoch, as Flair writes them. */
static ft_status log_batch(struct run *run, size_t epoch, size_t batch, size_t batches, double loss, size_t sentences,
                           struct ft_error *error)
{
    size_t every = batches / 10 ? batches / 10 : 1;
    if (batch % every)
        return FT_OK;
    double seconds = clock_seconds() - run->epoch_began;
    ft_status status = run_log_line(run->log, error,
                                    "epoch %zu - iter %zu/%zu - loss %.8f - time (sec): %.2f - sentences/sec: %.2f - "
                                    "lr: %.6f",
                                    epoch, batch, batches, loss, seconds, seconds > 0 ? (double)sentences / seconds : 0,
                                    trainer_state(run->trainer)->schedule.rate);
    return status == FT_OK && run->values->write_weights ? log_weights(run, error) : status;
}

/* dev.tsv of the last evaluation, as Flair has written it since 0.9. */
static ft_status write_dev_table(struct run *run, struct ft_error *error)
{
    const struct split *dev = &run->corpus.splits[SPLIT_DEV];
    const uint32_t *tags = trainer_dev_tags(run->trainer);
    char path[RUN_PATH_BYTES];
    struct output *output;
    struct arena arena;
    if (!tags || run->options.era == LIKE_FLAIR_0_4)
        return FT_OK;
    ft_status status = output_open(&output, file_of(run, "dev.tsv", path), error);
    if (status != FT_OK)
        return status;
    arena_init(&arena);
    for (size_t i = 0, token = 0; status == FT_OK && i < dev->window.count; token += dev->window.sentences[i++].count) {
        const struct sentence *sentence = &dev->window.sentences[i];
        arena_clear(&arena);
        const char **names = arena_array(&arena, sentence->count, sizeof *names);
        for (size_t t = 0; names && t < sentence->count; t++)
            names[t] = run->tags.tags[tags[token + t]].at;
        status =
            names ? tagged_table_sentence(output, run->options.era, sentence, dev->gold[i], names, NULL, &arena, error)
                  : ft_nomem(error, "dev.tsv");
    }
    arena_release(&arena);
    if (status == FT_OK)
        return output_close(output, error);
    output_discard(output);
    return status;
}

static ft_status log_epoch(struct run *run, struct trainer_event *event, struct ft_error *error)
{
    struct epoch_record *record = &event->record;
    record->end = time(NULL);
    ft_status status = run_log_line(run->log, error, "EPOCH %zu done: loss %.4f - lr: %.6f", record->epoch,
                                    record->train_loss, record->rate);
    if (status == FT_OK && record->dev.there)
        status = run_log_line(run->log, error, "DEV : loss %.6f - f1-score (micro avg) %.4f", record->dev.loss,
                              record->dev.f1);
    if (status == FT_OK && record->test.there)
        status = run_log_line(run->log, error, "TEST : loss %.6f - f1-score (micro avg) %.4f", record->test.loss,
                              record->test.f1);
    if (status == FT_OK)
        status = run_log_line(run->log, error, "%ld epochs without improvement%s", record->bad_epochs,
                              event->is_best ? ", best so far" : "");
    if (status == FT_OK)
        status = run_log_epoch(run->log, record, error);
    if (status == FT_OK)
        status = write_dev_table(run, error);
    double now = clock_seconds(), evaluated = trainer_seconds(run->trainer).evaluation;
    if (status == FT_OK)
        status = run_log_line(run->log, error, "epoch %zu took %.3f s, of it evaluation %.3f s", record->epoch,
                              now - run->epoch_began, evaluated - run->evaluated);
    run->epoch_began = now;
    run->evaluated = evaluated;
    return status;
}

static void draw_progress(struct run *run, double loss)
{
    const struct trainer_state *state = trainer_state(run->trainer);
    char line[160];
    snprintf(line, sizeof line, "epoch %zu of %zu, batch %zu of %zu, loss %.4f, best dev F1 %.2f (epoch %zu)",
             state->epoch, run->options.max_epochs, state->batch, trainer_batches(run->trainer), loss,
             100 * state->best_score, state->best_epoch);
    progress_line(run->progress, line);
}

static void report_full_gpu(struct run *run)
{
    if (run->left_gpu || !row_store_counts(run->rows).left_device)
        return;
    report_error("the GPU's memory is full; token vectors are kept in host memory instead");
    run->left_gpu = true;
}

static ft_status train_to_end(struct run *run, struct ft_error *error)
{
    const struct trainer_state *state = trainer_state(run->trainer);
    ft_status status = FT_OK;
    run->saved = run->epoch_began = clock_seconds();
    run->best_saved = 0;
    for (size_t sentences = 0; status == FT_OK && !state->finished;) {
        struct trainer_event event;
        size_t epoch = state->epoch, batches = trainer_batches(run->trainer);
        status = trainer_batch(run->trainer, &event, error);
        report_full_gpu(run);
        if (status != FT_OK)
            break;
        size_t batch = event.epoch_ended ? batches : state->batch;
        double loss = event.epoch_ended ? event.record.train_loss : state->loss / state->loss_parts;
        sentences += run->options.batch;
        status = log_batch(run, epoch, batch, batches, loss, sentences, error);
        if (status == FT_OK && event.epoch_ended) {
            status = log_epoch(run, &event, error);
            sentences = 0;
        }
        draw_progress(run, loss);
        bool due = clock_seconds() - run->saved >= (double)run->values->checkpoint_seconds;
        if (status == FT_OK && (due || interrupted || state->finished))
            status = save(run, error);
        if (status == FT_OK && interrupted && !state->finished)
            status =
                ft_fail(error, FT_INTERRUPTED, "interrupted; 'flairtag train --resume %s' goes on", run->folder->path);
    }
    return status;
}

/* The bias that the models are saved with, by the one that will be tested; dev.tsv is made anew with it. */
static ft_status choose_o_bias(struct run *run, struct ft_error *error)
{
    enum trainer_vector last = trainer_result(run->trainer);
    struct split_record record;
    ft_status status =
        o_bias_choose(run->trainer, trainer_state(run->trainer)->best_epoch ? VECTOR_BEST : last, &run->choice, error);
    for (size_t i = 0; status == FT_OK && i < O_BIAS_TRIES; i++) {
        const struct split_record *dev = &run->choice.tries[i].dev;
        status = run_log_line(run->log, error, "o-bias %.2f: DEV precision %.4f - recall %.4f - f1-score %.4f%s",
                              run->choice.tries[i].bias, dev->precision, dev->recall, dev->f1,
                              i == run->choice.chosen ? ", chosen" : "");
    }
    run->has_choice = status == FT_OK;
    run->o_bias = run->choice.tries[run->choice.chosen].bias;
    if (status == FT_OK)
        status = trainer_evaluate_dev(run->trainer, last, run->o_bias, &record, error);
    return status == FT_OK ? write_dev_table(run, error) : status;
}

/* Models, then what the result is worth on test. */
static ft_status finish(struct run *run, char **report, struct ft_error *error)
{
    const struct trainer_state *state = trainer_state(run->trainer);
    const struct split *test = &run->corpus.splits[SPLIT_TEST];
    bool old = run->options.era == LIKE_FLAIR_0_4;
    char model[RUN_PATH_BYTES], table[RUN_PATH_BYTES], path[RUN_PATH_BYTES];
    struct evaluation evaluation;
    ft_status status = train_chooses_o_bias(run->values) ? choose_o_bias(run, error) : FT_OK;
    if (status == FT_OK && state->best_epoch)
        status = save_model(run, VECTOR_BEST, "best-model.safetensors", error);
    if (status == FT_OK)
        status = save_model(run, trainer_result(run->trainer), "final-model.safetensors", error);
    if (status == FT_OK && !state->best_epoch && !run->options.train_with_dev) {
        static const char nothing[] =
            "no epoch found anything right in dev: there is no best model, and the last one is tested";
        report_error(nothing);
        status = run_log_line(run->log, error, nothing);
    }
    evaluation_init(&evaluation, split_span_rule(&run->corpus, run->options.era));
    file_of(run, state->best_epoch ? "best-model.safetensors" : "final-model.safetensors", model);
    if (status == FT_OK && test->window.count) {
        status = final_test(model, test, run->options.era, run->machine.host, run->machine.devices[0],
                            file_of(run, "test.tsv", table), &evaluation, error);
        enum evaluation_report kind = run->values->json          ? REPORT_JSON
                                      : run->corpus.token_labels ? REPORT_CONLLEVAL
                                      : old                      ? REPORT_FLAIR_0_10
                                                                 : REPORT_FLAIR_0_15;
        if (status == FT_OK)
            status = evaluation_report(&evaluation, kind, report, error);
        if (status == FT_OK)
            status = run_log_line(run->log, error, "%s", *report);
    }
    evaluation_release(&evaluation);
    if (status == FT_OK && run->has_choice)
        status = o_bias_report(&run->choice, run->values->json, report, error);
    struct row_store_counts counts = row_store_counts(run->rows);
    if (status == FT_OK)
        status =
            run_log_line(run->log, error, "sentences read %zu times, embedded %zu times", counts.read, counts.embedded);
    if (status == FT_OK && unlink(file_of(run, "checkpoint.safetensors", path)))
        status = ft_fail(error, FT_FAILED, "%s: cannot be removed", path);
    return status;
}

ft_status train_run(const struct train_values *values, struct run_folder *folder, char **report, struct ft_error *error)
{
    struct run *run = calloc(1, sizeof *run); /* too large for the stack */
    *report = NULL;
    if (!run)
        return ft_nomem(error, "a training run");
    run->values = values;
    run->folder = folder;
    run->options = train_trainer_options(values);
    run->o_bias = run->options.o_bias;
    arena_init(&run->arena);
    run_folder_identity(folder, run->identity);
    ft_status status = open_all(run, error);
    if (status == FT_OK && !values->resume)
        status = run_folder_describe(folder, error);
    if (status == FT_OK)
        status = open_log(run, error);
    if (status == FT_OK) {
        run->progress = progress_new();
        status = train_to_end(run, error);
        progress_free(run->progress);
    }
    if (status == FT_OK)
        status = finish(run, report, error);
    struct ft_error ignored;
    ft_status closed = run_log_close(run->log, status == FT_OK ? error : &ignored);
    close_all(run);
    free(run);
    return status == FT_OK ? closed : status;
}
