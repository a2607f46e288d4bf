/* recurrent.c - see recurrent.h. A panel of 16 units is finished before the next begins. */
#include "kernels/recurrent.h"

void recurrent_step(const struct kernels *kernels, const struct recurrent_layer *layer, size_t lanes,
                    const float *const *start, const struct input_piece *pieces, size_t piece_count, float *const *c,
                    float *const *h_out, size_t first, size_t last, struct product_scratch *scratch)
{
    struct product product = {kernels, &layer->weights, layer->panels, lanes, pieces, piece_count, scratch, last};
    product_begin(&product);
    for (size_t p = first; p < last; p++) {
        product_panel(&product, p, start);
        for (size_t lane = 0; lane < lanes; lane++) {
            scratch->cells[lane] = c[lane] + p * BLOCK;
            scratch->units[lane] = h_out[lane] + p * BLOCK;
            scratch->next[lane] = start[lane] + (p + 1 < last ? p + 1 : p) * PANEL;
        }
        (layer->cell == CELL_LSTM ? kernels->lstm : kernels->gru)(scratch->z, lanes, scratch->cells, scratch->units,
                                                                  scratch->next);
    }
}
