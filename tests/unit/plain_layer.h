/* plain_layer.h - a recurrent layer as PyTorch lays it out, stepped in double precision: what packed layers are held
 * against. */
#ifndef UNIT_PLAIN_LAYER_H
#define UNIT_PLAIN_LAYER_H
#include "model/weights.h"

struct plain_layer {
    enum cell_type cell;
    size_t in, hidden;
    float *w_ih, *w_hh, *b_ih, *b_hh;
};

/* Random weights. */
struct plain_layer plain_layer_new(enum cell_type cell, size_t in, size_t hidden);
void plain_layer_free(struct plain_layer *layer);

/* The sum of w[i] x[i]. */
double plain_dot(const float *w, const double *x, size_t count);

/* One step, by the formulas of PyTorch's documentation. x: [in]; h, c: [hidden], replaced (a GRU leaves c alone). */
void plain_step(const struct plain_layer *layer, const double *x, double *h, double *c);

#endif
