/* model_tensors.c - see model_tensors.h. */
#include "model/model_tensors.h"
#include "kernels/kernels.h"
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

/* One tensor of up to four dimensions; a dimension of 0 ends the shape. */
static ft_status tensor(struct tensor_list *list, const float **data, const size_t shape[4], const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    struct tensor wanted = {*data, DTYPE_F32, 0, {0}, {0}};
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
        if (found->dtype != DTYPE_F32 || found->rank != wanted.rank ||
            memcmp(found->shape, wanted.shape, (size_t)wanted.rank * sizeof *wanted.shape) ||
            (uintptr_t)found->data % sizeof(float))
            return ft_fail(list->error, FT_MODEL,
                           "%s: tensor '%s' has another shape or type than the model's options say",
                           safetensors_path(list->file), name);
        *data = found->data;
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

static ft_status tensors_of_linear(struct tensor_list *list, const char *prefix, struct linear_layer *layer)
{
    layer->panels = (layer->out + PANEL - 1) / PANEL;
    ft_status status = tensor(list, &layer->packed, SHAPE(layer->panels, layer->in, PANEL), "%spacked", prefix);
    return status != FT_OK ? status : tensor(list, &layer->bias, SHAPE(layer->panels, PANEL), "%sbias", prefix);
}

static ft_status tensors_of_recurrent(struct tensor_list *list, const char *prefix, struct recurrent_layer *layer,
                                      bool init)
{
    layer->panels = (layer->hidden + BLOCK - 1) / BLOCK;
    ft_status status =
        tensor(list, &layer->packed, SHAPE(layer->panels, layer->in + layer->hidden, 4, BLOCK), "%spacked", prefix);
    if (status == FT_OK)
        status = tensor(list, &layer->bias, SHAPE(layer->panels, 4, BLOCK), "%sbias", prefix);
    if (status == FT_OK && init)
        status = tensor(list, &layer->init_h, SHAPE(layer->panels, BLOCK), "%sinit_h", prefix);
    if (status == FT_OK && init)
        status = tensor(list, &layer->init_c, SHAPE(layer->panels, BLOCK), "%sinit_c", prefix);
    return status;
}

ft_status tensors_of_lm(struct tensor_list *list, const char *prefix, struct lm *lm)
{
    char name[200];
    ft_status status = tensor(list, &lm->encoder, SHAPE(lm->net.items, lm->embedding), "%sencoder", prefix);
    for (size_t k = 0; status == FT_OK && k < lm->net.layers; k++) {
        snprintf(name, sizeof name, "%srnn.%zu.", prefix, k);
        status = tensors_of_recurrent(list, name, &lm->net.layer[k], false);
    }
    if (status == FT_OK) {
        const struct recurrent_layer *first = &lm->net.layer[0];
        lm->input.in = lm->embedding;
        lm->input.out = first->panels * PANEL;
        lm->input.panels = first->panels;
        lm->input.bias = first->bias;
        status =
            tensor(list, &lm->input.packed, SHAPE(first->panels, lm->embedding, 4, BLOCK), "%sinput.packed", prefix);
    }
    if (status == FT_OK && lm->net.has_projection) {
        snprintf(name, sizeof name, "%sproj.", prefix);
        status = tensors_of_linear(list, name, &lm->net.projection);
    }
    if (status == FT_OK && lm->has_decoder) {
        snprintf(name, sizeof name, "%sdecoder.", prefix);
        status = tensors_of_linear(list, name, &lm->decoder);
    }
    return status;
}

ft_status tensors_of_words(struct tensor_list *list, const char *prefix, const struct words *words)
{
    struct safetensors_entry entries[WORDS_TENSORS];
    ft_status status = words_entries(words, prefix, list->arena, entries, list->error);
    for (size_t i = 0; status == FT_OK && i < WORDS_TENSORS; i++) {
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
        return tensor(list, &member->table, SHAPE(member->item_count, member->width), "embeddings.%zu.onehot.weight",
                      i);
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
    for (size_t k = 0; tagger->has_rnn && k < tagger->rnn.layers; k++)
        for (int d = 0; status == FT_OK && d < 2; d++) {
            snprintf(prefix, sizeof prefix, "rnn.%zu.%d.", k, d);
            status =
                tensors_of_recurrent(list, prefix, &tagger->rnn.layer[k][d], tagger->rnn.layer[k][d].init_h != NULL);
        }
    if (status == FT_OK && tagger->has_reprojection)
        status = tensors_of_linear(list, "reprojection.", &tagger->reprojection);
    if (status == FT_OK)
        status = tensors_of_linear(list, "linear.", &tagger->linear);
    if (status == FT_OK && tagger->has_crf)
        status = tensor(list, &tagger->crf.transitions, SHAPE(tagger->crf.tags, tagger->crf.tags), "crf.transitions");
    return status;
}
