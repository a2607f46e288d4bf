/* dropout.c - see dropout.h. A locked mask is made once for all rows of a sequence, some columns at a time, so that it
 * stays in a near cache and needs no memory from elsewhere. */
#include "kernels/dropout.h"
#include "base/philox.h"
#include <math.h>
#include <string.h>

enum { COLUMNS = 4096 }; /* at a time, a multiple of 4; with 1024, rows come from memory half as fast */

static uint64_t place_of(size_t sequence, size_t element, size_t column)
{
    return (uint64_t)sequence << 44 | (uint64_t)element << 20 | column / 4;
}

/* word * 2^-24 < p for the highest 24 bits of a word, as integers. */
static uint32_t threshold_of(float p)
{
    return (uint32_t)ceilf(p * 0x1p24f);
}

/* Of `count` columns from `first` on, a multiple of 4: no bits where dropped, else all. */
static void make_mask(const struct dropout *dropout, enum philox_use use, float p, size_t sequence, size_t element,
                      size_t first, size_t count, uint32_t mask[COLUMNS])
{
    uint32_t stream = philox_stream(use, dropout->site), step = (uint32_t)dropout->step, threshold = threshold_of(p);
    uint64_t place = place_of(sequence, element, first);
    for (size_t c = 0; c < count; c += 4, place++) {
        struct philox_words words = philox_at(dropout->seed, place, stream, step);
        for (size_t i = 0; i < 4; i++)
            mask[c + i] = -(uint32_t)(words.at[i] >> 8 >= threshold);
    }
}

/* By bits: no branches on what cannot be predicted, and what is dropped becomes 0 even where it was no number. */
static void apply_mask(const uint32_t *restrict mask, float p, size_t count, float *restrict x)
{
    float kept = 1.0f / (1.0f - p);
    for (size_t c = 0; c < count; c++) {
        float scaled = x[c] * kept;
        uint32_t bits;
        memcpy(&bits, &scaled, sizeof bits);
        bits &= mask[c];
        memcpy(&x[c], &bits, sizeof bits);
    }
}

static bool drops_word(const struct dropout *dropout, size_t sequence, size_t element)
{
    if (!(dropout->word > 0))
        return false;
    struct philox_words words = philox_at(dropout->seed, place_of(sequence, element, 0),
                                          philox_stream(PHILOX_WORD_DROPOUT, dropout->site), (uint32_t)dropout->step);
    return words.at[0] >> 8 < threshold_of(dropout->word);
}

void dropout_sequence(const struct packed_batch *batch, size_t s, const struct dropout *dropout, size_t width, float *x)
{
    uint32_t locked[COLUMNS], plain[COLUMNS];
    for (size_t first = 0; first < width; first += COLUMNS) {
        size_t count = width - first < COLUMNS ? width - first : COLUMNS;
        if (dropout->locked > 0)
            make_mask(dropout, PHILOX_LOCKED_DROPOUT, dropout->locked, s, 0, first, count, locked);
        for (size_t t = 0; t < batch->steps && s < batch->active[t]; t++) {
            float *at = x + (batch->first[t] + s) * width + first;
            if (drops_word(dropout, s, t)) {
                memset(at, 0, count * sizeof *at);
                continue;
            }
            if (dropout->locked > 0)
                apply_mask(locked, dropout->locked, count, at);
            if (dropout->plain > 0) {
                make_mask(dropout, PHILOX_PLAIN_DROPOUT, dropout->plain, s, t, first, count, plain);
                apply_mask(plain, dropout->plain, count, at);
            }
        }
    }
}
