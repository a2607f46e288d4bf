/* crf_loss.cu - the CRF's loss and its gradients (kernels/crf_loss.c has the formulas and the names).
 *
 * A sentence is a block's: it goes forward and back token by token, and thread j owns tag j of every row, and those
 * blockDim.x behind it. What a token's thread reads of other tags lies in shared memory, behind a barrier. Transitions'
 * gradients need no order of tokens, so they are counted afterwards, a thread a transition, from the rows that are
 * left: sums over tokens in ascending order, then over blocks in ascending order. */
#include "kernels/crf_loss_cuda.h"
#include "kernels/reduce_device.h"

#define SMALLEST 1e-280 /* kernels/crf_loss.c */

KERNEL void crf_factor_rows(struct crf_loss_arrays at)
{
    uint32_t n = at.tags, j = blockIdx.x;
    const float *row = at.transitions + (size_t)j * n;
    double most = -INFINITY;
    for (uint32_t i = threadIdx.x; i < n; i += WARP)
        most = fmax(most, (double)row[i]);
    most = warp_max(most);
    if (threadIdx.x == 0)
        at.most[j] = most;
    for (uint32_t i = threadIdx.x; i < n; i += WARP) {
        double e = exp((double)row[i] - most);
        at.e[j * n + i] = e;
        at.e_turned[i * n + j] = e;
        if (at.follows) {
            float allowed = at.follows[j * n + i] ? row[i] : -INFINITY;
            at.allowed[j * n + i] = allowed;
            at.allowed_turned[i * n + j] = allowed;
        }
    }
}
EXPORT_KERNEL(crf_factor_rows)

/* log sum over i of exp(row[i * stride] + alpha[i]), by one thread. */
DEVICE double log_sum(const float *row, size_t stride, const double *alpha, uint32_t n)
{
    double most = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, (double)row[i * stride] + alpha[i]);
    if (most == -INFINITY)
        return most;
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)row[i * stride] + alpha[i] - most);
    return most + log(sum);
}

/* The same by all threads of a block. */
DEVICE double block_log_sum(const float *row, const double *alpha, uint32_t n, double *shared)
{
    double most = -INFINITY, sum = 0;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x)
        most = fmax(most, (double)row[i] + alpha[i]);
    most = block_max(most, shared);
    if (most == -INFINITY)
        return most;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x)
        sum += exp((double)row[i] + alpha[i] - most);
    return most + log(block_sum(sum, shared));
}

/* The probability with which a path that has tag j came there from i: exp(score of the step - score into j). */
DEVICE double share_of(float transition, double alpha_before, double alpha, float e)
{
    return exp((double)transition + alpha_before - (alpha - (double)e));
}

KERNEL void crf_allowed_sentences(struct crf_loss_arrays at)
{
    SHARED(double, shared, MOST_WARPS);
    uint32_t n = at.tags;
    size_t first = at.sentences[2 * (size_t)blockIdx.x], length = at.sentences[2 * (size_t)blockIdx.x + 1];
    if (!length || !at.uncertain[blockIdx.x])
        return;
    for (size_t t = 0; t < length; t++) {
        size_t row = (first + t) * n;
        uint32_t gold = at.gold[first + t];
        for (uint32_t j = threadIdx.x; j < n; j += blockDim.x) {
            double into = -INFINITY;
            if (gold < n ? j == gold : at.sets[(size_t)(gold - n) * n + j])
                into = t ? log_sum(at.allowed_turned + j, n, at.allowed_alpha + row - n, n)
                         : (double)at.allowed[j * n + at.start];
            at.allowed_alpha[row + j] = (double)at.emissions[row + j] + into;
        }
        __syncthreads();
    }
    size_t last = (first + length - 1) * n;
    const float *to_stop = at.allowed + (size_t)at.stop * n;
    double score = block_log_sum(to_stop, at.allowed_alpha + last, n, shared);
    if (threadIdx.x == 0)
        at.allowed_scores[blockIdx.x] = score;
    if (!at.allowed_p)
        return;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x)
        at.allowed_p[last + i] = exp((double)to_stop[i] + at.allowed_alpha[last + i] - score);
    for (size_t t = length - 1; t > 0; t--) {
        size_t row = (first + t) * n;
        const double *alpha = at.allowed_alpha + row, *before = alpha - n, *p = at.allowed_p + row;
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
            double sum = 0;
            for (uint32_t j = 0; j < n && before[i] > -INFINITY; j++)
                if (p[j] > 0)
                    sum += p[j] * share_of(at.allowed[j * n + i], before[i], alpha[j], at.emissions[row + j]);
            at.allowed_p[row - n + i] = sum;
        }
    }
}
EXPORT_KERNEL(crf_allowed_sentences)

DEVICE double gold_score(const struct crf_loss_arrays *at, size_t first, size_t length, double *shared)
{
    uint32_t n = at->tags;
    double sum = 0;
    for (size_t t = threadIdx.x; t < length; t += blockDim.x) {
        uint32_t tag = at->gold[first + t], before = t ? at->gold[first + t - 1] : at->start;
        sum += (double)at->emissions[(first + t) * n + tag] + (double)at->transitions[tag * n + before];
        if (t + 1 == length)
            sum += (double)at->transitions[at->stop * n + tag];
    }
    return block_sum(sum, shared);
}

/* Fills alpha, and u and s where there are any. work: [K]. Ends behind a barrier for all but the last row. */
DEVICE void go_forward(const struct crf_loss_arrays *at, size_t first, size_t length, double *work, double *shared)
{
    uint32_t n = at->tags;
    for (uint32_t j = threadIdx.x; j < n; j += blockDim.x)
        at->alpha[first * n + j] = (double)at->emissions[first * n + j] + (double)at->transitions[j * n + at->start];
    for (size_t t = 1; t < length; t++) {
        size_t row = (first + t) * n;
        const double *before = at->alpha + row - n;
        double most = -INFINITY;
        for (uint32_t i = threadIdx.x; i < n; i += blockDim.x)
            most = fmax(most, before[i]);
        most = block_max(most, shared);
        for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
            work[i] = exp(before[i] - most);
            if (at->u)
                at->u[row + i] = work[i];
        }
        __syncthreads();
        for (uint32_t j = threadIdx.x; j < n; j += blockDim.x) {
            double sum = 0, e = (double)at->emissions[row + j];
            for (uint32_t i = 0; i < n; i++)
                sum += at->e_turned[i * n + j] * work[i];
            at->alpha[row + j] = sum >= SMALLEST ? (e + (at->most[j] + most)) + log(sum)
                                                 : e + log_sum(at->transitions + (size_t)j * n, 1, before, n);
            if (at->s)
                at->s[row + j] = sum;
        }
    }
}

/* From p of the last row to p of the first, and the emissions' gradients. */
DEVICE void go_back(const struct crf_loss_arrays *at, size_t first, size_t length, bool certain, double *work)
{
    uint32_t n = at->tags;
    for (size_t t = length; t-- > 0;) {
        size_t row = (first + t) * n;
        uint32_t gold = at->gold[first + t];
        for (uint32_t j = threadIdx.x; j < n; j += blockDim.x) {
            double p = at->p[row + j], target = certain ? (double)(j == gold) : at->allowed_p[row + j];
            at->d_emissions[row + j] = (float)((double)at->scale * (p - target));
            if (t)
                work[j] = at->s[row + j] = at->s[row + j] >= SMALLEST ? p / at->s[row + j] : -p;
        }
        if (!t)
            return;
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
            double sum = 0, apart = 0;
            for (uint32_t j = 0; j < n; j++) {
                if (work[j] >= 0)
                    sum += at->e[j * n + i] * work[j];
                else
                    apart += -work[j] * share_of(at->transitions[j * n + i], at->alpha[row - n + i], at->alpha[row + j],
                                                 at->emissions[row + j]);
            }
            at->p[row - n + i] = sum * at->u[row + i] + apart;
        }
        __syncthreads();
    }
}

KERNEL void crf_loss_sentences(struct crf_loss_arrays at)
{
    DYNAMIC_SHARED(double, work);
    SHARED(double, shared, MOST_WARPS);
    uint32_t n = at.tags;
    size_t first = at.sentences[2 * (size_t)blockIdx.x], length = at.sentences[2 * (size_t)blockIdx.x + 1];
    if (!length) {
        if (threadIdx.x == 0)
            at.losses[blockIdx.x] = 0;
        return;
    }
    bool certain = !at.uncertain || !at.uncertain[blockIdx.x];
    double score = certain ? gold_score(&at, first, length, shared) : at.allowed_scores[blockIdx.x];
    go_forward(&at, first, length, work, shared);
    size_t last = (first + length - 1) * n;
    const float *to_stop = at.transitions + (size_t)at.stop * n;
    double log_z = block_log_sum(to_stop, at.alpha + last, n, shared);
    if (threadIdx.x == 0)
        at.losses[blockIdx.x] = log_z - score;
    if (!at.d_emissions)
        return;
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x)
        at.p[last + i] = exp((double)to_stop[i] + at.alpha[last + i] - log_z);
    go_back(&at, first, length, certain, work);
}
EXPORT_KERNEL(crf_loss_sentences)

/* What one sentence adds to the count of the transition from i to j. */
DEVICE double count_of(const struct crf_loss_arrays *at, size_t first, size_t length, bool certain, uint32_t j,
                       uint32_t i)
{
    uint32_t n = at->tags, before = at->start;
    float transition = at->transitions[j * n + i], allowed = certain ? 0 : at->allowed[j * n + i];
    double sum = 0, apart = 0;
    for (size_t t = 0; t < length; t++) {
        size_t row = (first + t) * n;
        uint32_t gold = at->gold[first + t];
        if (t == 0) {
            if (i == at->start)
                apart += at->p[row + j] - (certain ? 0 : at->allowed_p[row + j]);
        } else {
            double q = at->s[row + j];
            if (q >= 0)
                sum += q * at->u[row + i];
            else
                apart += -q * share_of(transition, at->alpha[row - n + i], at->alpha[row + j], at->emissions[row + j]);
            if (!certain && at->allowed_p[row + j] > 0)
                apart -= at->allowed_p[row + j] * share_of(allowed, at->allowed_alpha[row - n + i],
                                                           at->allowed_alpha[row + j], at->emissions[row + j]);
        }
        if (certain && gold == j && before == i)
            apart -= 1;
        before = gold;
    }
    if (j == at->stop) {
        size_t last = (first + length - 1) * n;
        apart += at->p[last + i] - (certain ? (double)(before == i) : at->allowed_p[last + i]);
    }
    return at->e[j * n + i] * sum + apart;
}

KERNEL void crf_count_transitions(struct crf_loss_arrays at, size_t count, size_t per_block, double *counts)
{
    uint32_t n = at.tags, k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n * n)
        return;
    size_t sentence = blockIdx.y * per_block, end = sentence + per_block < count ? sentence + per_block : count;
    double sum = 0;
    for (; sentence < end; sentence++) {
        size_t first = at.sentences[2 * sentence], length = at.sentences[2 * sentence + 1];
        if (length)
            sum += count_of(&at, first, length, !at.uncertain || !at.uncertain[sentence], k / n, k % n);
    }
    counts[(size_t)blockIdx.y * n * n + k] = sum;
}
EXPORT_KERNEL(crf_count_transitions)
