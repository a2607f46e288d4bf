/* number.c - see number.h.
 *
 * A number of up to 15 digits and a small power of ten is one exact integer multiplied or divided by one exact power:
 * the double is correctly rounded (Clinger 1990). Rounding it once more to float32 differs from rounding the number
 * itself only where the double lies exactly between two floats, for then the number may lie on either side. These
 * cases, numbers near the ends of float's range and long ones are left to strtof; the program never leaves the "C"
 * locale. */
#include "import/number.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 255, LARGEST_POWER = 22 };

static const double powers[LARGEST_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool slow_float(const char *start, const char *end, float *value)
{
    char copy[LONGEST_NUMBER + 1];
    size_t bytes = (size_t)(end - start);
    if (bytes > LONGEST_NUMBER)
        return false;
    memcpy(copy, start, bytes);
    copy[bytes] = 0;
    *value = strtof(copy, NULL);
    return isfinite(*value);
}

/* digits * 10^power. False when this way may not give the nearest float. */
static bool fast_float(uint64_t digits, int power, float *value)
{
    if (digits >= (uint64_t)1 << 53 || power < -LARGEST_POWER || power > LARGEST_POWER)
        return false;
    double exact = power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
    uint64_t bits;
    memcpy(&bits, &exact, sizeof bits);
    bool between_floats = (bits & 0x1fffffff) == 0x10000000; /* the 29 bits that a float does not have */
    *value = (float)exact;
    return digits == 0 || (exact >= (double)FLT_MIN && exact <= (double)FLT_MAX && !between_floats);
}

bool number_float(const char **at, const char *end, float *value)
{
    const char *start = *at, *here = start;
    uint64_t digits = 0;
    int power = 0, seen = 0, kept = 0; /* kept: digits behind leading zeros */
    bool negative = here < end && *here == '-', point = false;
    if (here < end && (*here == '-' || *here == '+'))
        here++;
    for (; here < end && (is_digit(*here) || (*here == '.' && !point)); here++) {
        if (*here == '.') {
            point = true;
            continue;
        }
        if (kept < 19)
            digits = digits * 10 + (uint64_t)(*here - '0');
        kept += digits != 0;
        power -= point;
        if (++seen > LONGEST_NUMBER)
            return false;
    }
    if (!seen)
        return false;
    if (here < end && (*here == 'e' || *here == 'E')) {
        const char *exponent = here + 1;
        bool down = exponent < end && *exponent == '-';
        int size = 0;
        if (exponent < end && (*exponent == '-' || *exponent == '+'))
            exponent++;
        if (exponent < end && is_digit(*exponent)) {
            for (; exponent < end && is_digit(*exponent); exponent++)
                if (size < 100000)
                    size = size * 10 + (*exponent - '0');
            power += down ? -size : size;
            here = exponent;
        }
    }
    if (kept <= 19 && fast_float(digits, power, value)) {
        if (negative)
            *value = -*value;
    } else if (!slow_float(start, here, value)) {
        return false;
    }
    *at = here;
    return true;
}
