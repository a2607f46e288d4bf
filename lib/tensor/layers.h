/* layers.h - layers made ready to run: packed weights and their widths. Nothing here owns memory; the model does.
 *
 * Packing is that of kernels.h: [panels][k][64] floats, columns past the last are zero. */
#ifndef TENSOR_LAYERS_H
#define TENSOR_LAYERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y = x W^T + b */
struct linear_layer {
    size_t in, out;
    size_t panels;       /* ceil(out / 64) */
    const float *packed; /* [panels][in][64] */
    const float *bias;   /* [panels * 64] */
};

enum cell_type { CELL_LSTM, CELL_GRU };

/* One direction of one recurrent layer. Column 64p + 16g + u of the packing is gate g of unit 16p + u (LSTM i f g o;
 * GRU r, z, the input's share of n, the state's share of n). k runs over the input first, then over h(t-1). */
struct recurrent_layer {
    enum cell_type cell;
    size_t in, hidden;
    size_t panels;                /* ceil(hidden / 16) */
    const float *packed;          /* [panels][in + hidden][64] */
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
