/* number.h - decimal numbers of text files to float32, fast and correctly rounded. */
#ifndef IMPORT_NUMBER_H
#define IMPORT_NUMBER_H
#include <stdbool.h>

/* Reads a decimal number (sign, digits with an optional point, optional exponent) from *at up to end and moves *at
 * behind it. False, and *at stays, when none stands there, when it is too large for a float, or longer than 255
 * characters. "nan", "inf" and hexadecimal are no numbers here. */
bool number_float(const char **at, const char *end, float *value);

#endif
