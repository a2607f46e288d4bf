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

/* As exact_exp, but without branches and divisions, so that compilers make vectors of it. Adding 1.5 * 2^52 leaves n in
 * the lowest bits of the sum. 2^n is put together as 2^(n+512) 2^-512: n may
 * be below the least exponent. e^-746 is rounded to 0. */
void exact_exp_each(double *x, size_t n)
{
    static const double shift = 6755399441055744.0;
    for (size_t i = 0; i < n; i++) /* a loop of its own, without which GCC makes no vectors */
        x[i] = x[i] < -746.0 ? -746.0 : x[i];
    for (size_t i = 0; i < n; i++) {
        double shifted = x[i] * 1.4426950408889634 + shift, whole = shifted - shift;
        double r = (x[i] - whole * 6.93147180369123816490e-01) - whole * 1.90821492927058770002e-10;
        double sum = 1.0 / 6227020800;
        sum = sum * r + 1.0 / 479001600;
        sum = sum * r + 1.0 / 39916800;
        sum = sum * r + 1.0 / 3628800;
        sum = sum * r + 1.0 / 362880;
        sum = sum * r + 1.0 / 40320;
        sum = sum * r + 1.0 / 5040;
        sum = sum * r + 1.0 / 720;
        sum = sum * r + 1.0 / 120;
        sum = sum * r + 1.0 / 24;
        sum = sum * r + 1.0 / 6;
        sum = sum * r + 0.5;
        sum = sum * r + 1.0;
        sum = sum * r + 1.0;
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits + 1023 + 512) << 52;
        double power;
        memcpy(&power, &bits, sizeof power);
        x[i] = sum * power * 0x1p-512;
    }
}

/* As exact_log. Subtracting the bits of sqrt(1/2) makes the exponent's field change where m does; 1024 keeps it above
 * zero. Put below the bits of 2^52, it becomes a double. */
void exact_log_each(double *x, size_t n)
{
    static const uint64_t root_half = 0x3fe6a09e667f3bcd, two_52 = 0x4330000000000000;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        uint64_t field = (bits - root_half + ((uint64_t)1024 << 52)) >> 52;
        uint64_t e_bits = two_52 | field, m_bits = bits - (field << 52) + ((uint64_t)1024 << 52);
        double e, m;
        memcpy(&e, &e_bits, sizeof e);
        memcpy(&m, &m_bits, sizeof m);
        e -= 4503599627370496.0 + 1024.0;
        double s = (m - 1) / (m + 1), square = s * s;
        double sum = 1.0 / 21;
        sum = sum * square + 1.0 / 19;
        sum = sum * square + 1.0 / 17;
        sum = sum * square + 1.0 / 15;
        sum = sum * square + 1.0 / 13;
        sum = sum * square + 1.0 / 11;
        sum = sum * square + 1.0 / 9;
        sum = sum * square + 1.0 / 7;
        sum = sum * square + 1.0 / 5;
        sum = sum * square + 1.0 / 3;
        sum = sum * square + 1.0;
        x[i] = 2 * s * sum + e * 6.93147180559945286227e-01;
    }
}
