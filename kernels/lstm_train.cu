/* lstm_train.cu - see lstm_train_cuda.h. A block is some units of one row, a thread is one of them: neighbours in a
 * warp read and write neighbours in memory, four gates H floats apart. */
#include "kernels/lstm_train_cuda.h"
#include "kernels/device.h"

DEVICE float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Unit u of sequence s before this step; runs: there is a step before it. */
DEVICE float state_before(const float *before, size_t stride, const float *start, bool runs, size_t s, uint32_t hidden,
                          uint32_t u)
{
    if (runs)
        return before[s * stride + u];
    return start ? start[s * hidden + u] : 0.0f;
}

KERNEL void lstm_train_forward(float *gates, const float *b_ih, const float *b_hh, const float *cells_before,
                               const float *c0, float *cells, float *out, size_t out_stride, float *h_last,
                               float *c_last, uint32_t running, uint32_t last_from, uint32_t hidden)
{
    size_t s = blockIdx.x, width = hidden;
    uint32_t u = blockIdx.y * blockDim.x + threadIdx.x;
    if (u >= hidden)
        return;
    float *gate = gates + s * 4 * width + u;
    float i = sigmoid(gate[0] + (b_ih[u] + b_hh[u]));
    float f = sigmoid(gate[width] + (b_ih[width + u] + b_hh[width + u]));
    float g = tanhf(gate[2 * width] + (b_ih[2 * width + u] + b_hh[2 * width + u]));
    float o = sigmoid(gate[3 * width] + (b_ih[3 * width + u] + b_hh[3 * width + u]));
    float c = f * state_before(cells_before, width, c0, s < running, s, hidden, u) + i * g, h = o * tanhf(c);
    gate[0] = i;
    gate[width] = f;
    gate[2 * width] = g;
    gate[3 * width] = o;
    cells[s * width + u] = c;
    out[s * out_stride + u] = h;
    if (s < last_from)
        return;
    if (h_last)
        h_last[s * width + u] = h;
    if (c_last)
        c_last[s * width + u] = c;
}
EXPORT_KERNEL(lstm_train_forward)

KERNEL void lstm_train_backward(float *gates, const float *cells, const float *cells_before, const float *c0,
                                const float *h_before, const float *h0, float *before, const float *dout,
                                size_t out_stride, const float *dh, float *dc, uint32_t running, uint32_t hidden)
{
    size_t s = blockIdx.x, width = hidden;
    uint32_t u = blockIdx.y * blockDim.x + threadIdx.x;
    if (u >= hidden)
        return;
    float *gate = gates + s * 4 * width + u;
    float i = gate[0], f = gate[width], g = gate[2 * width], o = gate[3 * width];
    float squashed = tanhf(cells[s * width + u]), d = dout[s * out_stride + u] + dh[s * width + u];
    float cell = d * o * (1.0f - squashed * squashed) + dc[s * width + u];
    gate[0] = cell * g * (i * (1.0f - i));
    gate[width] = cell * state_before(cells_before, width, c0, s < running, s, hidden, u) * (f * (1.0f - f));
    gate[2 * width] = cell * i * (1.0f - g * g);
    gate[3 * width] = d * squashed * (o * (1.0f - o));
    dc[s * width + u] = cell * f;
    before[s * width + u] = state_before(h_before, out_stride, h0, s < running, s, hidden, u);
}
EXPORT_KERNEL(lstm_train_backward)
