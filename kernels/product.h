/* product.h - many rows times a layer's packed weights, a panel of 64 columns at a time.
 *
 * Rows are given in pieces, wherever they lie. In float32 they are read there. In the other precisions each row of each
 * piece is first quantised with a scale of its own, so that pieces of different range do not take accuracy from each
 * other:
 *   q = round(x f),  x w ~ sum(q_x q_w) * scale_w / f
 *   8 bits    f = 127 / largest |x|
 *   16 bits   f = 32767 / largest |x|, or less: so that |q_x| stays below 2^15.5. Columns of weights do, too
 *             (model/quantise.h), and |sum(q_x q_w)| <= |q_x| |q_w| (Cauchy and Schwarz): sums stay below 2^31. */
#ifndef KERNELS_PRODUCT_H
#define KERNELS_PRODUCT_H
#include "tensor/layers.h"

/* A piece of every row, wherever it lies: stacked embeddings are never concatenated. */
struct input_piece {
    const float *const *rows; /* [rows] pointers to `width` floats */
    size_t width;
};

/* What the products of some layers need: make it zero, then call product_room for each of them. */
struct product_room {
    size_t stride, segments; /* of the widest quantised row; 0 where all are float32 */
};
void product_room(struct product_room *room, const struct packed *weights);

/* One worker's room for products over up to `rows` rows. */
struct product_scratch {
    float *z;               /* [rows, 64], aligned to 64 bytes */
    int32_t *sums;          /* [rows, 64], likewise; quantised products only, as what follows */
    const void **pointers;  /* [rows] */
    unsigned char *rows;    /* [rows, stride], the quantised rows */
    size_t stride;          /* bytes between them */
    float *scales;          /* [segments, rows] */
    const float **start;    /* [rows] */
    const float **next;     /* [rows] */
    float **units, **cells; /* [rows] */
};

struct product {
    const struct kernels *kernels;
    const struct packed *weights;
    size_t panels, rows;
    const struct input_piece *pieces; /* their widths are those of the weights' segments */
    size_t piece_count;
    struct product_scratch *scratch;
    size_t last; /* panels from here on are not asked for: their weights are not fetched ahead */
};

/* What the length of a row or column of 16 bits may come to before it is rounded. Rounding adds 1/2 a number at most;
 * 46,300 leaves the lengths' own rounding a thousandth below 2^15.5. */
float product_norm(size_t width);

/* Quantises the rows where the precision asks for it. */
void product_begin(const struct product *product);

/* scratch->z [rows, 64] = start + x W^T for the columns of one panel. start: [rows] pointers to panels * 64 floats. */
void product_panel(const struct product *product, size_t panel, const float *const *start);

#endif
