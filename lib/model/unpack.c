/* unpack.c - see unpack.h. */
#include "model/unpack.h"
#include "model/quantise.h"
#include <string.h>

/* The float32 form of packed weights: themselves, or a form of their own in `weights`, to be dropped when read. */
static ft_status in_float32(struct weights *weights, const struct packed *from, size_t panels, struct packed *to,
                            struct ft_error *error)
{
    *to = *from; /* the model's blocks are not in `weights`, so that none of them is given back */
    return quantise_matrix(to, panels, PRECISION_F32, NULL, 0, weights, 1, error);
}

/* w: [G * hidden, count] from the k's [first, first + count) of each panel. */
static void unpack_gates(const struct packed *packed, enum cell_type cell, size_t hidden, size_t first, size_t count,
                         bool recurrent, float *w)
{
    for (size_t unit = 0; unit < hidden; unit++) {
        const float *panel = (const float *)packed->at + unit / BLOCK * packed->groups * PANEL;
        for (size_t g = 0; g < 4; g++) {
            int gate = source_gate(cell, g, recurrent);
            float *row = gate < 0 ? NULL : w + ((size_t)gate * hidden + unit) * count;
            for (size_t k = 0; row && k < count; k++)
                row[k] = panel[(first + k) * PANEL + g * BLOCK + unit % BLOCK];
        }
    }
}

static void unpack_gate_bias(enum cell_type cell, size_t hidden, const float *bias, float *b_ih, float *b_hh)
{
    for (size_t unit = 0; unit < hidden; unit++)
        for (size_t g = 0; g < 4; g++) {
            float value = bias[(unit / BLOCK * 4 + g) * BLOCK + unit % BLOCK];
            int from_input = source_gate(cell, g, false), from_state = source_gate(cell, g, true);
            if (from_input >= 0)
                b_ih[(size_t)from_input * hidden + unit] = value;
            if (from_state >= 0)
                b_hh[(size_t)from_state * hidden + unit] = from_input >= 0 ? 0 : value;
        }
}

ft_status unpack_recurrent(struct weights *weights, const struct recurrent_layer *layer,
                           const struct linear_layer *input, struct unpacked_layer *to, struct ft_error *error)
{
    size_t hidden = layer->hidden, rows = gate_count(layer->cell) * hidden, in = input ? input->in : layer->in;
    float *w_ih = weights_new(weights, rows * in), *w_hh = weights_new(weights, rows * hidden);
    float *b_ih = weights_new(weights, rows), *b_hh = weights_new(weights, rows);
    if (!w_ih || !w_hh || !b_ih || !b_hh)
        return ft_nomem(error, "the unpacked weights");
    struct packed packed;
    ft_status status = in_float32(weights, &layer->weights, layer->panels, &packed, error);
    if (status != FT_OK)
        return status;
    unpack_gates(&packed, layer->cell, hidden, layer->in, hidden, true, w_hh);
    if (!input)
        unpack_gates(&packed, layer->cell, hidden, 0, in, false, w_ih);
    weights_drop(weights, packed.at);
    if (input) {
        status = in_float32(weights, &input->weights, input->panels, &packed, error);
        if (status != FT_OK)
            return status;
        unpack_gates(&packed, layer->cell, hidden, 0, in, false, w_ih);
        weights_drop(weights, packed.at);
    }
    unpack_gate_bias(layer->cell, hidden, layer->bias, b_ih, b_hh);
    *to = (struct unpacked_layer){rows, in, hidden, w_ih, w_hh, b_ih, b_hh};
    return FT_OK;
}

ft_status unpack_linear(struct weights *weights, const struct linear_layer *layer, const float **w, const float **bias,
                        struct ft_error *error)
{
    float *rows = weights_new(weights, layer->out * layer->in), *copy = weights_new(weights, layer->out);
    if (!rows || !copy)
        return ft_nomem(error, "the unpacked weights");
    struct packed packed;
    ft_status status = in_float32(weights, &layer->weights, layer->panels, &packed, error);
    if (status != FT_OK)
        return status;
    for (size_t column = 0; column < layer->out; column++) {
        const float *panel = (const float *)packed.at + column / PANEL * packed.groups * PANEL;
        for (size_t k = 0; k < layer->in; k++)
            rows[column * layer->in + k] = panel[k * PANEL + column % PANEL];
    }
    memcpy(copy, layer->bias, layer->out * sizeof *copy);
    weights_drop(weights, packed.at);
    *w = rows;
    *bias = copy;
    return FT_OK;
}
