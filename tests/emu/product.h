/* product.h - the matrix product that the drop-in cuBLAS and cuDNN compute with, in host code.
 *
 * Any strides, so that a transposed matrix is one with its strides exchanged. Promises: an element depends on its row
 * and its column alone, not on the matrices' sizes, and is the same on every machine; sums of 256 products at a time
 * are added up, so that rounding grows about as in a device's tiles. With beta 0 nothing of C is read, with alpha 0
 * nothing of A and B. It checks no addresses. */
#ifndef EMU_PRODUCT_H
#define EMU_PRODUCT_H
#include <stdbool.h>
#include <stddef.h>

/* How operands are rounded before they are multiplied: to 10 bits of mantissa by the tensor cores' TF32 (to the
 * nearest, ties away from zero) or to half precision. */
enum product_rounding { PRODUCT_F32, PRODUCT_TF32, PRODUCT_F16 };

/* Element (i, j) lies i * row + j * column elements behind `at`. */
struct product_matrix {
    void *at;
    size_t row, column;
    bool half; /* IEEE binary16, else binary32 */
};

/* C [m, n] = alpha A [m, k] B [k, n] + beta C. False: no host memory, and nothing was written. */
bool product(size_t m, size_t n, size_t k, float alpha, struct product_matrix a, struct product_matrix b, float beta,
             struct product_matrix c, enum product_rounding rounding);

float product_half_widen(unsigned half);
unsigned product_half_round(float value); /* to the nearest, ties to even; too large: infinite */

#endif
