/* epoch_order.h - which sentences an epoch of training reads, and in what order.
 *
 * Sentences with mentions are read in every epoch, of those without only a share, drawn anew each time; some sentences
 * can be for the first epochs alone. All follows
 * from the seed and the epoch's number, so that an epoch can be entered anywhere and counted beforehand. It promises:
 * no sentence comes twice in an epoch, and where none is left out the order depends on seed, epoch and number of
 * sentences alone. It knows nothing of corpora and batches' contents. */
#ifndef RUN_EPOCH_ORDER_H
#define RUN_EPOCH_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epoch_order {
    bool shuffle;          /* false: sentences keep their order */
    double empty_left_out; /* share of the sentences without mentions, from 0 to 1 */
    uint64_t seed;
    struct {
        size_t first, count, epochs; /* these sentences are read in the first `epochs` only; 0: in all */
    } some;
    size_t count;             /* of all sentences */
    const bool *has_mentions; /* [count], lent */
    size_t empty, some_empty; /* how many of them, and of `some`, have none */
};

/* Fills what stands from `count` on; the rest is the caller's, and there before. */
void epoch_order_sentences(struct epoch_order *order, const bool *has_mentions, size_t count);

/* Sentences that an epoch reads. epoch: from 1. */
size_t epoch_order_count(const struct epoch_order *order, size_t epoch);

/* Batches of so many sentences (the last one may have fewer) in an epoch, and in epochs 1 to `epochs` together. */
size_t epoch_order_batches(const struct epoch_order *order, size_t epoch, size_t batch);
size_t epoch_order_batches_total(const struct epoch_order *order, size_t epochs, size_t batch);

/* The numbers (from 0) of the sentences that an epoch reads, one after the other. numbers: [epoch_order_count]. */
void epoch_order_write(const struct epoch_order *order, size_t epoch, size_t *numbers);

#endif
