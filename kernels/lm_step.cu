/* lm_step.cu - see lm_step_cuda.h. A thread is one unit of one lane, so that neighbours read and write neighbours;
 * which lane_step it follows is the same for a whole block. */
#include "kernels/lm_step_cuda.h"
#include "kernels/half_cuda.h"

DEVICE float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

DEVICE void put(void *to, size_t at, float value, uint32_t as_half)
{
    if (as_half)
        ((uint16_t *)to)[at] = half_of(value);
    else
        ((float *)to)[at] = value;
}

KERNEL void lm_step(const struct lm_run *run, uint32_t step, uint32_t lanes, uint32_t units, uint32_t gates,
                    const float *x, const float *bias, const float *z, void *h, float *c, void *above,
                    uint32_t half_states, uint32_t half_rows, uint64_t kept_stride, uint64_t kept_offset,
                    uint32_t kept_units)
{
    uint32_t lane = blockIdx.y, unit = blockIdx.x * blockDim.x + threadIdx.x;
    if (unit >= units)
        return;
    const struct lane_step at = run->steps[run->turn * run->area_steps + (size_t)step * lanes + lane];
    const float *share = bias ? x + (size_t)lane * gates * units + unit : x + (size_t)at.id * 4 * units + unit;
    const float *product = z + (size_t)lane * gates * units + unit;
    size_t own = (size_t)lane * units + unit;
    float gate[4], cell, state;
    for (uint32_t g = 0; g < 4; g++) {
        gate[g] = g < gates || !bias ? share[(size_t)g * units] : 0.0f;
        gate[g] += bias ? bias[g * units + unit] : 0.0f;
    }
    if (gates == 4) {
        float i = sigmoid(gate[0] + product[0]), f = sigmoid(gate[1] + product[units]);
        float g = tanhf(gate[2] + product[2 * (size_t)units]), o = sigmoid(gate[3] + product[3 * (size_t)units]);
        cell = f * c[own] + i * g;
        state = o * tanhf(cell);
    } else {
        float r = sigmoid(gate[0] + product[0]), u = sigmoid(gate[1] + product[units]);
        float n = tanhf(gate[2] + r * (product[2 * (size_t)units] + gate[3]));
        cell = state = u * (c[own] - n) + n;
    }
    if (above)
        put(above, own, state, half_states);
    else if (at.row != LANE_NOWHERE)
        put(run->rows, (size_t)at.row * units + unit, state, half_rows);
    if (at.keep != LANE_NOWHERE) {
        float *kept = run->kept + at.keep * kept_stride + kept_offset + unit;
        kept[0] = state;
        kept[kept_units] = cell;
    }
    if (at.next == LANE_FROM_ZERO) {
        cell = state = 0.0f;
    } else if (at.next != LANE_GOES_ON) {
        const float *kept = run->kept + at.next * kept_stride + kept_offset + unit;
        state = kept[0];
        cell = kept[kept_units];
    }
    c[own] = cell;
    put(h, own, state, half_states);
}
EXPORT_KERNEL(lm_step)

KERNEL void lm_turn(struct lm_run *run)
{
    run->turn ^= 1;
}
EXPORT_KERNEL(lm_turn)

KERNEL void lm_copy_rows(float *rows, const uint32_t *pairs, uint32_t width)
{
    const float *from = rows + (size_t)pairs[2 * (size_t)blockIdx.x] * width;
    float *to = rows + (size_t)pairs[2 * (size_t)blockIdx.x + 1] * width;
    for (uint32_t j = threadIdx.x; j < width; j += blockDim.x)
        to[j] = from[j];
}
EXPORT_KERNEL(lm_copy_rows)

KERNEL void lm_put_rows(float *out, const uint32_t *rows, const float *y, const float *bias, uint32_t width)
{
    float *to = out + (size_t)rows[blockIdx.x] * width;
    for (uint32_t j = threadIdx.x; j < width; j += blockDim.x)
        to[j] = y[(size_t)blockIdx.x * width + j] + bias[j];
}
EXPORT_KERNEL(lm_put_rows)
