/* exact_math.h - exp and log whose bits do not depend on the machine: the C library picks its own by CPU. Double
 * precision, relative error below 1e-14. */
#ifndef KERNELS_EXACT_MATH_H
#define KERNELS_EXACT_MATH_H
#include <stddef.h>

/* Not for inner loops. */
double exact_exp(double x);
double exact_log(double x); /* x > 0 */

/* log(sum exp(x[i])), in ascending i; -inf for n = 0. */
double exact_log_sum_exp(const double *x, size_t n);

/* The same for many at once, in place, fast enough for inner loops; last bits may differ from those above. */
void exact_exp_each(double *x, size_t n); /* each at most 300 */
void exact_log_each(double *x, size_t n); /* each normal: from 2.3e-308 on, finite */

#endif
