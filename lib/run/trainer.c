/* trainer.c - see trainer.h. */
#include "run/trainer.h"
#include "base/clock.h"
#include "run/o_bias.h"
#include "run/rate_curve.h"
#include "run/split_scores.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trainer {
    struct trainer_options options;
    struct trainer_data data;
    struct backend *backend;
    struct network network;
    struct trainer_state state;
    float *best, *moment, *second_moment, *average; /* [floats], the device's; NULL where there is none */
    size_t split_first[SPLITS];                     /* number of a split's first sentence in the row store */
    struct epoch_order epochs;
    size_t *order;  /* [epochs.count], as many used as the epoch reads: into the row store */
    size_t ordered; /* the epoch that `order` is of; 0: none */
    size_t ahead;   /* sentences of it from the first on whose vectors have been asked for */
    uint32_t *dev_tags;
    bool has_dev_tags;
    size_t batch_tokens;
    struct trainer_seconds seconds;
    struct arena arena, work; /* work: one batch */
};

const struct sentence **trainer_sentences(const struct corpus *corpus, const struct trainer_options *options,
                                          struct arena *arena, size_t *count)
{
    size_t splits = options->monitor_test ? SPLITS : SPLIT_TEST, total = 0;
    for (size_t s = 0; s < splits; s++)
        total += corpus->splits[s].window.count;
    const struct sentence **sentences = arena_array(arena, total, sizeof *sentences);
    *count = 0;
    for (size_t s = 0; sentences && s < splits; s++)
        for (size_t i = 0; i < corpus->splits[s].window.count; i++)
            sentences[(*count)++] = &corpus->splits[s].window.sentences[i];
    return sentences;
}

static int longest_first(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return a > b ? -1 : a < b;
}

/* Tokens of the largest batch that sentences of splits first .. last can make: the longest ones together. */
static ft_status most_tokens(const struct corpus *corpus, size_t first, size_t last, size_t batch, size_t *most,
                             struct ft_error *error)
{
    size_t count = 0, tokens = 0;
    for (size_t s = first; s <= last; s++)
        count += corpus->splits[s].window.count;
    size_t *lengths = malloc((count + 1) * sizeof *lengths);
    if (!lengths)
        return ft_nomem(error, "the corpus");
    count = 0;
    for (size_t s = first; s <= last; s++)
        for (size_t i = 0; i < corpus->splits[s].window.count; i++)
            lengths[count++] = corpus->splits[s].window.sentences[i].count;
    qsort(lengths, count, sizeof *lengths, longest_first);
    for (size_t i = 0; i < count && i < batch; i++)
        tokens += lengths[i];
    free(lengths);
    *most = tokens > *most ? tokens : *most;
    return FT_OK;
}

/* Room for the batches of training and of every split that is evaluated. */
static ft_status most_rows(const struct trainer *trainer, size_t *rows, struct ft_error *error)
{
    const struct trainer_options *options = &trainer->options;
    const struct corpus *corpus = trainer->data.corpus;
    *rows = 0;
    ft_status status = most_tokens(corpus, SPLIT_TRAIN, options->train_with_dev ? SPLIT_DEV : SPLIT_TRAIN,
                                   options->batch, rows, error);
    if (status == FT_OK && !options->train_with_dev)
        status = most_tokens(corpus, SPLIT_DEV, SPLIT_DEV, options->eval_batch, rows, error);
    if (status == FT_OK && options->monitor_test)
        status = most_tokens(corpus, SPLIT_TEST, SPLIT_TEST, options->eval_batch, rows, error);
    return status;
}

struct network_shape trainer_shape(const struct trainer_options *options, size_t width, const struct tag_set *tags)
{
    return (struct network_shape){.width = width,
                                  .reprojection = options->reproject_to ? options->reproject_to
                                                  : options->reproject  ? width
                                                                        : 0,
                                  .hidden = options->hidden,
                                  .layers = options->layers,
                                  .tags = tags->count,
                                  .start = tag_set_number(tags, "<START>"),
                                  .stop = tag_set_number(tags, "<STOP>"),
                                  .crf = options->crf,
                                  .mask_ends = options->era == LIKE_FLAIR_0_4};
}

static ft_status make_network(struct trainer *trainer, struct ft_error *error)
{
    const struct trainer_options *options = &trainer->options;
    size_t width = row_store_width(trainer->data.rows);
    size_t batch = options->eval_batch > options->batch ? options->eval_batch : options->batch;
    size_t rows;
    struct network_shape shape = trainer_shape(options, width, trainer->data.tags);
    ft_status status = most_rows(trainer, &rows, error);
    if (status == FT_OK)
        status = network_init(&trainer->network, trainer->backend, &shape, rows, batch, error);
    float *drawn = status == FT_OK ? malloc(trainer->network.parameters.floats * sizeof *drawn) : NULL;
    if (status == FT_OK && !drawn)
        status = ft_nomem(error, "the first weights");
    if (status == FT_OK) {
        const struct backend_ops *ops = trainer->backend->ops;
        size_t floats = trainer->network.parameters.floats;
        parameters_draw(&trainer->network.parameters, &shape, options->seed, drawn);
        status = ops->upload(trainer->backend, trainer->network.weights, drawn, floats, error);
        bool failed = !(trainer->best = ops->new_floats(trainer->backend, floats));
        if (update_moments(&options->update) > 0)
            failed |= !(trainer->moment = ops->new_floats(trainer->backend, floats));
        if (update_moments(&options->update) > 1)
            failed |= !(trainer->second_moment = ops->new_floats(trainer->backend, floats));
        if (options->average > 0)
            failed |= !(trainer->average = ops->new_floats(trainer->backend, floats));
        if (status == FT_OK && failed)
            status = ft_nomem(error, "the optimizer");
        if (status == FT_OK && trainer->average)
            status = ops->upload(trainer->backend, trainer->average, drawn, floats, error);
    }
    free(drawn);
    return status;
}

static bool has_mentions(const char *const *tags, size_t count)
{
    for (size_t t = 0; t < count; t++)
        if (strcmp(tags[t], "O"))
            return true;
    return false;
}

/* The sentences to learn from; dev lies behind train in the row store. */
static ft_status make_epochs(struct trainer *trainer, struct ft_error *error)
{
    const struct trainer_options *options = &trainer->options;
    const struct split *splits = trainer->data.corpus->splits;
    size_t last = options->train_with_dev ? SPLIT_DEV : SPLIT_TRAIN, count = 0;
    for (size_t s = SPLIT_TRAIN; s <= last; s++)
        count += splits[s].window.count;
    if (!count)
        return ft_fail(error, FT_INPUT, "there is no sentence to train on");
    if (options->empty_left_out > 0 && trainer->data.corpus->token_labels)
        return ft_fail(error, FT_INPUT,
                       "%s: tags are labels of single tokens: there are no mentions by which --keep-empty could choose "
                       "sentences",
                       splits[SPLIT_TRAIN].file);
    bool *flags = arena_array(&trainer->arena, count, sizeof *flags);
    trainer->order = arena_array(&trainer->arena, count, sizeof *trainer->order);
    if (!flags || !trainer->order)
        return ft_nomem(error, "the trainer");
    count = 0;
    for (size_t s = SPLIT_TRAIN; s <= last; s++)
        for (size_t i = 0; i < splits[s].window.count; i++)
            flags[count++] = has_mentions((const char *const *)splits[s].gold[i], splits[s].window.sentences[i].count);
    trainer->epochs = (struct epoch_order){
        .shuffle = options->shuffle,
        .empty_left_out = options->empty_left_out,
        .seed = options->seed,
        .some = {trainer->data.corpus->first_extra, trainer->data.corpus->train_extra, options->extra_epochs}};
    epoch_order_sentences(&trainer->epochs, flags, count);
    if (!epoch_order_count(&trainer->epochs, 1))
        return ft_fail(error, FT_INPUT, "there is no sentence to train on");
    return FT_OK;
}

ft_status trainer_new(struct trainer **out, const struct trainer_options *options, const struct trainer_data *data,
                      struct backend *backend, struct ft_error *error)
{
    struct trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return ft_nomem(error, "the trainer");
    trainer->options = *options;
    trainer->data = *data;
    trainer->backend = backend;
    arena_init(&trainer->arena);
    arena_init(&trainer->work);
    const struct split *splits = data->corpus->splits;
    size_t first = 0;
    for (size_t s = 0; s < SPLITS; first += splits[s++].window.count)
        trainer->split_first[s] = first;
    bool on_score = !options->train_with_dev && splits[SPLIT_DEV].window.count;
    if (options->schedule == TRAIN_PLATEAU) {
        schedule_init(&trainer->state.schedule, options->era, on_score, options->rate, options->factor,
                      options->patience, options->era == LIKE_FLAIR_0_4 ? 0 : options->extra_patience);
    } else { /* more patience than there are epochs: it only knows what was best */
        schedule_init(&trainer->state.schedule, options->era, on_score, options->rate, 1, (long)options->max_epochs, 0);
        trainer->options.min_rate = 0;
    }
    trainer->state.epoch = 1;
    trainer->dev_tags = arena_array(&trainer->arena, splits[SPLIT_DEV].window.tokens, sizeof *trainer->dev_tags);
    ft_status status = trainer->dev_tags ? make_epochs(trainer, error) : ft_nomem(error, "the trainer");
    if (status == FT_OK)
        status = make_network(trainer, error);
    if (status != FT_OK) {
        trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return FT_OK;
}

void trainer_free(struct trainer *trainer)
{
    if (!trainer)
        return;
    float *const vectors[] = {trainer->best, trainer->moment, trainer->second_moment, trainer->average};
    for (size_t i = 0; trainer->backend->ops->training && i < sizeof vectors / sizeof *vectors; i++)
        trainer->backend->ops->free_floats(trainer->backend, vectors[i]);
    network_release(&trainer->network);
    arena_release(&trainer->arena);
    arena_release(&trainer->work);
    free(trainer);
}

/* Sentence `number` of the row store: which split, and which of it. */
static const struct split *find_sentence(const struct trainer *trainer, size_t number, size_t *index)
{
    size_t s = SPLITS - 1;
    while (number < trainer->split_first[s])
        s--;
    *index = number - trainer->split_first[s];
    return &trainer->data.corpus->splits[s];
}

/* Packs sentences and reads their token vectors and gold tags; but for the vectors all lies in the arena `work`. */
static ft_status make_batch(struct trainer *trainer, const size_t *numbers, size_t count, struct packing *packing,
                            struct network_batch *batch, struct ft_error *error)
{
    struct arena *arena = &trainer->work;
    arena_clear(arena);
    size_t *lengths = arena_array(arena, count, sizeof *lengths);
    if (!lengths)
        return ft_nomem(error, "a batch");
    for (size_t i = 0, index; i < count; i++) {
        const struct split *split = find_sentence(trainer, numbers[i], &index);
        lengths[i] = split->window.sentences[index].count;
    }
    ft_status status = packing_init(packing, lengths, count, arena, error);
    if (status != FT_OK)
        return status;
    size_t rows = packing->batch.rows;
    uint32_t *gold = arena_array(arena, rows, sizeof *gold);
    if (!gold)
        return ft_nomem(error, "a batch");
    for (size_t i = 0, index; i < count; i++) {
        const struct split *split = find_sentence(trainer, numbers[i], &index);
        tag_set_numbers(trainer->data.tags, split->tags[index], lengths[i], gold + packing->sentences[i].first);
    }
    *batch = (struct network_batch){packing, NULL, gold, tag_set_choices(trainer->data.tags)};
    struct row_target to = {network_input(&trainer->network), row_store_width(trainer->data.rows), packing->row};
    return row_store_read(trainer->data.rows, numbers, count, &to, error);
}

static enum loss_reduction reduction_of(const struct trainer *trainer)
{
    return trainer->options.era == LIKE_FLAIR_0_4 ? LOSS_MEAN : LOSS_SUM;
}

/* What a batch adds to the divisor of the loss that is reported. */
static double loss_parts(const struct trainer *trainer, size_t tokens)
{
    return trainer->options.era == LIKE_FLAIR_0_4 ? 1 : (double)tokens;
}

/* A device's memory ended, and there is some to give back: token vectors that are kept. */
static bool is_worth_another_try(struct trainer *trainer, ft_status status)
{
    return status == FT_NOMEM && row_store_leave_device(trainer->data.rows);
}

/* With the weights that the network has. */
static ft_status evaluate_network(struct trainer *trainer, size_t s, uint32_t *tags, struct split_record *record,
                                  struct ft_error *error)
{
    const struct split *split = &trainer->data.corpus->splits[s];
    const struct window *window = &split->window;
    struct evaluation evaluation;
    double loss = 0, parts = 0;
    size_t step = trainer->options.eval_batch;
    ft_status status = FT_OK;
    evaluation_init(&evaluation, split_span_rule(trainer->data.corpus, trainer->options.era));
    for (size_t i = 0, token = 0; status == FT_OK && i < window->count; i += step) {
        size_t count = window->count - i < step ? window->count - i : step;
        size_t *numbers = calloc(count, sizeof *numbers);
        struct packing packing;
        struct network_batch batch;
        double batch_loss;
        for (size_t k = 0; numbers && k < count; k++)
            numbers[k] = trainer->split_first[s] + i + k;
        status = numbers ? FT_OK : ft_nomem(error, "a batch");
        for (bool again = status == FT_OK; again; again = is_worth_another_try(trainer, status)) {
            status = make_batch(trainer, numbers, count, &packing, &batch, error);
            if (status == FT_OK)
                status = network_evaluate(&trainer->network, &batch, reduction_of(trainer), &batch_loss, tags + token,
                                          error);
        }
        free(numbers);
        if (status != FT_OK)
            break;
        loss += batch_loss;
        parts += loss_parts(trainer, packing.batch.rows);
        for (size_t k = 0; status == FT_OK && k < count; token += packing.sentences[k++].count) {
            const char **names = arena_array(&trainer->work, packing.sentences[k].count, sizeof *names);
            for (size_t t = 0; names && t < packing.sentences[k].count; t++)
                names[t] = trainer->data.tags->tags[tags[token + t]].at;
            status = names ? evaluation_add(&evaluation, &window->sentences[i + k], split->gold[i + k], names, error)
                           : ft_nomem(error, "an evaluation");
        }
    }
    if (status == FT_OK)
        status = split_scores(&evaluation, trainer->data.corpus, trainer->options.era, record, error);
    record->there = true;
    record->loss = parts > 0 ? loss / parts : 0;
    evaluation_release(&evaluation);
    return status;
}

static float *vector_of(const struct trainer *trainer, enum trainer_vector which)
{
    switch (which) {
    case VECTOR_WEIGHTS: return trainer->network.weights;
    case VECTOR_BEST: return trainer->best;
    case VECTOR_MOMENT: return trainer->moment;
    case VECTOR_SECOND_MOMENT: return trainer->second_moment;
    case VECTOR_AVERAGE: return trainer->average;
    case TRAINER_VECTORS: break;
    }
    return NULL;
}

/* How weights are evaluated. */
struct judged {
    enum trainer_vector which;
    double o_bias;
};

/* With other weights in the network's place, all of which are as before at the end. */
static ft_status evaluate_split(struct trainer *trainer, const struct judged *how, size_t s, uint32_t *tags,
                                struct split_record *record, struct ft_error *error)
{
    struct network *network = &trainer->network;
    float *own = network->weights, *weights = vector_of(trainer, how->which), was = 0;
    bool lowers = how->o_bias < 0 || how->o_bias > 0;
    size_t place = 0;
    ft_status status = FT_OK;
    if (lowers)
        status = o_bias_find(&network->parameters, trainer->data.tags, &place, error);
    if (status == FT_OK && lowers)
        status = o_bias_lower(trainer->backend, weights + place, how->o_bias, &was, error);
    if (status != FT_OK)
        return status;
    network->weights = weights;
    status = evaluate_network(trainer, s, tags, record, error);
    network->weights = own;
    if (lowers) {
        struct ft_error ignored;
        ft_status restored = o_bias_restore(trainer->backend, weights + place, was, status == FT_OK ? error : &ignored);
        status = status == FT_OK ? restored : status;
    }
    return status;
}

static ft_status evaluate_test(struct trainer *trainer, const struct judged *how, struct split_record *record,
                               struct ft_error *error)
{
    uint32_t *tags = malloc((trainer->data.corpus->splits[SPLIT_TEST].window.tokens + 1) * sizeof *tags);
    ft_status status =
        tags ? evaluate_split(trainer, how, SPLIT_TEST, tags, record, error) : ft_nomem(error, "an evaluation");
    free(tags);
    return status;
}

/* Evaluates, notes what was best, sets the next rate. */
static ft_status end_epoch(struct trainer *trainer, struct trainer_event *event, struct ft_error *error)
{
    struct trainer_state *state = &trainer->state;
    const struct split *splits = trainer->data.corpus->splits;
    struct epoch_record *record = &event->record;
    *record = (struct epoch_record){
        .epoch = state->epoch, .rate = state->schedule.rate, .train_loss = state->loss / state->loss_parts};
    bool on_dev = state->schedule.higher_is_better;
    struct judged how = {trainer_result(trainer), trainer->options.o_bias};
    double start = clock_seconds();
    ft_status status = FT_OK;
    if (on_dev)
        status = evaluate_split(trainer, &how, SPLIT_DEV, trainer->dev_tags, &record->dev, error);
    if (status == FT_OK && trainer->options.monitor_test && splits[SPLIT_TEST].window.count)
        status = evaluate_test(trainer, &how, &record->test, error);
    trainer->seconds.evaluation += clock_seconds() - start;
    if (status != FT_OK)
        return status;
    trainer->has_dev_tags |= on_dev;
    double metric = on_dev ? record->dev.f1 : record->train_loss;
    event->is_best = on_dev && schedule_is_best(&state->schedule, metric);
    if (event->is_best) {
        state->best_score = metric;
        state->best_epoch = state->epoch;
        const float *row = vector_of(trainer, how.which);
        status = trainer->backend->ops->gather(trainer->backend, &row, 1, trainer->network.parameters.floats,
                                               trainer->best, trainer->network.parameters.floats, error);
    }
    bool reduced = schedule_step(&state->schedule, metric, on_dev ? &record->dev.loss : NULL);
    record->bad_epochs = schedule_bad_epochs(&state->schedule, reduced);
    event->epoch_ended = true;
    if (state->epoch == trainer->options.max_epochs || state->schedule.rate < trainer->options.min_rate)
        state->finished = true;
    else
        state->epoch++;
    state->batch = 0;
    state->loss = state->loss_parts = 0;
    return status;
}

/* The rate of the batch that comes, where it follows a curve. */
static double rate_of_batch(const struct trainer *trainer)
{
    const struct trainer_options *options = &trainer->options;
    double all = (double)epoch_order_batches_total(&trainer->epochs, options->max_epochs, options->batch);
    struct rate_curve curve = {options->schedule == TRAIN_LINEAR ? RATE_LINEAR : RATE_COSINE, options->rate,
                               floor(options->warmup_fraction * all), all, options->floor};
    return rate_curve_at(&curve, (double)trainer->state.step, 1);
}

static ft_status update(struct trainer *trainer, double *norm, struct ft_error *error)
{
    struct network *network = &trainer->network;
    const struct trainer_options *options = &trainer->options;
    uint64_t step = trainer->state.step + 1;
    if (options->schedule != TRAIN_PLATEAU)
        trainer->state.schedule.rate = rate_of_batch(trainer);
    struct update_vectors vectors = {network->parameters.floats, network->weights, network->gradients, trainer->moment,
                                     trainer->second_moment};
    ft_status status =
        update_weights(trainer->backend, &options->update, &vectors, trainer->state.schedule.rate, step, norm, error);
    if (status == FT_OK && trainer->average)
        status = update_average(trainer->backend, options->average, step, vectors.floats, vectors.weights,
                                trainer->average, error);
    return status;
}

static void order_epoch(struct trainer *trainer)
{
    if (trainer->ordered == trainer->state.epoch)
        return;
    epoch_order_write(&trainer->epochs, trainer->state.epoch, trainer->order);
    trainer->ordered = trainer->state.epoch;
    trainer->ahead = 0;
}

/* Token vectors of the sentences from numbers[0] on, some batches of them at once: language models step up to 112
 * sentences together, and the last of few leave most of a step empty. */
enum { AHEAD = 128 };
static ft_status look_ahead(struct trainer *trainer, const size_t *numbers, size_t left, struct ft_error *error)
{
    return row_store_ahead(trainer->data.rows, numbers, left < AHEAD ? left : AHEAD, error);
}

ft_status trainer_batch(struct trainer *trainer, struct trainer_event *event, struct ft_error *error)
{
    struct trainer_state *state = &trainer->state;
    const struct trainer_options *options = &trainer->options;
    *event = (struct trainer_event){0};
    if (state->finished)
        return FT_OK;
    order_epoch(trainer);
    size_t first = state->batch * options->batch, left = epoch_order_count(&trainer->epochs, state->epoch) - first;
    size_t count = left < options->batch ? left : options->batch;
    struct packing packing;
    struct network_batch batch;
    struct network_step step = {&options->dropout, options->seed, state->step};
    double start = clock_seconds();
    ft_status status = FT_OK;
    if (first >= trainer->ahead) {
        status = look_ahead(trainer, trainer->order + first, left, error);
        trainer->ahead = first + AHEAD;
    }
    trainer->seconds.vectors += clock_seconds() - start;
    for (bool again = status == FT_OK; again; again = is_worth_another_try(trainer, status)) {
        start = clock_seconds();
        status = make_batch(trainer, trainer->order + first, count, &packing, &batch, error);
        trainer->seconds.vectors += clock_seconds() - start;
        if (status == FT_OK)
            status = network_train(&trainer->network, &batch, &step, reduction_of(trainer), &event->batch_loss, error);
    }
    if (status == FT_OK && !isfinite(event->batch_loss))
        status =
            ft_fail(error, FT_FAILED,
                    "the loss of batch %zu in epoch %zu is no longer a number (a smaller --learning-rate may help)",
                    state->batch + 1, state->epoch);
    start = clock_seconds();
    if (status == FT_OK)
        status = update(trainer, &event->gradient_norm, error);
    if (status != FT_OK)
        return status;
    trainer->seconds.update += clock_seconds() - start;
    trainer->batch_tokens = packing.batch.rows;
    state->loss += event->batch_loss;
    state->loss_parts += loss_parts(trainer, packing.batch.rows);
    state->step++;
    state->batch++;
    return state->batch == trainer_batches(trainer) ? end_epoch(trainer, event, error) : FT_OK;
}

const struct trainer_state *trainer_state(const struct trainer *trainer)
{
    return &trainer->state;
}

const struct network *trainer_network(const struct trainer *trainer)
{
    return &trainer->network;
}

size_t trainer_batches(const struct trainer *trainer)
{
    return epoch_order_batches(&trainer->epochs, trainer->state.epoch, trainer->options.batch);
}

const struct epoch_order *trainer_epoch_order(const struct trainer *trainer)
{
    return &trainer->epochs;
}

size_t trainer_batch_tokens(const struct trainer *trainer)
{
    return trainer->batch_tokens;
}

struct trainer_seconds trainer_seconds(const struct trainer *trainer)
{
    struct trainer_seconds seconds = trainer->seconds;
    seconds.network = trainer->network.seconds;
    return seconds;
}

const uint32_t *trainer_dev_tags(const struct trainer *trainer)
{
    return trainer->has_dev_tags ? trainer->dev_tags : NULL;
}

enum trainer_vector trainer_result(const struct trainer *trainer)
{
    return trainer->average ? VECTOR_AVERAGE : VECTOR_WEIGHTS;
}

ft_status trainer_evaluate_dev(struct trainer *trainer, enum trainer_vector which, double o_bias,
                               struct split_record *record, struct ft_error *error)
{
    struct judged how = {which, o_bias};
    double start = clock_seconds();
    ft_status status = evaluate_split(trainer, &how, SPLIT_DEV, trainer->dev_tags, record, error);
    trainer->seconds.evaluation += clock_seconds() - start;
    trainer->has_dev_tags |= status == FT_OK;
    return status;
}

bool trainer_has_vector(const struct trainer *trainer, enum trainer_vector which)
{
    return vector_of(trainer, which);
}

ft_status trainer_read_vector(const struct trainer *trainer, enum trainer_vector which, float *host,
                              struct ft_error *error)
{
    return trainer->backend->ops->download(trainer->backend, host, vector_of(trainer, which),
                                           trainer->network.parameters.floats, error);
}

/* Whether the numbers can be those of this run. */
static bool is_possible(const struct trainer_state *state, const struct trainer *trainer)
{
    return state->epoch && state->epoch <= trainer->options.max_epochs && state->best_epoch <= state->epoch &&
           state->batch < epoch_order_batches(&trainer->epochs, state->epoch, trainer->options.batch) &&
           isfinite(state->schedule.rate) && state->schedule.rate >= 0 && isfinite(state->loss) &&
           (state->batch == 0 || state->loss_parts > 0);
}

ft_status trainer_resume(struct trainer *trainer, const struct trainer_state *state,
                         const float *const vectors[TRAINER_VECTORS], struct ft_error *error)
{
    ft_status status =
        is_possible(state, trainer) ? FT_OK : ft_fail(error, FT_USAGE, "this training run is never in such a state");
    for (int v = 0; status == FT_OK && v < TRAINER_VECTORS; v++)
        if (trainer_has_vector(trainer, (enum trainer_vector)v))
            status = trainer->backend->ops->upload(trainer->backend, vector_of(trainer, (enum trainer_vector)v),
                                                   vectors[v], trainer->network.parameters.floats, error);
    if (status == FT_OK)
        trainer->state = *state;
    return status;
}
