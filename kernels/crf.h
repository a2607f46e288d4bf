/* crf.h - linear-chain CRF and softmax decoding, one sentence at a time.
 *
 * e: emissions [T, K]. transitions [K, K], [to, from] as Flair stores them. START and STOP are ordinary columns, which
 * take part in every maximum and sum (Lafferty et al. 2001; decoding as Flair does it). Sums and maxima run in
 * ascending order. */
#ifndef KERNELS_CRF_H
#define KERNELS_CRF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crf {
    size_t tags;              /* K */
    size_t start, stop;       /* columns */
    const float *transitions; /* [K, K] */
    bool mask_ends;           /* START and STOP cannot be the last tag (Flair up to 0.10) */
};

/* The best sequence, ties to the lower tag:
 *   v[0,j] = e[0,j] + t[j,START];   v[t,j] = max_i ((e[t,j] + t[j,i]) + v[t-1,i]);   last: max_i (v[T-1,i] + t[STOP,i])
 * tags: [T]. scores: [T], Flair's confidence max_j softmax(v[t,:])[j], or NULL.
 * v: [2, K] of scratch; back: [T, K] of scratch. */
void crf_viterbi(const struct crf *crf, const float *e, size_t length, uint32_t *tags, float *scores, float *v,
                 uint32_t *back);

/* Marginal probability of every tag: p[t,j] = exp(alpha[t,j] + beta[t,j] - log Z), in double.
 * alpha: [T, K] and beta: [T, K] of scratch, sums: [K] of scratch; p may be alpha. Returns log Z. */
double crf_marginals(const struct crf *crf, const float *e, size_t length, double *p, double *alpha, double *beta,
                     double *sums);

/* The `count` best sequences, best first (list Viterbi). tags: [count, T]; log_scores: [count], path scores (subtract
 * log Z for log-probabilities). Returns how many there are (fewer when there are fewer sequences). v: [2, K, count] and
 * back: [T, K, count] of scratch. START and STOP are left out of the paths. */
size_t crf_nbest(const struct crf *crf, const float *e, size_t length, size_t count, uint32_t *tags, double *log_scores,
                 double *v, uint32_t *back);

/* Softmax models: the largest emission of each token; scores: its softmax probability, or NULL. */
void softmax_decode(const float *e, size_t length, size_t tag_count, uint32_t *tags, float *scores);

/* p[t,j] = softmax(e[t,:])[j] */
void softmax_probabilities(const float *e, size_t length, size_t tag_count, double *p);

#endif
