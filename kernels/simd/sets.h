/* sets.h - every kernel set there is; which of them a machine can run is known to kernels.c alone. */
#ifndef KERNELS_SIMD_SETS_H
#define KERNELS_SIMD_SETS_H
#include "kernels/kernels.h"

extern const struct kernels kernels_avx512;
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_scalar;

/* Calls multiply_block with a constant number of rows, 1 to 6, so that each has a loop with its sums in registers. */
#define MULTIPLY_ROWS(rows, ...)                       \
    do {                                               \
        switch (rows) {                                \
        case 6: multiply_block(6, __VA_ARGS__); break; \
        case 5: multiply_block(5, __VA_ARGS__); break; \
        case 4: multiply_block(4, __VA_ARGS__); break; \
        case 3: multiply_block(3, __VA_ARGS__); break; \
        case 2: multiply_block(2, __VA_ARGS__); break; \
        default: multiply_block(1, __VA_ARGS__);       \
        }                                              \
    } while (0)

#endif
