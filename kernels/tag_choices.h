/* tag_choices.h - gold tags that are not certain: corpora whose labels are coarser than a model's say of a token only
 * which tags it may have.
 *
 * Such a token's gold number is K + i, the i-th set of a table; numbers below K are tags. The likelihood of a sentence
 * is then that of all paths that its sets allow together: their score takes the place of the gold path's (conditional
 * random fields with partial labels: Tsuboi et al. 2008),
 *   score      = log sum over allowed paths y of exp(sum_t e[t,y[t]] + trans[y[t],y[t-1]])
 * and their expected counts that of its counts. `follows` leaves out paths that no labels can mean, such as a span that
 * ends as another type than it began. Sums are in the domain of logarithms, in ascending order. */
#ifndef KERNELS_TAG_CHOICES_H
#define KERNELS_TAG_CHOICES_H
#include "kernels/crf.h"

struct tag_choices {
    size_t count;
    const uint8_t *allowed; /* [count, K] 1: the set has the tag; none is empty */
    const uint8_t *follows; /* [K, K], [to, from] with START and STOP, 1: allowed paths may take this step. Only CRFs
                               look at it: a softmax knows no paths */
};

static inline bool tag_is_allowed(const struct tag_choices *choices, size_t tags, uint32_t gold, size_t tag)
{
    return gold < tags ? tag == gold : choices->allowed[(gold - tags) * tags + tag];
}

/* Whether each gold number is a tag. */
bool tags_are_certain(size_t tags, const uint32_t *gold, size_t length);

/* The score above; length 1 at least. shares: [T, K], receives the probability of each tag at each token among allowed
 * paths. d_transitions: [K, K], from which the expected counts are taken away. Both are made only where d_transitions
 * is not NULL, but `shares` is used in any case. scratch: 2 K. -INFINITY where no path is allowed; the rest is then
 * undefined. */
double crf_allowed_score(const struct crf *crf, const struct tag_choices *choices, const float *e, size_t length,
                         const uint32_t *gold, double *shares, double *d_transitions, double *scratch);

/* log sum of exp(e[j]) over the allowed tags. e: [K]. */
double softmax_allowed_score(size_t tags, const struct tag_choices *choices, const float *e, uint32_t gold);

#endif
