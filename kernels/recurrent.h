/* recurrent.h - one time step of a recurrent layer over many lanes. */
#ifndef KERNELS_RECURRENT_H
#define KERNELS_RECURRENT_H
#include "kernels/kernels.h"
#include "tensor/layers.h"

/* A piece of every lane's input vector, wherever it lies: stacked embeddings are never concatenated. */
struct input_piece {
    const float *const *rows; /* [lanes] pointers to `width` floats */
    size_t width;
};

/* Steps all lanes of one layer.
 * start: [lanes] pointers to the first terms, panels * 64 floats in packed order (the bias, or a row of a char table).
 * pieces: the input; their widths add up to layer->in. h_in: [lanes] pointers to `hidden` floats, h(t-1).
 * c: [lanes] pointers to panels * 16 floats, replaced. h_out: [lanes] likewise, must not overlap h_in.
 * work: [lanes, 64] floats, aligned to 64 bytes. pointers: [3 * lanes] of scratch. */
void recurrent_step(const struct kernels *kernels, const struct recurrent_layer *layer, size_t lanes,
                    const float *const *start, const struct input_piece *pieces, size_t piece_count,
                    const float *const *h_in, float *const *c, float *const *h_out, float *work, const void **pointers);

#endif
