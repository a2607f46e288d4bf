/* model_load.c - reading model files. Every number of the description is checked before it is used, every tensor's
 * shape against the numbers. See model_file.h. */
#include "model/model_file.h"
#include "model/model_tensors.h"
#include "model/quantise.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 28 };

/* The description while it is read: the first wrong or missing field is remembered, so that callers check once. */
struct about {
    cJSON *root;
    const char *path, *wrong;
};

static size_t get_size(struct about *about, const cJSON *from, const char *name, size_t least)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= (double)least && value <= LARGEST) || value != (double)(size_t)value) {
        about->wrong = name;
        return least;
    }
    return (size_t)value;
}

static bool get_bool(struct about *about, const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    if (!cJSON_IsBool(item))
        about->wrong = name;
    return cJSON_IsTrue(item);
}

static const char *get_text(struct about *about, const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    if (!cJSON_IsString(item))
        about->wrong = name;
    return cJSON_IsString(item) ? item->valuestring : "";
}

static size_t get_choice(struct about *about, const cJSON *from, const char *name, const char *const *names,
                         size_t count)
{
    const char *text = get_text(about, from, name);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(text, names[i]))
            return i;
    about->wrong = name;
    return 0;
}

static enum precision get_precision(struct about *about, const cJSON *from)
{
    if (!cJSON_GetObjectItemCaseSensitive(from, "precision"))
        return PRECISION_F32;
    return (enum precision)get_choice(about, from, "precision", precision_names, PRECISIONS);
}

static ft_status finish_reading(const struct about *about, struct ft_error *error)
{
    if (!about->wrong)
        return FT_OK;
    return ft_fail(error, FT_MODEL, "%s: the model's description lacks a sound '%s'", about->path, about->wrong);
}

static ft_status open_description(struct about *about, const struct safetensors *file, struct ft_error *error)
{
    const char *text = safetensors_metadata(file, "flairtag");
    *about = (struct about){.path = safetensors_path(file)};
    if (!text)
        return ft_fail(error, FT_MODEL, "%s: a safetensors file, but not one of flairtag's (convert makes them)",
                       about->path);
    /* What the parser makes of a value, which may be two bytes long. */
    enum { ITEM_BYTES = 96, BYTES_AT_LEAST = 8 << 20 };
    size_t items = 1;
    for (const char *at = text; *at; at++)
        items += *at == ',' || *at == '[' || *at == '{';
    if (items * ITEM_BYTES > safetensors_bytes(file) + BYTES_AT_LEAST)
        return ft_fail(error, FT_MODEL, "%s: the model's description is far larger than its tensors explain",
                       about->path);
    errno = 0;
    about->root = cJSON_Parse(text);
    if (!about->root && errno == ENOMEM) /* cJSON does not tell a failed allocation from bad JSON */
        return ft_nomem(error, "the model's description");
    if (!about->root)
        return ft_fail(error, FT_MODEL, "%s: the model's description is not valid JSON", about->path);
    size_t format = get_size(about, about->root, "format", 1);
    if (!about->wrong && format > MODEL_FORMAT_INTEGER_WORDS) {
        cJSON_Delete(about->root);
        return ft_fail(error, FT_MODEL, "%s: model format %zu is newer than this program knows (%d)", about->path,
                       format, MODEL_FORMAT_INTEGER_WORDS);
    }
    return FT_OK;
}

ft_status model_file_kind(const struct safetensors *file, enum model_kind *kind, struct ft_error *error)
{
    struct about about;
    ft_status status = open_description(&about, file, error);
    if (status != FT_OK)
        return status;
    *kind = (enum model_kind)get_choice(&about, about.root, "kind", model_kind_names, 3);
    status = finish_reading(&about, error);
    cJSON_Delete(about.root);
    return status;
}

static struct bytes *read_items(struct about *about, const cJSON *from, size_t *count, struct arena *arena)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(from, "dictionary"), *item;
    *count = 0;
    if (!cJSON_IsArray(list) || !list->child) {
        about->wrong = "dictionary";
        return NULL;
    }
    struct bytes *items = arena_array(arena, (size_t)cJSON_GetArraySize(list), sizeof *items);
    cJSON_ArrayForEach(item, list)
    {
        if (!items)
            break;
        if (!cJSON_IsString(item))
            about->wrong = "dictionary";
        const char *text = cJSON_IsString(item) ? item->valuestring : "";
        struct bytes *at = &items[(*count)++];
        at->count = strlen(text);
        if (!(at->at = arena_copy(arena, text, at->count)))
            return NULL;
    }
    return items;
}

static ft_status read_lm(struct about *about, const cJSON *from, struct lm *lm, struct arena *arena,
                         struct ft_error *error)
{
    size_t hidden = get_size(about, from, "hidden", 1), nout = get_size(about, from, "nout", 0), count;
    enum cell_type cell = (enum cell_type)get_choice(about, from, "cell", model_cell_names, 2);
    struct packed weights = {.precision = get_precision(about, from)};
    lm->forward = get_bool(about, from, "forward");
    lm->with_whitespace = get_bool(about, from, "with_whitespace");
    lm->tokenized = get_bool(about, from, "tokenized");
    lm->lower = get_bool(about, from, "lower");
    lm->has_decoder = get_bool(about, from, "decoder");
    lm->embedding = get_size(about, from, "embedding", 1);
    lm->net.layers = get_size(about, from, "layers", 1);
    if (lm->net.layers > CHAR_LM_LAYERS)
        about->wrong = "layers";
    const char *delimiter = get_text(about, from, "delimiter");
    lm->delimiter_text.count = strlen(delimiter);
    lm->delimiter_text.at = arena_copy(arena, delimiter, lm->delimiter_text.count);
    struct bytes *items = read_items(about, from, &count, arena);
    if (about->wrong)
        return finish_reading(about, error);
    if (!items || !lm->delimiter_text.at || !characters_init(&lm->characters, items, count, arena))
        return ft_nomem(error, "a language model");
    lm->net.items = count;
    for (size_t k = 0; k < lm->net.layers; k++)
        lm->net.layer[k] =
            (struct recurrent_layer){.cell = cell, .in = k ? hidden : 0, .hidden = hidden, .weights = weights};
    lm->net.has_projection = nout > 0;
    lm->net.projection.weights = weights;
    lm->net.projection.in = hidden;
    lm->net.projection.out = nout;
    lm->width = nout ? nout : hidden;
    lm->decoder.in = lm->width;
    lm->decoder.out = count;
    return FT_OK;
}

ft_status lm_load(struct lm *lm, struct arena *arena, struct weights *weights, const struct safetensors *file,
                  struct backend *backend, struct ft_error *error)
{
    struct about about;
    ft_status status = open_description(&about, file, error);
    if (status != FT_OK)
        return status;
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(about.root, "lm");
    struct tensor_list list = {.file = file, .arena = arena, .error = error};
    status = read_lm(&about, from, lm, arena, error);
    if (status == FT_OK)
        status = tensors_of_lm(&list, "lm.", lm);
    if (status == FT_OK)
        status = lm_finish(lm, arena, weights, backend, error);
    cJSON_Delete(about.root);
    return status;
}

/* CharacterEmbeddings: each direction is a language model of one layer over a word's characters. */
static ft_status read_chars(struct about *about, const cJSON *from, struct member *member, struct arena *arena,
                            struct ft_error *error)
{
    size_t hidden = get_size(about, from, "hidden", 1), embedding = get_size(about, from, "embedding", 1), count;
    struct bytes *items = read_items(about, from, &count, arena);
    if (about->wrong)
        return finish_reading(about, error);
    for (int d = 0; d < 2; d++) {
        struct lm *lm = &member->chars[d];
        lm->forward = lm->with_whitespace = lm->tokenized = true;
        lm->embedding = embedding;
        lm->width = hidden;
        lm->delimiter_text.at = "";
        lm->net.items = count;
        lm->net.layers = 1;
        lm->net.layer[0] = (struct recurrent_layer){.cell = CELL_LSTM, .hidden = hidden};
        if (!items || !characters_init(&lm->characters, items, count, arena))
            return ft_nomem(error, "character embeddings");
    }
    member->width = 2 * hidden;
    return FT_OK;
}

static ft_status read_member(struct about *about, const cJSON *from, struct member *member, struct arena *arena,
                             struct ft_error *error)
{
    const char *name = get_text(about, from, "name");
    member->kind = (enum member_kind)get_choice(about, from, "kind", model_member_names, 4);
    if (!(member->name = arena_copy(arena, name, strlen(name))))
        return ft_nomem(error, "a tagger");
    if (about->wrong)
        return finish_reading(about, error);
    if (member->kind == MEMBER_LM) {
        ft_status status = read_lm(about, from, &member->lm, arena, error);
        member->width = member->lm.width;
        return status;
    }
    if (member->kind == MEMBER_CHARS)
        return read_chars(about, from, member, arena, error);
    if (member->kind == MEMBER_ONEHOT) {
        member->width = get_size(about, from, "width", 1);
        member->items = read_items(about, from, &member->item_count, arena);
        if (!about->wrong && !member->items)
            return ft_nomem(error, "one-hot embeddings");
        for (size_t i = 0; !about->wrong && i < member->item_count; i++)
            if (!map_put(&member->index, member->items[i].at, member->items[i].count, (uint32_t)i))
                return ft_nomem(error, "one-hot embeddings");
    }
    return finish_reading(about, error);
}

static ft_status read_members(struct about *about, struct tagger *tagger, struct ft_error *error)
{
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(about->root, "members"), *item;
    int count = cJSON_GetArraySize(members);
    if (!cJSON_IsArray(members) || count < 1 || count > STACK_MAX) {
        about->wrong = "members";
        return finish_reading(about, error);
    }
    tagger->members = arena_array(&tagger->arena, (size_t)count, sizeof *tagger->members);
    if (!tagger->members)
        return ft_nomem(error, "a tagger");
    cJSON_ArrayForEach(item, members)
    {
        ft_status status = read_member(about, item, &tagger->members[tagger->member_count++], &tagger->arena, error);
        if (status != FT_OK)
            return status;
    }
    return FT_OK;
}

static ft_status read_tags(struct about *about, struct tagger *tagger, struct ft_error *error)
{
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(about->root, "tags"), *item;
    int count = cJSON_GetArraySize(tags);
    tagger->tags = arena_array(&tagger->arena, (size_t)(count > 0 ? count : 1), sizeof *tagger->tags);
    if (!tagger->tags)
        return ft_nomem(error, "a tagger");
    cJSON_ArrayForEach(item, tags)
    {
        if (!cJSON_IsString(item))
            about->wrong = "tags";
        const char *text = cJSON_IsString(item) ? item->valuestring : "";
        if (!(tagger->tags[tagger->crf.tags++] = arena_copy(&tagger->arena, text, strlen(text))))
            return ft_nomem(error, "a tagger");
    }
    if (!tagger->crf.tags)
        about->wrong = "tags";
    return FT_OK;
}

/* The options behind the embeddings. Needs the members' widths, which word vectors know once their tensors are found.
 */
static ft_status read_head(struct about *about, struct tagger *tagger, struct ft_error *error)
{
    static const char *const rules[] = {"flair-old", "flair-new"};
    const cJSON *rnn = cJSON_GetObjectItemCaseSensitive(about->root, "rnn");
    const cJSON *training = cJSON_GetObjectItemCaseSensitive(about->root, "training");
    const char *type = get_text(about, about->root, "tag_type"), *origin = get_text(about, about->root, "origin");
    size_t reprojection = get_size(about, about->root, "reprojection", 0),
           in = reprojection ? reprojection : tagger->width;
    struct packed weights = {.precision = get_precision(about, about->root)};
    tagger->has_crf = get_bool(about, about->root, "crf");
    tagger->crf.mask_ends = get_bool(about, about->root, "mask_ends");
    tagger->span_rule = get_choice(about, about->root, "span_rule", rules, 2) ? SPANS_FLAIR_NEW : SPANS_FLAIR_OLD;
    tagger->has_reprojection = reprojection > 0;
    tagger->reprojection.weights = weights;
    tagger->reprojection.in = tagger->width;
    tagger->reprojection.out = reprojection;
    if (rnn) {
        static const float present;
        size_t hidden = get_size(about, rnn, "hidden", 1);
        enum cell_type cell = (enum cell_type)get_choice(about, rnn, "cell", model_cell_names, 2);
        bool init = get_bool(about, rnn, "init");
        tagger->has_rnn = true;
        tagger->rnn.layers = get_size(about, rnn, "layers", 1);
        if (tagger->rnn.layers > BIRNN_LAYERS)
            about->wrong = "layers";
        for (size_t k = 0; !about->wrong && k < tagger->rnn.layers; k++, in = 2 * hidden)
            for (int d = 0; d < 2; d++)
                tagger->rnn.layer[k][d] = (struct recurrent_layer){
                    .cell = cell, .in = in, .hidden = hidden, .weights = weights, .init_h = init ? &present : NULL};
        in = 2 * hidden;
    }
    ft_status status = read_tags(about, tagger, error);
    if (status != FT_OK)
        return status;
    tagger->linear.in = in;
    tagger->linear.out = tagger->crf.tags;
    tagger->tag_type = arena_copy(&tagger->arena, type, strlen(type));
    tagger->origin = arena_copy(&tagger->arena, origin, strlen(origin));
    if (cJSON_GetObjectItemCaseSensitive(about->root, "description")) {
        const char *text = get_text(about, about->root, "description");
        if (!(tagger->description = arena_copy(&tagger->arena, text, strlen(text))))
            return ft_nomem(error, "a tagger");
    }
    char *record = training ? cJSON_PrintUnformatted(training) : NULL;
    if (record)
        tagger->training_record = arena_copy(&tagger->arena, record, strlen(record));
    cJSON_free(record);
    if (!tagger->tag_type || !tagger->origin)
        return ft_nomem(error, "a tagger");
    return finish_reading(about, error);
}

ft_status tagger_load(struct tagger **out, struct safetensors *file, struct backend *backend, struct ft_error *error)
{
    struct about about;
    ft_status status = open_description(&about, file, error);
    if (status != FT_OK)
        return status;
    struct tagger *tagger = calloc(1, sizeof *tagger);
    if (!tagger) {
        cJSON_Delete(about.root);
        return ft_nomem(error, "a tagger");
    }
    arena_init(&tagger->arena);
    weights_init(&tagger->weights);
    struct tensor_list list = {.file = file, .arena = &tagger->arena, .error = error};
    status = read_members(&about, tagger, error);
    if (status == FT_OK)
        status = tensors_of_members(&list, tagger);
    for (size_t i = 0; status == FT_OK && i < tagger->member_count; i++) {
        struct member *member = &tagger->members[i];
        if (member->kind == MEMBER_WORDS)
            member->width = member->words->width;
        if (member->kind == MEMBER_LM)
            status = lm_finish(&member->lm, &tagger->arena, &tagger->weights, backend, error);
        for (int d = 0; status == FT_OK && member->kind == MEMBER_CHARS && d < 2; d++)
            status = lm_finish(&member->chars[d], &tagger->arena, &tagger->weights, backend, error);
        tagger->width += member->width;
    }
    if (status == FT_OK)
        status = read_head(&about, tagger, error);
    if (status == FT_OK)
        status = tensors_of_head(&list, tagger);
    if (status == FT_OK)
        status = tagger_finish(tagger, error);
    cJSON_Delete(about.root);
    if (status != FT_OK) {
        tagger_free(tagger);
        return status;
    }
    tagger->file = file;
    *out = tagger;
    return FT_OK;
}
