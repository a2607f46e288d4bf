/* model_file.c - writing model files: the JSON object and the tensors. See model_file.h. */
#include "model/model_file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <cjson/cJSON.h>
#include <string.h>

const char *const model_cell_names[2] = {"lstm", "gru"};
const char *const model_kind_names[3] = {"tagger", "lm", "words"};
const char *const model_member_names[4] = {"lm", "words", "onehot", "chars"};

/* Dictionary items are UTF-8 by custom; one that is not can match no character and is kept as an empty string. */
static void add_items(bool *whole, cJSON *to, const struct bytes *items, size_t count)
{
    cJSON *list = json_array(whole, to, "dictionary");
    for (size_t i = 0; i < count; i++) {
        size_t bad;
        bool text = utf8_valid(items[i].at, items[i].count, &bad) && !memchr(items[i].at, 0, items[i].count);
        json_item(whole, list, NULL, cJSON_CreateString(text ? items[i].at : ""));
    }
}

/* Absent means float32, so that files without integers are what they have always been. */
static void describe_precision(bool *whole, cJSON *to, enum precision precision)
{
    if (precision != PRECISION_F32)
        json_text(whole, to, "precision", precision_names[precision]);
}

static void describe_lm(bool *whole, cJSON *to, const struct lm *lm)
{
    const struct recurrent_layer *layer = &lm->net.layer[0];
    json_bool(whole, to, "forward", lm->forward);
    json_text(whole, to, "cell", model_cell_names[layer->cell]);
    json_number(whole, to, "layers", (double)lm->net.layers);
    json_number(whole, to, "hidden", (double)layer->hidden);
    json_number(whole, to, "embedding", (double)lm->embedding);
    json_number(whole, to, "nout", lm->net.has_projection ? (double)lm->net.projection.out : 0);
    json_text(whole, to, "delimiter", lm->delimiter_text.at);
    json_bool(whole, to, "with_whitespace", lm->with_whitespace);
    json_bool(whole, to, "tokenized", lm->tokenized);
    json_bool(whole, to, "lower", lm->lower);
    json_bool(whole, to, "decoder", lm->has_decoder);
    describe_precision(whole, to, lm_precision(lm));
    add_items(whole, to, lm->characters.items, lm->characters.count);
}

static ft_status write_model(struct output *output, struct tensor_list *list, bool whole, const cJSON *about,
                             struct ft_error *error)
{
    char *text = whole ? cJSON_PrintUnformatted(about) : NULL;
    if (!text)
        return ft_nomem(error, "the model's description");
    const char *metadata[2][2] = {{"format", "pt"}, {"flairtag", text}};
    ft_status status =
        safetensors_write(output, list->entries, list->count, (const char *const(*)[2])metadata, 2, error);
    cJSON_free(text);
    return status;
}

static cJSON *new_description(bool *whole, enum model_kind kind, size_t format)
{
    cJSON *about = cJSON_CreateObject();
    json_number(whole, about, "format", (double)format);
    json_text(whole, about, "kind", model_kind_names[kind]);
    return about;
}

ft_status lm_save(const struct lm *lm, struct output *output, struct ft_error *error)
{
    struct arena arena;
    bool whole = true;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    struct lm copy = *lm; /* the list sets what it derives, and leaves the rest */
    ft_status status = tensors_of_lm(&list, "lm.", &copy);
    bool integers = lm_precision(lm) != PRECISION_F32;
    cJSON *about = new_description(&whole, MODEL_LM, integers ? MODEL_FORMAT_INTEGERS : MODEL_FORMAT_FLOATS);
    describe_lm(&whole, json_object(&whole, about, "lm"), lm);
    if (status == FT_OK)
        status = write_model(output, &list, whole, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}

ft_status words_save(const struct words *words, struct output *output, struct ft_error *error)
{
    struct arena arena;
    bool whole = true;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    ft_status status = tensors_of_words(&list, "words.", words);
    bool integers = words->type == WORDS_INT8;
    cJSON *about = new_description(&whole, MODEL_WORDS, integers ? MODEL_FORMAT_INTEGER_WORDS : MODEL_FORMAT_FLOATS);
    if (status == FT_OK)
        status = write_model(output, &list, whole, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}

static void describe_member(bool *whole, cJSON *to, const struct member *member)
{
    json_text(whole, to, "kind", model_member_names[member->kind]);
    json_text(whole, to, "name", member->name);
    if (member->kind == MEMBER_LM) {
        describe_lm(whole, to, &member->lm);
    } else if (member->kind == MEMBER_ONEHOT) {
        json_number(whole, to, "width", (double)member->width);
        add_items(whole, to, member->items, member->item_count);
    } else if (member->kind == MEMBER_CHARS) {
        json_number(whole, to, "embedding", (double)member->chars[0].embedding);
        json_number(whole, to, "hidden", (double)member->chars[0].width);
        add_items(whole, to, member->chars[0].characters.items, member->chars[0].characters.count);
    }
}

static size_t tagger_format(const struct tagger *tagger)
{
    bool integers = tagger_head_precision(tagger) != PRECISION_F32;
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        if (member->kind == MEMBER_WORDS && member->words->type == WORDS_INT8)
            return MODEL_FORMAT_INTEGER_WORDS;
        if (member->kind == MEMBER_LM)
            integers |= lm_precision(&member->lm) != PRECISION_F32;
    }
    return integers ? MODEL_FORMAT_INTEGERS : MODEL_FORMAT_FLOATS;
}

static cJSON *describe_tagger(bool *whole, const struct tagger *tagger)
{
    cJSON *about = new_description(whole, MODEL_TAGGER, tagger_format(tagger));
    cJSON *members = json_array(whole, about, "members");
    for (size_t i = 0; i < tagger->member_count; i++) {
        cJSON *member = cJSON_CreateObject();
        describe_member(whole, member, &tagger->members[i]);
        json_item(whole, members, NULL, member);
    }
    if (tagger->has_rnn) {
        const struct recurrent_layer *layer = &tagger->rnn.layer[0][0];
        cJSON *rnn = json_object(whole, about, "rnn");
        json_text(whole, rnn, "cell", model_cell_names[layer->cell]);
        json_number(whole, rnn, "hidden", (double)layer->hidden);
        json_number(whole, rnn, "layers", (double)tagger->rnn.layers);
        json_bool(whole, rnn, "init", layer->init_h != NULL);
    }
    describe_precision(whole, about, tagger_head_precision(tagger));
    json_number(whole, about, "reprojection", tagger->has_reprojection ? (double)tagger->reprojection.out : 0);
    cJSON *tags = json_array(whole, about, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        json_item(whole, tags, NULL, cJSON_CreateString(tagger->tags[i]));
    json_bool(whole, about, "crf", tagger->has_crf);
    json_bool(whole, about, "mask_ends", tagger->crf.mask_ends);
    json_text(whole, about, "span_rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    json_text(whole, about, "tag_type", tagger->tag_type);
    json_text(whole, about, "origin", tagger->origin);
    if (tagger->description)
        json_text(whole, about, "description", tagger->description);
    if (tagger->training_record)
        *whole &= cJSON_AddRawToObject(about, "training", tagger->training_record) != NULL;
    return about;
}

ft_status tagger_save(const struct tagger *tagger, struct output *output, struct ft_error *error)
{
    struct arena arena;
    bool whole = true;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    cJSON *about = describe_tagger(&whole, tagger);
    struct tagger *listed = (struct tagger *)tagger; /* listing derives panel counts, which are there already */
    ft_status status = tensors_of_members(&list, listed);
    if (status == FT_OK)
        status = tensors_of_head(&list, listed);
    if (status == FT_OK)
        status = write_model(output, &list, whole, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}
