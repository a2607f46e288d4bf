/* memory_options.h - the option that bounds memory, and what follows from it before work starts. */
#ifndef CMD_MEMORY_OPTIONS_H
#define CMD_MEMORY_OPTIONS_H
#include "cmd/machine.h"
#include "run/predictor_group.h"
#include "text/reader.h"

/* clang-format off */
#define MEMORY_OPTIONS(values, member)                                                                                \
    {0, "max-mem", OPTION_SIZE, offsetof(values, member), "SIZE", NULL,                                               \
     "most memory for everything, the model included: windows and lanes become smaller until it suffices, and "       \
     "embeddings are kept in what is left (default: no bound)", 0, 0}
/* clang-format on */

/* model_open_tagger within `limit` bytes (0: no bound). FT_NOMEM when the file alone, or opening it, takes more. */
ft_status memory_open_tagger(size_t limit, const struct machine *machine, struct model *model, struct ft_error *error);

/* Plans the run and puts the plan into effect: lanes of the CPU's back end, limits of the reader, and what the
 * predictor is to keep to. `how` may be NULL where no predictor runs. A GPU that the model does not fit in is left for
 * the CPU, which is said, unless it was asked for. FT_NOMEM: the limit is too little, or such a GPU's memory. */
ft_status memory_settle(size_t limit, const struct model *model, struct machine *machine, struct reader *reader,
                        struct predictor_options *how, struct memory_plan *plan, struct ft_error *error);

/* Before a first window is tagged: by its share of the files' bytes, says that embeddings of all of them cannot be kept
 * and turns storage off. */
void memory_foresee(const struct memory_plan *plan, const struct window *first, const struct reader *reader,
                    struct predictor_group *predictors);

#endif
