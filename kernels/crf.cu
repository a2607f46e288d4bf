/* crf.cu - Viterbi decoding, a block a sentence (kernels/crf.h has the formulas).
 *
 * Thread j owns tag j, and those CRF_THREADS behind it; it looks at all tags i in ascending order, so that ties fall as
 * they do on the CPU. Transitions lie turned, so that neighbouring threads read neighbouring values. What one token's
 * scores are made of is the row before, the other half of shared memory: one barrier a token. */
#include "kernels/crf_cuda.h"
#include "kernels/device.h"

KERNEL void turn_matrix(const float *from, uint32_t n, float *to)
{
    size_t k = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (k < (size_t)n * n)
        to[k % n * n + k / n] = from[k];
}
EXPORT_KERNEL(turn_matrix)

/* The best last tag by `ends`, and from there back. One thread does it. */
DEVICE void follow(const float *ends, const uint16_t *back, uint32_t tag_count, size_t length, uint32_t *tags)
{
    uint32_t tag = 0;
    for (uint32_t i = 1; i < tag_count; i++)
        if (ends[i] > ends[tag])
            tag = i;
    for (size_t t = length - 1; t > 0; t--) {
        tags[t] = tag;
        tag = back[t * tag_count + tag];
    }
    tags[0] = tag;
}

KERNEL void viterbi_sentences(const float *emissions, const size_t *sentences, const float *turned, uint32_t tag_count,
                              uint32_t start, uint32_t stop, int mask_ends, float *v, uint16_t *back, uint32_t *tags)
{
    DYNAMIC_SHARED(float, scores);
    size_t first = sentences[2 * (size_t)blockIdx.x], length = sentences[2 * (size_t)blockIdx.x + 1];
    float *now = scores, *before = scores + tag_count;
    if (!length)
        return;
    for (size_t t = 0; t < length; t++) {
        size_t row = (first + t) * tag_count;
        for (uint32_t j = threadIdx.x; j < tag_count; j += blockDim.x) {
            float e = emissions[row + j], best;
            uint32_t from = 0;
            if (t == 0) {
                best = e + turned[start * tag_count + j];
            } else {
                best = (e + turned[j]) + before[0];
                for (uint32_t i = 1; i < tag_count; i++) {
                    float score = (e + turned[i * tag_count + j]) + before[i];
                    if (score > best) {
                        best = score;
                        from = i;
                    }
                }
            }
            now[j] = best;
            back[row + j] = (uint16_t)from;
            if (v)
                v[row + j] = best;
        }
        __syncthreads();
        float *swap = now;
        now = before;
        before = swap;
    }
    for (uint32_t i = threadIdx.x; i < tag_count; i += blockDim.x)
        now[i] = mask_ends && (i == start || i == stop) ? -10000.0f : before[i] + turned[i * tag_count + stop];
    __syncthreads();
    if (threadIdx.x == 0)
        follow(now, back + first * tag_count, tag_count, length, tags + first);
}
EXPORT_KERNEL(viterbi_sentences)
