/* softmax.cu - see softmax_cuda.h. A warp reads its row 32 columns at a time; sums are in double, as on the CPU. */
#include "kernels/reduce_device.h"
#include "kernels/softmax_cuda.h"

DEVICE size_t row_of_warp(void)
{
    return (size_t)blockIdx.x * SOFTMAX_ROWS + threadIdx.x / WARP;
}

/* The sum over j of exp(e[j] - most). */
DEVICE double sum_of_exponentials(const float *e, uint32_t count, double most)
{
    double sum = 0;
    for (uint32_t j = threadIdx.x % WARP; j < count; j += WARP)
        sum += exp((double)e[j] - most);
    return warp_sum(sum);
}

/* The CPU asks for larger values from column 0 on. So what is no number never wins, but in column 0 nothing wins
 * against it. */
DEVICE float rank_of(float value, uint32_t column)
{
    return value == value ? value : column ? -INFINITY : INFINITY;
}

KERNEL void softmax_decode_rows(const float *e, size_t rows, uint32_t tag_count, uint32_t *tags, float *scores)
{
    size_t row = row_of_warp();
    uint32_t lane = threadIdx.x % WARP, tag = lane < tag_count ? lane : 0;
    if (row >= rows)
        return;
    e += row * tag_count;
    float best = rank_of(e[tag], tag);
    for (uint32_t j = lane + WARP; j < tag_count; j += WARP) {
        float rank = rank_of(e[j], j);
        if (rank > best) {
            best = rank;
            tag = j;
        }
    }
    for (int mask = WARP / 2; mask; mask /= 2) {
        float other = __shfl_xor_sync(WHOLE_WARP, best, mask);
        uint32_t others_tag = __shfl_xor_sync(WHOLE_WARP, tag, mask);
        if (other > best || (other == best && others_tag < tag)) {
            best = other;
            tag = others_tag;
        }
    }
    if (tags && lane == 0)
        tags[row] = tag;
    if (!scores)
        return;
    double sum = sum_of_exponentials(e, tag_count, (double)e[tag]);
    if (lane == 0)
        scores[row] = (float)(1.0 / sum);
}
EXPORT_KERNEL(softmax_decode_rows)

/* log sum of exp(e[j]) over the tags that the set allows. */
DEVICE double allowed_score(const float *e, uint32_t tag_count, const uint8_t *allowed)
{
    double most = -INFINITY, sum = 0;
    for (uint32_t j = threadIdx.x % WARP; j < tag_count; j += WARP)
        if (allowed[j])
            most = fmax(most, (double)e[j]);
    most = warp_max(most);
    for (uint32_t j = threadIdx.x % WARP; j < tag_count; j += WARP)
        if (allowed[j])
            sum += exp((double)e[j] - most);
    return most + log(warp_sum(sum));
}

KERNEL void softmax_loss_rows(const float *e, size_t rows, uint32_t tag_count, const uint32_t *gold,
                              const uint8_t *allowed, const uint32_t *sentence, const float *scales, double *losses,
                              float *d_e)
{
    size_t row = row_of_warp();
    uint32_t lane = threadIdx.x % WARP;
    if (row >= rows || sentence[row] == UINT32_MAX)
        return;
    uint32_t tag = gold[row];
    const uint8_t *set = tag < tag_count ? NULL : allowed + (size_t)(tag - tag_count) * tag_count;
    e += row * tag_count;
    double most = -INFINITY;
    for (uint32_t j = lane; j < tag_count; j += WARP)
        most = fmax(most, (double)e[j]);
    most = warp_max(most);
    double sum = sum_of_exponentials(e, tag_count, most);
    double score = set ? allowed_score(e, tag_count, set) : (double)e[tag];
    if (lane == 0)
        losses[row] = log(sum) + (most - score);
    if (!d_e)
        return;
    double scale = (double)scales[sentence[row]], part = 1.0 / sum; /* divisions in double are slow */
    for (uint32_t j = lane; j < tag_count; j += WARP) {
        double share = !set ? (double)(j == tag) : set[j] ? exp((double)e[j] - score) : 0;
        d_e[row * tag_count + j] = (float)(scale * (exp((double)e[j] - most) * part - share));
    }
}
EXPORT_KERNEL(softmax_loss_rows)
