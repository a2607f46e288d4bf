/* linear.h - y = x W^T + b over rows, wherever their pieces lie. */
#ifndef KERNELS_LINEAR_H
#define KERNELS_LINEAR_H
#include "kernels/product.h"

enum { LINEAR_ROWS = 192 }; /* rows taken together: a packed panel chunk is read once for all of them */

/* rows: number of rows, at most LINEAR_ROWS. pieces: widths add up to layer->in. out: [rows] pointers to layer->out
 * floats. */
void linear_forward(const struct kernels *kernels, const struct linear_layer *layer, size_t rows,
                    const struct input_piece *pieces, size_t piece_count, float *const *out,
                    struct product_scratch *scratch);

#endif
