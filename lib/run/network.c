/* network.c - see network.h. */
#include "run/network.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The network's dropouts: on token vectors, on what the linear layer reads, between layers l and l + 1. */
enum { SITE_INPUT, SITE_FEATURES, SITE_BETWEEN };

/* Rows are packed unless said otherwise; everything is the device's. */
struct layer_activations {
    float *gates[2]; /* [rows, 4H] */
    float *cells[2]; /* [rows, H] */
    float *out;      /* [rows, 2H] */
    float *gradient; /* [rows, 2H] of `next` */
    float *next;     /* [rows, 2H] what follows reads: `out` with its dropouts */
};
struct activations {
    float *x;                      /* [rows, width] */
    float *reprojected, *gradient; /* [rows, reprojection] */
    struct layer_activations layer[BIRNN_LAYERS];
    float *features, *d_features;  /* [rows, width of what the linear layer reads] without a BiLSTM */
    float *packed, *emissions;     /* [rows, K]: packed, and sentence by sentence */
    float *d_packed, *d_emissions; /* likewise */
    const float **pointers;        /* [rows], host */
    double *losses;                /* [sequences], host */
    float *scales;                 /* [sequences], host */
};

static float *floats_new(const struct network *network, size_t count, bool *failed)
{
    float *floats = count ? network->backend->ops->new_floats(network->backend, count) : NULL;
    *failed |= count && !floats;
    return floats;
}

static bool activations_new(struct network *network)
{
    const struct network_shape *shape = &network->shape;
    size_t rows = network->max_rows, hidden = shape->hidden;
    bool failed = false;
    struct activations *to = calloc(1, sizeof *to);
    if (!to)
        return false;
    network->activations = to;
    to->x = floats_new(network, rows * shape->width, &failed);
    to->reprojected = floats_new(network, rows * shape->reprojection, &failed);
    to->gradient = floats_new(network, rows * shape->reprojection, &failed);
    for (size_t l = 0; l < shape->layers; l++) {
        struct layer_activations *layer = &to->layer[l];
        for (int d = 0; d < 2; d++) {
            layer->gates[d] = floats_new(network, rows * 4 * hidden, &failed);
            layer->cells[d] = floats_new(network, rows * hidden, &failed);
        }
        layer->out = floats_new(network, rows * 2 * hidden, &failed);
        layer->gradient = floats_new(network, rows * 2 * hidden, &failed);
        layer->next = floats_new(network, rows * 2 * hidden, &failed);
    }
    if (!shape->layers) {
        to->features = floats_new(network, rows * network_feature_width(shape), &failed);
        to->d_features = floats_new(network, rows * network_feature_width(shape), &failed);
    }
    to->packed = floats_new(network, rows * shape->tags, &failed);
    to->emissions = floats_new(network, rows * shape->tags, &failed);
    to->d_packed = floats_new(network, rows * shape->tags, &failed);
    to->d_emissions = floats_new(network, rows * shape->tags, &failed);
    to->pointers = malloc(rows * sizeof *to->pointers);
    to->losses = malloc(network->max_sequences * sizeof *to->losses);
    to->scales = malloc(network->max_sequences * sizeof *to->scales);
    return !failed && to->pointers && to->losses && to->scales;
}

size_t network_bytes(const struct network_shape *shape, size_t max_rows)
{
    struct parameters planned;
    parameters_lay_out(&planned, shape);
    size_t widest = shape->width > 2 * shape->hidden ? shape->width : 2 * shape->hidden; /* transposed beside, once */
    size_t row = widest + shape->width + 2 * shape->reprojection + 4 * shape->tags +
                 (shape->layers ? shape->layers * 16 * shape->hidden : 2 * network_feature_width(shape));
    return (2 * planned.floats + max_rows * row) * sizeof(float);
}

ft_status network_init(struct network *network, struct backend *backend, const struct network_shape *shape,
                       size_t max_rows, size_t max_sequences, struct ft_error *error)
{
    *network =
        (struct network){.backend = backend, .shape = *shape, .max_rows = max_rows, .max_sequences = max_sequences};
    if (shape->layers > BIRNN_LAYERS)
        return ft_fail(error, FT_USAGE, "a BiLSTM has at most %d layers", BIRNN_LAYERS);
    if (!backend->ops->training)
        return ft_fail(error, FT_NOMEM, "%s cannot train", backend->ops->name);
    parameters_lay_out(&network->parameters, shape);
    bool failed = false;
    network->weights = floats_new(network, network->parameters.floats, &failed);
    network->gradients = floats_new(network, network->parameters.floats, &failed);
    if (failed || !activations_new(network)) {
        network_release(network);
        return ft_nomem(error, "the network");
    }
    return FT_OK;
}

void network_release(struct network *network)
{
    struct backend *backend = network->backend;
    struct activations *from = network->activations;
    if (!backend || !backend->ops->training)
        return;
    void (*drop)(struct backend *, float *) = backend->ops->free_floats;
    drop(backend, network->weights);
    drop(backend, network->gradients);
    if (from) {
        float *const single[] = {from->x,      from->reprojected, from->gradient, from->features,   from->d_features,
                                 from->packed, from->emissions,   from->d_packed, from->d_emissions};
        for (size_t i = 0; i < sizeof single / sizeof *single; i++)
            drop(backend, single[i]);
        for (size_t l = 0; l < network->shape.layers; l++) {
            struct layer_activations *layer = &from->layer[l];
            float *const of_layer[] = {layer->gates[0], layer->gates[1], layer->cells[0], layer->cells[1],
                                       layer->out,      layer->gradient, layer->next};
            for (size_t i = 0; i < sizeof of_layer / sizeof *of_layer; i++)
                drop(backend, of_layer[i]);
        }
        free(from->pointers);
        free(from->losses);
        free(from->scales);
        free(from);
    }
    *network = (struct network){0};
}

/* Where parameter `name` lies in a block of all of them. */
static float *place(const struct network *network, float *block, const char *name)
{
    const struct parameter *parameter = parameters_find(&network->parameters, name);
    return parameter ? block + parameter->offset : NULL;
}

static struct linear_weights linear_of(const struct network *network, float *block, const char *name, size_t in,
                                       size_t out)
{
    char weight[PARAMETER_NAME], bias[PARAMETER_NAME];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    return (struct linear_weights){in, out, place(network, block, weight), place(network, block, bias)};
}

static struct linear_weights reprojection_of(const struct network *network, float *block)
{
    return linear_of(network, block, "embedding2nn", network->shape.width, network->shape.reprojection);
}

static struct linear_weights output_of(const struct network *network, float *block)
{
    return linear_of(network, block, "linear", network_feature_width(&network->shape), network->shape.tags);
}

static struct lstm_weights lstm_of(const struct network *network, float *block, size_t layer, int direction)
{
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    float *at[4];
    for (size_t i = 0; i < 4; i++) {
        char name[PARAMETER_NAME];
        parameters_lstm_name(name, parts[i], layer, direction);
        at[i] = place(network, block, name);
    }
    size_t in = layer ? 2 * network->shape.hidden : network_rnn_input(&network->shape);
    return (struct lstm_weights){in, network->shape.hidden, at[0], at[1], at[2], at[3]};
}

/* to[i] = from[index[i]], rows of `width`; index NULL: a copy. */
static ft_status move_rows(struct network *network, const float *from, const uint32_t *index, size_t rows, size_t width,
                           float *to, struct ft_error *error)
{
    const float **pointers = network->activations->pointers;
    for (size_t i = 0; i < rows; i++)
        pointers[i] = from + (index ? index[i] : i) * width;
    return network->backend->ops->gather(network->backend, pointers, rows, width, to, width, error);
}

static ft_status drop(struct network *network, const struct packed_batch *batch, const struct network_step *step,
                      uint32_t site, size_t width, float *x, struct ft_error *error)
{
    struct dropout dropout = {.seed = step->seed, .step = step->step, .site = site};
    if (site >= SITE_BETWEEN) {
        dropout.plain = step->dropout->between;
    } else {
        dropout.plain = step->dropout->plain;
        dropout.locked = step->dropout->locked;
        dropout.word = site == SITE_INPUT ? step->dropout->word : 0;
    }
    if (dropout.plain <= 0 && dropout.locked <= 0 && dropout.word <= 0)
        return FT_OK;
    return network->backend->ops->training->dropout(network->backend, batch, &dropout, width, x, error);
}

static void layer_passes(const struct network *network, size_t l, const struct lstm_weights weights[2],
                         struct lstm_pass passes[2])
{
    const struct layer_activations *layer = &network->activations->layer[l];
    size_t hidden = network->shape.hidden;
    for (int d = 0; d < 2; d++)
        passes[d] = (struct lstm_pass){.weights = &weights[d],
                                       .reverse = d == 1,
                                       .gates = layer->gates[d],
                                       .cells = layer->cells[d],
                                       .out = layer->out + (size_t)d * hidden,
                                       .out_stride = 2 * hidden};
}

/* Token vectors to emissions, sentence by sentence. step NULL: no dropout. *features: what the linear layer read. */
static ft_status forward(struct network *network, const struct network_batch *batch, const struct network_step *step,
                         float **features, struct ft_error *error)
{
    struct backend *backend = network->backend;
    const struct training_ops *ops = backend->ops->training;
    struct activations *to = network->activations;
    const struct packed_batch *packed = &batch->packing->batch;
    const struct network_shape *shape = &network->shape;
    size_t rows = packed->rows;
    ft_status status = batch->x ? backend->ops->upload(backend, to->x, batch->x, rows * shape->width, error) : FT_OK;
    if (status == FT_OK && step)
        status = drop(network, packed, step, SITE_INPUT, shape->width, to->x, error);
    float *x = to->x;
    if (status == FT_OK && shape->reprojection) {
        struct linear_weights reprojection = reprojection_of(network, network->weights);
        status = ops->linear_forward(backend, &reprojection, rows, x, to->reprojected, error);
        x = to->reprojected;
    }
    for (size_t l = 0; status == FT_OK && l < shape->layers; l++) {
        struct layer_activations *layer = &to->layer[l];
        struct lstm_weights weights[2] = {lstm_of(network, network->weights, l, 0),
                                          lstm_of(network, network->weights, l, 1)};
        struct lstm_pass passes[2];
        layer_passes(network, l, weights, passes);
        status = ops->lstm_forward(backend, packed, passes, 2, x, error);
        x = layer->out;
        if (status == FT_OK && step) { /* the backward pass needs `out` as it is */
            bool last = l + 1 == shape->layers;
            status = move_rows(network, layer->out, NULL, rows, 2 * shape->hidden, layer->next, error);
            if (status == FT_OK)
                status = drop(network, packed, step, last ? SITE_FEATURES : (uint32_t)(SITE_BETWEEN + l),
                              2 * shape->hidden, layer->next, error);
            x = layer->next;
        }
    }
    if (status == FT_OK && !shape->layers && step) {
        status = move_rows(network, x, NULL, rows, network_feature_width(shape), to->features, error);
        if (status == FT_OK)
            status = drop(network, packed, step, SITE_FEATURES, network_feature_width(shape), to->features, error);
        x = to->features;
    }
    *features = x;
    if (status == FT_OK) {
        struct linear_weights linear = output_of(network, network->weights);
        status = ops->linear_forward(backend, &linear, rows, x, to->packed, error);
    }
    if (status == FT_OK)
        status = move_rows(network, to->packed, batch->packing->row, rows, shape->tags, to->emissions, error);
    return status;
}

static struct crf crf_of(const struct network *network, float *block)
{
    const struct network_shape *shape = &network->shape;
    return (struct crf){.tags = shape->tags,
                        .start = shape->start,
                        .stop = shape->stop,
                        .transitions = shape->crf ? place(network, block, "transitions") : NULL,
                        .mask_ends = shape->mask_ends};
}

/* The loss of the emissions that forward left; gradients of emissions and transitions where they are wanted. */
static ft_status take_loss(struct network *network, const struct network_batch *batch, enum loss_reduction reduction,
                           bool gradients, double *loss, struct ft_error *error)
{
    struct backend *backend = network->backend;
    const struct training_ops *ops = backend->ops->training;
    struct activations *at = network->activations;
    const struct token_sequence *sentences = batch->packing->sentences;
    size_t count = batch->packing->batch.sequences;
    double part = reduction == LOSS_MEAN ? 1.0 / (double)count : 1.0;
    float *d_emissions = gradients ? at->d_emissions : NULL;
    ft_status status;
    if (network->shape.crf) {
        struct crf crf = crf_of(network, network->weights);
        float *d_transitions = gradients ? place(network, network->gradients, "transitions") : NULL;
        status = ops->crf_loss(backend, &crf, sentences, count, at->emissions, batch->gold, batch->choices, (float)part,
                               at->losses, d_emissions, d_transitions, error);
    } else {
        for (size_t s = 0; s < count; s++)
            at->scales[s] = (float)(reduction == LOSS_MEAN ? part / (double)sentences[s].count : part);
        status = ops->softmax_loss(backend, network->shape.tags, sentences, count, at->emissions, batch->gold,
                                   batch->choices, at->scales, at->losses, d_emissions, error);
    }
    *loss = 0;
    for (size_t s = 0; status == FT_OK && s < count; s++)
        *loss += network->shape.crf || reduction == LOSS_SUM ? at->losses[s] * part
                                                             : at->losses[s] * part / (double)sentences[s].count;
    return status;
}

static ft_status backward(struct network *network, const struct network_batch *batch, const struct network_step *step,
                          const float *features, struct ft_error *error)
{
    struct backend *backend = network->backend;
    const struct training_ops *ops = backend->ops->training;
    struct activations *at = network->activations;
    const struct packed_batch *packed = &batch->packing->batch;
    const struct network_shape *shape = &network->shape;
    size_t rows = packed->rows, last = shape->layers ? shape->layers - 1 : 0;
    float *d_features = shape->layers ? at->layer[last].gradient : at->d_features;
    struct linear_weights linear = output_of(network, network->weights);
    struct linear_weights d_linear = output_of(network, network->gradients);
    ft_status status =
        move_rows(network, at->d_emissions, batch->packing->token, rows, shape->tags, at->d_packed, error);
    if (status == FT_OK)
        status = ops->linear_backward(backend, &linear, rows, features, at->d_packed, d_features, &d_linear, error);
    if (status == FT_OK)
        status = drop(network, packed, step, SITE_FEATURES, network_feature_width(shape), d_features, error);
    for (size_t l = shape->layers; status == FT_OK && l-- > 0;) {
        struct lstm_weights weights[2] = {lstm_of(network, network->weights, l, 0),
                                          lstm_of(network, network->weights, l, 1)};
        struct lstm_weights gradients[2] = {lstm_of(network, network->gradients, l, 0),
                                            lstm_of(network, network->gradients, l, 1)};
        struct lstm_pass passes[2];
        layer_passes(network, l, weights, passes);
        const float *x = l ? at->layer[l - 1].next : shape->reprojection ? at->reprojected : at->x;
        float *dx = l ? at->layer[l - 1].gradient : at->gradient; /* NULL: nothing is trained below */
        status = ops->lstm_backward(backend, packed, passes, 2, x, at->layer[l].gradient, dx, gradients, error);
        if (status == FT_OK && l)
            status = drop(network, packed, step, (uint32_t)(SITE_BETWEEN + l - 1), 2 * shape->hidden, dx, error);
    }
    if (status == FT_OK && shape->reprojection) {
        struct linear_weights reprojection = reprojection_of(network, network->weights);
        struct linear_weights gradients = reprojection_of(network, network->gradients);
        const float *dy = shape->layers ? at->gradient : d_features;
        status = ops->linear_backward(backend, &reprojection, rows, at->x, dy, NULL, &gradients, error);
    }
    return status;
}

float *network_input(const struct network *network)
{
    return network->activations->x;
}

static ft_status check(const struct network *network, const struct network_batch *batch, struct ft_error *error)
{
    if (batch->packing->batch.rows > network->max_rows || batch->packing->batch.sequences > network->max_sequences)
        return ft_fail(error, FT_USAGE, "a batch of %zu tokens is larger than the network was made for",
                       batch->packing->batch.rows);
    return FT_OK;
}

ft_status network_train(struct network *network, const struct network_batch *batch, const struct network_step *step,
                        enum loss_reduction reduction, double *loss, struct ft_error *error)
{
    float *features = NULL;
    double start = clock_seconds(), forward_done, loss_done;
    ft_status status = check(network, batch, error);
    if (status == FT_OK)
        status = forward(network, batch, step, &features, error);
    forward_done = clock_seconds();
    if (status == FT_OK)
        status = take_loss(network, batch, reduction, true, loss, error);
    loss_done = clock_seconds();
    if (status == FT_OK)
        status = backward(network, batch, step, features, error);
    network->seconds.forward += forward_done - start;
    network->seconds.loss += loss_done - forward_done;
    network->seconds.backward += clock_seconds() - loss_done;
    return status;
}

ft_status network_evaluate(struct network *network, const struct network_batch *batch, enum loss_reduction reduction,
                           double *loss, uint32_t *tags, struct ft_error *error)
{
    float *features = NULL;
    ft_status status = check(network, batch, error);
    if (status == FT_OK)
        status = forward(network, batch, NULL, &features, error);
    if (status == FT_OK && loss)
        status = take_loss(network, batch, reduction, false, loss, error);
    if (status == FT_OK) {
        struct crf crf = crf_of(network, network->weights);
        status = network->backend->ops->decode(network->backend, &crf, batch->packing->sentences,
                                               batch->packing->batch.sequences, network->activations->emissions, tags,
                                               NULL, error);
    }
    return status;
}
