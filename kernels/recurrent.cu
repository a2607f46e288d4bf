/* recurrent.cu - see recurrent_cuda.h. Neighbouring threads have neighbouring units, so that every access is to a row's
 * next numbers. */
#include "kernels/half_cuda.h"
#include "kernels/recurrent_cuda.h"

DEVICE float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* Where a sentence's step is among the tokens of its sentence. */
DEVICE size_t token_of(const struct sentence_step *step, size_t sentence)
{
    return step->reverse ? step->lengths[sentence] - 1 - step->step : step->step;
}

DEVICE void leave(const struct sentence_step *step, size_t sentence, size_t unit, size_t token, float h)
{
    size_t at = sentence * step->hidden + unit;
    step->h[at] = h;
    if (step->halves)
        step->halves[at] = half_of(h);
    step->out[(step->rows_out[sentence] + token) * step->out_stride + unit] = h;
}

KERNEL void recurrent_lstm(struct sentence_step step)
{
    size_t i = (size_t)blockIdx.x * RECURRENT_THREADS + threadIdx.x, hidden = step.hidden;
    if (i >= step.active * hidden)
        return;
    size_t sentence = i / hidden, unit = i % hidden, token = token_of(&step, sentence);
    const float *x = step.x + (step.rows_in[sentence] + token) * 4 * hidden + unit;
    float gate[4];
    for (int g = 0; g < 4; g++)
        gate[g] = x[g * hidden] + (step.z ? step.z[(sentence * 4 + g) * hidden + unit] : 0);
    float c = sigmoid(gate[1]) * step.c[i] + sigmoid(gate[0]) * tanhf(gate[2]);
    step.c[i] = c;
    leave(&step, sentence, unit, token, sigmoid(gate[3]) * tanhf(c));
}
EXPORT_KERNEL(recurrent_lstm)

KERNEL void recurrent_gru(struct sentence_step step, const float *bias)
{
    size_t i = (size_t)blockIdx.x * RECURRENT_THREADS + threadIdx.x, hidden = step.hidden;
    if (i >= step.active * hidden)
        return;
    size_t sentence = i / hidden, unit = i % hidden, token = token_of(&step, sentence);
    const float *x = step.x + (step.rows_in[sentence] + token) * 3 * hidden + unit;
    float of_state[3];
    for (int g = 0; g < 3; g++)
        of_state[g] = step.z ? step.z[(sentence * 3 + g) * hidden + unit] : 0;
    float reset = sigmoid(x[0] + of_state[0]), keep = sigmoid(x[hidden] + of_state[1]);
    float candidate = tanhf(x[2 * hidden] + reset * (of_state[2] + bias[unit]));
    leave(&step, sentence, unit, token, (1 - keep) * candidate + keep * step.h[i]);
}
EXPORT_KERNEL(recurrent_gru)
