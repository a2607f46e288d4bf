/* lm_case.c - see lm_case.h. */
#include "lm_case.h"
#include "every_backend.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

static struct tensor matrix(const float *data, size_t rows, size_t columns)
{
    return columns ? (struct tensor){data, DTYPE_F32, 2, {rows, columns}, {(int64_t)columns, 1}}
                   : (struct tensor){data, DTYPE_F32, 1, {rows}, {1}};
}

static struct rnn_weights weights_of(const struct plain_layer *layer)
{
    size_t gates = gate_count(layer->cell) * layer->hidden;
    return (struct rnn_weights){matrix(layer->w_ih, gates, layer->in), matrix(layer->w_hh, gates, layer->hidden),
                                matrix(layer->b_ih, gates, 0), matrix(layer->b_hh, gates, 0)};
}

/* The weights of many units are made smaller, as a trained model's are: else errors would grow from step to step. */
static void calm(struct plain_layer *layer)
{
    size_t gates = gate_count(layer->cell) * layer->hidden;
    float most = 2 / sqrtf((float)layer->hidden);
    for (size_t i = 0; most < 0.5f && i < gates * layer->hidden; i++)
        layer->w_hh[i] *= 2 * most;
    for (size_t i = 0; most < 0.5f && i < gates * layer->in; i++)
        layer->w_ih[i] *= 2 * most;
}

void language_model_init(struct language_model *m, enum cell_type cell, size_t hidden, size_t layers, size_t nout)
{
    struct backend *backend = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    *m = (struct language_model){.layers = layers, .nout = nout, .encoder = random_floats(ITEMS * WIDTH, 1)};
    struct lm_description from = {.forward = true,
                                  .rnn = cell == CELL_LSTM ? RNN_LSTM : RNN_GRU,
                                  .layers = layers,
                                  .hidden = hidden,
                                  .embedding = WIDTH,
                                  .nout = nout,
                                  .delimiter = {"\n", 1},
                                  .items = m->items,
                                  .item_count = ITEMS,
                                  .encoder = matrix(m->encoder, ITEMS, WIDTH)};
    for (size_t i = 0; i < ITEMS; i++) {
        m->names[i] = (char)('A' + i);
        m->items[i] = (struct bytes){&m->names[i], 1};
    }
    for (size_t k = 0; k < layers; k++) {
        m->layer[k] = plain_layer_new(cell, k ? hidden : WIDTH, hidden);
        calm(&m->layer[k]);
        from.layer[k] = weights_of(&m->layer[k]);
    }
    if (nout) {
        m->proj_weight = random_floats(nout * hidden, 0.5f);
        m->proj_bias = random_floats(nout, 0.5f);
        from.proj_weight = matrix(m->proj_weight, nout, hidden);
        from.proj_bias = matrix(m->proj_bias, nout, 0);
    }
    arena_init(&m->arena);
    weights_init(&m->weights);
    ck_assert_msg(lm_build(&m->lm, &from, &m->arena, &m->weights, backend, &error) == FT_OK, "%s", error.text);
    backend->ops->free(backend);
}

void language_model_release(struct language_model *m)
{
    for (size_t k = 0; k < m->layers; k++)
        plain_layer_free(&m->layer[k]);
    free(m->encoder);
    free(m->proj_weight);
    free(m->proj_bias);
    arena_release(&m->arena);
    weights_release(&m->weights);
}

void sequences_init(struct sequences *s, size_t count, bool long_ones)
{
    static const uint32_t odd[] = {1, 2, 100, 1000, 3, 1};
    *s = (struct sequences){.count = count};
    arena_init(&s->arena);
    s->at = arena_array(&s->arena, count, sizeof *s->at);
    for (size_t i = 0; i < count; i++) {
        uint32_t length = i < 6 && (long_ones || odd[i] < 1000) ? odd[i] : random_below(60), alike = 0, wish = 0;
        const struct char_sequence *like = &s->at[i < 10 ? 0 : random_below((uint32_t)i)];
        if (i >= 10 && !random_below(4))
            length = like->length;
        if (i >= 10)
            alike = random_below(3) ? random_below(like->length + 1) : like->length;
        bool wants_alike = random_below(4), wants_all = i % 10 == 9;
        uint32_t *ids = arena_array(&s->arena, length, sizeof *ids),
                 *steps = arena_array(&s->arena, 2 * length, sizeof *steps);
        uint32_t *rows = arena_array(&s->arena, 2 * length, sizeof *rows), wanted = 0;
        for (uint32_t t = 0; t < length; t++) {
            ids[t] = t < alike ? like->ids[t] : random_below(ITEMS);
            uint32_t times = !i ? 2 : wants_all ? 1 : random_below(3); /* of the first sequence's one step: twice */
            if (wants_alike && t < alike)
                for (times = 0; wish < like->row_count && like->steps[wish] == t; wish++)
                    times++;
            for (; times; times--)
                steps[wanted++] = t;
        }
        for (uint32_t w = 0; w < wanted; w++)
            rows[w] = (uint32_t)s->rows++;
        for (uint32_t w = wanted; w > 1; w--) { /* in any order */
            uint32_t other = random_below(w), row = rows[w - 1];
            rows[w - 1] = rows[other];
            rows[other] = row;
        }
        s->at[i] = (struct char_sequence){ids, length, wanted, steps, rows};
    }
}

void sequences_release(struct sequences *s)
{
    arena_release(&s->arena);
}
