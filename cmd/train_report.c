/* train_report.c - a training run in words: what its log begins with, and what its models say of it. */
#include "base/json.h"
#include "cmd/train_state.h"
#include "flairtag.h"

const char *const storage_names[] = {"none", "cpu", "gpu"};
static const char *const schedules[] = {"plateau", "linear", "cosine"};

/* Sentences of train that are no copies and from no other file. */
static size_t own_sentences(const struct run *run)
{
    return run->corpus.splits[SPLIT_TRAIN].window.count - run->copies.lowered - run->copies.replaced -
           run->corpus.train_extra;
}

static size_t extra_tokens(const struct corpus *corpus)
{
    size_t tokens = 0;
    for (size_t i = 0; i < corpus->train_extra; i++)
        tokens += corpus->splits[SPLIT_TRAIN].window.sentences[corpus->first_extra + i].count;
    return tokens;
}

static ft_status log_corpus(const struct run *run, struct ft_error *error)
{
    const struct epoch_order *epochs = trainer_epoch_order(run->trainer);
    const struct augmented *copies = &run->copies;
    size_t extra = extra_tokens(&run->corpus);
    ft_status status = FT_OK;
    for (size_t s = 0; status == FT_OK && s < SPLITS; s++) {
        const struct window *window = &run->corpus.splits[s].window;
        status = run_log_line(run->log, error, "%s: %zu sentences, %zu tokens", split_names[s],
                              s == SPLIT_TRAIN ? own_sentences(run) : window->count,
                              window->tokens - (s == SPLIT_TRAIN ? copies->tokens + extra : 0));
    }
    if (status == FT_OK && copies->lowered + copies->replaced)
        status = run_log_line(run->log, error, "copies: %zu in lower case, %zu with other mentions, %zu tokens",
                              copies->lowered, copies->replaced, copies->tokens);
    if (status == FT_OK && run->values->extra)
        status = run_log_line(run->log, error, "extra: %zu sentences, %zu tokens; choices of tags: %zu",
                              run->corpus.train_extra, extra, run->tags.choices.count);
    if (status == FT_OK && run->options.empty_left_out > 0)
        status = run_log_line(
            run->log, error, "sentences without mentions: %zu of %zu, copies included; an epoch reads %zu of them",
            epochs->empty, epochs->count, epoch_order_count(epochs, 1) - (epochs->count - epochs->empty));
    return status;
}

ft_status train_log_beginning(const struct run *run, struct ft_error *error)
{
    const struct trainer_options *options = &run->options;
    struct row_store_counts counts = row_store_counts(run->rows);
    char planned[MEMORY_TEXT];
    ft_status status = log_corpus(run, error);
    for (size_t i = 0; status == FT_OK && i < run->stack.member_count; i++)
        status = run_log_line(run->log, error, "embedding %s: %zu columns", run->stack.members[i].name,
                              run->stack.members[i].width);
    char device[MACHINE_TEXT];
    if (status == FT_OK && run->machine.has_gpu)
        status = run_log_line(run->log, error, "GPU: %s", machine_text(&run->machine, &run->values->machine, device));
    if (status == FT_OK)
        status = run_log_line(run->log, error, "tags: %zu; parameters: %zu", run->tags.count,
                              trainer_network(run->trainer)->parameters.floats);
    if (status == FT_OK && options->schedule == TRAIN_PLATEAU)
        status = run_log_line(run->log, error,
                              "learning rate %g, mini-batch size %zu, patience %ld, anneal factor %g, max epochs %zu, "
                              "seed %llu",
                              options->rate, options->batch, options->patience, options->factor, options->max_epochs,
                              (unsigned long long)options->seed);
    else if (status == FT_OK)
        status =
            run_log_line(run->log, error,
                         "learning rate %g, schedule %s, warm-up %g of all batches, floor %g, mini-batch size %zu, "
                         "epochs %zu, seed %llu",
                         options->rate, schedules[options->schedule], options->warmup_fraction, options->floor,
                         options->batch, options->max_epochs, (unsigned long long)options->seed);
    if (status == FT_OK && options->average > 0)
        status = run_log_line(run->log, error, "weights' moving average: decay %g", options->average);
    if (status == FT_OK && run->values->o_bias)
        status = run_log_line(run->log, error, "o-bias %s", run->values->o_bias);
    if (status == FT_OK)
        status = run_log_line(run->log, error, "embedding storage %s: %s planned", storage_names[run->storage],
                              memory_text(counts.planned_bytes, planned));
    return status;
}

char *train_record(const struct run *run, const struct trainer_state *state, bool best)
{
    const struct trainer_options *options = &run->options;
    cJSON *record = cJSON_CreateObject();
    bool whole = true;
    json_text(&whole, record, "trained_by", "flairtag " FLAIRTAG_VERSION);
    json_number(&whole, record, "seed", (double)options->seed);
    json_number(&whole, record, "epoch", (double)(best ? state->best_epoch : state->epoch));
    json_number(&whole, record, "train_sentences", (double)own_sentences(run));
    json_bool(&whole, record, "train_with_dev", options->train_with_dev);
    json_number(&whole, record, "learning_rate", options->rate);
    json_number(&whole, record, "mini_batch_size", (double)options->batch);
    json_number(&whole, record, "word_dropout", run->values->word_dropout);
    json_number(&whole, record, "locked_dropout", run->values->locked_dropout);
    if (run->copies.lowered)
        json_number(&whole, record, "lower_copies", (double)run->copies.lowered);
    if (run->copies.replaced)
        json_number(&whole, record, "replaced_copies", (double)run->copies.replaced);
    if (options->empty_left_out > 0)
        json_number(&whole, record, "keep_empty", run->values->keep_empty);
    if (run->values->extra)
        json_number(&whole, record, "extra_sentences", (double)run->corpus.train_extra);
    if (best)
        json_number(&whole, record, "dev_f1",
                    run->has_choice ? run->choice.tries[run->choice.chosen].dev.f1 : state->best_score);
    if (options->schedule != TRAIN_PLATEAU) {
        json_text(&whole, record, "schedule", schedules[options->schedule]);
        json_number(&whole, record, "warmup_fraction", options->warmup_fraction);
        json_number(&whole, record, "floor", options->floor);
        json_number(&whole, record, "max_epochs", (double)options->max_epochs);
    }
    if (options->average > 0)
        json_number(&whole, record, "average", options->average);
    if (run->values->o_bias)
        json_number(&whole, record, "o_bias", run->o_bias);
    char *text = whole ? cJSON_PrintUnformatted(record) : NULL;
    cJSON_Delete(record);
    return text;
}
