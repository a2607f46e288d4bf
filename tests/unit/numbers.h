/* numbers.h - random numbers and comparisons for tests of arithmetic. */
#ifndef UNIT_NUMBERS_H
#define UNIT_NUMBERS_H
#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ck_assert_msg for inner loops: Check's own tells its parent process of every assertion that holds. */
#define EXPECT(condition, ...)         \
    do                                 \
        if (!(condition))              \
            ck_abort_msg(__VA_ARGS__); \
    while (0)

/* Starts the generator with $FLAIRTAG_SEED, else with the time, and prints which: a failure can be had again. */
void random_begin(const char *test);
uint32_t random_below(uint32_t bound);            /* bound > 0 */
size_t random_between(size_t first, size_t last); /* both inside */
float random_float(float most);                   /* uniform in [-most, most) */
void random_fill(float *to, size_t count, float most);

/* New and filled; the caller frees it. */
float *random_floats(size_t count, float most);

/* Aligned to 64 bytes; free() gives it back. */
float *aligned_floats(size_t count);

/* Equal bits, or both not a number. */
bool same_float(float a, float b);

/* The index of the first difference by same_float; count when there is none. */
size_t first_difference(const float *a, const float *b, size_t count);

/* |a - b|, infinite when either is not a number. */
double distance_of(double a, double b);

#endif
