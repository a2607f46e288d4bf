/* lm_network.c - see lm_network.h. */
#include "run/lm_network.h"
#include "base/philox.h"
#include "model/unpack.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The network's dropouts: on characters, on what the decoder reads, between layers l and l + 1. */
enum { SITE_INPUT, SITE_OUTPUT, SITE_BETWEEN };

/* Rows are [steps, streams]; all are the device's. */
struct lm_layer_activations {
    float *gates;    /* [rows, 4H] */
    float *cells;    /* [rows, H] */
    float *out;      /* [rows, H] */
    float *next;     /* [rows, H] `out` with its dropouts; NULL: there are none */
    float *gradient; /* [rows, H] of what follows reads */
};
struct lm_activations {
    float *x, *dx; /* [rows, embedding] */
    struct lm_layer_activations layer[LM_MAX_LAYERS];
    float *y, *dy;             /* [rows, width]; y NULL: the decoder reads the top layer's `out`; dy only of a
                                  projection */
    float *logits, *d_logits;  /* [rows, items] */
    uint32_t *active, *first;  /* [steps], host, for packed_batch */
    uint32_t *sequence, *step; /* [rows], host */
    struct token_sequence *at; /* [steps], host: the rows of a step, for the loss */
    double *losses;            /* [steps], host */
    float *scales;             /* [steps], host */
};

void lm_parameters_lay_out(struct parameters *parameters, const struct lm_shape *shape)
{
    *parameters = (struct parameters){0};
    parameters_add(parameters, "encoder.weight", shape->items, shape->embedding);
    for (size_t l = 0; l < shape->layers; l++) {
        static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        const size_t columns[] = {l ? shape->hidden : shape->embedding, shape->hidden, 1, 1};
        for (size_t i = 0; i < 4; i++) {
            char name[PARAMETER_NAME];
            parameters_lstm_name(name, parts[i], l, 0);
            parameters_add(parameters, name, 4 * shape->hidden, columns[i]);
        }
    }
    if (shape->nout) {
        parameters_add(parameters, "proj.weight", shape->nout, shape->hidden);
        parameters_add(parameters, "proj.bias", shape->nout, 1);
    }
    parameters_add(parameters, "decoder.weight", shape->items, lm_shape_width(shape));
    parameters_add(parameters, "decoder.bias", shape->items, 1);
}

void lm_parameters_draw(const struct parameters *parameters, const struct lm_shape *shape, uint64_t seed, float *host)
{
    memset(host, 0, parameters->floats * sizeof *host);
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        double bound = 1 / sqrt((double)shape->hidden);
        if (!strcmp(parameter->name, "decoder.bias"))
            continue;
        if (!strcmp(parameter->name, "encoder.weight") || !strcmp(parameter->name, "decoder.weight"))
            bound = 0.1;
        else if (!strcmp(parameter->name, "proj.weight"))
            bound = sqrt(3.0 / (double)(parameter->rows + parameter->columns));
        struct philox numbers;
        philox_init(&numbers, seed, philox_stream(PHILOX_WEIGHTS, (uint32_t)i), 0);
        for (size_t k = 0; k < parameter->rows * parameter->columns; k++)
            host[parameter->offset + k] = (float)(bound * (2 * philox_float(&numbers) - 1));
    }
}

struct lm_shape lm_shape_of(const struct lm *lm)
{
    return (struct lm_shape){.items = lm->net.items,
                             .embedding = lm->embedding,
                             .hidden = lm->net.layer[0].hidden,
                             .layers = lm->net.layers,
                             .nout = lm->net.has_projection ? lm->width : 0};
}

static void put(const struct parameters *parameters, const char *name, const float *from, float *host)
{
    const struct parameter *parameter = parameters_find(parameters, name);
    memcpy(host + parameter->offset, from, parameter->rows * parameter->columns * sizeof *host);
}

static ft_status take_layers(const struct parameters *parameters, const struct lm *lm, struct weights *weights,
                             float *host, struct ft_error *error)
{
    const float *w, *b;
    for (size_t l = 0; l < lm->net.layers; l++) {
        struct unpacked_layer layer;
        ft_status status = unpack_recurrent(weights, &lm->net.layer[l], l ? NULL : &lm->input, &layer, error);
        if (status != FT_OK)
            return status;
        static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        const float *const from[] = {layer.w_ih, layer.w_hh, layer.b_ih, layer.b_hh};
        for (size_t i = 0; i < 4; i++) {
            char name[PARAMETER_NAME];
            parameters_lstm_name(name, parts[i], l, 0);
            put(parameters, name, from[i], host);
        }
    }
    if (lm->net.has_projection) {
        ft_status status = unpack_linear(weights, &lm->net.projection, &w, &b, error);
        if (status != FT_OK)
            return status;
        put(parameters, "proj.weight", w, host);
        put(parameters, "proj.bias", b, host);
    }
    ft_status status = unpack_linear(weights, &lm->decoder, &w, &b, error);
    if (status == FT_OK) {
        put(parameters, "decoder.weight", w, host);
        put(parameters, "decoder.bias", b, host);
    }
    return status;
}

ft_status lm_parameters_take(const struct parameters *parameters, const struct lm *lm, float *host,
                             struct ft_error *error)
{
    if (lm->net.layer[0].cell != CELL_LSTM)
        return ft_fail(error, FT_MODEL, "its recurrent layers are GRUs; only LSTMs are trained");
    if (!lm->has_decoder)
        return ft_fail(error, FT_MODEL, "it has no decoder, as the language models of Flair's taggers since 0.12");
    struct weights weights;
    weights_init(&weights);
    memset(host, 0, parameters->floats * sizeof *host);
    put(parameters, "encoder.weight", lm->encoder, host);
    ft_status status = take_layers(parameters, lm, &weights, host, error);
    weights_release(&weights);
    return status;
}

static float *floats_new(const struct lm_network *network, size_t count, bool *failed)
{
    float *floats = count ? network->backend->ops->new_floats(network->backend, count) : NULL;
    *failed |= count && !floats;
    return floats;
}

static bool activations_new(struct lm_network *network, bool dropout)
{
    const struct lm_shape *shape = &network->shape;
    size_t rows = network->streams * network->steps, steps = network->steps, width = lm_shape_width(shape);
    bool failed = false;
    struct lm_activations *to = calloc(1, sizeof *to);
    if (!to)
        return false;
    network->activations = to;
    to->x = floats_new(network, rows * shape->embedding, &failed);
    to->dx = floats_new(network, rows * shape->embedding, &failed);
    for (size_t l = 0; l < shape->layers; l++) {
        struct lm_layer_activations *layer = &to->layer[l];
        layer->gates = floats_new(network, rows * 4 * shape->hidden, &failed);
        layer->cells = floats_new(network, rows * shape->hidden, &failed);
        layer->out = floats_new(network, rows * shape->hidden, &failed);
        layer->gradient = floats_new(network, rows * shape->hidden, &failed);
        if (dropout && l + 1 < shape->layers)
            layer->next = floats_new(network, rows * shape->hidden, &failed);
    }
    if (dropout || shape->nout)
        to->y = floats_new(network, rows * width, &failed);
    if (shape->nout)
        to->dy = floats_new(network, rows * width, &failed);
    to->logits = floats_new(network, rows * shape->items, &failed);
    to->d_logits = floats_new(network, rows * shape->items, &failed);
    to->active = malloc(steps * sizeof *to->active);
    to->first = malloc(steps * sizeof *to->first);
    to->sequence = malloc(rows * sizeof *to->sequence);
    to->step = malloc(rows * sizeof *to->step);
    to->at = malloc(steps * sizeof *to->at);
    to->losses = malloc(steps * sizeof *to->losses);
    to->scales = malloc(steps * sizeof *to->scales);
    return !failed && to->active && to->first && to->sequence && to->step && to->at && to->losses && to->scales;
}

size_t lm_network_bytes(const struct lm_shape *shape, size_t streams, size_t steps, bool dropout)
{
    struct parameters planned;
    lm_parameters_lay_out(&planned, shape);
    size_t row = 2 * shape->embedding + shape->layers * 7 * shape->hidden + 2 * shape->items +
                 (dropout ? (shape->layers - 1) * shape->hidden : 0) +
                 (shape->nout ? 2 * shape->nout
                  : dropout   ? shape->hidden
                              : 0);
    row += shape->hidden; /* the backward pass of a layer keeps the states before each step */
    return (2 * planned.floats + streams * steps * row) * sizeof(float);
}

ft_status lm_network_init(struct lm_network *network, struct backend *backend, const struct lm_shape *shape,
                          size_t streams, size_t steps, bool dropout, struct ft_error *error)
{
    *network = (struct lm_network){.backend = backend, .shape = *shape, .streams = streams, .steps = steps};
    if (!shape->layers || shape->layers > LM_MAX_LAYERS || !shape->hidden || !shape->embedding || !shape->items)
        return ft_fail(error, FT_USAGE, "a language model has 1 to %d layers, and units in each", LM_MAX_LAYERS);
    if (!streams || !steps || streams > UINT32_MAX / steps)
        return ft_fail(error, FT_USAGE, "a batch of %zu times %zu characters is empty or too large", streams, steps);
    if (!backend->ops->training)
        return ft_fail(error, FT_NOMEM, "%s cannot train", backend->ops->name);
    lm_parameters_lay_out(&network->parameters, shape);
    bool failed = false;
    network->weights = floats_new(network, network->parameters.floats, &failed);
    network->gradients = floats_new(network, network->parameters.floats, &failed);
    if (failed || !activations_new(network, dropout)) {
        lm_network_release(network);
        return ft_nomem(error, "the network");
    }
    return FT_OK;
}

void lm_network_release(struct lm_network *network)
{
    struct backend *backend = network->backend;
    struct lm_activations *from = network->activations;
    if (!backend || !backend->ops->training)
        return;
    void (*drop)(struct backend *, float *) = backend->ops->free_floats;
    drop(backend, network->weights);
    drop(backend, network->gradients);
    if (from) {
        float *const single[] = {from->x, from->dx, from->y, from->dy, from->logits, from->d_logits};
        for (size_t i = 0; i < sizeof single / sizeof *single; i++)
            drop(backend, single[i]);
        for (size_t l = 0; l < network->shape.layers; l++) {
            struct lm_layer_activations *layer = &from->layer[l];
            float *const of_layer[] = {layer->gates, layer->cells, layer->out, layer->next, layer->gradient};
            for (size_t i = 0; i < sizeof of_layer / sizeof *of_layer; i++)
                drop(backend, of_layer[i]);
        }
        free(from->active);
        free(from->first);
        free(from->sequence);
        free(from->step);
        free(from->at);
        free(from->losses);
        free(from->scales);
        free(from);
    }
    *network = (struct lm_network){0};
}

ft_status lm_states_init(struct lm_states *states, const struct lm_network *network, struct ft_error *error)
{
    bool failed = false;
    states->floats = network->shape.layers * 2 * network->streams * network->shape.hidden;
    states->now = floats_new(network, states->floats, &failed);
    states->next = floats_new(network, states->floats, &failed);
    if (!failed)
        return FT_OK;
    lm_states_release(states, network);
    return ft_nomem(error, "the hidden states");
}

void lm_states_release(struct lm_states *states, const struct lm_network *network)
{
    if (network->backend) {
        network->backend->ops->free_floats(network->backend, states->now);
        network->backend->ops->free_floats(network->backend, states->next);
    }
    *states = (struct lm_states){0};
}

ft_status lm_states_reset(struct lm_states *states, const struct lm_network *network, struct ft_error *error)
{
    float *zeros = calloc(states->floats, sizeof *zeros);
    ft_status status = zeros
                           ? network->backend->ops->upload(network->backend, states->now, zeros, states->floats, error)
                           : ft_nomem(error, "the hidden states");
    free(zeros);
    return status;
}

static float *place(const struct lm_network *network, float *block, const char *name)
{
    return block + parameters_find(&network->parameters, name)->offset;
}

static struct linear_weights decoder_of(const struct lm_network *network, float *block)
{
    return (struct linear_weights){lm_shape_width(&network->shape), network->shape.items,
                                   place(network, block, "decoder.weight"), place(network, block, "decoder.bias")};
}

static struct linear_weights projection_of(const struct lm_network *network, float *block)
{
    return (struct linear_weights){network->shape.hidden, network->shape.nout, place(network, block, "proj.weight"),
                                   place(network, block, "proj.bias")};
}

static struct lstm_weights lstm_of(const struct lm_network *network, float *block, size_t layer)
{
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    float *at[4];
    for (size_t i = 0; i < 4; i++) {
        char name[PARAMETER_NAME];
        parameters_lstm_name(name, parts[i], layer, 0);
        at[i] = place(network, block, name);
    }
    size_t in = layer ? network->shape.hidden : network->shape.embedding;
    return (struct lstm_weights){in, network->shape.hidden, at[0], at[1], at[2], at[3]};
}

/* The streams of a batch as sequences of one length. */
static struct packed_batch packed_of(const struct lm_network *network, const struct lm_batch *batch)
{
    struct lm_activations *at = network->activations;
    for (size_t t = 0; t < batch->steps; t++) {
        at->active[t] = (uint32_t)batch->streams;
        at->first[t] = (uint32_t)(t * batch->streams);
        at->at[t] = (struct token_sequence){t * batch->streams, batch->streams};
        for (size_t s = 0; s < batch->streams; s++) {
            at->sequence[t * batch->streams + s] = (uint32_t)s;
            at->step[t * batch->streams + s] = (uint32_t)t;
        }
    }
    return (struct packed_batch){.sequences = batch->streams,
                                 .steps = batch->steps,
                                 .rows = batch->streams * batch->steps,
                                 .active = at->active,
                                 .first = at->first,
                                 .sequence = at->sequence,
                                 .step = at->step};
}

/* weights: of the layer, which the pass points to. */
static struct lstm_pass pass_of(const struct lm_network *network, size_t l, const struct lstm_weights *weights,
                                const struct lm_states *states)
{
    const struct lm_layer_activations *layer = &network->activations->layer[l];
    size_t part = network->streams * network->shape.hidden, h = 2 * l * part, c = h + part;
    return (struct lstm_pass){.weights = weights,
                              .h0 = states->now + h,
                              .c0 = states->now + c,
                              .gates = layer->gates,
                              .cells = layer->cells,
                              .out = layer->out,
                              .out_stride = network->shape.hidden,
                              .h_last = states->next + h,
                              .c_last = states->next + c};
}

static ft_status drop(const struct lm_network *network, const struct packed_batch *packed,
                      const struct lm_dropout *dropout, uint32_t site, size_t width, float *x, struct ft_error *error)
{
    if (!dropout || dropout->probability <= 0)
        return FT_OK;
    struct dropout how = {.plain = dropout->probability, .seed = dropout->seed, .step = dropout->step, .site = site};
    return network->backend->ops->training->dropout(network->backend, packed, &how, width, x, error);
}

static ft_status copy(const struct lm_network *network, const float *from, size_t count, float *to,
                      struct ft_error *error)
{
    return network->backend->ops->gather(network->backend, &from, 1, count, to, count, error);
}

static bool drops(const struct lm_dropout *dropout)
{
    return dropout && dropout->probability > 0;
}

/* Ids to logits. *read: what the decoder read. dropout NULL: none. */
static ft_status forward(struct lm_network *network, const struct packed_batch *packed, const struct lm_batch *batch,
                         const struct lm_dropout *dropout, const struct lm_states *states, const float **read,
                         struct ft_error *error)
{
    struct backend *backend = network->backend;
    const struct training_ops *ops = backend->ops->training;
    struct lm_activations *to = network->activations;
    const struct lm_shape *shape = &network->shape;
    size_t rows = packed->rows, width = lm_shape_width(shape);
    ft_status status = ops->lookup_forward(backend, place(network, network->weights, "encoder.weight"), batch->ids,
                                           rows, shape->embedding, to->x, error);
    if (status == FT_OK)
        status = drop(network, packed, dropout, SITE_INPUT, shape->embedding, to->x, error);
    const float *x = to->x;
    for (size_t l = 0; status == FT_OK && l < shape->layers; l++) {
        struct lm_layer_activations *layer = &to->layer[l];
        struct lstm_weights weights = lstm_of(network, network->weights, l);
        struct lstm_pass pass = pass_of(network, l, &weights, states);
        status = ops->lstm_forward(backend, packed, &pass, 1, x, error);
        x = layer->out;
        if (status == FT_OK && drops(dropout) && l + 1 < shape->layers) { /* the backward pass needs `out` as it is */
            status = copy(network, layer->out, rows * shape->hidden, layer->next, error);
            if (status == FT_OK)
                status =
                    drop(network, packed, dropout, (uint32_t)(SITE_BETWEEN + l), shape->hidden, layer->next, error);
            x = layer->next;
        }
    }
    if (status == FT_OK && shape->nout) {
        struct linear_weights projection = projection_of(network, network->weights);
        status = ops->linear_forward(backend, &projection, rows, x, to->y, error);
        x = to->y;
    } else if (status == FT_OK && drops(dropout)) {
        status = copy(network, x, rows * width, to->y, error);
        x = to->y;
    }
    if (status == FT_OK && x == to->y)
        status = drop(network, packed, dropout, SITE_OUTPUT, width, to->y, error);
    *read = x;
    struct linear_weights decoder = decoder_of(network, network->weights);
    return status == FT_OK ? ops->linear_forward(backend, &decoder, rows, x, to->logits, error) : status;
}

static ft_status take_loss(struct lm_network *network, const struct lm_batch *batch, bool gradients, double *loss,
                           struct ft_error *error)
{
    struct lm_activations *at = network->activations;
    size_t rows = batch->streams * batch->steps;
    for (size_t t = 0; t < batch->steps; t++)
        at->scales[t] = (float)(1.0 / (double)rows);
    ft_status status = network->backend->ops->training->softmax_loss(
        network->backend, network->shape.items, at->at, batch->steps, at->logits, batch->targets, NULL, at->scales,
        at->losses, gradients ? at->d_logits : NULL, error);
    *loss = 0;
    for (size_t t = 0; status == FT_OK && t < batch->steps; t++)
        *loss += at->losses[t] / (double)rows;
    return status;
}

static ft_status backward(struct lm_network *network, const struct packed_batch *packed, const struct lm_batch *batch,
                          const struct lm_dropout *dropout, const struct lm_states *states, const float *read,
                          struct ft_error *error)
{
    struct backend *backend = network->backend;
    const struct training_ops *ops = backend->ops->training;
    struct lm_activations *at = network->activations;
    const struct lm_shape *shape = &network->shape;
    size_t rows = packed->rows, last = shape->layers - 1;
    struct linear_weights decoder = decoder_of(network, network->weights);
    struct linear_weights d_decoder = decoder_of(network, network->gradients);
    float *dy = shape->nout ? at->dy : at->layer[last].gradient;
    ft_status status = ops->linear_backward(backend, &decoder, rows, read, at->d_logits, dy, &d_decoder, error);
    if (status == FT_OK)
        status = drop(network, packed, dropout, SITE_OUTPUT, lm_shape_width(shape), dy, error);
    if (status == FT_OK && shape->nout) {
        struct linear_weights projection = projection_of(network, network->weights);
        struct linear_weights gradients = projection_of(network, network->gradients);
        status = ops->linear_backward(backend, &projection, rows, at->layer[last].out, dy, at->layer[last].gradient,
                                      &gradients, error);
    }
    for (size_t l = shape->layers; status == FT_OK && l-- > 0;) {
        struct lstm_weights weights = lstm_of(network, network->weights, l);
        struct lstm_weights gradients = lstm_of(network, network->gradients, l);
        struct lstm_pass pass = pass_of(network, l, &weights, states);
        const float *x = !l ? at->x : drops(dropout) ? at->layer[l - 1].next : at->layer[l - 1].out;
        float *dx = l ? at->layer[l - 1].gradient : at->dx;
        status = ops->lstm_backward(backend, packed, &pass, 1, x, at->layer[l].gradient, dx, &gradients, error);
        if (status == FT_OK)
            status = drop(network, packed, dropout, l ? (uint32_t)(SITE_BETWEEN + l - 1) : SITE_INPUT,
                          l ? shape->hidden : shape->embedding, dx, error);
    }
    if (status == FT_OK)
        status = ops->lookup_backward(backend, batch->ids, rows, at->dx, shape->items, shape->embedding,
                                      place(network, network->gradients, "encoder.weight"), error);
    return status;
}

static void move_on(struct lm_states *states)
{
    float *now = states->now;
    states->now = states->next;
    states->next = now;
}

static ft_status check(const struct lm_network *network, const struct lm_batch *batch, const struct lm_dropout *dropout,
                       struct ft_error *error)
{
    if (batch->streams != network->streams || !batch->steps || batch->steps > network->steps)
        return ft_fail(error, FT_USAGE, "a batch of %zu times %zu characters is not what the network was made for",
                       batch->streams, batch->steps);
    const struct lm_activations *at = network->activations;
    if (drops(dropout) && (!at->y || (network->shape.layers > 1 && !at->layer[0].next)))
        return ft_fail(error, FT_USAGE, "the network was made without dropout");
    return FT_OK;
}

ft_status lm_network_train(struct lm_network *network, const struct lm_batch *batch, const struct lm_dropout *dropout,
                           struct lm_states *states, double *loss, struct ft_error *error)
{
    const float *read = NULL;
    ft_status status = check(network, batch, dropout, error);
    if (status != FT_OK)
        return status;
    struct packed_batch packed = packed_of(network, batch);
    status = forward(network, &packed, batch, dropout, states, &read, error);
    if (status == FT_OK)
        status = take_loss(network, batch, true, loss, error);
    if (status == FT_OK)
        status = backward(network, &packed, batch, dropout, states, read, error);
    if (status == FT_OK)
        move_on(states);
    return status;
}

ft_status lm_network_evaluate(struct lm_network *network, const struct lm_batch *batch, struct lm_states *states,
                              double *loss, struct ft_error *error)
{
    const float *read = NULL;
    ft_status status = check(network, batch, NULL, error);
    if (status != FT_OK)
        return status;
    struct packed_batch packed = packed_of(network, batch);
    status = forward(network, &packed, batch, NULL, states, &read, error);
    if (status == FT_OK)
        status = take_loss(network, batch, false, loss, error);
    if (status == FT_OK)
        move_on(states);
    return status;
}
