/* lookup_cuda.h - a table's rows by their numbers, and the table's gradient. Pointers are the device's. */
#ifndef KERNELS_LOOKUP_CUDA_H
#define KERNELS_LOOKUP_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

/* Rows of out that a block of lookup_rows fills, each by a warp: blocks of (32, LOOKUP_ROWS). */
enum { LOOKUP_ROWS = 8 };

/* out[r] = table[ids[r]]. ids: [rows]; table: [items, width]; out: [rows, width]. Grid: ceil(rows / LOOKUP_ROWS). */
KERNEL_PROTOTYPE void lookup_rows(const float *table, const uint32_t *ids, size_t rows, size_t width, float *out);

/* gradient[i] = the sum of dout[order[k]] for starts[i] <= k < starts[i + 1], in ascending order of k: one chain of
 * additions an element, so that the bits are the CPU's. order: [rows], the rows by their ids, each id's ascending;
 * starts: [items + 1]; dout: [rows, width]; gradient: [items, width]. Grid: items x ceil(width / threads). */
KERNEL_PROTOTYPE void lookup_sums(const float *dout, const uint32_t *order, const uint32_t *starts, size_t width,
                                  float *gradient);

#endif
