/* model_facts.c - see model_facts.h. */
#include "import/model_facts.h"
#include "model/model_file.h"
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <stdio.h>
#include <string.h>

static void add_count(cJSON *to, const char *name, size_t value)
{
    cJSON_AddNumberToObject(to, name, (double)value);
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

static void add_weights(cJSON *to, const char *precision, size_t bytes)
{
    cJSON_AddStringToObject(to, "precision", precision);
    add_count(to, "bytes", bytes);
}

/* bytes: with the vocabulary and its index. */
static void add_words(cJSON *to, const struct words *words, size_t bytes)
{
    add_weights(to, words_type_names[words->type], bytes);
    add_count(to, "table bytes", words_table_bytes(words));
}

static void add_lm(cJSON *to, const struct lm *lm)
{
    const struct recurrent_layer *top = &lm->net.layer[lm->net.layers - 1];
    cJSON_AddStringToObject(to, "direction", lm->forward ? "forward" : "backward");
    cJSON_AddStringToObject(to, "cell", model_cell_names[top->cell]);
    add_count(to, "hidden", top->hidden);
    add_count(to, "layers", lm->net.layers);
    add_count(to, "nout", lm->net.has_projection ? lm->net.projection.out : 0);
    add_count(to, "embedding", lm->embedding);
    add_count(to, "characters", lm->net.items);
    cJSON_AddStringToObject(to, "delimiter", lm->delimiter_text.at);
}

static void add_tagger(cJSON *to, const struct tagger *tagger, const struct tensor_list *list)
{
    cJSON *members = cJSON_AddArrayToObject(to, "embeddings");
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        cJSON *about = cJSON_CreateObject();
        cJSON_AddItemToArray(members, about);
        cJSON_AddStringToObject(about, "kind", model_member_names[member->kind]);
        cJSON_AddStringToObject(about, "name", member->name);
        add_count(about, "width", member->width);
        if (member->kind == MEMBER_LM)
            add_lm(about, &member->lm);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "embeddings.%zu.", i);
        size_t bytes = part_bytes(list, prefix);
        if (member->kind == MEMBER_WORDS) {
            add_count(about, "words", member->words->count);
            add_words(about, member->words, bytes);
        } else {
            enum precision precision = member->kind == MEMBER_LM ? lm_precision(&member->lm) : PRECISION_F32;
            add_weights(about, precision_names[precision], bytes);
        }
    }
    add_count(to, "token vector", tagger->width);
    if (tagger->has_reprojection)
        add_count(to, "reprojection", tagger->reprojection.out);
    if (tagger->has_rnn) {
        cJSON *rnn = cJSON_AddObjectToObject(to, "rnn");
        cJSON_AddStringToObject(rnn, "cell", model_cell_names[tagger->rnn.layer[0][0].cell]);
        add_count(rnn, "hidden", tagger->rnn.layer[0][0].hidden);
        add_count(rnn, "layers", tagger->rnn.layers);
        cJSON_AddBoolToObject(rnn, "initial states", tagger->rnn.layer[0][0].init_h != NULL);
    }
    add_weights(cJSON_AddObjectToObject(to, "head"), precision_names[tagger_head_precision(tagger)],
                part_bytes(list, ""));
    cJSON_AddStringToObject(to, "decoder", tagger->has_crf ? "crf" : "softmax");
    cJSON_AddStringToObject(to, "labels", tagger->token_labels ? "tokens" : "spans");
    cJSON_AddStringToObject(to, "span rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    cJSON_AddStringToObject(to, "tag type", tagger->tag_type);
    cJSON *tags = cJSON_AddArrayToObject(to, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        cJSON_AddItemToArray(tags, cJSON_CreateString(tagger->tags[i]));
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
    struct ft_error error;
    struct arena arena;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = &error};
    if (!facts || list_tensors(&list, model) != FT_OK) {
        arena_release(&arena);
        cJSON_Delete(facts);
        return NULL;
    }
    cJSON_AddStringToObject(facts, "kind", model_kind_names[model->kind]);
    cJSON_AddStringToObject(facts, "file format", model->format);
    add_count(facts, "file bytes", model->file_bytes);
    switch (model->kind) {
    case MODEL_TAGGER:
        if (model->tagger->description)
            cJSON_AddStringToObject(facts, "description", model->tagger->description);
        cJSON_AddStringToObject(facts, "origin", model->tagger->origin);
        add_tagger(facts, model->tagger, &list);
        if (model->tagger->training_record)
            cJSON_AddItemToObject(facts, "training", cJSON_Parse(model->tagger->training_record));
        break;
    case MODEL_LM:
        add_lm(facts, model->lm);
        add_weights(facts, precision_names[lm_precision(model->lm)], part_bytes(&list, "lm."));
        cJSON_AddBoolToObject(facts, "next-character decoder", model->lm->has_decoder);
        break;
    case MODEL_WORDS:
        add_count(facts, "words", model->words->count);
        add_count(facts, "width", model->words->width);
        add_words(facts, model->words, part_bytes(&list, "words."));
        break;
    }
    arena_release(&arena);
    return facts;
}
