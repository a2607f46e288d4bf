/* model_facts.c - see model_facts.h. */
#include "import/model_facts.h"
#include "model/model_file.h"

static void add_count(cJSON *to, const char *name, size_t value)
{
    cJSON_AddNumberToObject(to, name, (double)value);
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

static void add_tagger(cJSON *to, const struct tagger *tagger)
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
        if (member->kind == MEMBER_WORDS)
            add_count(about, "words", member->words->count);
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
    cJSON_AddStringToObject(to, "decoder", tagger->has_crf ? "crf" : "softmax");
    cJSON_AddStringToObject(to, "labels", tagger->token_labels ? "tokens" : "spans");
    cJSON_AddStringToObject(to, "span rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    cJSON_AddStringToObject(to, "tag type", tagger->tag_type);
    cJSON *tags = cJSON_AddArrayToObject(to, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        cJSON_AddItemToArray(tags, cJSON_CreateString(tagger->tags[i]));
}

cJSON *model_facts(const struct model *model)
{
    cJSON *facts = cJSON_CreateObject();
    if (!facts)
        return NULL;
    cJSON_AddStringToObject(facts, "kind", model_kind_names[model->kind]);
    cJSON_AddStringToObject(facts, "file format", model->format);
    add_count(facts, "file bytes", model->file_bytes);
    switch (model->kind) {
    case MODEL_TAGGER:
        cJSON_AddStringToObject(facts, "origin", model->tagger->origin);
        add_tagger(facts, model->tagger);
        if (model->tagger->training_record)
            cJSON_AddItemToObject(facts, "training", cJSON_Parse(model->tagger->training_record));
        break;
    case MODEL_LM:
        add_lm(facts, model->lm);
        cJSON_AddBoolToObject(facts, "next-character decoder", model->lm->has_decoder);
        break;
    case MODEL_WORDS:
        add_count(facts, "words", model->words->count);
        add_count(facts, "width", model->words->width);
        break;
    }
    return facts;
}
