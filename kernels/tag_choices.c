/* tag_choices.c - see tag_choices.h.
 *
 * Forward, alpha[t,j] = e[t,j] + log sum_i exp(trans[j,i] + alpha[t-1,i]) over allowed i, and -INFINITY where no
 * allowed path comes to j. Backward, the derivative of that: p[t-1,i] = sum_j p[t,j] exp(trans[j,i] + alpha[t-1,i] +
 * e[t,j] - alpha[t,j]). A row of alpha becomes the row of p once the token before it no longer needs it. */
#include "kernels/tag_choices.h"
#include "kernels/exact_math.h"
#include <math.h>
#include <string.h>

bool tags_are_certain(size_t tags, const uint32_t *gold, size_t length)
{
    for (size_t t = 0; t < length; t++)
        if (gold[t] >= tags)
            return false;
    return true;
}

/* log sum over the tags i that come to j by an allowed path. terms: [K] of scratch. */
static double score_into(const struct crf *crf, const struct tag_choices *choices, size_t j, const double *alpha,
                         double *terms)
{
    size_t n = crf->tags, count = 0;
    for (size_t i = 0; i < n; i++)
        if (choices->follows[j * n + i] && alpha[i] > -INFINITY)
            terms[count++] = (double)crf->transitions[j * n + i] + alpha[i];
    return exact_log_sum_exp(terms, count);
}

/* p[i] += the part of `probability`, that of j, which came from i; `into`: score_into of j. */
static void share_out(const struct crf *crf, const struct tag_choices *choices, size_t j, double probability,
                      double into, const double *alpha, double *p, double *d_transitions)
{
    size_t n = crf->tags;
    for (size_t i = 0; i < n; i++) {
        if (!choices->follows[j * n + i] || !(alpha[i] > -INFINITY))
            continue;
        double share = probability * exact_exp((double)crf->transitions[j * n + i] + alpha[i] - into);
        p[i] += share;
        d_transitions[j * n + i] -= share;
    }
}

double crf_allowed_score(const struct crf *crf, const struct tag_choices *choices, const float *e, size_t length,
                         const uint32_t *gold, double *shares, double *d_transitions, double *scratch)
{
    size_t n = crf->tags, start = crf->start;
    double *alpha = shares, *terms = scratch, *p = scratch + n;
    for (size_t t = 0; t < length; t++) {
        for (size_t j = 0; j < n; j++) {
            double into = -INFINITY;
            if (!tag_is_allowed(choices, n, gold[t], j))
                ;
            else if (t)
                into = score_into(crf, choices, j, alpha + (t - 1) * n, terms);
            else if (choices->follows[j * n + start])
                into = (double)crf->transitions[j * n + start];
            alpha[t * n + j] = (double)e[t * n + j] + into;
        }
    }
    double score = score_into(crf, choices, crf->stop, alpha + (length - 1) * n, terms);
    if (!d_transitions)
        return score;
    memset(p, 0, n * sizeof *p);
    share_out(crf, choices, crf->stop, 1, score, alpha + (length - 1) * n, p, d_transitions);
    for (size_t t = length; t-- > 0;) {
        double *row = alpha + t * n;
        for (size_t j = 0; j < n; j++) { /* terms: how each was come to; the row of alpha is done with */
            terms[j] = row[j] - (double)e[t * n + j];
            row[j] = p[j];
        }
        memset(p, 0, n * sizeof *p);
        for (size_t j = 0; j < n; j++) {
            if (!(row[j] > 0))
                continue;
            if (t)
                share_out(crf, choices, j, row[j], terms[j], row - n, p, d_transitions);
            else
                d_transitions[j * n + start] -= row[j];
        }
    }
    return score;
}

double softmax_allowed_score(size_t tags, const struct tag_choices *choices, const float *e, uint32_t gold)
{
    double most = -INFINITY, sum = 0;
    for (size_t j = 0; j < tags; j++)
        if (tag_is_allowed(choices, tags, gold, j) && !((double)e[j] <= most))
            most = e[j];
    for (size_t j = 0; j < tags; j++)
        if (tag_is_allowed(choices, tags, gold, j))
            sum += exact_exp((double)e[j] - most);
    return most + exact_log(sum);
}
