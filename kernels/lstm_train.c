/* lstm_train.c - see lstm_train.h. Units past the last whole block are computed in a block of scratch. */
#include "kernels/lstm_train.h"
#include "kernels/transpose.h"
#include <string.h>

enum { CHUNK = 512 }; /* k's of a panel that stay in the second-level cache while all rows pass over them: 128 KiB */

size_t lstm_forward_panels(size_t hidden)
{
    return (hidden + BLOCK - 1) / BLOCK;
}

size_t lstm_forward_panel_floats(size_t hidden)
{
    return hidden * PANEL;
}

size_t lstm_backward_panels(size_t hidden)
{
    return (hidden + PANEL - 1) / PANEL;
}

size_t lstm_backward_panel_floats(size_t hidden)
{
    return 4 * hidden * PANEL;
}

void lstm_pack_forward(const float *w_hh, size_t hidden, size_t panel, float *packed)
{
    size_t first = panel * BLOCK, units = hidden - first < BLOCK ? hidden - first : BLOCK;
    float *to = packed + panel * lstm_forward_panel_floats(hidden);
    if (units < BLOCK)
        memset(to, 0, lstm_forward_panel_floats(hidden) * sizeof *to);
    for (size_t g = 0; g < PANEL / BLOCK; g++)
        transpose(w_hh + (g * hidden + first) * hidden, hidden, units, hidden, to + g * BLOCK, PANEL);
}

void lstm_pack_backward(const float *w_hh, size_t hidden, size_t panel, float *packed)
{
    float *to = packed + panel * lstm_backward_panel_floats(hidden);
    size_t first = panel * PANEL, columns = hidden - first < PANEL ? hidden - first : PANEL;
    for (size_t k = 0; k < 4 * hidden; k++, to += PANEL) {
        memcpy(to, w_hh + k * hidden + first, columns * sizeof *to);
        if (columns < PANEL)
            memset(to + columns, 0, (PANEL - columns) * sizeof *to);
    }
}

/* step->z = the running rows of `from`, `inner` floats each, times a panel; zero for the other rows. end: where the
 * weights end. */
static void multiply(const struct lstm_step *step, const float *const *from, size_t inner, const float *panel,
                     const float *end)
{
    memset(step->z, 0, step->rows * PANEL * sizeof *step->z);
    for (size_t first = 0; first < inner; first += CHUNK) {
        size_t count = inner - first < CHUNK ? inner - first : CHUNK;
        panel += count * PANEL;
        size_t ahead = (size_t)(end - panel) < CHUNK * PANEL ? (size_t)(end - panel) : CHUNK * PANEL;
        for (size_t r = 0; r < step->running; r++)
            step->at[r] = from[r] + first;
        step->kernels->multiply[PRECISION_F32](step->z, step->running, step->at, panel - count * PANEL, count,
                                               (const char *)panel, ahead * sizeof *panel);
    }
}

/* Moves the last units of each row, fewer than a block, into the scratch blocks or, `back`, what came of them out of
 * those: gates at 0, the cells before at 4 blocks, c at 5, h at 6. */
static void forward_tail(const struct lstm_step *step, size_t first, size_t count, bool back)
{
    size_t hidden = step->hidden, bytes = count * sizeof(float);
    for (size_t r = 0; r < step->rows; r++) {
        float *tail = step->tail + r * LSTM_TAIL;
        for (size_t g = 0; g < 4; g++) {
            float *gate = step->gates[r] + g * hidden + first;
            memcpy(back ? gate : tail + g * BLOCK, back ? tail + g * BLOCK : gate, bytes);
        }
        if (back) {
            memcpy(step->c[r] + first, tail + 5 * BLOCK, bytes);
            memcpy(step->h[r] + first, tail + 6 * BLOCK, bytes);
        } else {
            memcpy(tail + 4 * BLOCK, step->c_before[r] + first, bytes);
        }
    }
}

void lstm_forward_step(const struct lstm_step *step, const float *packed)
{
    size_t hidden = step->hidden, panels = lstm_forward_panels(hidden), each = lstm_forward_panel_floats(hidden);
    for (size_t p = 0; p < panels; p++) {
        size_t first = p * BLOCK, count = hidden - first < BLOCK ? hidden - first : BLOCK;
        multiply(step, step->h_before, hidden, packed + p * each, packed + panels * each);
        if (count < BLOCK) {
            memset(step->tail, 0, step->rows * LSTM_TAIL * sizeof *step->tail);
            forward_tail(step, first, count, false);
        }
        for (size_t r = 0; r < step->rows; r++) {
            float *tail = step->tail + r * LSTM_TAIL;
            step->gates_at[r] = count < BLOCK ? tail : step->gates[r] + first;
            step->before_at[r] = count < BLOCK ? tail + 4 * BLOCK : step->c_before[r] + first;
            step->c_at[r] = count < BLOCK ? tail + 5 * BLOCK : step->c[r] + first;
            step->h_at[r] = count < BLOCK ? tail + 6 * BLOCK : step->h[r] + first;
        }
        step->kernels->lstm_keep(step->z, step->rows, count < BLOCK ? BLOCK : hidden, step->gates_at, step->before_at,
                                 step->c_at, step->h_at);
        if (count < BLOCK)
            forward_tail(step, first, count, true);
    }
}

/* The units of a row past its last whole block: gates at 0, the rest from 4 blocks on. */
static void backward_tail(const struct lstm_step *step, size_t r, size_t first)
{
    size_t hidden = step->hidden, bytes = (hidden - first) * sizeof(float);
    float tail[9 * BLOCK] = {0};
    for (size_t g = 0; g < 4; g++)
        memcpy(tail + g * BLOCK, step->gates[r] + g * hidden + first, bytes);
    const float *others[] = {step->c_before[r], step->c[r], step->dout[r], step->dh[r], step->dc[r]};
    for (size_t i = 0; i < 5; i++)
        memcpy(tail + (4 + i) * BLOCK, others[i] + first, bytes);
    step->kernels->lstm_back(BLOCK, BLOCK, tail, tail + 4 * BLOCK, tail + 5 * BLOCK, tail + 6 * BLOCK, tail + 7 * BLOCK,
                             tail + 8 * BLOCK);
    for (size_t g = 0; g < 4; g++)
        memcpy(step->gates[r] + g * hidden + first, tail + g * BLOCK, bytes);
    memcpy(step->dc[r] + first, tail + 8 * BLOCK, bytes);
}

void lstm_backward_step(const struct lstm_step *step, const float *packed)
{
    size_t hidden = step->hidden, whole = hidden / BLOCK * BLOCK;
    size_t panels = lstm_backward_panels(hidden), each = lstm_backward_panel_floats(hidden);
    for (size_t r = 0; r < step->rows; r++) {
        step->kernels->lstm_back(whole, hidden, step->gates[r], step->c_before[r], step->c[r], step->dout[r],
                                 step->dh[r], step->dc[r]);
        if (whole < hidden)
            backward_tail(step, r, whole);
    }
    for (size_t p = 0; step->running && p < panels; p++) {
        size_t first = p * PANEL, count = hidden - first < PANEL ? hidden - first : PANEL;
        multiply(step, (const float *const *)step->gates, 4 * hidden, packed + p * each, packed + panels * each);
        for (size_t r = 0; r < step->running; r++)
            memcpy(step->dh[r] + first, step->z + r * PANEL, count * sizeof(float));
    }
}
