/* cudnn_forward.c - the forward pass of the drop-in cuDNN's RNNs, and what it keeps for the backward pass.
 *
 *   LSTM  i, f, o = sigmoid(W x + b_W + R h + b_R), g = tanh(the same);  c' = f c + i g;  h' = o tanh(c')
 *   GRU   r, z = sigmoid(W x + b_W + R h + b_R);  n = tanh(W x + b_W + r (R h + b_R));  h' = (1 - z) n + z h
 *
 * cuDNN numbers the gates i f g o and r z n (linLayerID; NVIDIA, cuDNN documentation, cudnnRNNMode_t). */
#include "cudnn_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t rows_of(const struct rnn_shape *shape)
{
    return shape->steps * shape->batch;
}

size_t rnn_state_floats(const struct rnn_shape *shape)
{
    return rows_of(shape) * shape->layers * shape->directions * shape->hidden * (shape->gates + 2);
}

struct rnn_state rnn_state_of(const struct rnn_shape *shape, float *memory)
{
    size_t states = rows_of(shape) * shape->layers * shape->directions * shape->hidden;
    return (struct rnn_state){memory, memory + states * shape->gates, memory + states * (shape->gates + 1)};
}

float *rnn_gates(const struct rnn_shape *shape, const struct rnn_state *state, size_t pseudo_layer)
{
    return state->gates + pseudo_layer * rows_of(shape) * shape->gates * shape->hidden;
}

float *rnn_extra(const struct rnn_shape *shape, const struct rnn_state *state, size_t pseudo_layer)
{
    return state->extra + pseudo_layer * rows_of(shape) * shape->hidden;
}

float *rnn_outputs(const struct rnn_shape *shape, const struct rnn_state *state, size_t layer)
{
    return state->outputs + layer * rows_of(shape) * shape->directions * shape->hidden;
}

size_t rnn_active(const struct rnn_shape *shape, const int *lengths, size_t step, size_t *active)
{
    size_t count = 0;
    for (size_t b = 0; b < shape->batch; b++)
        if ((size_t)lengths[b] > step)
            active[count++] = b;
    return count;
}

static float sigmoid(float x)
{
    return (float)(1 / (1 + exp(-(double)x)));
}

/* One sequence's step. gates: in, the pre-activations but for the state's share of a GRU's new gate, which is *extra;
 * out, as struct rnn_state has them. */
static void cell_step(const struct rnn_shape *shape, float *gates, float *extra, float *h, float *c)
{
    size_t hidden = shape->hidden;
    for (size_t u = 0; u < hidden; u++) {
        float *first = gates + u, *second = first + hidden, *third = second + hidden;
        *first = sigmoid(*first);
        *second = sigmoid(*second);
        if (shape->gru) {
            *third = tanhf(*third + *first * extra[u]);
            h[u] = (1 - *second) * *third + *second * h[u];
            continue;
        }
        float *fourth = third + hidden;
        *third = tanhf(*third);
        *fourth = sigmoid(*fourth);
        c[u] = *second * c[u] + *first * *third;
        extra[u] = c[u];
        h[u] = *fourth * tanhf(c[u]);
    }
}

/* What one direction of a layer works with. */
struct direction {
    const struct rnn_shape *shape;
    const float *weights;
    size_t pseudo_layer;
    float *gates, *extra;
    float *h, *c;     /* [batch, H] */
    float *h_active;  /* [batch, H] */
    float *recurrent; /* [batch, gates * H] */
    size_t *active;   /* [batch] */
};

static const float *bias_of(const struct direction *d, size_t id)
{
    struct rnn_parameter bias = rnn_bias(d->shape, d->pseudo_layer, id);
    return bias.rows ? d->weights + bias.offset : NULL;
}

/* to[row, gate's H] = from[row] W(gate)^T for the matrices id, id + 1, ... of all gates. */
static bool multiply_gates(const struct direction *d, size_t id, size_t rows, const float *from, size_t width,
                           float *to)
{
    const struct rnn_shape *shape = d->shape;
    bool done = true;
    for (size_t q = 0; done && q < shape->gates; q++) {
        struct rnn_parameter w = rnn_matrix(shape, d->pseudo_layer, id + q);
        done = product(
            rows, shape->hidden, width, 1, (struct product_matrix){(float *)(uintptr_t)from, width, 1, false},
            (struct product_matrix){(float *)(uintptr_t)(d->weights + w.offset), 1, w.columns, false}, 0,
            (struct product_matrix){to + q * shape->hidden, shape->gates * shape->hidden, 1, false}, shape->rounding);
    }
    return done;
}

/* Biases and the state's share, where they belong. */
static void add_shares(const struct direction *d, float *gates, float *extra, const float *recurrent)
{
    const struct rnn_shape *shape = d->shape;
    for (size_t q = 0; q < shape->gates; q++) {
        const float *input = bias_of(d, q), *state = bias_of(d, shape->gates + q);
        bool apart = shape->gru && q == 2;
        for (size_t u = 0; u < shape->hidden; u++) {
            float share = recurrent[q * shape->hidden + u] + (state ? state[u] : 0);
            gates[q * shape->hidden + u] += (input ? input[u] : 0) + (apart ? 0 : share);
            if (apart)
                extra[u] = share;
        }
    }
}

static bool direction_step(const struct direction *d, const int *lengths, size_t step, float *out, size_t out_stride)
{
    const struct rnn_shape *shape = d->shape;
    size_t hidden = shape->hidden, width = shape->gates * hidden, count = rnn_active(shape, lengths, step, d->active);
    for (size_t i = 0; i < count; i++)
        memcpy(d->h_active + i * hidden, d->h + d->active[i] * hidden, hidden * sizeof(float));
    if (!multiply_gates(d, shape->gates, count, d->h_active, hidden, d->recurrent))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t b = d->active[i], row = step * shape->batch + b;
        float *gates = d->gates + row * width, *extra = d->extra + row * hidden;
        add_shares(d, gates, extra, d->recurrent + i * width);
        cell_step(shape, gates, extra, d->h + b * hidden, d->c + b * hidden);
        memcpy(out + row * out_stride, d->h + b * hidden, hidden * sizeof(float));
    }
    return true;
}

static void copy_states(float *to, const float *from, size_t count)
{
    if (from)
        memcpy(to, from, count * sizeof *to);
    else
        memset(to, 0, count * sizeof *to);
}

static bool direction_forward(struct direction *d, const int *lengths, const float *x, size_t layer,
                              struct rnn_ends initial, struct rnn_ends final, struct rnn_state *state)
{
    const struct rnn_shape *shape = d->shape;
    size_t states = shape->batch * shape->hidden, at = d->pseudo_layer * states,
           second = d->pseudo_layer % shape->directions, stride = shape->directions * shape->hidden;
    float *out = rnn_outputs(shape, state, layer) + second * shape->hidden;
    d->gates = rnn_gates(shape, state, d->pseudo_layer);
    d->extra = rnn_extra(shape, state, d->pseudo_layer);
    copy_states(d->h, initial.h ? initial.h + at : NULL, states);
    copy_states(d->c, initial.c ? initial.c + at : NULL, states);
    if (!multiply_gates(d, 0, rows_of(shape), x, rnn_layer_input(shape, layer), d->gates))
        return false;
    for (size_t s = 0; s < shape->steps; s++)
        if (!direction_step(d, lengths, second ? shape->steps - 1 - s : s, out, stride))
            return false;
    if (final.h)
        memcpy(final.h + at, d->h, states * sizeof(float));
    if (final.c)
        memcpy(final.c + at, d->c, states * sizeof(float));
    return true;
}

bool rnn_forward(const struct rnn_shape *shape, const int *lengths, const float *weights, const float *x,
                 struct rnn_ends initial, struct rnn_ends final, struct rnn_state *state)
{
    size_t states = shape->batch * shape->hidden;
    struct direction d = {.shape = shape, .weights = weights};
    float *memory = calloc((3 + shape->gates) * states, sizeof *memory);
    d.active = calloc(shape->batch, sizeof *d.active);
    bool done = memory && d.active;
    d.h = memory;
    memset(state->gates, 0, rnn_state_floats(shape) * sizeof(float));
    for (size_t layer = 0; done && layer < shape->layers; layer++)
        for (size_t second = 0; done && second < shape->directions; second++) {
            d.c = d.h + states;
            d.h_active = d.c + states;
            d.recurrent = d.h_active + states;
            d.pseudo_layer = layer * shape->directions + second;
            done = direction_forward(&d, lengths, layer ? rnn_outputs(shape, state, layer - 1) : x, layer, initial,
                                     final, state);
        }
    free(memory);
    free(d.active);
    return done;
}
