/* panel.h - one panel of packed weights against many rows, a piece of the input at a time. */
#ifndef KERNELS_PANEL_H
#define KERNELS_PANEL_H
#include "kernels/kernels.h"

struct panel_walk {
    const struct kernels *kernels;
    const float *weights; /* the next k to be used; moves on with every piece */
    const float *end;     /* of all panels, for fetching ahead */
    size_t lanes;
    float *work;        /* [lanes, 64], the sums */
    const float **rows; /* scratch, [lanes] */
};

/* Adds rows * weights over the next `width` k's to the sums. rows: [lanes] pointers to `width` floats. */
void panel_add(struct panel_walk *walk, const float *const *rows, size_t width);

#endif
