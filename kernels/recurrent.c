/* recurrent.c - see recurrent.h.
 *
 *   z = start + x W_ih^T + h(t-1) W_hh^T,   then the gates of kernels.h
 *
 * A panel of 16 units is finished before the next begins. */
#include "kernels/recurrent.h"
#include "kernels/panel.h"
#include <string.h>

void recurrent_step(const struct kernels *kernels, const struct recurrent_layer *layer, size_t lanes,
                    const float *const *start, const struct input_piece *pieces, size_t piece_count,
                    const float *const *h_in, float *const *c, float *const *h_out, float *work, const void **pointers)
{
    size_t panel_size = (layer->in + layer->hidden) * PANEL;
    struct panel_walk walk = {kernels, layer->packed, layer->packed + layer->panels * panel_size,
                              lanes,   work,          (const float **)pointers};
    float **cells = (float **)(pointers + lanes), **states = (float **)(pointers + 2 * lanes);
    for (size_t p = 0; p < layer->panels; p++) {
        for (size_t lane = 0; lane < lanes; lane++)
            memcpy(work + lane * PANEL, start[lane] + p * PANEL, PANEL * sizeof(float));
        for (size_t i = 0; i < piece_count; i++)
            panel_add(&walk, pieces[i].rows, pieces[i].width);
        panel_add(&walk, h_in, layer->hidden);
        for (size_t lane = 0; lane < lanes; lane++) {
            cells[lane] = c[lane] + p * BLOCK;
            states[lane] = h_out[lane] + p * BLOCK;
        }
        (layer->cell == CELL_LSTM ? kernels->lstm : kernels->gru)(work, lanes, cells, states);
    }
}
