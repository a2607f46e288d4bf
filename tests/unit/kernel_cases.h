/* kernel_cases.h - what tests of the kernels share: the sets to be tested, rows that lie as tokens' vectors do, and
 * packed weights by their definition in tensor/layers.h. */
#ifndef UNIT_KERNEL_CASES_H
#define UNIT_KERNEL_CASES_H
#include "kernels/product.h"
#include "model/weights.h"

/* Every set this machine can run, then NULL. AVX-VNNI's stands among them, too, where the machine has the same
 * instructions in AVX-512's encoding. */
const struct kernels *const *every_set(void);

/* The reference. */
const struct kernels *scalar_set(void);

/* The largest number that a quantised row, or a quantised weight, may hold. */
int row_limit(enum precision precision);
int weight_limit(enum precision precision);

/* Rows that begin at odd places, none behind another's end. */
struct rows {
    float *memory;
    const float **at;
};
struct rows random_rows(size_t rows, size_t width, float most);
void rows_free(struct rows *rows);

/* Weights in `precision` from float32 panels, which stay as they are; w and widths are lent, the rest comes from
 * `memory`. */
struct packed packed_from(const float *w, size_t panels, enum precision precision, const size_t *widths,
                          size_t segments, struct weights *memory);

/* The weight (a float, or q) of one column of a panel and the k-th place behind its group `first`. */
double packed_at(const struct packed *packed, size_t panel, size_t first, size_t k, size_t column);

#endif
