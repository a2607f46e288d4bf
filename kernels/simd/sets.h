/* sets.h - every kernel set there is; which of them a machine can run is known to kernels.c alone. */
#ifndef KERNELS_SIMD_SETS_H
#define KERNELS_SIMD_SETS_H
#include "kernels/kernels.h"

extern const struct kernels kernels_avx512;
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_scalar;

#endif
