/* exact_math.h - exp and log whose bits do not depend on the machine: the C library picks its own by CPU. Double
 * precision, relative error below 1e-14; not for inner loops. */
#ifndef KERNELS_EXACT_MATH_H
#define KERNELS_EXACT_MATH_H
#include <stddef.h>

double exact_exp(double x);
double exact_log(double x); /* x > 0 */

/* log(sum exp(x[i])), in ascending i; -inf for n = 0. */
double exact_log_sum_exp(const double *x, size_t n);

#endif
