/* crf_loss.c - see crf_loss.h.
 *
 * A row of transitions is made probabilities once a call: E[j,i] = exp(trans[j,i] - most[j]), most[j] = max_i
 * trans[j,i]. Then a token takes K exponentials, K logarithms and a product with E instead of K^2 exponentials:
 *   u[i]       = exp(alpha[t-1,i] - m),  m = max_i alpha[t-1,i]
 *   s[j]       = sum_i E[j,i] u[i]
 *   alpha[t,j] = e[t,j] + most[j] + m + log s[j]
 * The way back is the derivative of that, and needs no exponentials. p[t,j] is the probability of tag j at token t:
 *   p[T-1,i]   = exp(alpha[T-1,i] + trans[STOP,i] - log Z)
 *   q[j]       = p[t,j] / s[j]
 *   p[t-1,i]   = u[i] sum_j E[j,i] q[j]
 *   d trans    = E[j,i] sum_t q[j] u[i]
 * E and u lose terms below 1e-323, which no sum of at least SMALLEST misses. Where a sum is smaller, all that has been
 * likely is nearly impossible now (transitions of -10000), and that tag's terms are summed in the domain of logarithms.
 */
#include "kernels/crf_loss.h"
#include "kernels/exact_math.h"
#include <math.h>
#include <string.h>

static const double SMALLEST = 1e-280;

/* Of a token: alpha, u of the token before, s, shares of allowed tags. */
enum { ARRAYS = 4 };

struct views {
    const double *most, *e, *e_turned; /* [K]; E [K, K]; its transpose, which products with u run through */
};

static struct views views_of(const struct crf_factors *factors)
{
    size_t n = factors->crf->tags;
    return (struct views){factors->at, factors->at + n, factors->at + n + n * n};
}

size_t crf_factors_size(size_t tags)
{
    return tags + 2 * tags * tags;
}

void crf_factors_make(const struct crf_factors *factors)
{
    size_t n = factors->crf->tags;
    double *most = factors->at, *e = most + n, *turned = e + n * n;
    for (size_t j = 0; j < n; j++) {
        const float *row = factors->crf->transitions + j * n;
        most[j] = row[0];
        for (size_t i = 1; i < n; i++)
            most[j] = row[i] > most[j] ? row[i] : most[j];
        for (size_t i = 0; i < n; i++)
            e[j * n + i] = row[i] - most[j];
    }
    exact_exp_each(e, n * n);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++)
            turned[i * n + j] = e[j * n + i];
}

size_t crf_loss_scratch(size_t tags, size_t length)
{
    return length * tags * ARRAYS + 3 * tags + tags * tags;
}

/* x[c] = sum_r matrix[r,c] factor[r], in ascending r */
static void product(const double *restrict matrix, const double *restrict factor, size_t n, double *restrict x)
{
    memset(x, 0, n * sizeof *x);
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            x[c] += matrix[r * n + c] * factor[r];
}

static void add_outer_product(const double *restrict column, const double *restrict row, size_t n,
                              double *restrict matrix)
{
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            matrix[r * n + c] += column[r] * row[c];
}

static double largest(const double *x, size_t n)
{
    double most = x[0];
    for (size_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* log sum_i exp(trans[j,i] + alpha[i]) without E. terms: [K] of scratch. */
static double exact_sum(const struct crf *crf, size_t j, const double *alpha, double *terms)
{
    for (size_t i = 0; i < crf->tags; i++)
        terms[i] = (double)crf->transitions[j * crf->tags + i] + alpha[i];
    return exact_log_sum_exp(terms, crf->tags);
}

/* Fills alpha, u and s of one token from the alpha before. terms: [K] of scratch. */
static void step_forward(const struct crf_factors *factors, const float *e, const double *before, double *alpha,
                         double *u, double *s, double *terms)
{
    struct views factor = views_of(factors);
    size_t n = factors->crf->tags;
    double m = largest(before, n);
    for (size_t i = 0; i < n; i++)
        u[i] = before[i] - m;
    exact_exp_each(u, n);
    product(factor.e_turned, u, n, s);
    memcpy(terms, s, n * sizeof *s);
    exact_log_each(terms, n);
    for (size_t j = 0; j < n; j++)
        alpha[j] = ((double)e[j] + (factor.most[j] + m)) + terms[j];
    for (size_t j = 0; j < n; j++)
        if (!(s[j] >= SMALLEST))
            alpha[j] = (double)e[j] + exact_sum(factors->crf, j, before, terms);
}

/* From p of a token to p of the one before, adding to the sums of q u, and to d_transitions what has no s. */
static void step_back(const struct crf_factors *factors, const float *e, const double *before, const double *alpha,
                      const double *u, const double *s, double *p, double *q, double *p_before, double *sums,
                      double *d_transitions)
{
    const struct crf *crf = factors->crf;
    size_t n = crf->tags;
    for (size_t j = 0; j < n; j++)
        q[j] = s[j] >= SMALLEST ? p[j] / s[j] : 0;
    product(views_of(factors).e, q, n, p_before);
    for (size_t i = 0; i < n; i++)
        p_before[i] *= u[i];
    add_outer_product(q, u, n, sums);
    for (size_t j = 0; j < n; j++) {
        if (s[j] >= SMALLEST || p[j] == 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            double score = (double)crf->transitions[j * n + i] + before[i];
            double share = p[j] * exact_exp(score - (alpha[j] - (double)e[j]));
            p_before[i] += share;
            d_transitions[j * n + i] += share;
        }
    }
}

static double gold_score(const struct crf *crf, const float *e, size_t length, const uint32_t *gold)
{
    size_t n = crf->tags, before = crf->start;
    double score = 0;
    for (size_t t = 0; t < length; before = gold[t++])
        score += (double)e[t * n + gold[t]] + (double)crf->transitions[gold[t] * n + before];
    return score + (double)crf->transitions[crf->stop * n + before];
}

static void count_gold(const struct crf *crf, size_t length, const uint32_t *gold, double *d_transitions)
{
    size_t n = crf->tags, before = crf->start;
    for (size_t t = 0; t < length; before = gold[t++])
        d_transitions[gold[t] * n + before] -= 1;
    d_transitions[crf->stop * n + before] -= 1;
}

double crf_loss(const struct crf_factors *factors, const float *e, size_t length, const uint32_t *gold,
                const struct tag_choices *choices, float scale, float *d_e, double *d_transitions, double *scratch)
{
    const struct crf *crf = factors->crf;
    size_t n = crf->tags;
    double *alpha = scratch, *u = alpha + length * n, *s = u + length * n;
    double *shares = s + length * n, *p = shares + length * n, *p_before = p + n, *q = p_before + n, *sums = q + n;
    if (!length)
        return 0;
    bool certain = !choices || tags_are_certain(n, gold, length);
    double score = certain ? gold_score(crf, e, length, gold)
                           : crf_allowed_score(crf, choices, e, length, gold, shares, d_e ? d_transitions : NULL, p);
    for (size_t j = 0; j < n; j++)
        alpha[j] = (double)e[j] + (double)crf->transitions[j * n + crf->start];
    for (size_t t = 1; t < length; t++)
        step_forward(factors, e + t * n, alpha + (t - 1) * n, alpha + t * n, u + t * n, s + t * n, p);
    const double *last = alpha + (length - 1) * n;
    double log_z = exact_sum(crf, crf->stop, last, p);
    double loss = log_z - score;
    if (!d_e)
        return loss;
    for (size_t i = 0; i < n; i++)
        p[i] -= log_z; /* exact_sum has left its terms there */
    exact_exp_each(p, n);
    for (size_t i = 0; i < n; i++)
        d_transitions[crf->stop * n + i] += p[i];
    memset(sums, 0, n * n * sizeof *sums);
    for (size_t t = length; t-- > 0;) {
        for (size_t j = 0; j < n; j++)
            d_e[t * n + j] = (float)(scale * (p[j] - (certain ? (double)(j == gold[t]) : shares[t * n + j])));
        if (!t)
            break;
        step_back(factors, e + t * n, alpha + (t - 1) * n, alpha + t * n, u + t * n, s + t * n, p, q, p_before, sums,
                  d_transitions);
        double *swap = p;
        p = p_before;
        p_before = swap;
    }
    for (size_t j = 0; j < n; j++)
        d_transitions[j * n + crf->start] += p[j];
    const double *probability = views_of(factors).e;
    for (size_t k = 0; k < n * n; k++)
        d_transitions[k] += probability[k] * sums[k];
    if (certain)
        count_gold(crf, length, gold, d_transitions);
    return loss;
}

double softmax_loss(size_t tags, const float *e, size_t length, const uint32_t *gold, const struct tag_choices *choices,
                    float scale, float *d_e, double *scratch)
{
    double loss = 0;
    for (size_t t = 0; t < length; t++, e += tags) {
        double sum = 0;
        for (size_t j = 0; j < tags; j++)
            scratch[j] = e[j];
        double most = largest(scratch, tags);
        for (size_t j = 0; j < tags; j++)
            scratch[j] -= most;
        exact_exp_each(scratch, tags);
        for (size_t j = 0; j < tags; j++)
            sum += scratch[j];
        bool certain = gold[t] < tags;
        double score = certain ? (double)e[gold[t]] : softmax_allowed_score(tags, choices, e, gold[t]);
        loss += exact_log(sum) + (most - score);
        for (size_t j = 0; d_e && certain && j < tags; j++)
            d_e[t * tags + j] = (float)(scale * (scratch[j] / sum - (j == gold[t])));
        for (size_t j = 0; d_e && !certain && j < tags; j++) {
            double share = tag_is_allowed(choices, tags, gold[t], j) ? exact_exp((double)e[j] - score) : 0;
            d_e[t * tags + j] = (float)(scale * (scratch[j] / sum - share));
        }
    }
    return loss;
}
