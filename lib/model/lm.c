/* lm.c - see lm.h. */
#include "model/lm.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

bool characters_init(struct characters *characters, const struct bytes *items, size_t count, struct arena *arena)
{
    memset(characters->pages, 0, sizeof characters->pages);
    characters->count = count;
    characters->items = arena_array(arena, count, sizeof *items);
    if (!characters->items)
        return false;
    for (size_t id = 0; id < count; id++) {
        uint32_t c;
        characters->items[id].count = items[id].count;
        characters->items[id].at = arena_copy(arena, items[id].at, items[id].count);
        if (!characters->items[id].at)
            return false;
        if (!items[id].count || utf8_decode(items[id].at, items[id].count, &c) != items[id].count)
            continue; /* "<unk>" and the like never match a character */
        uint32_t **page = &characters->pages[c >> 8];
        if (!*page && !(*page = arena_array(arena, 256, sizeof **page)))
            return false;
        (*page)[c & 255] = (uint32_t)id;
    }
    return true;
}

uint32_t characters_id(const struct characters *characters, uint32_t c)
{
    const uint32_t *page = characters->pages[c >> 8];
    return page ? page[c & 255] : 0;
}

static ft_status wrong_shape(struct ft_error *error, const char *what)
{
    return ft_fail(error, FT_MODEL, "language model: %s is missing or has another shape than its options say", what);
}

ft_status lm_build(struct lm *lm, const struct lm_description *from, struct arena *arena, struct weights *weights,
                   struct backend *backend, struct ft_error *error)
{
    enum cell_type cell = from->rnn == RNN_LSTM ? CELL_LSTM : CELL_GRU;
    size_t hidden = from->hidden, gates = gate_count(cell), threads = backend_cpu_threads(backend);
    if (!hidden || !from->layers || from->layers > CHAR_LM_LAYERS || !from->item_count || !from->embedding)
        return ft_fail(error, FT_MODEL, "language model: %zu layers of %zu units over %zu characters cannot be run",
                       from->layers, hidden, from->item_count);
    if (!tensor_is_matrix(&from->encoder, from->item_count, from->embedding))
        return wrong_shape(error, "encoder.weight");
    lm->forward = from->forward;
    lm->with_whitespace = from->with_whitespace;
    lm->tokenized = from->tokenized_lm;
    lm->lower = from->is_lower;
    lm->embedding = from->embedding;
    lm->encoder = weights_f32(weights, &from->encoder);
    lm->net.items = from->item_count;
    lm->net.layers = from->layers;
    if (!lm->encoder || !characters_init(&lm->characters, from->items, from->item_count, arena))
        return ft_nomem(error, "a language model");
    for (size_t k = 0; k < from->layers; k++) {
        const struct rnn_weights *w = &from->layer[k];
        struct recurrent_layer *layer = &lm->net.layer[k];
        size_t in = k ? hidden : from->embedding;
        if (!tensor_is_matrix(&w->w_ih, gates * hidden, in) || !tensor_is_matrix(&w->w_hh, gates * hidden, hidden) ||
            !tensor_is_vector(&w->b_ih, gates * hidden) || !tensor_is_vector(&w->b_hh, gates * hidden))
            return wrong_shape(error, "a weight of rnn");
        const float *w_ih = weights_f32(weights, &w->w_ih), *w_hh = weights_f32(weights, &w->w_hh);
        const float *b_ih = weights_f32(weights, &w->b_ih), *b_hh = weights_f32(weights, &w->b_hh);
        if (!w_ih || !w_hh || !b_ih || !b_hh)
            return ft_nomem(error, "a language model");
        struct gate_part parts[2] = {{w_ih, in, false}, {w_hh, hidden, true}};
        *layer = (struct recurrent_layer){
            .cell = cell, .in = k ? hidden : 0, .hidden = hidden, .panels = (hidden + BLOCK - 1) / BLOCK};
        layer->weights.groups = layer->in + hidden;
        layer->weights.at = pack_gates(weights, cell, hidden, k ? parts : parts + 1, k ? 2 : 1, threads);
        layer->bias = pack_gate_bias(weights, cell, hidden, b_ih, b_hh);
        if (!layer->weights.at || !layer->bias)
            return ft_nomem(error, "a language model");
        if (k == 0) {
            float *packed = pack_gates(weights, cell, hidden, parts, 1, threads);
            if (!packed)
                return ft_nomem(error, "a language model");
            lm->input = (struct linear_layer){
                in, layer->panels * PANEL, layer->panels, {.groups = in, .at = packed}, layer->bias};
        }
    }
    lm->width = hidden;
    if (from->nout) {
        if (!tensor_is_matrix(&from->proj_weight, from->nout, hidden) ||
            !tensor_is_vector(&from->proj_bias, from->nout))
            return wrong_shape(error, "proj");
        const float *w = weights_f32(weights, &from->proj_weight), *b = weights_f32(weights, &from->proj_bias);
        if (!w || !b || !pack_linear(weights, w, b, hidden, from->nout, &lm->net.projection))
            return ft_nomem(error, "a language model");
        lm->net.has_projection = true;
        lm->width = from->nout;
    }
    if (from->decoder_weight.data) {
        if (!tensor_is_matrix(&from->decoder_weight, from->item_count, lm->width) ||
            !tensor_is_vector(&from->decoder_bias, from->item_count))
            return wrong_shape(error, "decoder");
        const float *w = weights_f32(weights, &from->decoder_weight), *b = weights_f32(weights, &from->decoder_bias);
        if (!w || !b || !pack_linear(weights, w, b, lm->width, from->item_count, &lm->decoder))
            return ft_nomem(error, "a language model");
        lm->has_decoder = true;
    }
    lm->delimiter_text.count = from->delimiter.count;
    lm->delimiter_text.at = arena_copy(arena, from->delimiter.at, from->delimiter.count);
    if (!lm->delimiter_text.at)
        return ft_nomem(error, "a language model");
    return lm_finish(lm, arena, weights, backend, error);
}

ft_status lm_finish(struct lm *lm, struct arena *arena, struct weights *weights, struct backend *backend,
                    struct ft_error *error)
{
    lm->space = characters_id(&lm->characters, ' ');
    lm->delimiter = arena_array(arena, lm->delimiter_text.count + 1, sizeof *lm->delimiter);
    const float **rows = malloc((lm->net.items + 1) * sizeof *rows);
    float *table = weights_new(weights, lm->net.items * lm->input.out);
    if (!lm->delimiter || !rows || !table) {
        free(rows);
        return ft_nomem(error, "a language model");
    }
    lm->delimiter_length = 0;
    uint32_t c;
    for (size_t at = 0, length; at < lm->delimiter_text.count; at += length) {
        length = utf8_decode(lm->delimiter_text.at + at, lm->delimiter_text.count - at, &c);
        if (!length) {
            free(rows);
            return ft_fail(error, FT_MODEL, "language model: its document delimiter is not valid UTF-8");
        }
        lm->delimiter[lm->delimiter_length++] = characters_id(&lm->characters, c);
    }
    for (size_t v = 0; v < lm->net.items; v++)
        rows[v] = lm->encoder + v * lm->embedding;
    struct input_piece piece = {rows, lm->embedding};
    ft_status status = backend->ops->linear(backend, &lm->input, &piece, 1, lm->net.items, table, error);
    lm->net.table = table;
    free(rows);
    return status;
}

/* The text as code points and the tokens' places in it. */
struct lm_text {
    uint32_t *characters;
    size_t length;       /* of what is fed */
    size_t counted;      /* of what offsets are counted in: the text before lower-casing */
    size_t *begin, *end; /* [tokens] */
};

static bool append(struct lm_text *text, const char *s, size_t bytes, bool lower, struct arena *arena)
{
    char *lowered = NULL;
    if (lower) {
        size_t room = 3 * bytes + 1;
        if (!(lowered = arena_alloc(arena, room)))
            return false;
        bytes = utf8_lower(s, bytes, lowered, room);
        s = lowered;
    }
    uint32_t c;
    for (size_t at = 0, length; at < bytes && (length = utf8_decode(s + at, bytes - at, &c)); at += length)
        text->characters[text->length++] = c;
    return true;
}

static bool collect_text(struct lm_text *text, const struct lm *lm, const struct token *tokens, size_t count,
                         struct arena *arena)
{
    size_t room = 1;
    for (size_t j = 0; j < count; j++)
        room += (size_t)tokens[j].bytes * (lm->lower ? 3 : 1) + 1;
    text->characters = arena_array(arena, room, sizeof *text->characters);
    text->begin = arena_array(arena, count, sizeof *text->begin);
    text->end = arena_array(arena, count, sizeof *text->end);
    if (!text->characters || !text->begin || !text->end)
        return false;
    for (size_t j = 0; j < count; j++) {
        text->begin[j] = text->counted;
        text->end[j] = text->counted += tokens[j].chars;
        if (!append(text, tokens[j].text, tokens[j].bytes, lm->lower, arena))
            return false;
        if (j + 1 < count && (lm->tokenized || tokens[j].space_after)) {
            text->characters[text->length++] = ' ';
            text->counted++;
        }
    }
    return true;
}

ft_status lm_sequence(const struct lm *lm, const struct token *tokens, size_t count, size_t first_row,
                      struct arena *arena, struct char_sequence *sequence, struct ft_error *error)
{
    struct lm_text text = {0};
    if (!collect_text(&text, lm, tokens, count, arena))
        return ft_nomem(error, "the characters of a sentence");
    size_t s = lm->delimiter_length, length = s + text.length + 1;
    if (length > UINT32_MAX)
        return ft_fail(error, FT_INPUT, "a sentence of %zu characters is too long", text.length);
    uint32_t *ids = arena_array(arena, length, sizeof *ids);
    uint32_t *steps = arena_array(arena, count, sizeof *steps), *rows = arena_array(arena, count, sizeof *rows);
    if (!ids || !steps || !rows)
        return ft_nomem(error, "the characters of a sentence");
    memcpy(ids, lm->delimiter, s * sizeof *ids);
    for (size_t i = 0; i < text.length; i++)
        ids[s + i] = characters_id(&lm->characters, text.characters[lm->forward ? i : text.length - 1 - i]);
    ids[length - 1] = lm->space;
    for (size_t i = 0; i < count; i++) {
        size_t j = lm->forward ? i : count - 1 - i;
        size_t step = s + (lm->forward ? text.end[j] : text.counted - text.begin[j]);
        if (!lm->with_whitespace && step > 0)
            step--;
        /* lower-casing can change the length, but not the offsets (Flair's rule): stay inside */
        steps[i] = (uint32_t)(step < length ? step : length - 1);
        rows[i] = (uint32_t)(first_row + j);
    }
    *sequence = (struct char_sequence){ids, (uint32_t)length, (uint32_t)count, steps, rows};
    return FT_OK;
}
