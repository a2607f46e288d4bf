/* model_file.c - writing model files: the JSON object and the tensors. See model_file.h. */
#include "model/model_file.h"
#include "base/utf8.h"
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <cjson/cJSON.h>
#include <string.h>

const char *const model_cell_names[2] = {"lstm", "gru"};
const char *const model_kind_names[3] = {"tagger", "lm", "words"};
const char *const model_member_names[4] = {"lm", "words", "onehot", "chars"};

/* Dictionary items are UTF-8 by custom; one that is not can match no character and is kept as an empty string. */
static void add_items(cJSON *to, const struct bytes *items, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(to, "dictionary");
    for (size_t i = 0; i < count; i++) {
        size_t bad;
        bool text = utf8_valid(items[i].at, items[i].count, &bad) && !memchr(items[i].at, 0, items[i].count);
        cJSON_AddItemToArray(list, cJSON_CreateString(text ? items[i].at : ""));
    }
}

/* Absent means float32, so that files without integers are what they have always been. */
static void describe_precision(cJSON *to, enum precision precision)
{
    if (precision != PRECISION_F32)
        cJSON_AddStringToObject(to, "precision", precision_names[precision]);
}

static void describe_lm(cJSON *to, const struct lm *lm)
{
    const struct recurrent_layer *layer = &lm->net.layer[0];
    cJSON_AddBoolToObject(to, "forward", lm->forward);
    cJSON_AddStringToObject(to, "cell", model_cell_names[layer->cell]);
    cJSON_AddNumberToObject(to, "layers", (double)lm->net.layers);
    cJSON_AddNumberToObject(to, "hidden", (double)layer->hidden);
    cJSON_AddNumberToObject(to, "embedding", (double)lm->embedding);
    cJSON_AddNumberToObject(to, "nout", lm->net.has_projection ? (double)lm->net.projection.out : 0);
    cJSON_AddStringToObject(to, "delimiter", lm->delimiter_text.at);
    cJSON_AddBoolToObject(to, "with_whitespace", lm->with_whitespace);
    cJSON_AddBoolToObject(to, "tokenized", lm->tokenized);
    cJSON_AddBoolToObject(to, "lower", lm->lower);
    cJSON_AddBoolToObject(to, "decoder", lm->has_decoder);
    describe_precision(to, lm_precision(lm));
    add_items(to, lm->characters.items, lm->characters.count);
}

static ft_status write_model(struct output *output, struct tensor_list *list, cJSON *about, struct ft_error *error)
{
    char *text = cJSON_PrintUnformatted(about);
    if (!text)
        return ft_nomem(error, "the model's description");
    const char *metadata[2][2] = {{"format", "pt"}, {"flairtag", text}};
    ft_status status =
        safetensors_write(output, list->entries, list->count, (const char *const(*)[2])metadata, 2, error);
    cJSON_free(text);
    return status;
}

static cJSON *new_description(enum model_kind kind, bool integers)
{
    cJSON *about = cJSON_CreateObject();
    cJSON_AddNumberToObject(about, "format", integers ? MODEL_FORMAT_INTEGERS : MODEL_FORMAT_FLOATS);
    cJSON_AddStringToObject(about, "kind", model_kind_names[kind]);
    return about;
}

ft_status lm_save(const struct lm *lm, struct output *output, struct ft_error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    struct lm copy = *lm; /* the list sets what it derives, and leaves the rest */
    ft_status status = tensors_of_lm(&list, "lm.", &copy);
    cJSON *about = new_description(MODEL_LM, lm_precision(lm) != PRECISION_F32);
    describe_lm(cJSON_AddObjectToObject(about, "lm"), lm);
    if (status == FT_OK)
        status = write_model(output, &list, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}

ft_status words_save(const struct words *words, struct output *output, struct ft_error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    ft_status status = tensors_of_words(&list, "words.", words);
    cJSON *about = new_description(MODEL_WORDS, false);
    if (status == FT_OK)
        status = write_model(output, &list, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}

static void describe_member(cJSON *to, const struct member *member)
{
    cJSON_AddStringToObject(to, "kind", model_member_names[member->kind]);
    cJSON_AddStringToObject(to, "name", member->name);
    if (member->kind == MEMBER_LM) {
        describe_lm(to, &member->lm);
    } else if (member->kind == MEMBER_ONEHOT) {
        cJSON_AddNumberToObject(to, "width", (double)member->width);
        add_items(to, member->items, member->item_count);
    } else if (member->kind == MEMBER_CHARS) {
        cJSON_AddNumberToObject(to, "embedding", (double)member->chars[0].embedding);
        cJSON_AddNumberToObject(to, "hidden", (double)member->chars[0].width);
        add_items(to, member->chars[0].characters.items, member->chars[0].characters.count);
    }
}

static bool has_integers(const struct tagger *tagger)
{
    bool integers = tagger_head_precision(tagger) != PRECISION_F32;
    for (size_t i = 0; i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM)
            integers |= lm_precision(&tagger->members[i].lm) != PRECISION_F32;
    return integers;
}

static cJSON *describe_tagger(const struct tagger *tagger)
{
    cJSON *about = new_description(MODEL_TAGGER, has_integers(tagger));
    cJSON *members = cJSON_AddArrayToObject(about, "members");
    for (size_t i = 0; i < tagger->member_count; i++) {
        cJSON *member = cJSON_CreateObject();
        describe_member(member, &tagger->members[i]);
        cJSON_AddItemToArray(members, member);
    }
    if (tagger->has_rnn) {
        const struct recurrent_layer *layer = &tagger->rnn.layer[0][0];
        cJSON *rnn = cJSON_AddObjectToObject(about, "rnn");
        cJSON_AddStringToObject(rnn, "cell", model_cell_names[layer->cell]);
        cJSON_AddNumberToObject(rnn, "hidden", (double)layer->hidden);
        cJSON_AddNumberToObject(rnn, "layers", (double)tagger->rnn.layers);
        cJSON_AddBoolToObject(rnn, "init", layer->init_h != NULL);
    }
    describe_precision(about, tagger_head_precision(tagger));
    cJSON_AddNumberToObject(about, "reprojection", tagger->has_reprojection ? (double)tagger->reprojection.out : 0);
    cJSON *tags = cJSON_AddArrayToObject(about, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        cJSON_AddItemToArray(tags, cJSON_CreateString(tagger->tags[i]));
    cJSON_AddBoolToObject(about, "crf", tagger->has_crf);
    cJSON_AddBoolToObject(about, "mask_ends", tagger->crf.mask_ends);
    cJSON_AddStringToObject(about, "span_rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    cJSON_AddStringToObject(about, "tag_type", tagger->tag_type);
    cJSON_AddStringToObject(about, "origin", tagger->origin);
    if (tagger->training_record)
        cJSON_AddRawToObject(about, "training", tagger->training_record);
    return about;
}

ft_status tagger_save(const struct tagger *tagger, struct output *output, struct ft_error *error)
{
    struct arena arena;
    arena_init(&arena);
    struct tensor_list list = {.arena = &arena, .error = error};
    cJSON *about = describe_tagger(tagger);
    struct tagger *listed = (struct tagger *)tagger; /* listing derives panel counts, which are there already */
    ft_status status = tensors_of_members(&list, listed);
    if (status == FT_OK)
        status = tensors_of_head(&list, listed);
    if (status == FT_OK)
        status = write_model(output, &list, about, error);
    cJSON_Delete(about);
    arena_release(&arena);
    return status;
}
