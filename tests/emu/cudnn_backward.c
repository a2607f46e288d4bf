/* cudnn_backward.c - the backward passes of the drop-in cuDNN's RNNs: the derivatives of what cudnn_forward.c computes,
 * by back-propagation through time (Werbos 1990). BackwardData leaves the gates' gradients in the reserve space, from
 * which BackwardWeights makes those of the parameters. */
#include "cudnn_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One direction of a layer. */
struct direction {
    const struct rnn_shape *shape;
    const int *lengths;
    size_t pseudo_layer, layer, second;
    float *gates, *extra;
    const float *out;                   /* first float of this direction's part of the layer's outputs */
    const float *initial_h, *initial_c; /* [batch, H] or NULL */
};

static struct direction direction_of(const struct rnn_shape *shape, const int *lengths, const struct rnn_state *state,
                                     size_t pseudo_layer, struct rnn_ends initial)
{
    size_t layer = pseudo_layer / shape->directions, second = pseudo_layer % shape->directions,
           at = pseudo_layer * shape->batch * shape->hidden;
    return (struct direction){shape,
                              lengths,
                              pseudo_layer,
                              layer,
                              second,
                              rnn_gates(shape, state, pseudo_layer),
                              rnn_extra(shape, state, pseudo_layer),
                              rnn_outputs(shape, state, layer) + second * shape->hidden,
                              initial.h ? initial.h + at : NULL,
                              initial.c ? initial.c + at : NULL};
}

/* The row of the step that a sequence's step `step` follows; false at its first one. */
static bool row_before(const struct direction *d, size_t step, size_t b, size_t *row)
{
    bool first = d->second ? step + 1 == (size_t)d->lengths[b] : step == 0;
    *row = first ? 0 : (d->second ? step + 1 : step - 1) * d->shape->batch + b;
    return !first;
}

/* The state before a step, or NULL for zero. */
static const float *h_before(const struct direction *d, size_t step, size_t b)
{
    size_t row;
    if (row_before(d, step, b, &row))
        return d->out + row * d->shape->directions * d->shape->hidden;
    return d->initial_h ? d->initial_h + b * d->shape->hidden : NULL;
}

static const float *c_before(const struct direction *d, size_t step, size_t b)
{
    size_t row;
    if (row_before(d, step, b, &row))
        return d->extra + row * d->shape->hidden;
    return d->initial_c ? d->initial_c + b * d->shape->hidden : NULL;
}

/* dh: in, the gradient of the state after the step. gates: the activations become the gradients before them; dc: of the
 * cells after the step becomes that before it. */
static void lstm_cell(size_t hidden, float *gates, const float *c, const float *c_last, const float *dh, float *dc)
{
    for (size_t u = 0; u < hidden; u++) {
        float *i = gates + u, *f = i + hidden, *g = f + hidden, *o = g + hidden, bounded = tanhf(c[u]),
              d = dc[u] + dh[u] * *o * (1 - bounded * bounded), i_now = *i, f_now = *f;
        *o = dh[u] * bounded * *o * (1 - *o);
        *i = d * *g * i_now * (1 - i_now);
        *f = d * (c_last ? c_last[u] : 0) * f_now * (1 - f_now);
        *g = d * i_now * (1 - *g * *g);
        dc[u] = d * f_now;
    }
}

/* dh: becomes what reaches the state before directly. extra: the state's share of n becomes its gradient. */
static void gru_cell(size_t hidden, float *gates, float *extra, const float *h_last, float *dh)
{
    for (size_t u = 0; u < hidden; u++) {
        float *r = gates + u, *z = r + hidden, *n = z + hidden, r_now = *r, z_now = *z, n_now = *n,
              d = dh[u] * (1 - z_now) * (1 - n_now * n_now);
        *n = d;
        *z = dh[u] * ((h_last ? h_last[u] : 0) - n_now) * z_now * (1 - z_now);
        *r = d * extra[u] * r_now * (1 - r_now);
        extra[u] = d * r_now;
        dh[u] *= z_now;
    }
}

/* Memory of a pass over one direction. */
struct scratch {
    float *dh, *dc;   /* [batch, H] */
    float *gradients; /* [batch, H], of one gate of the active sequences */
    float *reached;   /* [batch, H], what they give the state before */
    size_t *active;   /* [batch] */
};

/* What a gate's pre-activation has as gradient on the side of the state. */
static const float *state_side(const struct direction *d, size_t gate, size_t row)
{
    size_t hidden = d->shape->hidden;
    return d->shape->gru && gate == 2 ? d->extra + row * hidden : d->gates + (row * d->shape->gates + gate) * hidden;
}

static bool step_back(const struct direction *d, const float *weights, const float *dy, size_t step,
                      const struct scratch *s)
{
    const struct rnn_shape *shape = d->shape;
    size_t hidden = shape->hidden, count = rnn_active(shape, d->lengths, step, s->active);
    for (size_t i = 0; i < count; i++) {
        size_t b = s->active[i], row = step * shape->batch + b;
        const float *dy_row = dy + row * shape->directions * hidden + d->second * hidden;
        float *dh = s->dh + b * hidden, *gates = d->gates + row * shape->gates * hidden,
              *extra = d->extra + row * hidden;
        for (size_t u = 0; u < hidden; u++)
            dh[u] += dy_row[u];
        if (shape->gru)
            gru_cell(hidden, gates, extra, h_before(d, step, b), dh);
        else
            lstm_cell(hidden, gates, extra, c_before(d, step, b), dh, s->dc + b * hidden);
    }
    for (size_t q = 0; q < shape->gates; q++) {
        struct rnn_parameter r = rnn_matrix(shape, d->pseudo_layer, shape->gates + q);
        for (size_t i = 0; i < count; i++)
            memcpy(s->gradients + i * hidden, state_side(d, q, step * shape->batch + s->active[i]),
                   hidden * sizeof(float));
        if (!product(count, hidden, hidden, 1, (struct product_matrix){s->gradients, hidden, 1, false},
                     (struct product_matrix){(float *)(uintptr_t)(weights + r.offset), r.columns, 1, false},
                     q == 0 ? 0 : 1, (struct product_matrix){s->reached, hidden, 1, false}, shape->rounding))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t u = 0; u < hidden; u++) {
            float *dh = s->dh + s->active[i] * hidden + u;
            *dh = (shape->gru ? *dh : 0) + s->reached[i * hidden + u];
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

/* dx: [rows, the layer's input], the first direction's overwrites, the second's is added. */
static bool direction_back(const struct direction *d, const float *weights, const float *dy, struct rnn_ends d_final,
                           struct rnn_ends d_initial, float *dx, const struct scratch *s)
{
    const struct rnn_shape *shape = d->shape;
    size_t states = shape->batch * shape->hidden, at = d->pseudo_layer * states,
           width = rnn_layer_input(shape, d->layer);
    copy_states(s->dh, d_final.h ? d_final.h + at : NULL, states);
    copy_states(s->dc, d_final.c ? d_final.c + at : NULL, states);
    for (size_t k = 0; k < shape->steps; k++)
        if (!step_back(d, weights, dy, d->second ? k : shape->steps - 1 - k, s))
            return false;
    if (d_initial.h)
        memcpy(d_initial.h + at, s->dh, states * sizeof(float));
    if (d_initial.c)
        memcpy(d_initial.c + at, s->dc, states * sizeof(float));
    bool done = true;
    for (size_t q = 0; done && q < shape->gates; q++) {
        struct rnn_parameter w = rnn_matrix(shape, d->pseudo_layer, q);
        done = product(shape->steps * shape->batch, width, shape->hidden, 1,
                       (struct product_matrix){d->gates + q * shape->hidden, shape->gates * shape->hidden, 1, false},
                       (struct product_matrix){(float *)(uintptr_t)(weights + w.offset), w.columns, 1, false},
                       d->second == 0 && q == 0 ? 0 : 1, (struct product_matrix){dx, width, 1, false}, shape->rounding);
    }
    return done;
}

bool rnn_backward_data(const struct rnn_shape *shape, const int *lengths, const float *weights, const float *dy,
                       struct rnn_ends initial, struct rnn_ends d_final, struct rnn_ends d_initial,
                       struct rnn_state *state, float *dx)
{
    size_t states = shape->batch * shape->hidden, rows = shape->steps * shape->batch,
           width = shape->directions * shape->hidden;
    float *memory = calloc(4 * states + 2 * rows * width, sizeof *memory);
    struct scratch s = {memory, memory + states, memory + 2 * states, memory + 3 * states,
                        calloc(shape->batch, sizeof(size_t))};
    bool done = memory && s.active;
    float *between[] = {memory + 4 * states, memory + 4 * states + rows * width}; /* in turns */
    for (size_t layer = shape->layers; done && layer-- > 0;) {
        float *to = layer == 0 ? dx : between[layer % 2];
        for (size_t second = 0; done && second < shape->directions; second++) {
            struct direction d = direction_of(shape, lengths, state, layer * shape->directions + second, initial);
            done = direction_back(&d, weights, dy, d_final, d_initial, to, &s);
        }
        dy = to;
    }
    free(memory);
    free(s.active);
    return done;
}

static bool add_matrix(const struct rnn_shape *shape, struct rnn_parameter at, const float *side, size_t side_stride,
                       const float *x, float *gradients)
{
    return product(at.rows, at.columns, shape->steps * shape->batch, 1,
                   (struct product_matrix){(float *)(uintptr_t)side, 1, side_stride, false},
                   (struct product_matrix){(float *)(uintptr_t)x, at.columns, 1, false}, 1,
                   (struct product_matrix){gradients + at.offset, at.columns, 1, false}, shape->rounding);
}

static void add_bias(const struct rnn_shape *shape, struct rnn_parameter at, const float *side, size_t side_stride,
                     float *gradients)
{
    for (size_t u = 0; u < at.rows; u++) {
        double sum = 0;
        for (size_t row = 0; row < shape->steps * shape->batch; row++)
            sum += (double)side[row * side_stride + u];
        gradients[at.offset + u] += (float)sum;
    }
}

bool rnn_backward_weights(const struct rnn_shape *shape, const int *lengths, const float *x, struct rnn_ends initial,
                          const struct rnn_state *state, float *gradients)
{
    size_t hidden = shape->hidden, rows = shape->steps * shape->batch;
    float *h_last = calloc(rows * hidden, sizeof *h_last);
    bool done = h_last != NULL;
    for (size_t p = 0; done && p < shape->layers * shape->directions; p++) {
        struct direction d = direction_of(shape, lengths, state, p, initial);
        memset(h_last, 0, rows * hidden * sizeof *h_last);
        for (size_t row = 0; row < rows; row++) {
            size_t step = row / shape->batch, b = row % shape->batch;
            const float *h = step < (size_t)lengths[b] ? h_before(&d, step, b) : NULL;
            if (h)
                memcpy(h_last + row * hidden, h, hidden * sizeof *h);
        }
        for (size_t q = 0; done && q < shape->gates; q++) {
            const float *input_side = d.gates + q * hidden, *side = state_side(&d, q, 0);
            size_t stride = shape->gates * hidden, side_stride = shape->gru && q == 2 ? hidden : stride;
            done = add_matrix(shape, rnn_matrix(shape, p, q), input_side, stride,
                              d.layer ? rnn_outputs(shape, state, d.layer - 1) : x, gradients) &&
                   add_matrix(shape, rnn_matrix(shape, p, shape->gates + q), side, side_stride, h_last, gradients);
            add_bias(shape, rnn_bias(shape, p, q), input_side, stride, gradients);
            add_bias(shape, rnn_bias(shape, p, shape->gates + q), side, side_stride, gradients);
        }
    }
    free(h_last);
    return done;
}
