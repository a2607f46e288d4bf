/* dropout.h - zeroes some of the values of sequences packed by time (lib/tensor/training.h has what is dropped and how
 * it is scaled). The masks are Philox's (lib/base/philox.h):
 *   place   sequence * 2^44 + element * 2^20 + column / 4; word column % 4 is the column's
 *   stream  word, locked or plain dropout, and the site
 *   step    of the run
 * with element 0 for locked and column 0 for word dropout. A value is dropped where its number in [0, 1) is below the
 * probability. Masks of more than 2^20 sequences, 2^24 elements or 2^22 columns would repeat. */
#ifndef KERNELS_DROPOUT_H
#define KERNELS_DROPOUT_H
#include "tensor/training.h"

/* Sequence s of x [rows, width] in place: other sequences' rows are left alone. 1 / (1 - p) is computed in float. */
void dropout_sequence(const struct packed_batch *batch, size_t s, const struct dropout *dropout, size_t width,
                      float *x);

#endif
