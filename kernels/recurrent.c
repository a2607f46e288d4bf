/* recurrent.c - see recurrent.h.
 *
 *   z = start + x W_ih^T + h(t-1) W_hh^T,   then the gates of kernels.h
 *
 * A panel of 16 units is finished before the next begins. Its weights are taken in chunks of CHUNK k's (64 KiB), which stay
 * in the second-level cache while all lanes pass over them; meanwhile the next chunk is fetched. Sums are carried in
 * `work` from chunk to chunk, so that each stays one chain in ascending k. */
#include "kernels/recurrent.h"
#include <string.h>

enum { CHUNK = 256 };

struct panel_walk {
    const struct kernels *kernels;
    const float *weights, *end;
    size_t lanes;
    float *work;
    const float **rows; /* scratch, [lanes] */
};

static void add_piece(struct panel_walk *walk, const float *const *rows, size_t width)
{
    for (size_t at = 0; at < width; at += CHUNK) {
        size_t k = width - at < CHUNK ? width - at : CHUNK;
        for (size_t lane = 0; lane < walk->lanes; lane++)
            walk->rows[lane] = rows[lane] + at;
        const float *next = walk->weights + k * PANEL;
        size_t ahead = (size_t)(walk->end - next) < CHUNK * PANEL ? (size_t)(walk->end - next) : CHUNK * PANEL;
        walk->kernels->multiply(walk->work, walk->lanes, walk->rows, walk->weights, k, (const char *)next,
                                ahead * sizeof(float));
        walk->weights = next;
    }
}

void recurrent_step(const struct kernels *kernels, const struct recurrent_layer *layer, size_t lanes,
                    const float *const *start, const struct input_piece *pieces, size_t piece_count,
                    const float *const *h_in, float *const *c, float *const *h_out, float *work, const void **pointers)
{
    size_t panel_size = (layer->in + layer->hidden) * PANEL;
    struct panel_walk walk = {kernels, layer->packed, layer->packed + layer->panels * panel_size, lanes, work,
                              (const float **)pointers};
    float **cells = (float **)(pointers + lanes), **states = (float **)(pointers + 2 * lanes);
    for (size_t p = 0; p < layer->panels; p++) {
        for (size_t lane = 0; lane < lanes; lane++)
            memcpy(work + lane * PANEL, start[lane] + p * PANEL, PANEL * sizeof(float));
        for (size_t i = 0; i < piece_count; i++)
            add_piece(&walk, pieces[i].rows, pieces[i].width);
        add_piece(&walk, h_in, layer->hidden);
        for (size_t lane = 0; lane < lanes; lane++) {
            cells[lane] = c[lane] + p * BLOCK;
            states[lane] = h_out[lane] + p * BLOCK;
        }
        (layer->cell == CELL_LSTM ? kernels->lstm : kernels->gru)(work, lanes, cells, states);
    }
}
