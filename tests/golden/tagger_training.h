/* tagger_training.h - Flair's own training runs of taggers, followed step by step.
 *
 * From its first weights, on its corpus, in its order: the loss and the gradient's norm of every batch, the weights
 * after the first and the last, every evaluation, every learning rate. What Flair and an independent calculation in
 * double differ by is in each case.json; later steps may differ by ten times as much. */
#ifndef GOLDEN_TAGGER_TRAINING_H
#define GOLDEN_TAGGER_TRAINING_H
#include "run/corpus.h"
#include "tensor/backend.h"

/* Fails the test where the run goes another way. The models that give token vectors are opened on the host; `device`,
 * which may be the same, trains. */
void golden_follow_tagger_training(const char *folder, enum flair_era era, bool has_words, struct backend *host,
                                   struct backend *device);

#endif
