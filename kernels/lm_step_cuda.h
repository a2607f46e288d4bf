/* lm_step_cuda.h - the kernels of lm_step.cu: what is left of a language model's step beside its products. Floats lie
 * row by row; a lane's row follows the one before without a gap. */
#ifndef KERNELS_LM_STEP_CUDA_H
#define KERNELS_LM_STEP_CUDA_H
#include "kernels/device_prototype.h"
#include "kernels/lane_step.h"
#include <stdint.h>

/* What changes from call to call and from run to run, in device memory, so that a graph of launches stays as it is. */
struct lm_run {
    const struct lane_step *steps; /* [2][area_steps], two runs: one is uploaded while the other is taken */
    uint64_t area_steps;           /* a run's steps, [steps, lanes] */
    void *rows;                    /* what lane_step.row counts: the output, [.., units] */
    float *kept;                   /* what lane_step.keep and .next count, kept_stride floats each */
    uint32_t turn;                 /* the run that is taken, 0 or 1 */
};

/* One layer of one step behind its products, for all lanes: gates, states, and what lane_step says.
 *   LSTM: i f g o = z + x          c = s(f) c + s(i) tanh(g)     h = s(o) tanh(c)                 s(v) = 1 / (1 + e^-v)
 *   GRU:  r u = s(z + x)           n = tanh(x_n + r (z_n + b_n))  h = (1 - u) n + u h             c = h
 * h, above and run->rows hold halves where half_states or half_rows say so; gates and cells are always float32.
 *
 * step: of the run. lanes: a step's, in run->steps. gates: 4 (LSTM) or 3 (GRU).
 * x: the input's share of the gates: [items, 4 units] by character with the biases in it (bias NULL), or [lanes, gates
 *    units] by lane with bias [4 units]. The fourth of a GRU is b_n.
 * z: [lanes, gates units], h W_hh^T.   h, c: [lanes, units], replaced.
 * above: [lanes, units], receives the h that the layer above reads, and NULL in the top layer, which writes rows.
 * kept_offset: floats of the layers below in kept states; there h and then c take kept_units each.
 * Grid: (units / block.x rounded up, lanes to step). */
KERNEL_PROTOTYPE void lm_step(const struct lm_run *run, uint32_t step, uint32_t lanes, uint32_t units, uint32_t gates,
                              const float *x, const float *bias, const float *z, void *h, float *c, void *above,
                              uint32_t half_states, uint32_t half_rows, uint64_t kept_stride, uint64_t kept_offset,
                              uint32_t kept_units);

/* The other run's turn. One thread. */
KERNEL_PROTOTYPE void lm_turn(struct lm_run *run);

/* Row pairs[2 i + 1] of `rows` [.., width] becomes row pairs[2 i]. Grid: one block a pair. */
KERNEL_PROTOTYPE void lm_copy_rows(float *rows, const uint32_t *pairs, uint32_t width);

/* out[rows[i]][j] = y[i][j] + bias[j]. y: [.., width]. Grid: one block a row. */
KERNEL_PROTOTYPE void lm_put_rows(float *out, const uint32_t *rows, const float *y, const float *bias, uint32_t width);

#endif
