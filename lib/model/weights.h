/* weights.h - float memory that a model owns, and weights packed into it. */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H
#include "model/description.h"
#include "tensor/layers.h"

/* Blocks aligned to 64 bytes, freed together. */
struct weight_block {
    float *at;
    size_t bytes;
};
struct weights {
    struct weight_block *blocks;
    size_t count, capacity;
    size_t bytes; /* of all blocks together */
};
void weights_init(struct weights *weights);
void weights_release(struct weights *weights);
/* `floats` floats, not cleared; NULL when out of memory. */
float *weights_new(struct weights *weights, size_t floats);

/* Frees a block before its time; anything that is no block is left alone. */
void weights_drop(struct weights *weights, const void *block);

/* A tensor as contiguous float32: its own bytes where they are that already, else converted into `weights`. */
const float *weights_f32(struct weights *weights, const struct tensor *tensor);

/* [out, in] row by row, to panels. bias NULL: zero. False when out of memory. */
bool pack_linear(struct weights *weights, const float *w, const float *bias, size_t in, size_t out,
                 struct linear_layer *layer);

/* One input of the gates: a matrix [G * hidden, k]. recurrent: it multiplies h(t-1), which matters to the GRU's n. */
struct gate_part {
    const float *w;
    size_t k;
    bool recurrent;
};
/* The block of `hidden` rows of PyTorch's [G * hidden, k] that block g (0 to 3) of a panel's columns takes from, or -1:
 * zeros. */
int source_gate(enum cell_type cell, size_t g, bool recurrent);

/* Panels [panels][sum of k][64] over the parts in order; NULL when out of memory. threads: how many may work. */
float *pack_gates(struct weights *weights, enum cell_type cell, size_t hidden, const struct gate_part *parts,
                  size_t count, size_t threads);

/* [panels * 64]: b_ih + b_hh in the order of the packed columns (the GRU's n keeps them apart). */
float *pack_gate_bias(struct weights *weights, enum cell_type cell, size_t hidden, const float *b_ih,
                      const float *b_hh);

/* [panels * 16] from [hidden], the rest zero. */
float *pack_state(struct weights *weights, size_t hidden, const float *state);

static inline size_t gate_count(enum cell_type cell)
{
    return cell == CELL_LSTM ? 4 : 3;
}

#endif
