/* dropout_cuda.h - dropout on the device: kernels/dropout.h's masks to the bit. */
#ifndef KERNELS_DROPOUT_CUDA_H
#define KERNELS_DROPOUT_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

enum { DROPOUT_THREADS = 256 }; /* at most */

/* Which columns are dropped: those whose number's highest 24 bits are below `threshold`; 0: none. kept: what the others
 * are multiplied with. */
struct dropout_kind {
    uint32_t stream, threshold;
    float kept;
};

/* x: [gridDim.x, width] in place, a block a row. sequence, element: [rows], which of which the row is. */
KERNEL_PROTOTYPE void drop_rows(const uint32_t *sequence, const uint32_t *element, uint64_t seed, uint32_t step,
                                struct dropout_kind word, struct dropout_kind locked, struct dropout_kind plain,
                                size_t width, float *x);

#endif
