/* numbers.c - see numbers.h. The generator is xorshift64*. */
#include "numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = 1;

void random_begin(const char *test)
{
    const char *given = getenv("FLAIRTAG_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long seed = given ? strtoul(given, NULL, 10) : (unsigned long)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
    printf("%s: FLAIRTAG_SEED=%lu\n", test, seed);
    fflush(stdout);
    state = seed * 0x9e3779b97f4a7c15u | 1;
}

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du;
}

uint32_t random_below(uint32_t bound)
{
    return (uint32_t)(next() >> 32) % bound;
}

size_t random_between(size_t first, size_t last)
{
    return first + random_below((uint32_t)(last - first + 1));
}

float random_float(float most)
{
    return ((float)(next() >> 40) * 0x1p-23f - 1.0f) * most;
}

void random_fill(float *to, size_t count, float most)
{
    for (size_t i = 0; i < count; i++)
        to[i] = random_float(most);
}

float *random_floats(size_t count, float most)
{
    float *floats = malloc((count + 1) * sizeof *floats);
    ck_assert_ptr_nonnull(floats);
    random_fill(floats, count, most);
    return floats;
}

float *aligned_floats(size_t count)
{
    float *floats = aligned_alloc(64, (count * sizeof *floats + 64) / 64 * 64);
    ck_assert_ptr_nonnull(floats);
    return floats;
}

bool same_float(float a, float b)
{
    return !memcmp(&a, &b, sizeof a) || (a != a && b != b);
}

size_t first_difference(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!same_float(a[i], b[i]))
            return i;
    return count;
}

double distance_of(double a, double b)
{
    double distance = a == b ? 0 : fabs(a - b);
    return distance == distance ? distance : INFINITY;
}
