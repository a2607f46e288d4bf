/* lm_trainer.c - see lm_trainer.h. */
#include "run/lm_trainer.h"
#include "run/rate_curve.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double NATS_A_BIT = 0.693147180559945309417;

struct lm_trainer {
    struct lm_trainer_options options;
    struct lm_source source;
    struct backend *backend;
    struct lm_network network;
    struct lm_states states;
    struct lm_trainer_state state;
    float *best, *moment, *second_moment; /* [floats], the device's; NULL where there is none */
    struct text_ids split;                /* at hand */
    size_t split_epoch, split_position;   /* which it is; epoch 0: none */
    uint32_t *ids, *targets;              /* [steps, streams] */
};

/* A text as streams: as many rows as each has characters, what is left over dropped. */
static size_t rows_of(const struct text_ids *ids, size_t streams)
{
    return ids->count / streams;
}

/* Rows row .. row + steps - 1 of the streams, and what follows each. */
static void read_rows(const struct text_ids *from, size_t streams, size_t row, size_t steps, uint32_t *ids,
                      uint32_t *targets)
{
    size_t rows = rows_of(from, streams);
    for (size_t s = 0; s < streams; s++) {
        size_t at = s * rows + row;
        for (size_t t = 0; t < steps; t++) {
            ids[t * streams + s] = text_id(from, at + t);
            targets[t * streams + s] = text_id(from, at + t + 1);
        }
    }
}

static ft_status too_short(const struct text_ids *ids, size_t streams, const char *what, struct ft_error *error)
{
    return ft_fail(error, FT_INPUT,
                   "%s has %zu characters; %zu streams need twice as many at least (a smaller --mini-batch-size needs "
                   "fewer)",
                   what, ids->count, streams);
}

ft_status lm_evaluate(struct lm_network *network, const struct text_ids *ids, size_t steps,
                      struct lm_evaluation *evaluation, struct ft_error *error)
{
    size_t streams = network->streams, rows = rows_of(ids, streams);
    struct lm_states states = {0};
    double sum = 0;
    if (rows < 2)
        return too_short(ids, streams, "the text to evaluate", error);
    uint32_t *read = malloc(2 * steps * streams * sizeof *read);
    ft_status status = read ? lm_states_init(&states, network, error) : ft_nomem(error, "an evaluation");
    for (size_t row = 0; status == FT_OK && row < rows - 1; row += steps) {
        size_t count = rows - 1 - row < steps ? rows - 1 - row : steps;
        struct lm_batch batch = {streams, count, read, read + steps * streams};
        double loss;
        read_rows(ids, streams, row, count, read, read + steps * streams);
        status = lm_network_evaluate(network, &batch, &states, &loss, error);
        sum += loss * (double)count;
    }
    if (status == FT_OK)
        *evaluation =
            (struct lm_evaluation){sum / (double)rows, sum / (double)(rows - 1) / NATS_A_BIT, (rows - 1) * streams};
    lm_states_release(&states, network);
    free(read);
    return status;
}

static ft_status make_vectors(struct lm_trainer *trainer, const float *first, struct ft_error *error)
{
    const struct lm_trainer_options *options = &trainer->options;
    const struct backend_ops *ops = trainer->backend->ops;
    size_t floats = trainer->network.parameters.floats;
    float *drawn = first ? NULL : malloc(floats * sizeof *drawn);
    if (!first && !drawn)
        return ft_nomem(error, "the first weights");
    if (drawn)
        lm_parameters_draw(&trainer->network.parameters, &options->shape, options->seed, drawn);
    ft_status status = ops->upload(trainer->backend, trainer->network.weights, first ? first : drawn, floats, error);
    free(drawn);
    bool failed = !(trainer->best = ops->new_floats(trainer->backend, floats));
    if (update_moments(&options->update) > 0)
        failed |= !(trainer->moment = ops->new_floats(trainer->backend, floats));
    if (update_moments(&options->update) > 1)
        failed |= !(trainer->second_moment = ops->new_floats(trainer->backend, floats));
    if (status == FT_OK && failed)
        status = ft_nomem(error, "the optimizer");
    return status == FT_OK ? lm_states_init(&trainer->states, &trainer->network, error) : status;
}

ft_status lm_trainer_new(struct lm_trainer **out, const struct lm_trainer_options *options,
                         const struct lm_source *source, const float *first, struct backend *backend,
                         struct ft_error *error)
{
    struct lm_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return ft_nomem(error, "the trainer");
    size_t characters = options->batch * options->sequence_length;
    trainer->options = *options;
    trainer->source = *source;
    trainer->backend = backend;
    trainer->state.epoch = 1;
    schedule_init(&trainer->state.schedule, LIKE_FLAIR_0_4, false, options->rate, options->factor, options->patience,
                  0);
    ft_status status = rows_of(source->valid, options->batch) < 2
                           ? too_short(source->valid, options->batch, "the validation text", error)
                           : FT_OK;
    if (status == FT_OK)
        status = lm_network_init(&trainer->network, backend, &options->shape, options->batch, options->sequence_length,
                                 options->dropout > 0, error);
    if (status == FT_OK)
        status = make_vectors(trainer, first, error);
    if (status == FT_OK && (!(trainer->ids = malloc(characters * sizeof *trainer->ids)) ||
                            !(trainer->targets = malloc(characters * sizeof *trainer->targets))))
        status = ft_nomem(error, "the trainer");
    if (status != FT_OK) {
        lm_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return FT_OK;
}

void lm_trainer_free(struct lm_trainer *trainer)
{
    if (!trainer)
        return;
    float *const vectors[] = {trainer->best, trainer->moment, trainer->second_moment};
    for (size_t i = 0; trainer->backend->ops->training && i < 3; i++)
        trainer->backend->ops->free_floats(trainer->backend, vectors[i]);
    lm_states_release(&trainer->states, &trainer->network);
    lm_network_release(&trainer->network);
    text_ids_release(&trainer->split);
    free(trainer->ids);
    free(trainer->targets);
    free(trainer);
}

static ft_status read_split(struct lm_trainer *trainer, struct ft_error *error)
{
    const struct lm_trainer_state *state = &trainer->state;
    if (trainer->split_epoch == state->epoch && trainer->split_position == state->position)
        return FT_OK;
    text_ids_release(&trainer->split);
    trainer->split_epoch = 0;
    ft_status status =
        trainer->source.split(trainer->source.context, state->epoch, state->position, &trainer->split, error);
    if (status != FT_OK)
        return status;
    if (rows_of(&trainer->split, trainer->options.batch) < 2)
        return too_short(&trainer->split, trainer->options.batch, "a split of the training text", error);
    if (state->row >= rows_of(&trainer->split, trainer->options.batch) - 1) /* a checkpoint's */
        return ft_fail(error, FT_INPUT, "the split being trained is shorter than it was: the text has changed");
    trainer->split_epoch = state->epoch;
    trainer->split_position = state->position;
    return FT_OK;
}

double lm_trainer_rate(const struct lm_trainer *trainer)
{
    const struct lm_trainer_options *options = &trainer->options;
    struct rate_curve curve = {RATE_COSINE, options->rate, (double)options->warmup_chars, (double)options->max_chars,
                               options->floor};
    if (options->schedule == LM_PLATEAU)
        return trainer->state.schedule.rate;
    return rate_curve_at(&curve, (double)trainer->state.chars, (double)(options->batch * options->sequence_length));
}

static ft_status update(struct lm_trainer *trainer, struct lm_trainer_event *event, struct ft_error *error)
{
    struct lm_network *network = &trainer->network;
    struct update_vectors vectors = {network->parameters.floats, network->weights, network->gradients, trainer->moment,
                                     trainer->second_moment};
    event->rate = lm_trainer_rate(trainer);
    return update_weights(trainer->backend, &trainer->options.update, &vectors, event->rate, trainer->state.step + 1,
                          &event->gradient_norm, error);
}

static ft_status validate(struct lm_trainer *trainer, struct lm_trainer_event *event, struct ft_error *error)
{
    struct lm_trainer_state *state = &trainer->state;
    ft_status status =
        lm_evaluate(&trainer->network, trainer->source.valid, trainer->options.sequence_length, &event->valid, error);
    if (status != FT_OK)
        return status;
    event->validated = true;
    event->train_bits = state->loss / state->parts / NATS_A_BIT;
    event->is_best = isfinite(event->valid.loss) && (!state->best_chars || event->valid.loss < state->best_loss);
    if (event->is_best) {
        const float *row = trainer->network.weights;
        state->best_loss = event->valid.loss;
        state->best_chars = state->chars;
        status = trainer->backend->ops->gather(trainer->backend, &row, 1, trainer->network.parameters.floats,
                                               trainer->best, trainer->network.parameters.floats, error);
    }
    schedule_step(&state->schedule, event->valid.loss, NULL);
    state->validated = state->chars;
    state->loss = state->parts = 0;
    return status;
}

/* Goes to the next split, or epoch, or the end. */
static ft_status end_split(struct lm_trainer *trainer, struct ft_error *error)
{
    struct lm_trainer_state *state = &trainer->state;
    state->row = 0;
    if (++state->position == trainer->source.splits) {
        state->position = 0;
        if (state->epoch++ == trainer->options.max_epochs) {
            state->epoch = trainer->options.max_epochs;
            state->finished = true;
        }
    }
    return lm_states_reset(&trainer->states, &trainer->network, error);
}

ft_status lm_trainer_step(struct lm_trainer *trainer, struct lm_trainer_event *event, struct ft_error *error)
{
    struct lm_trainer_state *state = &trainer->state;
    const struct lm_trainer_options *options = &trainer->options;
    *event = (struct lm_trainer_event){.epoch = state->epoch, .split = state->position + 1};
    if (state->finished)
        return FT_OK;
    ft_status status = read_split(trainer, error);
    if (status != FT_OK)
        return status;
    size_t left = rows_of(&trainer->split, options->batch) - 1 - state->row;
    size_t steps = left < options->sequence_length ? left : options->sequence_length;
    struct lm_batch batch = {options->batch, steps, trainer->ids, trainer->targets};
    struct lm_dropout dropout = {(float)options->dropout, options->seed, state->step};
    read_rows(&trainer->split, options->batch, state->row, steps, trainer->ids, trainer->targets);
    status = lm_network_train(&trainer->network, &batch, &dropout, &trainer->states, &event->loss, error);
    if (status == FT_OK && !isfinite(event->loss))
        status = ft_fail(error, FT_FAILED,
                         "the loss of update %llu is no longer a number (a smaller --learning-rate may help)",
                         (unsigned long long)state->step + 1);
    if (status == FT_OK)
        status = update(trainer, event, error);
    if (status != FT_OK)
        return status;
    event->chars = steps * options->batch;
    state->loss += event->loss * (double)event->chars;
    state->parts += (double)event->chars;
    state->chars += event->chars;
    state->row += steps;
    state->step++;
    event->split_ended = steps == left;
    bool all = options->max_chars && state->chars >= options->max_chars;
    bool due = options->valid_chars && state->chars - state->validated >= options->valid_chars;
    if (event->split_ended || all || due)
        status = validate(trainer, event, error);
    if (status == FT_OK && event->split_ended)
        status = end_split(trainer, error);
    state->finished |= all;
    return status;
}

const struct lm_trainer_state *lm_trainer_state(const struct lm_trainer *trainer)
{
    return &trainer->state;
}

struct lm_network *lm_trainer_network(struct lm_trainer *trainer)
{
    return &trainer->network;
}

static float *vector_of(const struct lm_trainer *trainer, enum lm_trainer_vector which)
{
    switch (which) {
    case LM_WEIGHTS: return trainer->network.weights;
    case LM_BEST: return trainer->best;
    case LM_MOMENT: return trainer->moment;
    case LM_SECOND_MOMENT: return trainer->second_moment;
    case LM_HIDDEN_STATES: return trainer->states.now;
    case LM_TRAINER_VECTORS: break;
    }
    return NULL;
}

size_t lm_trainer_floats(const struct lm_trainer *trainer, enum lm_trainer_vector which)
{
    if (!vector_of(trainer, which))
        return 0;
    return which == LM_HIDDEN_STATES ? trainer->states.floats : trainer->network.parameters.floats;
}

ft_status lm_trainer_read(const struct lm_trainer *trainer, enum lm_trainer_vector which, float *host,
                          struct ft_error *error)
{
    return trainer->backend->ops->download(trainer->backend, host, vector_of(trainer, which),
                                           lm_trainer_floats(trainer, which), error);
}

ft_status lm_trainer_resume(struct lm_trainer *trainer, const struct lm_trainer_state *state,
                            const float *const vectors[LM_TRAINER_VECTORS], struct ft_error *error)
{
    ft_status status = FT_OK;
    if (state->position >= trainer->source.splits)
        return ft_fail(error, FT_INPUT, "the run has fewer splits than at its checkpoint: the text has changed");
    for (int v = 0; status == FT_OK && v < LM_TRAINER_VECTORS; v++) {
        enum lm_trainer_vector which = (enum lm_trainer_vector)v;
        if (lm_trainer_floats(trainer, which))
            status = trainer->backend->ops->upload(trainer->backend, vector_of(trainer, which), vectors[v],
                                                   lm_trainer_floats(trainer, which), error);
    }
    if (status == FT_OK)
        trainer->state = *state;
    return status;
}
