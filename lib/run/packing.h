/* packing.h - which row an element of a sequence gets when sequences of different lengths are packed by time
 * (tensor/training.h): the longest sequence first, equal ones in their order. */
#ifndef RUN_PACKING_H
#define RUN_PACKING_H
#include "base/arena.h"
#include "tensor/training.h"

struct packing {
    struct packed_batch batch;
    struct token_sequence *sentences; /* [sequences] in the caller's order: their tokens one sentence behind the other */
    uint32_t *row;                    /* [rows] of each token in that order */
    uint32_t *token;                  /* [rows] the inverse */
};

/* lengths: [count], none is 0. Everything comes from the arena. FT_NOMEM. */
ft_status packing_init(struct packing *packing, const size_t *lengths, size_t count, struct arena *arena,
                       struct ft_error *error);

#endif
