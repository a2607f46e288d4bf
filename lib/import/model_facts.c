/* model_facts.c - see model_facts.h. */
#include "import/model_facts.h"
#include "base/json.h"
#include "model/model_file.h"
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <stdio.h>
#include <string.h>

static void add_count(bool *whole, cJSON *to, const char *name, size_t value)
{
    json_number(whole, to, name, (double)value);
}

/* What the weights of a part take in flairtag's own file: all tensors whose names begin with `prefix`, or, if that is
 * empty, all that are of no embedding. */
static size_t part_bytes(const struct tensor_list *list, const char *prefix)
{
    static const char members[] = "embeddings.";
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct safetensors_entry *entry = &list->entries[i];
        size_t these = dtype_bytes(entry->tensor.dtype);
        for (int d = 0; d < entry->tensor.rank; d++)
            these *= entry->tensor.shape[d];
        bool belongs = *prefix ? !strncmp(entry->name, prefix, strlen(prefix))
                               : strncmp(entry->name, members, sizeof members - 1) != 0;
        bytes += belongs ? these : 0;
    }
    return bytes;
}

static void add_weights(bool *whole, cJSON *to, const char *precision, size_t bytes)
{
    json_text(whole, to, "precision", precision);
    add_count(whole, to, "bytes", bytes);
}

/* bytes: with the vocabulary and its index. */
static void add_words(bool *whole, cJSON *to, const struct words *words, size_t bytes)
{
    add_weights(whole, to, words_type_names[words->type], bytes);
    add_count(whole, to, "table bytes", words_table_bytes(words));
}

static void add_lm(bool *whole, cJSON *to, const struct lm *lm)
{
    const struct recurrent_layer *top = &lm->net.layer[lm->net.layers - 1];
    json_text(whole, to, "direction", lm->forward ? "forward" : "backward");
    json_text(whole, to, "cell", model_cell_names[top->cell]);
    add_count(whole, to, "hidden", top->hidden);
    add_count(whole, to, "layers", lm->net.layers);
    add_count(whole, to, "nout", lm->net.has_projection ? lm->net.projection.out : 0);
    add_count(whole, to, "embedding", lm->embedding);
    add_count(whole, to, "characters", lm->net.items);
    json_text(whole, to, "delimiter", lm->delimiter_text.at);
}

static void add_tagger(bool *whole, cJSON *to, const struct tagger *tagger, const struct tensor_list *list)
{
    cJSON *members = json_array(whole, to, "embeddings");
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        cJSON *about = cJSON_CreateObject();
        json_item(whole, members, NULL, about);
        json_text(whole, about, "kind", model_member_names[member->kind]);
        json_text(whole, about, "name", member->name);
        add_count(whole, about, "width", member->width);
        if (member->kind == MEMBER_LM)
            add_lm(whole, about, &member->lm);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "embeddings.%zu.", i);
        size_t bytes = part_bytes(list, prefix);
        if (member->kind == MEMBER_WORDS) {
            add_count(whole, about, "words", member->words->count);
            add_words(whole, about, member->words, bytes);
        } else {
            enum precision precision = member->kind == MEMBER_LM ? lm_precision(&member->lm) : PRECISION_F32;
            add_weights(whole, about, precision_names[precision], bytes);
        }
    }
    add_count(whole, to, "token vector", tagger->width);
    if (tagger->has_reprojection)
        add_count(whole, to, "reprojection", tagger->reprojection.out);
    if (tagger->has_rnn) {
        cJSON *rnn = json_object(whole, to, "rnn");
        json_text(whole, rnn, "cell", model_cell_names[tagger->rnn.layer[0][0].cell]);
        add_count(whole, rnn, "hidden", tagger->rnn.layer[0][0].hidden);
        add_count(whole, rnn, "layers", tagger->rnn.layers);
        json_bool(whole, rnn, "initial states", tagger->rnn.layer[0][0].init_h != NULL);
    }
    add_weights(whole, json_object(whole, to, "head"), precision_names[tagger_head_precision(tagger)],
                part_bytes(list, ""));
    json_text(whole, to, "decoder", tagger->has_crf ? "crf" : "softmax");
    json_text(whole, to, "labels", tagger->token_labels ? "tokens" : "spans");
    json_text(whole, to, "span rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    json_text(whole, to, "tag type", tagger->tag_type);
    cJSON *tags = json_array(whole, to, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        json_item(whole, tags, NULL, cJSON_CreateString(tagger->tags[i]));
}

static ft_status list_tensors(struct tensor_list *list, const struct model *model)
{
    switch (model->kind) {
    case MODEL_TAGGER: {
        ft_status status = tensors_of_members(list, model->tagger);
        return status == FT_OK ? tensors_of_head(list, model->tagger) : status;
    }
    case MODEL_LM: return tensors_of_lm(list, "lm.", model->lm);
    case MODEL_WORDS: return tensors_of_words(list, "words.", model->words);
    }
    return FT_MODEL;
}

cJSON *model_facts(const struct model *model)
{
    cJSON *facts = cJSON_CreateObject();
    bool whole = true;
    struct ft_error error;
    struct arena arena;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = &error};
    if (!facts || list_tensors(&list, model) != FT_OK) {
        arena_release(&arena);
        cJSON_Delete(facts);
        return NULL;
    }
    json_text(&whole, facts, "kind", model_kind_names[model->kind]);
    json_text(&whole, facts, "file format", model->format);
    add_count(&whole, facts, "file bytes", model->file_bytes);
    switch (model->kind) {
    case MODEL_TAGGER:
        if (model->tagger->description)
            json_text(&whole, facts, "description", model->tagger->description);
        json_text(&whole, facts, "origin", model->tagger->origin);
        add_tagger(&whole, facts, model->tagger, &list);
        if (model->tagger->training_record)
            json_item(&whole, facts, "training", cJSON_Parse(model->tagger->training_record));
        break;
    case MODEL_LM:
        add_lm(&whole, facts, model->lm);
        add_weights(&whole, facts, precision_names[lm_precision(model->lm)], part_bytes(&list, "lm."));
        json_bool(&whole, facts, "next-character decoder", model->lm->has_decoder);
        break;
    case MODEL_WORDS:
        add_count(&whole, facts, "words", model->words->count);
        add_count(&whole, facts, "width", model->words->width);
        add_words(&whole, facts, model->words, part_bytes(&list, "words."));
        break;
    }
    arena_release(&arena);
    if (whole)
        return facts;
    cJSON_Delete(facts);
    return NULL;
}
