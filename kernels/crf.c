/* crf.c - see crf.h. */
#include "kernels/crf.h"
#include "kernels/exact_math.h"
#include <math.h>
#include <string.h>

/* max_j softmax(v)[j] = 1 / sum_j exp(v[j] - max v) */
static float confidence(const float *v, size_t n)
{
    float most = v[0];
    for (size_t j = 1; j < n; j++)
        if (v[j] > most)
            most = v[j];
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += exact_exp((double)v[j] - (double)most);
    return (float)(1.0 / sum);
}

void crf_viterbi(const struct crf *crf, const float *e, size_t length, uint32_t *tags, float *scores, float *v,
                 uint32_t *back)
{
    size_t n = crf->tags;
    float *now = v, *before = v + n;
    if (!length)
        return;
    for (size_t t = 0; t < length; t++, e += n) {
        for (size_t j = 0; j < n; j++) {
            const float *row = crf->transitions + j * n;
            if (t == 0) {
                now[j] = e[j] + row[crf->start];
                continue;
            }
            float best = (e[j] + row[0]) + before[0];
            uint32_t from = 0;
            for (size_t i = 1; i < n; i++) {
                float score = (e[j] + row[i]) + before[i];
                if (score > best) {
                    best = score;
                    from = (uint32_t)i;
                }
            }
            now[j] = best;
            back[t * n + j] = from;
        }
        if (scores)
            scores[t] = confidence(now, n);
        float *swap = now;
        now = before;
        before = swap;
    }
    const float *row = crf->transitions + crf->stop * n;
    float best = 0;
    uint32_t tag = 0;
    for (size_t i = 0; i < n; i++) {
        float score = before[i] + row[i];
        if (crf->mask_ends && (i == crf->start || i == crf->stop))
            score = -10000.0f;
        if (i == 0 || score > best) {
            best = score;
            tag = (uint32_t)i;
        }
    }
    for (size_t t = length; t-- > 0; tag = back[t * n + tag]) {
        tags[t] = tag;
        if (t == 0)
            break;
    }
}

double crf_marginals(const struct crf *crf, const float *e, size_t length, double *p, double *alpha, double *beta,
                     double *sums)
{
    size_t n = crf->tags;
    for (size_t t = 0; t < length; t++)
        for (size_t j = 0; j < n; j++) {
            const float *row = crf->transitions + j * n;
            if (t == 0) {
                alpha[j] = (double)e[j] + row[crf->start];
                continue;
            }
            for (size_t i = 0; i < n; i++)
                sums[i] = alpha[(t - 1) * n + i] + row[i];
            alpha[t * n + j] = (double)e[t * n + j] + exact_log_sum_exp(sums, n);
        }
    for (size_t t = length; t-- > 0;)
        for (size_t i = 0; i < n; i++) {
            if (t + 1 == length) {
                beta[t * n + i] = crf->transitions[crf->stop * n + i];
                continue;
            }
            for (size_t j = 0; j < n; j++)
                sums[j] = (double)crf->transitions[j * n + i] + e[(t + 1) * n + j] + beta[(t + 1) * n + j];
            beta[t * n + i] = exact_log_sum_exp(sums, n);
        }
    if (!length)
        return 0;
    for (size_t i = 0; i < n; i++)
        sums[i] = alpha[(length - 1) * n + i] + beta[(length - 1) * n + i];
    double log_z = exact_log_sum_exp(sums, n);
    for (size_t k = 0; k < length * n; k++)
        p[k] = exact_exp(alpha[k] + beta[k] - log_z);
    return log_z;
}

struct nbest {
    double *scores;   /* [count], best first */
    uint32_t *origin; /* [count], from * count + rank */
    size_t count, most;
};

/* Keeps the `most` best; of equal scores the one offered first stays ahead. */
static void nbest_offer(struct nbest *list, double score, uint32_t origin)
{
    if (list->count == list->most && !(score > list->scores[list->count - 1]))
        return;
    size_t at = list->count < list->most ? list->count++ : list->most - 1;
    for (; at > 0 && score > list->scores[at - 1]; at--) {
        list->scores[at] = list->scores[at - 1];
        list->origin[at] = list->origin[at - 1];
    }
    list->scores[at] = score;
    list->origin[at] = origin;
}

size_t crf_nbest(const struct crf *crf, const float *e, size_t length, size_t count, uint32_t *tags, double *log_scores,
                 double *v, uint32_t *back)
{
    size_t n = crf->tags, width = n * count;
    double *now = v, *before = v + width;
    if (!length || !count)
        return 0;
    for (size_t t = 0; t < length; t++, e += n) {
        for (size_t j = 0; j < n; j++) {
            const float *row = crf->transitions + j * n;
            double *scores = now + j * count;
            for (size_t r = 0; r < count; r++)
                scores[r] = -INFINITY;
            if (j == crf->start || j == crf->stop)
                continue;
            if (t == 0) {
                scores[0] = (double)e[j] + row[crf->start];
                continue;
            }
            struct nbest list = {scores, back + t * width + j * count, 0, count};
            for (size_t i = 0; i < n; i++)
                for (size_t r = 0; r < count && before[i * count + r] > -INFINITY; r++)
                    nbest_offer(&list, before[i * count + r] + row[i] + e[j], (uint32_t)(i * count + r));
        }
        double *swap = now;
        now = before;
        before = swap;
    }
    /* [count]; path k lies behind the first k ends, so filling from the last overwrites none unread */
    uint32_t *ends = tags;
    struct nbest list = {log_scores, ends, 0, count};
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < count && before[i * count + r] > -INFINITY; r++)
            nbest_offer(&list, before[i * count + r] + crf->transitions[crf->stop * n + i], (uint32_t)(i * count + r));
    for (size_t k = list.count; k-- > 0;) {
        uint32_t at = ends[k];
        for (size_t t = length; t-- > 0;) {
            tags[k * length + t] = (uint32_t)(at / count);
            if (t > 0)
                at = back[t * width + at];
        }
    }
    return list.count;
}

void softmax_decode(const float *e, size_t length, size_t tag_count, uint32_t *tags, float *scores)
{
    for (size_t t = 0; t < length; t++, e += tag_count) {
        uint32_t best = 0;
        for (size_t j = 1; j < tag_count; j++)
            if (e[j] > e[best])
                best = (uint32_t)j;
        tags[t] = best;
        if (scores)
            scores[t] = confidence(e, tag_count);
    }
}

void softmax_probabilities(const float *e, size_t length, size_t tag_count, double *p)
{
    for (size_t t = 0; t < length; t++, e += tag_count, p += tag_count) {
        double sum = 0, most = e[0];
        for (size_t j = 1; j < tag_count; j++)
            if (e[j] > most)
                most = e[j];
        for (size_t j = 0; j < tag_count; j++)
            sum += p[j] = exact_exp(e[j] - most);
        for (size_t j = 0; j < tag_count; j++)
            p[j] /= sum;
    }
}
