/* final_test.h - a trained model, opened as its users open it, on the test split: what a run reports at its end.
 *
 * Token vectors are computed anew and nothing is kept of them (storage none). */
#ifndef RUN_FINAL_TEST_H
#define RUN_FINAL_TEST_H
#include "run/corpus.h"
#include "tensor/backend.h"
#include "text/evaluation.h"

/* path: the model file. host: the CPU's back end, which opens it; backend: that which tags, perhaps the same. table:
 * test.tsv's path, or NULL. Adds all sentences to the evaluation, which the caller has made. */
ft_status final_test(const char *path, const struct split *split, enum flair_era era, struct backend *host,
                     struct backend *backend, const char *table, struct evaluation *evaluation, struct ft_error *error);

#endif
