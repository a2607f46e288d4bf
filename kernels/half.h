/* half.h - rows of floats in half precision (IEEE 754 binary16), for keeping them in half of the memory.
 *
 * Rounded to the nearest, ties to even; subnormal halves too. Promises: the same bits on every machine, and widening
 * what was rounded and rounding it again changes nothing. It refuses what half precision does not hold: values that
 * would round beyond 65,504, infinities and NaN. */
#ifndef KERNELS_HALF_H
#define KERNELS_HALF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False when a value is refused; `to` is undefined then. The arrays may not overlap. */
bool half_round(uint16_t *restrict to, const float *restrict from, size_t count);

/* from: written by half_round. Exact. Halves that it never writes, infinities and NaN, give finite numbers too, of
 * 65,536 and more. */
void half_widen(float *restrict to, const uint16_t *restrict from, size_t count);

#endif
