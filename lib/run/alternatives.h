/* alternatives.h - what else a sentence could have been: marginal probabilities of the tags, and the n best sequences.
 */
#ifndef RUN_ALTERNATIVES_H
#define RUN_ALTERNATIVES_H
#include "run/embedder.h"
#include "text/writer.h"

struct alternatives {
    const struct tagger *tagger;
    size_t threads; /* to share the sentences among */
    const struct embedded *embedded;
    const float *emissions; /* [tokens, tags], in host memory */
    const uint32_t *tags;   /* [tokens], as decoded */
};

/* probabilities: [tokens], the marginal of each token's tag. FT_NOMEM. */
ft_status alternatives_marginals(const struct alternatives *of, double *probabilities);

/* The `count` best sequences of each sentence with their probabilities, from the arena. A model without CRF gives one.
 */
ft_status alternatives_nbest(const struct alternatives *of, size_t count, struct arena *arena,
                             struct tag_sequence ***best, size_t **best_count);

#endif
