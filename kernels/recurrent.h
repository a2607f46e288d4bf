/* recurrent.h - one time step of a recurrent layer over many lanes. */
#ifndef KERNELS_RECURRENT_H
#define KERNELS_RECURRENT_H
#include "kernels/product.h"

/* Steps all lanes of one layer:
 *   z = start + x W_ih^T + h(t-1) W_hh^T,   then the gates of kernels.h
 * start: [lanes] pointers to the first terms, panels * 64 floats in packed order (the bias, or a row of a char table).
 * pieces: the input, and h(t-1) last: [lanes] pointers each; their widths add up to layer->in + layer->hidden.
 * c: [lanes] pointers to panels * 16 floats, replaced. h_out: [lanes] likewise, must not overlap h(t-1).
 * Only panels first .. last - 1 are computed: other threads may do the others at the same time, in scratch of their
 * own. */
void recurrent_step(const struct kernels *kernels, const struct recurrent_layer *layer, size_t lanes,
                    const float *const *start, const struct input_piece *pieces, size_t piece_count, float *const *c,
                    float *const *h_out, size_t first, size_t last, struct product_scratch *scratch);

#endif
