/* product.c - see product.h. Weights are taken in chunks of 128 KiB, which stay in the second-level cache while all rows
 * pass over them; meanwhile the next chunk is fetched. Sums are carried in memory from chunk to chunk, so that in
 * float32 each stays one chain in ascending k. */
#include "kernels/product.h"
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

void product_begin(const struct product *product)
{
    const struct kernels *kernels = product->kernels;
    enum precision precision = product->weights->precision;
    struct product_scratch *scratch = product->scratch;
    if (precision == PRECISION_F32)
        return;
    float limit = precision == PRECISION_INT16 ? 4096.0f : 127.0f;
    unsigned char *to = scratch->rows;
    for (size_t i = 0; i < product->piece_count; i++) {
        const struct input_piece *piece = &product->pieces[i];
        for (size_t r = 0; r < product->rows; r++) {
            float most = kernels->largest(piece->rows[r], piece->width);
            bool zero = most < 1e-30f; /* limit / most must be finite */
            kernels->quantise[precision](piece->rows[r], piece->width, zero ? 0 : limit / most, to + r * scratch->stride);
            scratch->scales[i * product->rows + r] = zero ? 0 : most / limit;
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
        size_t columns = (i * product->panels + panel) * PANEL, groups = group_count(weights->precision, weights->widths[i]);
        bool offset = weights->offset && !product->kernels->signed_rows;
        for (size_t r = 0; r < rows; r++)
            if (offset)
                memcpy(scratch->sums + r * PANEL, weights->offset + columns, PANEL * sizeof(int32_t));
            else
                memset(scratch->sums + r * PANEL, 0, PANEL * sizeof(int32_t));
        add(&walk, scratch->sums, NULL, from, groups);
        product->kernels->restore(scratch->z, rows, scratch->sums, weights->scale + columns, scratch->scales + i * rows);
        from += groups * GROUP_BYTES;
    }
}
