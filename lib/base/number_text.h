/* number_text.h - numbers of text files that other programs read too, written and read alike in every locale.
 *
 * Numbers look as Python prints them, since the files that hold them are Python programs' own elsewhere: a point, "nan"
 * and "inf", no digit more than is needed. */
#ifndef BASE_NUMBER_TEXT_H
#define BASE_NUMBER_TEXT_H
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

enum { NUMBER_TEXT_BYTES = 32 };

/* The fewest digits that read back as the same number, as Python's str() has them: "0.1", "1.0", "1e-05", "nan". */
void number_shortest(char text[NUMBER_TEXT_BYTES], double value);

/* Rounded to `decimals` (at most 9) behind the point: "0.1000". Numbers of 1e15 and more come as number_shortest. */
void number_fixed(char text[NUMBER_TEXT_BYTES], double value, int decimals);

/* Rounded to `decimals`, then as number_shortest: what Python prints of round(value, decimals). */
void number_rounded(char text[NUMBER_TEXT_BYTES], double value, int decimals);

/* Reads what the functions above write, and any other decimal number, all of text[0..bytes). False when it is none. */
bool number_read(const char *text, size_t bytes, double *value);

/* Between the two the calling thread's printf writes points: for text of many numbers. */
locale_t plain_numbers_begin(void);
void plain_numbers_end(locale_t before);

#endif
