/* storage_table.h - what the ways of keeping embeddings cost on a corpus: time, bytes copied, kept and needed at most.
 *
 * A corpus is embedded in file order in mini-batches, each kept as the mode says; rows are those of the language
 * models, since tables of words are nobody's copy. The plan computes the same bytes from the sentences' lengths alone.
 */
#ifndef RUN_STORAGE_TABLE_H
#define RUN_STORAGE_TABLE_H
#include "run/store.h"

struct storage_case {
    enum lm_output lm_output;
    enum gather_mode gather;
    enum storage_mode storage;
};

struct storage_figures {
    double seconds;           /* of embedding and keeping; 0 in a plan */
    size_t rows;              /* tokens */
    size_t row_bytes;         /* of one token, all language models together */
    size_t copied, kept;      /* wherever: in host memory or the device's */
    size_t peak;              /* of the back end's memory */
    size_t models;            /* language models, 1 where there is none */
    struct step_counts steps; /* of all of them together; none in a plan */
    const char *pins;         /* what a kept row keeps alive */
};

/* corpus: the whole of it in one window. backend NULL: the plan of a CPU-only run. */
ft_status storage_table(const struct tagger *tagger, struct backend *backend, const struct storage_case *how,
                        const struct window *corpus, size_t mini_batch, struct storage_figures *figures,
                        struct ft_error *error);

#endif
