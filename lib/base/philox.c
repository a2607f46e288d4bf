/* philox.c - see philox.h. */
#include "base/philox.h"
#include "kernels/exact_math.h"
#include <math.h>

void philox_init(struct philox *from, uint64_t seed, uint32_t stream, uint32_t step)
{
    *from = (struct philox){.seed = seed, .stream = stream, .step = step, .used = 4};
}

uint32_t philox_next(struct philox *from)
{
    if (from->used == 4) {
        from->words = philox_at(from->seed, from->place++, from->stream, from->step);
        from->used = 0;
    }
    return from->words.at[from->used++];
}

float philox_float(struct philox *from)
{
    return philox_unit(philox_next(from));
}

/* Uniform in (-1, 1): the middles of 2^32 equal intervals. */
static double symmetric(struct philox *from)
{
    return ((double)philox_next(from) + 0.5) * 0x1p-31 - 1.0;
}

/* A point (x, y) of the unit circle's inside: x and y times sqrt(-2 log s / s), s = x^2 + y^2, are normal and
 * independent. s > 0, since 0 is no middle. */
double philox_normal(struct philox *from)
{
    if (from->has_normal) {
        from->has_normal = false;
        return from->normal;
    }
    double x, y, s;
    do {
        x = symmetric(from);
        y = symmetric(from);
        s = x * x + y * y;
    } while (s >= 1);
    double factor = sqrt(-2 * exact_log(s) / s);
    from->has_normal = true;
    from->normal = y * factor;
    return x * factor;
}

/* The lowest 2^64 mod bound values are drawn again, so that what is left is a multiple of bound. */
uint64_t philox_below(struct philox *from, uint64_t bound)
{
    uint64_t unfair = -bound % bound, word;
    do {
        uint64_t low = philox_next(from);
        word = (uint64_t)philox_next(from) << 32 | low;
    } while (word < unfair);
    return word % bound;
}

bool philox_takes(struct philox *from, size_t *wanted, size_t *left)
{
    bool takes = philox_below(from, *left) < *wanted;
    *wanted -= takes;
    *left -= 1;
    return takes;
}

void philox_shuffle(uint64_t seed, uint32_t stream, uint32_t step, size_t *numbers, size_t count)
{
    struct philox from;
    philox_init(&from, seed, stream, step);
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)philox_below(&from, i);
        size_t last = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = last;
    }
}
