/* linear.c - see linear.h. */
#include "kernels/linear.h"
#include <string.h>

void linear_forward(const struct kernels *kernels, const struct linear_layer *layer, size_t rows,
                    const struct input_piece *pieces, size_t piece_count, float *const *out,
                    struct product_scratch *scratch)
{
    struct product product = {kernels, &layer->weights, layer->panels, rows,
                              pieces,  piece_count,     scratch,       layer->panels};
    for (size_t r = 0; r < rows; r++)
        scratch->start[r] = layer->bias;
    product_begin(&product);
    for (size_t p = 0; p < layer->panels; p++) {
        product_panel(&product, p, scratch->start);
        size_t columns = layer->out - p * PANEL < PANEL ? layer->out - p * PANEL : PANEL;
        for (size_t r = 0; r < rows; r++)
            memcpy(out[r] + p * PANEL, scratch->z + r * PANEL, columns * sizeof(float));
    }
}
