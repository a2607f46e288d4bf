/* training_case.c - see training_case.h. */
#include "training_case.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void training_case_init(struct training_case *c, const struct case_shape *shape)
{
    size_t hidden = shape->hidden, count = shape->sequences, steps = shape->lengths[0];
    *c = (struct training_case){.shape = *shape};
    c->active = calloc(steps, sizeof *c->active);
    c->first = calloc(steps, sizeof *c->first);
    for (size_t t = 0; t < steps; t++) {
        for (size_t s = 0; s < count; s++)
            c->active[t] += shape->lengths[s] > t;
        c->first[t] = (uint32_t)c->batch.rows;
        c->batch.rows += c->active[t];
    }
    c->batch = (struct packed_batch){count, steps, c->batch.rows, c->active, c->first, NULL, NULL};
    for (size_t d = 0; d < shape->directions; d++) {
        c->plain[d] = plain_layer_new(CELL_LSTM, shape->in, hidden);
        /* sums of many terms stay in the gates' range */
        random_fill(c->plain[d].w_ih, 4 * hidden * shape->in, 1.2f / sqrtf((float)shape->in));
        random_fill(c->plain[d].w_hh, 4 * hidden * hidden, 1.2f / sqrtf((float)hidden));
        c->h0[d] = shape->init ? random_floats(count * hidden, 1) : NULL;
        c->c0[d] = shape->init ? random_floats(count * hidden, 1) : NULL;
        c->h_last[d] = calloc(count * hidden, sizeof *c->h_last[d]);
        c->c_last[d] = calloc(count * hidden, sizeof *c->c_last[d]);
    }
    c->x = random_floats(c->batch.rows * shape->in, 1);
    c->dout = random_floats(c->batch.rows * shape->directions * hidden, 1);
    c->out = calloc(c->batch.rows * shape->directions * hidden, sizeof *c->out);
}

void training_case_release(struct training_case *c)
{
    for (size_t d = 0; d < c->shape.directions; d++) {
        plain_layer_free(&c->plain[d]);
        free(c->h0[d]);
        free(c->c0[d]);
        free(c->h_last[d]);
        free(c->c_last[d]);
    }
    free(c->active);
    free(c->first);
    free(c->x);
    free(c->dout);
    free(c->out);
}

void plain_forward(struct training_case *c)
{
    size_t in = c->shape.in, hidden = c->shape.hidden, width = c->shape.directions * hidden;
    double *x = calloc(in, sizeof *x);
    for (size_t d = 0; d < c->shape.directions; d++)
        for (size_t s = 0; s < c->shape.sequences; s++) {
            double *h = c->h_last[d] + s * hidden, *cell = c->c_last[d] + s * hidden;
            size_t length = c->shape.lengths[s];
            for (size_t u = 0; u < hidden; u++) {
                h[u] = c->h0[d] ? (double)c->h0[d][s * hidden + u] : 0;
                cell[u] = c->c0[d] ? (double)c->c0[d][s * hidden + u] : 0;
            }
            for (size_t k = 0; k < length; k++) {
                size_t t = c->shape.reverse != (d == 1) ? length - 1 - k : k, row = c->first[t] + s;
                for (size_t j = 0; j < in; j++)
                    x[j] = (double)c->x[row * in + j];
                plain_step(&c->plain[d], x, h, cell);
                memcpy(c->out + row * width + d * hidden, h, hidden * sizeof *h);
            }
        }
    free(x);
}

double plain_loss(struct training_case *c)
{
    double sum = 0;
    plain_forward(c);
    for (size_t i = 0; i < c->batch.rows * c->shape.directions * c->shape.hidden; i++)
        sum += c->out[i] * (double)c->dout[i];
    return sum;
}

float *lstm_tensor(const struct lstm_weights *weights, size_t tensor)
{
    return (float *[]){weights->w_ih, weights->w_hh, weights->b_ih, weights->b_hh}[tensor];
}

size_t lstm_tensor_count(const struct lstm_weights *weights, size_t tensor)
{
    size_t gates = 4 * weights->hidden;
    return (size_t[]){gates * weights->in, gates * weights->hidden, gates, gates}[tensor];
}

/* Not what a result may be, so that nothing passes that was left as it was. */
static float *new_unset(struct backend *backend, size_t count)
{
    float *floats = backend->ops->new_floats(backend, count);
    ck_assert_ptr_nonnull(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = NAN;
    return floats;
}

struct training_result training_result_new(struct backend *backend, const struct training_case *c, bool want_dx)
{
    const struct training_ops *ops = backend->ops->training;
    struct training_result r = {0};
    struct ft_error error = {""};
    size_t in = c->shape.in, hidden = c->shape.hidden, gates = 4 * hidden, rows = c->batch.rows,
           states = c->shape.sequences * hidden, width = c->shape.directions * hidden;
    r.out = new_unset(backend, rows * width);
    r.dx = want_dx ? new_unset(backend, rows * in) : NULL;
    for (size_t d = 0; d < c->shape.directions; d++) {
        const struct plain_layer *plain = &c->plain[d];
        r.weights[d] = (struct lstm_weights){in, hidden, plain->w_ih, plain->w_hh, plain->b_ih, plain->b_hh};
        r.gradients[d] = (struct lstm_weights){in,
                                               hidden,
                                               new_unset(backend, gates * in),
                                               new_unset(backend, gates * hidden),
                                               new_unset(backend, gates),
                                               new_unset(backend, gates)};
        r.gates[d] = new_unset(backend, rows * gates);
        r.cells[d] = new_unset(backend, rows * hidden);
        r.h_last[d] = new_unset(backend, states);
        r.c_last[d] = new_unset(backend, states);
        r.passes[d] = (struct lstm_pass){.weights = &r.weights[d],
                                         .reverse = c->shape.reverse != (d == 1),
                                         .h0 = c->h0[d],
                                         .c0 = c->c0[d],
                                         .gates = r.gates[d],
                                         .cells = r.cells[d],
                                         .out = r.out + d * hidden,
                                         .out_stride = width,
                                         .h_last = r.h_last[d],
                                         .c_last = r.c_last[d]};
    }
    ck_assert_int_eq(ops->lstm_forward(backend, &c->batch, r.passes, c->shape.directions, c->x, &error), FT_OK);
    ck_assert_int_eq(
        ops->lstm_backward(backend, &c->batch, r.passes, c->shape.directions, c->x, c->dout, r.dx, r.gradients, &error),
        FT_OK);
    return r;
}

void training_result_free(struct backend *backend, struct training_result *result, size_t directions)
{
    const struct backend_ops *ops = backend->ops;
    ops->free_floats(backend, result->out);
    ops->free_floats(backend, result->dx);
    for (size_t d = 0; d < directions; d++) {
        for (size_t i = 0; i < LSTM_TENSORS; i++)
            ops->free_floats(backend, lstm_tensor(&result->gradients[d], i));
        ops->free_floats(backend, result->gates[d]);
        ops->free_floats(backend, result->cells[d]);
        ops->free_floats(backend, result->h_last[d]);
        ops->free_floats(backend, result->c_last[d]);
    }
}
