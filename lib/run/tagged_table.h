/* tagged_table.h - test.tsv and dev.tsv of a training run, as Flair writes them.
 *
 *   0.4   TOKEN GOLD PREDICTED SCORE, tags in the model's scheme
 *   0.15  TOKEN GOLD PREDICTED, both as BIO made from their spans (labels of tokens as they are), for conlleval
 *
 * separated by blanks, an empty line behind each sentence. */
#ifndef RUN_TAGGED_TABLE_H
#define RUN_TAGGED_TABLE_H
#include "base/output.h"
#include "run/corpus.h"

/* gold, predicted: [sentence->count] tags; scores: likewise, for 0.4 only. */
ft_status tagged_table_sentence(struct output *output, enum flair_era era, const struct sentence *sentence,
                                const char *const *gold, const char *const *predicted, const double *scores,
                                struct arena *arena, struct ft_error *error);

#endif
