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

/* cJSON has no mark of what it could not add: *whole becomes false, and such a description is not written. */
static void add_text(bool *whole, cJSON *to, const char *name, const char *text)
{
    *whole &= cJSON_AddStringToObject(to, name, text) != NULL;
}

static void add_number(bool *whole, cJSON *to, const char *name, double number)
{
    *whole &= cJSON_AddNumberToObject(to, name, number) != NULL;
}

static void add_bool(bool *whole, cJSON *to, const char *name, bool value)
{
    *whole &= cJSON_AddBoolToObject(to, name, value) != NULL;
}

static cJSON *add_array(bool *whole, cJSON *to, const char *name)
{
    cJSON *array = cJSON_AddArrayToObject(to, name);
    *whole &= array != NULL;
    return array;
}

static cJSON *add_object(bool *whole, cJSON *to, const char *name)
{
    cJSON *object = cJSON_AddObjectToObject(to, name);
    *whole &= object != NULL;
    return object;
}

/* Takes the item over. */
static void add_item(bool *whole, cJSON *array, cJSON *item)
{
    if (cJSON_AddItemToArray(array, item))
        return;
    cJSON_Delete(item);
    *whole = false;
}

/* Dictionary items are UTF-8 by custom; one that is not can match no character and is kept as an empty string. */
static void add_items(bool *whole, cJSON *to, const struct bytes *items, size_t count)
{
    cJSON *list = add_array(whole, to, "dictionary");
    for (size_t i = 0; i < count; i++) {
        size_t bad;
        bool text = utf8_valid(items[i].at, items[i].count, &bad) && !memchr(items[i].at, 0, items[i].count);
        add_item(whole, list, cJSON_CreateString(text ? items[i].at : ""));
    }
}

/* Absent means float32, so that files without integers are what they have always been. */
static void describe_precision(bool *whole, cJSON *to, enum precision precision)
{
    if (precision != PRECISION_F32)
        add_text(whole, to, "precision", precision_names[precision]);
}

static void describe_lm(bool *whole, cJSON *to, const struct lm *lm)
{
    const struct recurrent_layer *layer = &lm->net.layer[0];
    add_bool(whole, to, "forward", lm->forward);
    add_text(whole, to, "cell", model_cell_names[layer->cell]);
    add_number(whole, to, "layers", (double)lm->net.layers);
    add_number(whole, to, "hidden", (double)layer->hidden);
    add_number(whole, to, "embedding", (double)lm->embedding);
    add_number(whole, to, "nout", lm->net.has_projection ? (double)lm->net.projection.out : 0);
    add_text(whole, to, "delimiter", lm->delimiter_text.at);
    add_bool(whole, to, "with_whitespace", lm->with_whitespace);
    add_bool(whole, to, "tokenized", lm->tokenized);
    add_bool(whole, to, "lower", lm->lower);
    add_bool(whole, to, "decoder", lm->has_decoder);
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
    add_number(whole, about, "format", (double)format);
    add_text(whole, about, "kind", model_kind_names[kind]);
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
    describe_lm(&whole, add_object(&whole, about, "lm"), lm);
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
    add_text(whole, to, "kind", model_member_names[member->kind]);
    add_text(whole, to, "name", member->name);
    if (member->kind == MEMBER_LM) {
        describe_lm(whole, to, &member->lm);
    } else if (member->kind == MEMBER_ONEHOT) {
        add_number(whole, to, "width", (double)member->width);
        add_items(whole, to, member->items, member->item_count);
    } else if (member->kind == MEMBER_CHARS) {
        add_number(whole, to, "embedding", (double)member->chars[0].embedding);
        add_number(whole, to, "hidden", (double)member->chars[0].width);
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
    cJSON *members = add_array(whole, about, "members");
    for (size_t i = 0; i < tagger->member_count; i++) {
        cJSON *member = cJSON_CreateObject();
        describe_member(whole, member, &tagger->members[i]);
        add_item(whole, members, member);
    }
    if (tagger->has_rnn) {
        const struct recurrent_layer *layer = &tagger->rnn.layer[0][0];
        cJSON *rnn = add_object(whole, about, "rnn");
        add_text(whole, rnn, "cell", model_cell_names[layer->cell]);
        add_number(whole, rnn, "hidden", (double)layer->hidden);
        add_number(whole, rnn, "layers", (double)tagger->rnn.layers);
        add_bool(whole, rnn, "init", layer->init_h != NULL);
    }
    describe_precision(whole, about, tagger_head_precision(tagger));
    add_number(whole, about, "reprojection", tagger->has_reprojection ? (double)tagger->reprojection.out : 0);
    cJSON *tags = add_array(whole, about, "tags");
    for (size_t i = 0; i < tagger->crf.tags; i++)
        add_item(whole, tags, cJSON_CreateString(tagger->tags[i]));
    add_bool(whole, about, "crf", tagger->has_crf);
    add_bool(whole, about, "mask_ends", tagger->crf.mask_ends);
    add_text(whole, about, "span_rule", tagger->span_rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new");
    add_text(whole, about, "tag_type", tagger->tag_type);
    add_text(whole, about, "origin", tagger->origin);
    if (tagger->description)
        add_text(whole, about, "description", tagger->description);
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
