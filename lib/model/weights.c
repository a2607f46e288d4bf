/* weights.c - see weights.h. */
#include "model/weights.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/kernels.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void weights_init(struct weights *weights)
{
    *weights = (struct weights){0};
}

void weights_release(struct weights *weights)
{
    for (size_t i = 0; i < weights->count; i++)
        free(weights->blocks[i].at);
    free(weights->blocks);
    weights_init(weights);
}

float *weights_new(struct weights *weights, size_t floats)
{
    if (floats > SIZE_MAX / 8)
        return NULL;
    if (weights->count == weights->capacity) {
        size_t capacity = weights->capacity ? weights->capacity * 2 : 16;
        struct weight_block *grown = realloc(weights->blocks, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        weights->blocks = grown;
        weights->capacity = capacity;
    }
    float *block = memory_new(floats * sizeof(float));
    if (block) {
        weights->blocks[weights->count++] = (struct weight_block){block, floats * sizeof(float)};
        weights->bytes += floats * sizeof(float);
    }
    return block;
}

void weights_drop(struct weights *weights, const void *block)
{
    for (size_t i = 0; i < weights->count; i++)
        if (weights->blocks[i].at == block) {
            free(weights->blocks[i].at);
            weights->bytes -= weights->blocks[i].bytes;
            weights->blocks[i] = weights->blocks[--weights->count];
            return;
        }
}

const float *weights_f32(struct weights *weights, const struct tensor *tensor)
{
    size_t count = 1;
    int64_t stride = 1;
    bool contiguous = tensor->dtype == DTYPE_F32 && (uintptr_t)tensor->data % sizeof(float) == 0;
    for (int d = tensor->rank; d-- > 0;) {
        contiguous = contiguous && (tensor->shape[d] == 1 || tensor->stride[d] == stride);
        stride *= (int64_t)tensor->shape[d];
        count *= tensor->shape[d];
    }
    if (contiguous)
        return tensor->data;
    float *copy = weights_new(weights, count);
    if (copy)
        tensor_to_f32(tensor, copy);
    return copy;
}

bool pack_linear(struct weights *weights, const float *w, const float *bias, size_t in, size_t out,
                 struct linear_layer *layer)
{
    size_t panels = (out + PANEL - 1) / PANEL;
    float *packed = weights_new(weights, panels * in * PANEL), *packed_bias = weights_new(weights, panels * PANEL);
    if (!packed || !packed_bias)
        return false;
    for (size_t p = 0; p < panels; p++)
        for (size_t c = 0; c < PANEL; c++) {
            size_t column = p * PANEL + c;
            packed_bias[column] = bias && column < out ? bias[column] : 0;
            for (size_t k = 0; k < in; k++)
                packed[(p * in + k) * PANEL + c] = column < out ? w[column * in + k] : 0;
        }
    *layer = (struct linear_layer){in, out, panels, {.groups = in, .at = packed}, packed_bias};
    return true;
}

int source_gate(enum cell_type cell, size_t g, bool recurrent)
{
    if (cell == CELL_LSTM || g < 2)
        return (int)g;
    return (g == 3) == recurrent ? 2 : -1; /* GRU: column 2 is W_in x, column 3 is W_hn h */
}

struct gates_job {
    float *packed;
    enum cell_type cell;
    size_t hidden, panels, total;
    const struct gate_part *parts;
    size_t count;
    atomic_size_t next;
};

static void pack_panel(const struct gates_job *job, size_t p)
{
    float *to = job->packed + p * job->total * PANEL;
    for (size_t i = 0; i < job->count; i++) {
        const struct gate_part *part = &job->parts[i];
        /* sixteen k's at a time: 64 rows are read a cache line each, and written while they are near */
        for (size_t first = 0; first < part->k; first += BLOCK)
            for (size_t g = 0; g < 4; g++)
                for (size_t u = 0; u < BLOCK; u++) {
                    int gate = source_gate(job->cell, g, part->recurrent);
                    size_t unit = p * BLOCK + u;
                    bool zero = gate < 0 || unit >= job->hidden;
                    const float *row = zero ? NULL : part->w + ((size_t)gate * job->hidden + unit) * part->k;
                    for (size_t k = first; k < part->k && k < first + BLOCK; k++)
                        to[(k * 4 + g) * BLOCK + u] = zero ? 0 : row[k];
                }
        to += part->k * PANEL;
    }
}

static void pack_work(void *argument, size_t thread)
{
    struct gates_job *job = argument;
    (void)thread;
    for (size_t p; (p = atomic_fetch_add(&job->next, 1)) < job->panels;)
        pack_panel(job, p);
}

float *pack_gates(struct weights *weights, enum cell_type cell, size_t hidden, const struct gate_part *parts,
                  size_t count, size_t threads)
{
    struct gates_job job = {
        .cell = cell, .hidden = hidden, .panels = (hidden + BLOCK - 1) / BLOCK, .parts = parts, .count = count};
    for (size_t i = 0; i < count; i++)
        job.total += parts[i].k;
    job.packed = weights_new(weights, job.panels * job.total * PANEL);
    if (!job.packed)
        return NULL;
    parallel_run(job.panels < threads ? job.panels : threads, pack_work, &job);
    return job.packed;
}

float *pack_gate_bias(struct weights *weights, enum cell_type cell, size_t hidden, const float *b_ih, const float *b_hh)
{
    size_t panels = (hidden + BLOCK - 1) / BLOCK;
    float *bias = weights_new(weights, panels * PANEL);
    if (!bias)
        return NULL;
    memset(bias, 0, panels * PANEL * sizeof *bias);
    for (size_t unit = 0; unit < hidden; unit++)
        for (size_t g = 0; g < 4; g++) {
            int from_input = source_gate(cell, g, false), from_state = source_gate(cell, g, true);
            float *to = &bias[(unit / BLOCK * 4 + g) * BLOCK + unit % BLOCK];
            if (from_input >= 0)
                *to += b_ih[(size_t)from_input * hidden + unit];
            if (from_state >= 0)
                *to += b_hh[(size_t)from_state * hidden + unit];
        }
    return bias;
}

float *pack_state(struct weights *weights, size_t hidden, const float *state)
{
    size_t padded = (hidden + BLOCK - 1) / BLOCK * BLOCK;
    float *packed = weights_new(weights, padded);
    if (packed) {
        memset(packed, 0, padded * sizeof *packed);
        memcpy(packed, state, hidden * sizeof *packed);
    }
    return packed;
}
