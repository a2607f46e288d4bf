/* panel.c - see panel.h. Weights are taken in chunks of CHUNK k's (128 KiB), which stay in the second-level cache while
 * all lanes pass over them; meanwhile the next chunk is fetched. Sums are carried in `work` from chunk to chunk, so
 * that each stays one chain in ascending k. */
#include "kernels/panel.h"

enum { CHUNK = 512 };

void panel_add(struct panel_walk *walk, const float *const *rows, size_t width)
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
