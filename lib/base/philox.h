/* philox.h - random numbers that are a function of where they are used: Philox4x32-10 (Salmon, Moraes, Dror and Shaw:
 * "Parallel random numbers: as easy as 1, 2, 3", 2011).
 *
 * Four words of 32 bits come from a key and a counter, without any state, so that a mask can be made again, in any
 * order, on any thread and any device. Everything random in a run is drawn from here:
 *   key      the run's seed, its low word first
 *   counter  word 0  place, low   \ what of it: which four columns of which row, or how many fours were drawn before
 *            word 1  place, high  /
 *            word 2  stream: what for (the highest 8 bits, enum philox_use) and which of these (24 bits: the number of
 *                    a tensor, of a dropout's site)
 *            word 3  step: of the run, or an epoch; 0 for what happens once. Steps repeat after 2^32
 * Two uses share no numbers as long as they differ in one of these. Nothing here depends on the machine. */
#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Masks are made on the device by the same function. */
#ifdef __CUDACC__
#define PHILOX_FUNCTION static __host__ __device__ inline
#else
#define PHILOX_FUNCTION static inline
#endif

enum philox_use {
    PHILOX_WEIGHTS,        /* initial weights; number: of the tensor */
    PHILOX_SHUFFLE,        /* the order of an epoch; step: the epoch */
    PHILOX_SPLIT,          /* which sentences become dev */
    PHILOX_WORD_DROPOUT,   /* number: the site */
    PHILOX_LOCKED_DROPOUT, /* number: the site */
    PHILOX_PLAIN_DROPOUT,  /* number: the site */
    PHILOX_CASE,           /* which lines change their case; place: the line, step: the epoch */
    PHILOX_SAMPLE,         /* characters that a language model writes; place: which of them */
    PHILOX_COPIES,         /* copies of sentences; numbers and steps: run/augment.c */
    PHILOX_EMPTY           /* which sentences without mentions an epoch reads; step: the epoch */
};

/* Word 2 of the counter. number: below 2^24. */
static inline uint32_t philox_stream(enum philox_use use, uint32_t number)
{
    return (uint32_t)use << 24 | (number & 0xffffff);
}

struct philox_words {
    uint32_t at[4];
};

/* Inline, since masks are made of millions of these. */
PHILOX_FUNCTION struct philox_words philox_at(uint64_t seed, uint64_t place, uint32_t stream, uint32_t step)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t a = (uint32_t)place, b = (uint32_t)(place >> 32), c = stream, d = step;
    for (int round = 0; round < 10; round++) {
        uint64_t from_a = (uint64_t)a * 0xd2511f53u, from_c = (uint64_t)c * 0xcd9e8d57u;
        a = (uint32_t)(from_c >> 32) ^ b ^ key0;
        b = (uint32_t)from_c;
        c = (uint32_t)(from_a >> 32) ^ d ^ key1;
        d = (uint32_t)from_a;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    struct philox_words words = {{a, b, c, d}};
    return words;
}

/* Uniform in [0, 1), in steps of 2^-24. */
static inline float philox_unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* Numbers of one stream and step, one after the other, from place 0 on. */
struct philox {
    uint64_t seed, place;
    uint32_t stream, step;
    struct philox_words words;
    unsigned used; /* of `words` */
    bool has_normal;
    double normal; /* the second of a pair */
};

void philox_init(struct philox *from, uint64_t seed, uint32_t stream, uint32_t step);

uint32_t philox_next(struct philox *from);
float philox_float(struct philox *from); /* uniform in [0, 1), in steps of 2^-24 */

/* Standard normal: the method of Box and Muller in the polar form of Marsaglia and Bray (1964). */
double philox_normal(struct philox *from);

/* Each of 0 .. bound - 1 equally likely. bound > 0. */
uint64_t philox_below(struct philox *from, uint64_t bound);

/* Asked once for each of *left things, says true for *wanted of them, every choice equally likely; both counts are
 * moved on (selection sampling: Fan, Muller and Rezucha 1962). *wanted <= *left, *left > 0. */
bool philox_takes(struct philox *from, size_t *wanted, size_t *left);

/* Every order equally likely (Fisher and Yates). Depends on seed, stream, step and count alone. */
void philox_shuffle(uint64_t seed, uint32_t stream, uint32_t step, size_t *numbers, size_t count);

#endif
