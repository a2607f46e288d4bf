/* utf8.h - UTF-8 and the few Unicode properties that Flair's behaviour rests on, as Python defines them. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one code point of s[0..bytes). Returns its length in bytes (1 to 4), 0 at the end or at an invalid sequence
 * (overlong forms, surrogates and values past U+10FFFF are invalid). */
size_t utf8_decode(const char *s, size_t bytes, uint32_t *code_point);

/* Writes one code point; returns its length in bytes. */
size_t utf8_encode(uint32_t code_point, char out[4]);

/* Number of code points in valid UTF-8. */
size_t utf8_count(const char *s, size_t bytes);

/* True when all of s is valid; else *bad is the offset of the first invalid byte. */
bool utf8_valid(const char *s, size_t bytes, size_t *bad);

/* Python's str.isspace (what `\s` matches in re): U+001C-001F, U+0085, U+00A0, U+2028 ... included. */
bool unicode_is_space(uint32_t code_point);

/* General category Nd (what `\d` matches in re). */
bool unicode_is_decimal(uint32_t code_point);

/* The simple case mappings: one code point each, which is what it was where there is none. */
uint32_t unicode_lower(uint32_t code_point);
uint32_t unicode_upper(uint32_t code_point);

/* Python's str.lower: full case mapping (U+0130 gives two code points) and the final sigma. Writes at most `room` bytes
 * to out and returns the length needed; 3 * bytes + 1 always suffices. s must be valid UTF-8. */
size_t utf8_lower(const char *s, size_t bytes, char *out, size_t room);

#endif
