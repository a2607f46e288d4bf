/* exact_math.c - see exact_math.h. */
#include "kernels/exact_math.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

static double power_of_two(int n) /* -1022 to 1023 */
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* x = n ln 2 + r, |r| <= ln(2)/2; e^r by its Taylor series to the 13th power (remainder below 5e-18). */
double exact_exp(double x)
{
    if (!(x > -708.0))
        return x != x ? x : 0.0;
    if (x > 709.0)
        return INFINITY;
    const double shift = 6755399441055744.0; /* 1.5 * 2^52 rounds to an integer */
    double n = (x * 1.4426950408889634 + shift) - shift;
    double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10; /* ln 2 in two parts */
    double sum = 1.0;
    for (int i = 13; i > 0; i--)
        sum = 1.0 + sum * r / i;
    return sum * power_of_two((int)n);
}

/* x = m 2^e, sqrt(1/2) <= m < sqrt(2); log m = 2 artanh((m-1)/(m+1)) by its series to the 21st power. */
double exact_log(double x)
{
    int e;
    double m = frexp(x, &e); /* exact */
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int i = 21; i > 0; i -= 2)
        sum = sum * square + 1.0 / i;
    return 2 * s * sum + e * 6.93147180559945286227e-01;
}

double exact_log_sum_exp(const double *x, size_t n)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i] > most)
            most = x[i];
    if (most == -INFINITY)
        return most;
    for (size_t i = 0; i < n; i++)
        sum += exact_exp(x[i] - most);
    return most + exact_log(sum);
}
