/* product.c - see product.h. Weights are taken in chunks of 128 KiB, which stay in the second-level cache while all
 * rows pass over them; meanwhile the next chunk is fetched. Sums are carried in memory from chunk to chunk, so that in
 * float32 each stays one chain in ascending k. */
#include "kernels/product.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 512 }; /* groups */

void product_room(struct product_room *room, const struct packed *weights)
{
    if (weights->precision == PRECISION_F32)
        return;
    /* one line more than the rows need, so that equal columns of many rows do not fall into one set of the cache */
    size_t stride = (weights->groups * GROUP_BYTES + 63) / 64 * 64 + 64;
    if (stride > room->stride)
        room->stride = stride;
    if (weights->segments > room->segments)
        room->segments = weights->segments;
}

/* The number that a row of a piece is multiplied by before it is rounded; 0 where all of it is as good as zero. */
static float row_factor(const struct kernels *kernels, enum precision precision, const float *x, size_t width)
{
    float most = kernels->largest(x, width);
    if (!(most >= 1e-30f)) /* the factor must be finite */
        return 0;
    if (precision != PRECISION_INT16)
        return 127 / most;
    float squares = kernels->squares(x, width), whole = 32767 / most;
    bool exact = squares > 1e-30f && squares < FLT_MAX; /* nothing was lost to the range of floats */
    float bound = product_norm(width) / (exact ? sqrtf(squares) : most * sqrtf((float)width));
    return bound < whole ? bound : whole;
}

float product_norm(size_t width)
{
    return 46300.0f - 0.5f * sqrtf((float)width);
}

void product_begin(const struct product *product)
{
    const struct kernels *kernels = product->kernels;
    enum precision precision = product->weights->precision;
    struct product_scratch *scratch = product->scratch;
    if (precision == PRECISION_F32)
        return;
    unsigned char *to = scratch->rows;
    for (size_t i = 0; i < product->piece_count; i++) {
        const struct input_piece *piece = &product->pieces[i];
        for (size_t r = 0; r < product->rows; r++) {
            float factor = row_factor(kernels, precision, piece->rows[r], piece->width);
            kernels->quantise[precision](piece->rows[r], piece->width, factor, to + r * scratch->stride);
            scratch->scales[i * product->rows + r] = factor > 0 ? 1 / factor : 0;
        }
        to += group_count(precision, piece->width) * GROUP_BYTES;
    }
}

struct walk {
    const struct product *product;
    const char *weights, *end; /* the next groups to be used; where there is nothing more to fetch ahead */
};

/* Adds the next `groups` groups of the weights, against rows at `from` in steps of `stride` bytes, or at pointers. */
static void add(struct walk *walk, void *sums, const float *const *rows, const unsigned char *from, size_t groups)
{
    const struct product *product = walk->product;
    const void **at = product->scratch->pointers;
    for (size_t first = 0; first < groups; first += CHUNK) {
        size_t count = groups - first < CHUNK ? groups - first : CHUNK, bytes = count * GROUP_ROW;
        for (size_t r = 0; r < product->rows; r++)
            at[r] = rows ? (const void *)(rows[r] + first) : from + r * product->scratch->stride + first * GROUP_BYTES;
        const char *next = walk->weights + bytes;
        size_t ahead = (size_t)(walk->end - next) < CHUNK * GROUP_ROW ? (size_t)(walk->end - next) : CHUNK * GROUP_ROW;
        product->kernels->multiply[product->weights->precision](sums, product->rows, at, walk->weights, count, next,
                                                                ahead);
        walk->weights = next;
    }
}

void product_panel(const struct product *product, size_t panel, const float *const *start)
{
    const struct packed *weights = product->weights;
    struct product_scratch *scratch = product->scratch;
    size_t panel_bytes = weights->groups * GROUP_ROW, rows = product->rows;
    struct walk walk = {product, (const char *)weights->at + panel * panel_bytes,
                        (const char *)weights->at + product->last * panel_bytes};
    for (size_t r = 0; r < rows; r++)
        memcpy(scratch->z + r * PANEL, start[r] + panel * PANEL, PANEL * sizeof(float));
    const unsigned char *from = scratch->rows;
    for (size_t i = 0; i < product->piece_count; i++) {
        if (weights->precision == PRECISION_F32) {
            add(&walk, scratch->z, product->pieces[i].rows, NULL, product->pieces[i].width);
            continue;
        }
        size_t columns = (i * product->panels + panel) * PANEL,
               groups = group_count(weights->precision, weights->widths[i]);
        bool offset = weights->offset && !product->kernels->signed_rows;
        for (size_t r = 0; r < rows; r++)
            if (offset)
                memcpy(scratch->sums + r * PANEL, weights->offset + columns, PANEL * sizeof(int32_t));
            else
                memset(scratch->sums + r * PANEL, 0, PANEL * sizeof(int32_t));
        add(&walk, scratch->sums, NULL, from, groups);
        product->kernels->restore(scratch->z, rows, scratch->sums, weights->scale + columns,
                                  scratch->scales + i * rows);
        from += groups * GROUP_BYTES;
    }
}
