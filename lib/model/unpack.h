/* unpack.h - weights as PyTorch keeps them, taken out of a model's panels: the inverse of weights.h.
 *
 * Integers are multiplied by their scales (what rounding took does not come back). The model is left as it is; what is
 * made lives in `weights`. Of the two biases of a recurrent layer only the sum is known: it becomes b_ih, and b_hh is
 * zero but for the GRU's n, which keeps its own. Packing the result gives the same panels again, bit for bit. */
#ifndef MODEL_UNPACK_H
#define MODEL_UNPACK_H
#include "base/error.h"
#include "model/weights.h"

/* G = gate_count(cell) blocks of `hidden` rows, LSTM i f g o, GRU r z n. */
struct unpacked_layer {
    size_t rows, in, hidden;  /* rows = G * hidden */
    const float *w_ih;        /* [rows, in] */
    const float *w_hh;        /* [rows, hidden] */
    const float *b_ih, *b_hh; /* [rows] */
};

/* input: NULL, or the matrix that lies apart where the layer's panels hold no input (lm.h). FT_NOMEM. */
ft_status unpack_recurrent(struct weights *weights, const struct recurrent_layer *layer,
                           const struct linear_layer *input, struct unpacked_layer *to, struct ft_error *error);

/* *w: [out, in]; *bias: [out]. FT_NOMEM. */
ft_status unpack_linear(struct weights *weights, const struct linear_layer *layer, const float **w, const float **bias,
                        struct ft_error *error);

#endif
