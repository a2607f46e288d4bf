/* linear.c - see linear.h. */
#include "kernels/linear.h"
#include "kernels/panel.h"
#include <string.h>

void linear_forward(const struct kernels *kernels, const struct linear_layer *layer, size_t rows,
                    const struct input_piece *pieces, size_t piece_count, float *const *out, float *work,
                    const void **pointers)
{
    struct panel_walk walk = {kernels, layer->packed, layer->packed + layer->panels * layer->in * PANEL,
                              rows,    work,          (const float **)pointers};
    for (size_t p = 0; p < layer->panels; p++) {
        for (size_t r = 0; r < rows; r++)
            memcpy(work + r * PANEL, layer->bias + p * PANEL, PANEL * sizeof(float));
        for (size_t i = 0; i < piece_count; i++)
            panel_add(&walk, pieces[i].rows, pieces[i].width);
        size_t columns = layer->out - p * PANEL < PANEL ? layer->out - p * PANEL : PANEL;
        for (size_t r = 0; r < rows; r++)
            memcpy(out[r] + p * PANEL, work + r * PANEL, columns * sizeof(float));
    }
}
