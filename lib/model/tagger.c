/* tagger.c - see tagger.h. */
#include "model/tagger.h"
#include "model/layer_norm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ft_status wrong_shape(struct ft_error *error, const char *what)
{
    return ft_fail(error, FT_MODEL, "tagger: %s is missing or has a shape that does not fit its neighbours", what);
}

static ft_status build_onehot(struct tagger *tagger, struct member *member, const struct onehot_description *from,
                              struct ft_error *error)
{
    if (!from->weight.data || from->weight.rank != 2 || from->weight.shape[0] != from->item_count || !from->item_count)
        return wrong_shape(error, "the one-hot table");
    member->width = from->weight.shape[1];
    member->item_count = from->item_count;
    member->items = arena_array(&tagger->arena, from->item_count, sizeof *member->items);
    float *table = weights_new(&tagger->weights, from->item_count * member->width);
    if (!member->items || !table)
        return ft_nomem(error, "one-hot embeddings");
    tensor_to_f32(&from->weight, table);
    for (size_t i = 0; i < from->item_count; i++) {
        member->items[i].count = from->items[i].count;
        member->items[i].at = arena_copy(&tagger->arena, from->items[i].at, from->items[i].count);
        if (!member->items[i].at || !map_put(&member->index, member->items[i].at, member->items[i].count, (uint32_t)i))
            return ft_nomem(error, "one-hot embeddings");
    }
    member->table = table;
    return from->stable ? layer_norm_rows(&from->norm, table, from->item_count, member->width, error) : FT_OK;
}

static ft_status build_chars(struct tagger *tagger, struct member *member, const struct chars_description *from,
                             struct backend *backend, struct ft_error *error)
{
    for (int d = 0; d < 2; d++) {
        struct lm_description lm = {.forward = true,
                                    .rnn = RNN_LSTM,
                                    .layers = 1,
                                    .hidden = from->hidden,
                                    .embedding = from->char_dim,
                                    .items = from->items,
                                    .item_count = from->item_count,
                                    .encoder = from->embedding,
                                    .with_whitespace = true,
                                    .tokenized_lm = true};
        lm.layer[0] = from->direction[d];
        ft_status status = lm_build(&member->chars[d], &lm, &tagger->arena, &tagger->weights, backend, error);
        if (status != FT_OK)
            return status;
    }
    member->width = 2 * from->hidden;
    return FT_OK;
}

static ft_status build_member(struct tagger *tagger, struct member *member, const struct member_description *from,
                              struct backend *backend, struct ft_error *error)
{
    ft_status status = FT_OK;
    member->kind = from->kind;
    member->name = arena_copy(&tagger->arena, from->name, strlen(from->name));
    if (!member->name)
        return ft_nomem(error, "a tagger");
    switch (from->kind) {
    case MEMBER_LM:
        status = lm_build(&member->lm, &from->lm, &tagger->arena, &tagger->weights, backend, error);
        member->width = member->lm.width;
        break;
    case MEMBER_WORDS:
        status = words_build(&from->words, &member->words, error);
        member->width = status == FT_OK ? member->words->width : 0;
        break;
    case MEMBER_ONEHOT: status = build_onehot(tagger, member, &from->onehot, error); break;
    case MEMBER_CHARS: status = build_chars(tagger, member, &from->chars, backend, error); break;
    }
    tagger->width += member->width;
    return status;
}

/* The reprojection x -> x Wr^T + br in front of a matrix W: W (x Wr^T + br)^T = x (W Wr)^T + W br. */
struct fold {
    struct linear_layer columns; /* row of W -> row of W Wr */
    const float *bias;           /* br, [inner] */
    size_t inner;
};

static ft_status fold_init(struct fold *fold, struct weights *scratch, size_t outer, const float *wr, const float *br,
                           size_t inner, struct ft_error *error)
{
    size_t panels = (outer + PANEL - 1) / PANEL;
    float *packed = weights_new(scratch, panels * inner * PANEL), *zero = weights_new(scratch, panels * PANEL);
    if (!packed || !zero)
        return ft_nomem(error, "folding the reprojection");
    memset(zero, 0, panels * PANEL * sizeof *zero);
    for (size_t p = 0; p < panels; p++)
        for (size_t k = 0; k < inner; k++)
            for (size_t c = 0; c < PANEL; c++)
                packed[(p * inner + k) * PANEL + c] = p * PANEL + c < outer ? wr[k * outer + p * PANEL + c] : 0;
    *fold = (struct fold){{inner, outer, panels, {.groups = inner, .at = packed}, zero}, br, inner};
    return FT_OK;
}

/* Replaces w [rows, inner] by its product with the reprojection, and bias [rows] likewise. */
static ft_status fold_apply(const struct fold *fold, struct weights *scratch, struct backend *backend, size_t rows,
                            const float **w, const float **bias, struct ft_error *error)
{
    float *product = weights_new(scratch, rows * fold->columns.out);
    float *sum = weights_new(scratch, rows);
    const float **pointers = malloc(rows * sizeof *pointers);
    if (!product || !sum || !pointers) {
        free(pointers);
        return ft_nomem(error, "folding the reprojection");
    }
    for (size_t r = 0; r < rows; r++) {
        pointers[r] = *w + r * fold->inner;
        sum[r] = (*bias)[r];
        for (size_t k = 0; k < fold->inner; k++)
            sum[r] = fmaf(pointers[r][k], fold->bias[k], sum[r]);
    }
    struct input_piece piece = {pointers, fold->inner};
    ft_status status = backend->ops->linear(backend, &fold->columns, &piece, 1, rows, product, error);
    free(pointers);
    *w = product;
    *bias = sum;
    return status;
}

static ft_status build_rnn(struct tagger *tagger, struct weights *scratch, const struct tagger_description *from,
                           size_t in, const struct fold *fold, struct backend *backend, struct ft_error *error)
{
    enum cell_type cell = from->rnn == RNN_LSTM ? CELL_LSTM : CELL_GRU;
    size_t hidden = from->hidden, gates = gate_count(cell) * hidden;
    if (!hidden || !from->rnn_layers || from->rnn_layers > BIRNN_LAYERS)
        return ft_fail(error, FT_MODEL, "tagger: %zu recurrent layers of %zu units cannot be run", from->rnn_layers,
                       hidden);
    if (from->init_h.data && (!tensor_is_matrix(&from->init_h, from->rnn_layers * 2, hidden) ||
                              !tensor_is_matrix(&from->init_c, from->rnn_layers * 2, hidden)))
        return wrong_shape(error, "lstm_init_h or lstm_init_c");
    tagger->rnn.layers = from->rnn_layers;
    for (size_t k = 0; k < from->rnn_layers; k++)
        for (int d = 0; d < 2; d++) {
            const struct rnn_weights *w = &from->layer[k][d];
            struct recurrent_layer *layer = &tagger->rnn.layer[k][d];
            size_t inner = k ? 2 * hidden : fold ? fold->inner : in;
            if (!tensor_is_matrix(&w->w_ih, gates, inner) || !tensor_is_matrix(&w->w_hh, gates, hidden) ||
                !tensor_is_vector(&w->b_ih, gates) || !tensor_is_vector(&w->b_hh, gates))
                return wrong_shape(error, "a weight of rnn");
            const float *w_ih = weights_f32(scratch, &w->w_ih), *w_hh = weights_f32(scratch, &w->w_hh);
            const float *b_ih = weights_f32(scratch, &w->b_ih), *b_hh = weights_f32(scratch, &w->b_hh);
            if (!w_ih || !w_hh || !b_ih || !b_hh)
                return ft_nomem(error, "a tagger");
            if (k == 0 && fold) {
                ft_status status = fold_apply(fold, scratch, backend, gates, &w_ih, &b_ih, error);
                if (status != FT_OK)
                    return status;
                inner = fold->columns.out;
            }
            struct gate_part parts[2] = {{w_ih, inner, false}, {w_hh, hidden, true}};
            *layer = (struct recurrent_layer){
                .cell = cell, .in = inner, .hidden = hidden, .panels = (hidden + BLOCK - 1) / BLOCK};
            layer->weights.groups = inner + hidden;
            layer->weights.at = pack_gates(&tagger->weights, cell, hidden, parts, 2, backend_cpu_threads(backend));
            layer->bias = pack_gate_bias(&tagger->weights, cell, hidden, b_ih, b_hh);
            if (!layer->weights.at || !layer->bias)
                return ft_nomem(error, "a tagger");
            if (from->init_h.data) { /* rows: layer by layer, forward before backward */
                const float *h = weights_f32(scratch, &from->init_h);
                const float *c = weights_f32(scratch, &from->init_c);
                if (!h || !c ||
                    !(layer->init_h = pack_state(&tagger->weights, hidden, h + (k * 2 + (size_t)d) * hidden)) ||
                    !(layer->init_c = pack_state(&tagger->weights, hidden, c + (k * 2 + (size_t)d) * hidden)))
                    return ft_nomem(error, "a tagger");
            }
        }
    tagger->has_rnn = true;
    return FT_OK;
}

/* What one token costs behind the embeddings, in multiplications: the reprojection apart, or folded into the next
 * matrix. */
static bool folding_is_cheaper(size_t width, size_t inner, size_t next)
{
    return next * width <= width * inner + inner * next;
}

static ft_status build_head(struct tagger *tagger, struct weights *scratch, const struct tagger_description *from,
                            struct backend *backend, struct ft_error *error)
{
    struct fold fold;
    bool folds = false;
    size_t in = tagger->width, linear_in = from->use_rnn ? 2 * from->hidden : in;
    if (!tensor_is_vector(&from->linear_bias, from->tag_count) || from->linear_weight.rank != 2 ||
        !from->linear_weight.data)
        return wrong_shape(error, "linear");
    if (from->reproject_weight.data) {
        size_t inner = from->reproject_weight.shape[0];
        if (!tensor_is_matrix(&from->reproject_weight, inner, in) || !tensor_is_vector(&from->reproject_bias, inner))
            return wrong_shape(error, "embedding2nn");
        const float *wr = weights_f32(scratch, &from->reproject_weight);
        const float *br = weights_f32(scratch, &from->reproject_bias);
        if (!wr || !br)
            return ft_nomem(error, "a tagger");
        size_t gates = 2 * gate_count(from->rnn == RNN_LSTM ? CELL_LSTM : CELL_GRU) * from->hidden;
        folds = folding_is_cheaper(in, inner, from->use_rnn ? gates : from->tag_count);
        if (folds) {
            ft_status status = fold_init(&fold, scratch, in, wr, br, inner, error);
            if (status != FT_OK)
                return status;
        } else if (!pack_linear(&tagger->weights, wr, br, in, inner, &tagger->reprojection)) {
            return ft_nomem(error, "a tagger");
        } else {
            tagger->has_reprojection = true;
            in = inner;
        }
        if (!from->use_rnn)
            linear_in = folds ? inner : in;
    }
    if (from->use_rnn) {
        ft_status status = build_rnn(tagger, scratch, from, in, folds ? &fold : NULL, backend, error);
        if (status != FT_OK)
            return status;
    }
    if (!tensor_is_matrix(&from->linear_weight, from->tag_count, linear_in))
        return wrong_shape(error, "linear");
    const float *w = weights_f32(scratch, &from->linear_weight);
    const float *b = weights_f32(scratch, &from->linear_bias);
    if (!w || !b)
        return ft_nomem(error, "a tagger");
    if (!from->use_rnn && folds) {
        ft_status status = fold_apply(&fold, scratch, backend, from->tag_count, &w, &b, error);
        if (status != FT_OK)
            return status;
        linear_in = fold.columns.out;
    }
    return pack_linear(&tagger->weights, w, b, linear_in, from->tag_count, &tagger->linear)
               ? FT_OK
               : ft_nomem(error, "a tagger");
}

ft_status tagger_finish(struct tagger *tagger, struct ft_error *error)
{
    size_t n = tagger->crf.tags;
    tagger->crf.start = tagger->crf.stop = n;
    tagger->token_labels = true;
    for (size_t i = 0; i < n; i++) {
        const char *tag = tagger->tags[i];
        if (!strcmp(tag, "<START>"))
            tagger->crf.start = i;
        else if (!strcmp(tag, "<STOP>"))
            tagger->crf.stop = i;
        else if (!strncmp(tag, "B-", 2) || !strncmp(tag, "S-", 2) || !strncmp(tag, "I-", 2))
            tagger->token_labels = false;
    }
    if (tagger->has_crf && (tagger->crf.start == n || tagger->crf.stop == n))
        return ft_fail(error, FT_MODEL, "tagger: its tag set lacks <START> or <STOP>, which the CRF needs");
    return FT_OK;
}

static char *text_or_empty(struct arena *arena, const char *text)
{
    return arena_copy(arena, text ? text : "", text ? strlen(text) : 0);
}

/* What a description says besides members and weights. */
static ft_status describe(struct tagger *tagger, const struct tagger_description *from, struct ft_error *error)
{
    tagger->tags = arena_array(&tagger->arena, from->tag_count, sizeof *tagger->tags);
    tagger->tag_type = text_or_empty(&tagger->arena, from->tag_type);
    tagger->origin = text_or_empty(&tagger->arena, from->origin);
    tagger->crf.tags = from->tag_count;
    tagger->crf.mask_ends = from->mask_ends;
    tagger->span_rule = (enum span_rule)from->span_rule;
    if (!tagger->tags || !tagger->tag_type || !tagger->origin)
        return ft_nomem(error, "a tagger");
    if (from->training_record && !(tagger->training_record = text_or_empty(&tagger->arena, from->training_record)))
        return ft_nomem(error, "a tagger");
    for (size_t i = 0; i < from->tag_count; i++)
        if (!(tagger->tags[i] = arena_copy(&tagger->arena, from->tags[i].at, from->tags[i].count)))
            return ft_nomem(error, "a tagger");
    return FT_OK;
}

/* Everything behind the embeddings, whose widths are known. */
static ft_status build_behind(struct tagger *tagger, const struct tagger_description *from, struct backend *backend,
                              struct ft_error *error)
{
    struct weights scratch; /* unpacked and unfolded forms, needed no longer than this */
    weights_init(&scratch);
    ft_status status = build_head(tagger, &scratch, from, backend, error);
    weights_release(&scratch);
    if (status == FT_OK && from->use_crf) {
        if (!tensor_is_matrix(&from->transitions, from->tag_count, from->tag_count))
            status = wrong_shape(error, "transitions");
        else if (!(tagger->crf.transitions = weights_f32(&tagger->weights, &from->transitions)))
            status = ft_nomem(error, "a tagger");
        tagger->has_crf = true;
    }
    return status == FT_OK ? tagger_finish(tagger, error) : status;
}

static struct tagger *tagger_new(size_t members)
{
    struct tagger *tagger = calloc(1, sizeof *tagger);
    if (!tagger)
        return NULL;
    arena_init(&tagger->arena);
    weights_init(&tagger->weights);
    tagger->members = arena_array(&tagger->arena, members, sizeof *tagger->members);
    if (!tagger->members) {
        tagger_free(tagger);
        return NULL;
    }
    return tagger;
}

ft_status tagger_build(struct tagger **out, const struct tagger_description *from, struct backend *backend,
                       struct ft_error *error)
{
    struct tagger *tagger = tagger_new(from->member_count);
    if (!tagger)
        return ft_nomem(error, "a tagger");
    ft_status status = describe(tagger, from, error);
    for (size_t i = 0; status == FT_OK && i < from->member_count; i++) {
        tagger->member_count++;
        status = build_member(tagger, &tagger->members[i], &from->members[i], backend, error);
    }
    if (status == FT_OK)
        status = build_behind(tagger, from, backend, error);
    if (status != FT_OK) {
        tagger_free(tagger);
        return status;
    }
    *out = tagger;
    return FT_OK;
}

ft_status tagger_assemble(struct tagger **out, const struct member *members, size_t count,
                          const struct tagger_description *head, struct backend *backend, struct ft_error *error)
{
    struct tagger *tagger = tagger_new(count);
    if (!tagger)
        return ft_nomem(error, "a tagger");
    tagger->members_are_lent = true;
    tagger->member_count = count;
    for (size_t i = 0; i < count; i++) {
        tagger->members[i] = members[i];
        tagger->width += members[i].width;
    }
    ft_status status = head ? describe(tagger, head, error) : FT_OK;
    if (status == FT_OK && head)
        status = build_behind(tagger, head, backend, error);
    if (status != FT_OK) {
        tagger_free(tagger);
        return status;
    }
    *out = tagger;
    return FT_OK;
}

void tagger_free(struct tagger *tagger)
{
    if (!tagger)
        return;
    for (size_t i = 0; !tagger->members_are_lent && i < tagger->member_count; i++) {
        words_free(tagger->members[i].words);
        map_release(&tagger->members[i].index);
    }
    weights_release(&tagger->weights);
    arena_release(&tagger->arena);
    safetensors_close(tagger->file);
    free(tagger);
}
