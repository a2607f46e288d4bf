/* crf_loss.h - negative log-likelihood of gold tags, and its gradients, one sentence at a time, in double: of a
 * linear-chain CRF (Lafferty et al. 2001), and of a softmax for each token.
 *
 * With y[-1] = START and y[T] = STOP, as Flair counts them:
 *   loss       = log Z - sum_t e[t,y[t]] - sum_t trans[y[t],y[t-1]]
 *   d e[t,j]   = P(tag t is j) - [y[t] = j]
 *   d trans    = expected - counted transitions, those from START and into STOP among them
 * START and STOP are ordinary columns of K, as in crf.h. An empty sentence has loss 0. Numbers that are not finite give
 * losses that are not. Sums run in ascending order. Where gold is a choice of tags for some token (tag_choices.h), all
 * allowed paths (or tags) together take the gold one's place; sentences without one are as if there were no choices. */
#ifndef KERNELS_CRF_LOSS_H
#define KERNELS_CRF_LOSS_H
#include "kernels/tag_choices.h"

/* What all sentences of a call share; `at` has crf_factors_size(K) doubles, which are the caller's. */
struct crf_factors {
    const struct crf *crf;
    double *at;
};
size_t crf_factors_size(size_t tags);
void crf_factors_make(const struct crf_factors *factors);

/* e: [T, K]. gold: [T], each below K + choices->count; choices NULL: there are none. d_e: [T, K], receives `scale`
 * times the gradient; d_transitions: [K, K], to which the gradient is added, not scaled; both NULL when only the loss
 * is wanted. scratch: crf_loss_scratch(K, T) doubles.
 */
size_t crf_loss_scratch(size_t tags, size_t length);
double crf_loss(const struct crf_factors *factors, const float *e, size_t length, const uint32_t *gold,
                const struct tag_choices *choices, float scale, float *d_e, double *d_transitions, double *scratch);

/* Sum of the tokens' cross-entropies; d_e [T, K] receives `scale` times its gradient softmax(e[t,:])[j] - [y[t] = j],
 * or is NULL. scratch: [K]. */
double softmax_loss(size_t tags, const float *e, size_t length, const uint32_t *gold, const struct tag_choices *choices,
                    float scale, float *d_e, double *scratch);

#endif
