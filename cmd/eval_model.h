/* eval_model.h - the other way to evaluate: a model tags the gold file's tokens. */
#ifndef CMD_EVAL_MODEL_H
#define CMD_EVAL_MODEL_H
#include "cmd/model_options.h"
#include "text/evaluation.h"

/* Tags `gold` (a column file, "-" for stdin) and counts against its column `tag_column` (0: the last), within
 * `max_memory` bytes (0: no bound). */
ft_status eval_model(const struct model_values *model, size_t max_memory, const char *gold, int tag_column,
                     int token_column, struct evaluation *evaluation, struct ft_error *error);

#endif
