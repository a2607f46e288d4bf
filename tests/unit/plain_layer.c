/* plain_layer.c - see plain_layer.h. */
#include "plain_layer.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

struct plain_layer plain_layer_new(enum cell_type cell, size_t in, size_t hidden)
{
    size_t gates = gate_count(cell) * hidden;
    return (struct plain_layer){cell,
                                in,
                                hidden,
                                random_floats(gates * in, 0.5f),
                                random_floats(gates * hidden, 0.5f),
                                random_floats(gates, 0.5f),
                                random_floats(gates, 0.5f)};
}

void plain_layer_free(struct plain_layer *layer)
{
    free(layer->w_ih);
    free(layer->w_hh);
    free(layer->b_ih);
    free(layer->b_hh);
}

double plain_dot(const float *w, const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)w[i] * x[i];
    return sum;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void plain_step(const struct plain_layer *layer, const double *x, double *h, double *c)
{
    size_t hidden = layer->hidden, gates = gate_count(layer->cell);
    double *of_x = calloc(gates * hidden, sizeof *of_x), *of_h = calloc(gates * hidden, sizeof *of_h);
    for (size_t r = 0; r < gates * hidden; r++) {
        of_x[r] = plain_dot(layer->w_ih + r * layer->in, x, layer->in) + (double)layer->b_ih[r];
        of_h[r] = plain_dot(layer->w_hh + r * hidden, h, hidden) + (double)layer->b_hh[r];
    }
    for (size_t u = 0; u < hidden; u++) {
        size_t second = hidden + u, third = 2 * hidden + u, fourth = 3 * hidden + u;
        if (layer->cell == CELL_LSTM) { /* i f g o */
            c[u] = sigmoid(of_x[second] + of_h[second]) * c[u] +
                   sigmoid(of_x[u] + of_h[u]) * tanh(of_x[third] + of_h[third]);
            h[u] = sigmoid(of_x[fourth] + of_h[fourth]) * tanh(c[u]);
        } else { /* r z n */
            double z = sigmoid(of_x[second] + of_h[second]),
                   n = tanh(of_x[third] + sigmoid(of_x[u] + of_h[u]) * of_h[third]);
            h[u] = (1 - z) * n + z * h[u];
        }
    }
    free(of_x);
    free(of_h);
}
