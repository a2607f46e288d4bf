/* layers.h - layers made ready to run: packed weights and their widths. Nothing here owns memory; the model does. */
#ifndef TENSOR_LAYERS_H
#define TENSOR_LAYERS_H
#include "kernels/kernels.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A matrix in panels (kernels.h), columns past the last are zero. Its k's are those of one or more segments, one after
 * the other: a segment for each piece of the input, and for h(t-1) in a recurrent layer. Quantised weights have every
 * segment filled up to whole groups, and for every segment and column
 *   w = scale q,   scale = largest |w| / largest q        (int16: less where sums could overflow, see quantise.h) */
struct packed {
    enum precision precision;
    size_t groups;         /* of a panel, all segments */
    const void *at;        /* [panels][groups][64] groups */
    size_t segments;       /* the rest only where the precision is not f32 */
    const size_t *widths;  /* [segments] k's */
    const float *scale;    /* [segments][panels * 64] */
    const int32_t *offset; /* [segments][panels * 64]: -128 times the sum of q (8 bits only) */
};

/* y = x W^T + b */
struct linear_layer {
    size_t in, out;
    size_t panels; /* ceil(out / 64) */
    struct packed weights;
    const float *bias; /* [panels * 64] */
};

enum cell_type { CELL_LSTM, CELL_GRU };

/* One direction of one recurrent layer. Column 64p + 16g + u of the packing is gate g of unit 16p + u (LSTM i f g o;
 * GRU r, z, the input's share of n, the state's share of n). k runs over the input first, then over h(t-1). */
struct recurrent_layer {
    enum cell_type cell;
    size_t in, hidden;
    size_t panels; /* ceil(hidden / 16) */
    struct packed weights;
    const float *bias;            /* [panels * 64], b_ih + b_hh in the same order of columns */
    const float *init_h, *init_c; /* [panels * 16], or NULL: zero */
};

enum { CHAR_LM_LAYERS = 8, BIRNN_LAYERS = 8 };

/* A character language model. The first layer has no input product: row v of the table is W_ih * encoder[v] + b_ih +
 * b_hh. */
struct char_lm {
    size_t items, layers;
    const float *table; /* [items, panels * 64 of the first layer] */
    struct recurrent_layer layer[CHAR_LM_LAYERS];
    bool has_projection;
    struct linear_layer projection; /* hidden -> nout */
};

/* A bidirectional stack over tokens; layer k > 0 reads [forward ; backward] of layer k-1. */
struct birnn {
    size_t layers;
    struct recurrent_layer layer[BIRNN_LAYERS][2];
};

#endif
