/* bench_training.c - see bench_training.h. */
#include "cmd/bench_training.h"
#include "cmd/interrupt.h"
#include "cmd/train_options.h"

static ft_status open_corpus(struct bench_training *bench, struct ft_error *error)
{
    const struct input_values *input = &bench->values->input;
    struct corpus_options reading = {.files = {bench->values->files[0]},
                                     .era = LIKE_FLAIR_0_15,
                                     .scheme = SCHEME_BIOES,
                                     .token_column = (int)input->token_column,
                                     .tag_column = (int)input->tag_column,
                                     .seed = 1};
    ft_status status = corpus_open(&bench->corpus, &reading, error);
    if (status != FT_OK)
        return status;
    for (size_t s = 0; s < SPLITS; s++) {
        const struct window *window = &bench->corpus.splits[s].window;
        if (s == SPLIT_TRAIN || (s == SPLIT_DEV && !bench->values->evaluate)) {
            bench->tokens += window->tokens;
            bench->sentences += window->count;
        }
    }
    return tag_set_init(&bench->tags, &bench->corpus, reading.era, reading.scheme, true, error);
}

static ft_status open_embeddings(struct bench_training *bench, const struct tagger **tagger, struct ft_error *error)
{
    const struct bench_values *values = bench->values;
    ft_status status;
    if (values->words && !values->random && !values->model.model) {
        status = model_find(values->words, bench->words, sizeof bench->words, error);
        struct stack_part words = {STACK_WORDS, bench->words};
        if (status == FT_OK)
            status = stack_open(&bench->stack, &words, 1, bench->machine->host, error);
        *tagger = bench->stack.tagger;
        return status;
    }
    status = bench_model(values, bench->machine, &bench->model, &bench->random, error);
    *tagger = bench->random ? random_model_tagger(bench->random) : bench->model.tagger;
    return status;
}

/* Flair's head, unless the options say otherwise. */
static struct trainer_options options_of(const struct bench_values *values)
{
    struct train_values training = train_defaults;
    training.hidden = values->hidden;
    training.layers = values->layers;
    training.reproject = values->reproject;
    training.batch = values->mini_batch;
    training.max_epochs = 1 + values->epochs;
    training.train_with_dev = !values->evaluate; /* dev is a tenth of the file, which no test for the best wants then */
    train_settle(&training);
    return train_trainer_options(&training);
}

ft_status bench_training_open(struct bench_training *bench, const struct bench_values *values,
                              const struct machine *machine, struct ft_error *error)
{
    *bench = (struct bench_training){.values = values, .machine = machine};
    arena_init(&bench->arena);
    struct trainer_options options = options_of(values);
    ft_status status = open_corpus(bench, error);
    if (status == FT_OK)
        status = open_embeddings(bench, &bench->tagger, error);
    if (status != FT_OK)
        return status;
    bench->asked = trainer_sentences(&bench->corpus, &options, &bench->arena, &bench->asked_count);
    return bench->asked ? FT_OK : ft_nomem(error, "the corpus");
}

ft_status bench_training_begin(struct bench_training *bench, struct backend *device, enum storage_mode storage,
                               struct ft_error *error)
{
    struct trainer_options options = options_of(bench->values);
    struct row_store_options storing = {.mode = storage, .gather = store_default_gather(storage)};
    ft_status status = row_store_new(&bench->rows, bench->tagger, device, &storing, bench->asked, bench->asked_count,
                                     &bench->storage, error);
    struct trainer_data data = {&bench->corpus, &bench->tags, bench->rows};
    return status == FT_OK ? trainer_new(&bench->trainer, &options, &data, device, error) : status;
}

ft_status bench_training_epoch(struct bench_training *bench, struct ft_error *error)
{
    struct trainer_event event = {0};
    ft_status status = FT_OK;
    while (status == FT_OK && !event.epoch_ended) {
        status = trainer_batch(bench->trainer, &event, error);
        if (status == FT_OK && interrupted)
            status = ft_fail(error, FT_INTERRUPTED, "interrupted");
    }
    return status;
}

void bench_training_end(struct bench_training *bench)
{
    trainer_free(bench->trainer);
    row_store_free(bench->rows);
    bench->trainer = NULL;
    bench->rows = NULL;
}

void bench_training_close(struct bench_training *bench)
{
    bench_training_end(bench);
    stack_close(&bench->stack);
    random_model_free(bench->random);
    model_close(&bench->model);
    tag_set_release(&bench->tags);
    corpus_release(&bench->corpus);
    arena_release(&bench->arena);
}
