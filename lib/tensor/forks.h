/* forks.h - plans the steps of many sequences and gives them out as they can be begun, the one with the most steps
 * first.
 *
 * Sequences that share nothing can be begun at once; the others when their parent offers the state that they go on
 * from. Such a state is kept once for all who begin there, and until the last of them has.
 *
 * Promises: every sequence with steps of its own is given out once; kept states take no more than `most_bytes`. Where
 * they would, whoever was to go on from one is given out without, and begins at its first step. Everything may be
 * called from any thread. */
#ifndef TENSOR_FORKS_H
#define TENSOR_FORKS_H
#include "tensor/lanes.h"
#include "tensor/prefixes.h"
#include <pthread.h>

struct fork_state {
    size_t floats;
    uint32_t users; /* who have not begun yet */
    uint32_t place; /* the caller's own: where it lies on a device */
    float at[];
};

struct forks {
    struct prefixes prefixes;
    struct lane_queue order;   /* of the sequences with steps of their own: a sequence's place in it is its rank */
    uint32_t *rank;            /* [sequences] */
    struct fork_state **state; /* [sequences], what each goes on from, once it was offered */
    pthread_mutex_t mutex;     /* over all below */
    pthread_cond_t changed;
    uint64_t *ready;                  /* a bit a rank */
    size_t first;                     /* no word of `ready` before this one has a bit */
    atomic_size_t ready_count, begun; /* may be read without the mutex */
    size_t bytes, most_bytes;
};

/* Plans and begins. False when out of memory; forks_release is due all the same. The sequences are borrowed. */
bool forks_init(struct forks *forks, const struct char_sequence *sequences, size_t count, size_t most_bytes);
void forks_release(struct forks *forks);

/* True: some have not been begun. */
bool forks_left(struct forks *forks);

/* A sequence to begin, and the state to go on from or NULL. False when none can be begun now; with `wait`, only when
 * all have been: so a caller that waits must hold none that others go on from. */
bool forks_take(struct forks *forks, bool wait, uint32_t *sequence, struct fork_state **state);

/* Memory for a state; NULL when there is none to be had. */
struct fork_state *forks_keep(struct forks *forks, size_t floats);

/* Lets `child` and its siblings of the same start begin, from `state` or, where that is NULL, from nothing. The child
 * that is next. */
uint32_t forks_offer(struct forks *forks, uint32_t child, struct fork_state *state);

/* The state that came with a sequence has been copied. */
void forks_drop(struct forks *forks, struct fork_state *state);

#endif
