/* number_text.c - see number_text.h. */
#include "base/number_text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library keeps the "C" locale as a constant: newlocale allocates nothing here and cannot fail. */
locale_t plain_numbers_begin(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void plain_numbers_end(locale_t before)
{
    uselocale(before);
}

static bool not_finite(char text[NUMBER_TEXT_BYTES], double value)
{
    if (isfinite(value))
        return false;
    strcpy(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    return true;
}

/* digits: of the value, without point, *count of them, no zeros at the end; the return value is the power of ten of the
 * first one. */
static int shortest_digits(double value, char digits[NUMBER_TEXT_BYTES], size_t *count)
{
    char text[NUMBER_TEXT_BYTES];
    int ignored;
    bool power_of_two = frexp(value, &ignored) == 0.5;
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
        /* Below a power of two numbers lie twice as close: the digits just above it may read back where the nearest
         * ones, below it, do not. A quarter of the step above the number finds them. */
        if (power_of_two)
            snprintf(text, sizeof text, "%.*Le", precision, value * (1 + 0x1p-54L));
        if (power_of_two && strtod(text, NULL) == value)
            break;
    }
    char *exponent = strchr(text, 'e');
    size_t used = 0;
    for (char *at = text; at < exponent; at++)
        if (*at != '.')
            digits[used++] = *at;
    *count = used;
    return atoi(exponent + 1);
}

/* Python writes an exponent below 1e-4 and from 1e16 on. */
void number_shortest(char text[NUMBER_TEXT_BYTES], double value)
{
    if (not_finite(text, value))
        return;
    locale_t before = plain_numbers_begin();
    char digits[NUMBER_TEXT_BYTES];
    size_t count;
    int exponent = shortest_digits(fabs(value), digits, &count);
    char *to = text;
    if (signbit(value))
        *to++ = '-';
    if (exponent < -4 || exponent >= 16) {
        *to++ = digits[0];
        if (count > 1) {
            *to++ = '.';
            memcpy(to, digits + 1, count - 1);
            to += count - 1;
        }
        snprintf(to, (size_t)(text + NUMBER_TEXT_BYTES - to), "e%+03d", exponent);
    } else {
        for (int place = exponent < 0 ? 0 : exponent; place >= 0 || exponent - place < (int)count; place--) {
            int digit = exponent - place;
            if (place == -1)
                *to++ = '.';
            *to++ = digit >= 0 && digit < (int)count ? digits[digit] : '0';
        }
        if (!memchr(text, '.', (size_t)(to - text))) {
            *to++ = '.';
            *to++ = '0';
        }
        *to = '\0';
    }
    plain_numbers_end(before);
}

void number_fixed(char text[NUMBER_TEXT_BYTES], double value, int decimals)
{
    if (!(fabs(value) < 1e15)) {
        number_shortest(text, value);
        return;
    }
    locale_t before = plain_numbers_begin();
    snprintf(text, NUMBER_TEXT_BYTES, "%.*f", decimals, value);
    plain_numbers_end(before);
}

void number_rounded(char text[NUMBER_TEXT_BYTES], double value, int decimals)
{
    number_fixed(text, value, decimals);
    if (number_read(text, strlen(text), &value))
        number_shortest(text, value);
}

bool number_read(const char *text, size_t bytes, double *value)
{
    static const char *const words[] = {"nan", "inf", "-inf"};
    static const double meant[] = {NAN, INFINITY, -INFINITY};
    char copy[256];
    if (!bytes || bytes >= sizeof copy)
        return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(copy, words[i])) {
            *value = meant[i];
            return true;
        }
    /* strtod alone would take white space, hexadecimal and "infinity" too. */
    if (strspn(copy, "0123456789+-.eE") != bytes)
        return false;
    locale_t before = plain_numbers_begin();
    char *end;
    *value = strtod(copy, &end);
    plain_numbers_end(before);
    return end == copy + bytes && isfinite(*value);
}
