/* model_tensors.c - see model_tensors.h. */
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct safetensors_entry *add_entry(struct tensor_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct safetensors_entry *grown = arena_array(list->arena, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        if (list->count)
            memcpy(grown, list->entries, list->count * sizeof *grown);
        list->entries = grown;
        list->capacity = capacity;
    }
    return &list->entries[list->count++];
}

/* One tensor of up to four dimensions; a dimension of 0 ends the shape. data: a pointer to a pointer to its elements.
 */
static ft_status tensor(struct tensor_list *list, enum dtype type, void *data, const size_t shape[4],
                        const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    struct tensor wanted = {NULL, type, 0, {0}, {0}};
    memcpy(&wanted.data, data, sizeof wanted.data); /* whatever it points to, a pointer looks the same */
    while (wanted.rank < 4 && shape[wanted.rank]) {
        wanted.shape[wanted.rank] = shape[wanted.rank];
        wanted.rank++;
    }
    int64_t stride = 1;
    for (int d = wanted.rank; d-- > 0; stride *= (int64_t)wanted.shape[d])
        wanted.stride[d] = stride;
    if (list->file) {
        const struct tensor *found = safetensors_find(list->file, name);
        if (!found)
            return ft_fail(list->error, FT_MODEL, "%s: tensor '%s' is missing", safetensors_path(list->file), name);
        if (found->dtype != type || found->rank != wanted.rank ||
            memcmp(found->shape, wanted.shape, (size_t)wanted.rank * sizeof *wanted.shape) ||
            (uintptr_t)found->data % dtype_bytes(type))
            return ft_fail(list->error, FT_MODEL,
                           "%s: tensor '%s' has another shape or type than the model's options say",
                           safetensors_path(list->file), name);
        memcpy(data, &found->data, sizeof found->data);
        return FT_OK;
    }
    struct safetensors_entry *entry = add_entry(list);
    char *copy = arena_copy(list->arena, name, strlen(name));
    if (!entry || !copy)
        return ft_nomem(list->error, "the list of tensors");
    *entry = (struct safetensors_entry){copy, wanted};
    return FT_OK;
}

#define SHAPE(...) ((const size_t[4]){__VA_ARGS__})

/* Weights in their precision; four: the columns of a panel are counted as four times sixteen. widths NULL: out of
 * memory (matters to quantised ones). */
static ft_status tensors_of_packed(struct tensor_list *list, const char *prefix, struct packed *packed, size_t panels,
                                   bool four, const size_t *widths, size_t segments)
{
    static const enum dtype types[PRECISIONS] = {DTYPE_F32, DTYPE_I16, DTYPE_I8, DTYPE_I8};
    enum dtype type = types[packed->precision];
    packed->groups = 0;
    for (size_t i = 0; widths && i < segments; i++) {
        if (packed->precision != PRECISION_F32 && widths[i] > QUANTISED_WIDEST)
            return ft_fail(list->error, FT_MODEL, "%s: '%spacked' has an input of %zu numbers, too wide for %s",
                           list->file ? safetensors_path(list->file) : "the model", prefix, widths[i],
                           precision_names[packed->precision]);
        packed->groups += group_count(packed->precision, widths[i]);
    }
    if (!widths)
        return ft_nomem(list->error, "the list of tensors");
    if (packed->precision == PRECISION_F32 && four)
        return tensor(list, type, &packed->at, SHAPE(panels, packed->groups, 4, BLOCK), "%spacked", prefix);
    if (packed->precision == PRECISION_F32)
        return tensor(list, type, &packed->at, SHAPE(panels, packed->groups, PANEL), "%spacked", prefix);
    if (list->file) { /* when writing, the list's memory goes before the model does */
        packed->widths = widths;
        packed->segments = segments;
    }
    ft_status status =
        tensor(list, type, &packed->at, SHAPE(panels, packed->groups, PANEL, group_elements(packed->precision)),
               "%spacked", prefix);
    if (status == FT_OK)
        status = tensor(list, DTYPE_F32, &packed->scale, SHAPE(segments, panels, PANEL), "%sscale", prefix);
    if (status == FT_OK && type == DTYPE_I8)
        status = tensor(list, DTYPE_I32, &packed->offset, SHAPE(segments, panels, PANEL), "%soffset", prefix);
    return status;
}

static ft_status tensors_of_linear(struct tensor_list *list, const char *prefix, struct linear_layer *layer,
                                   const size_t *widths, size_t segments)
{
    layer->panels = (layer->out + PANEL - 1) / PANEL;
    ft_status status = tensors_of_packed(list, prefix, &layer->weights, layer->panels, false, widths, segments);
    return status != FT_OK ? status
                           : tensor(list, DTYPE_F32, &layer->bias, SHAPE(layer->panels, PANEL), "%sbias", prefix);
}

static ft_status tensors_of_recurrent(struct tensor_list *list, const char *prefix, struct recurrent_layer *layer,
                                      bool init, const size_t *widths, size_t segments)
{
    layer->panels = (layer->hidden + BLOCK - 1) / BLOCK;
    ft_status status = tensors_of_packed(list, prefix, &layer->weights, layer->panels, true, widths, segments);
    if (status == FT_OK)
        status = tensor(list, DTYPE_F32, &layer->bias, SHAPE(layer->panels, 4, BLOCK), "%sbias", prefix);
    if (status == FT_OK && init)
        status = tensor(list, DTYPE_F32, &layer->init_h, SHAPE(layer->panels, BLOCK), "%sinit_h", prefix);
    if (status == FT_OK && init)
        status = tensor(list, DTYPE_F32, &layer->init_c, SHAPE(layer->panels, BLOCK), "%sinit_c", prefix);
    return status;
}

ft_status tensors_of_lm(struct tensor_list *list, const char *prefix, struct lm *lm)
{
    char name[200];
    ft_status status = tensor(list, DTYPE_F32, &lm->encoder, SHAPE(lm->net.items, lm->embedding), "%sencoder", prefix);
    for (size_t k = 0; status == FT_OK && k < lm->net.layers; k++) {
        size_t segments;
        const size_t *widths = lm_segments(&lm->net.layer[k], list->arena, &segments);
        snprintf(name, sizeof name, "%srnn.%zu.", prefix, k);
        status = tensors_of_recurrent(list, name, &lm->net.layer[k], false, widths, segments);
    }
    if (status == FT_OK) {
        const struct recurrent_layer *first = &lm->net.layer[0];
        lm->input.in = lm->embedding;
        lm->input.out = first->panels * PANEL;
        lm->input.panels = first->panels;
        lm->input.bias = first->bias;
        snprintf(name, sizeof name, "%sinput.", prefix);
        status = tensors_of_packed(list, name, &lm->input.weights, first->panels, true, &lm->embedding, 1);
    }
    if (status == FT_OK && lm->net.has_projection) {
        snprintf(name, sizeof name, "%sproj.", prefix);
        status = tensors_of_linear(list, name, &lm->net.projection, &lm->net.projection.in, 1);
    }
    if (status == FT_OK && lm->has_decoder) {
        snprintf(name, sizeof name, "%sdecoder.", prefix);
        status = tensors_of_linear(list, name, &lm->decoder, &lm->decoder.in, 1);
    }
    return status;
}

ft_status tensors_of_words(struct tensor_list *list, const char *prefix, const struct words *words)
{
    struct safetensors_entry entries[WORDS_TENSORS];
    size_t count;
    ft_status status = words_entries(words, prefix, list->arena, entries, &count, list->error);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        struct safetensors_entry *entry = add_entry(list);
        if (!entry)
            return ft_nomem(list->error, "the list of tensors");
        *entry = entries[i];
    }
    return status;
}

static ft_status tensors_of_member(struct tensor_list *list, size_t i, struct member *member)
{
    char prefix[64];
    ft_status status = FT_OK;
    switch (member->kind) {
    case MEMBER_LM:
        snprintf(prefix, sizeof prefix, "embeddings.%zu.lm.", i);
        return tensors_of_lm(list, prefix, &member->lm);
    case MEMBER_WORDS:
        snprintf(prefix, sizeof prefix, "embeddings.%zu.words.", i);
        return list->file ? words_from_file(list->file, prefix, &member->words, list->error)
                          : tensors_of_words(list, prefix, member->words);
    case MEMBER_ONEHOT:
        return tensor(list, DTYPE_F32, &member->table, SHAPE(member->item_count, member->width),
                      "embeddings.%zu.onehot.weight", i);
    case MEMBER_CHARS:
        for (int d = 0; status == FT_OK && d < 2; d++) {
            snprintf(prefix, sizeof prefix, "embeddings.%zu.chars.%d.", i, d);
            status = tensors_of_lm(list, prefix, &member->chars[d]);
        }
        return status;
    }
    return status;
}

ft_status tensors_of_members(struct tensor_list *list, struct tagger *tagger)
{
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < tagger->member_count; i++)
        status = tensors_of_member(list, i, &tagger->members[i]);
    return status;
}

ft_status tensors_of_head(struct tensor_list *list, struct tagger *tagger)
{
    char prefix[64];
    ft_status status = FT_OK;
    size_t segments;
    for (size_t k = 0; tagger->has_rnn && k < tagger->rnn.layers; k++)
        for (int d = 0; status == FT_OK && d < 2; d++) {
            struct recurrent_layer *layer = &tagger->rnn.layer[k][d];
            const size_t *widths = tagger_segments(tagger, k, list->arena, &segments);
            snprintf(prefix, sizeof prefix, "rnn.%zu.%d.", k, d);
            status = tensors_of_recurrent(list, prefix, layer, layer->init_h != NULL, widths, segments);
        }
    if (status == FT_OK && tagger->has_reprojection) {
        const size_t *widths = reprojection_segments(tagger, list->arena, &segments);
        status = tensors_of_linear(list, "reprojection.", &tagger->reprojection, widths, segments);
    }
    if (status == FT_OK)
        status = tensors_of_linear(list, "linear.", &tagger->linear, &tagger->linear.in, 1);
    if (status == FT_OK && tagger->has_crf)
        status = tensor(list, DTYPE_F32, &tagger->crf.transitions, SHAPE(tagger->crf.tags, tagger->crf.tags),
                        "crf.transitions");
    return status;
}
