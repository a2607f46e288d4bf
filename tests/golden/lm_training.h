/* lm_training.h - Flair's own training runs of language models, followed step by step, and what its trainer's
 * evaluation gives for models that were opened.
 *
 * From its first weights, on its texts, in its order of splits: the loss and the gradient's norm of every update,
 * weights after the first and the last, every validation, every learning rate. What Flair and an independent
 * calculation in double differ by is in each case.json; later steps may differ by ten times as much.
 *
 * Models are opened on the host; `device`, which may be the same, computes. Each fails the test where Flair has other
 * numbers. */
#ifndef GOLDEN_LM_TRAINING_H
#define GOLDEN_LM_TRAINING_H
#include "run/corpus.h"
#include "tensor/backend.h"

void golden_follow_lm_training(const char *folder, enum flair_era era, struct backend *host, struct backend *device);

/* The ids that Flair's trainer reads, and the losses of its evaluation at several batch sizes. */
void golden_check_lm_evaluation(const char *folder, const char *direction, enum flair_era era, struct backend *host,
                                struct backend *device);

/* Of a text and of short strings. Returns the worst relative difference. */
double golden_check_perplexities(const char *folder, const char *direction, struct backend *host,
                                 struct backend *device);

#endif
