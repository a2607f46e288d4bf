/* split_scores.h - what predictions of a corpus' split are worth, by the rules of one of Flair's eras. */
#ifndef RUN_SPLIT_SCORES_H
#define RUN_SPLIT_SCORES_H
#include "run/corpus.h"
#include "run/run_log.h"
#include "text/evaluation.h"

/* Which spans a run's predictions are counted as. */
enum span_rule split_span_rule(const struct corpus *corpus, enum flair_era era);

/* Sets precision, recall, F1 and accuracy of a record, from an evaluation by that rule; all else in it stays. FT_NOMEM.
 */
ft_status split_scores(const struct evaluation *evaluation, const struct corpus *corpus, enum flair_era era,
                       struct split_record *record, struct ft_error *error);

#endif
