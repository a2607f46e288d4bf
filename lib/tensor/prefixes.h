/* prefixes.h - sequences that begin alike need the steps of their common beginning once.
 *
 * A state depends on nothing but the ids up to it. The plan says for each sequence which steps it takes itself: those
 * behind the longest beginning that it shares with a sequence no shorter than itself. From there it goes on from the
 * state of that sequence, and the rows it wants of the shared part are copies of that sequence's rows.
 *
 * Promises: every distinct beginning is stepped through once, as long as those who share it want the same of its states
 * (a sequence that wants more takes the steps from there itself); what a sequence goes on from was made by one that is
 * no shorter, so that no chain of them takes longer than the longest sequence alone. It knows nothing of states. */
#ifndef TENSOR_PREFIXES_H
#define TENSOR_PREFIXES_H
#include "tensor/backend.h"
#include <stdbool.h>

#define PREFIX_NONE UINT32_MAX

struct prefix {
    uint32_t start;   /* the first step that the sequence takes itself */
    uint32_t parent;  /* who takes step start - 1; where start is 0, nobody: the sequence itself */
    uint32_t child;   /* the first who goes on from one of this sequence's own steps, by ascending start */
    uint32_t sibling; /* the next child of the same parent */
};

struct prefixes {
    const struct char_sequence *sequences;
    size_t count;
    struct prefix *at;   /* [count] */
    uint32_t *own_steps; /* [count], how many steps each takes itself: none behind the last that is wanted */
};

/* False when out of memory. The sequences are borrowed. */
bool prefixes_init(struct prefixes *prefixes, const struct char_sequence *sequences, size_t count);
void prefixes_release(struct prefixes *prefixes);

/* Which sequence takes this step of `sequence`. */
uint32_t prefixes_holder(const struct prefixes *prefixes, uint32_t sequence, uint32_t step);

/* How many states the sequence wants of steps before this one: the index of its first wish from there on. */
uint32_t prefixes_wishes_before(const struct char_sequence *sequence, uint32_t step);

#endif
