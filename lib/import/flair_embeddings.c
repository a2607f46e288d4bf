/* flair_embeddings.c - the embeddings of a tagger: pickled modules (Flair up to 0.11) or dicts of parameters (from
 * 0.12), alone or stacked.
 *
 * The token's vector is the concatenation in ascending order of the saved names, whatever the order of the list (the
 * names of versions up to 0.4.3 are file paths; CharacterEmbeddings lose theirs when 0.12 and 0.13 save them and are
 * called "Char" from then on). Weights are named after the position in the list. */
#include "base/sort.h"
#include "import/flair_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACKS_MAX = 16, NESTING_MAX = 4, LARGEST_WIDTH = 1 << 20 };

struct collection {
    struct importer *importer;
    struct member_description *members;
    size_t count, stacks;
};

static const char *class_of(const struct value *embeddings, char *name, size_t room)
{
    struct value class = value_get(embeddings, "__cls__", NULL);
    snprintf(name, room, "%s", value_class_name(embeddings));
    if (class.kind == VALUE_STR)
        snprintf(name, room, "%.*s", class.count < 100 ? (int)class.count : 100, class.as.text);
    return name;
}

/* A setting that old files lack. */
static void read_flag(const struct value *object, const char *name, bool missing, bool *flag)
{
    bool found;
    struct value value = value_attribute(object, name, &found);
    *flag = found ? value_truth(&value) : missing;
}

static ft_status read_flair(struct importer *importer, const struct value *object, struct weights *weights,
                            struct lm_description *lm)
{
    struct weights part = weights_part(weights, "lm");
    struct value options = value_get(object, "model_params", NULL);
    if (options.kind != VALUE_DICT) {
        options = part.module;
        part.own_state = value_attribute(&options, "state_dict", NULL); /* pickled by LanguageModel.__getstate__ */
    }
    if (options.kind != VALUE_DICT && options.kind != VALUE_OBJECT)
        return import_fail(importer, "not a Flair model, or damaged: embeddings without their language model");
    ft_status status = import_lm(importer, &options, &part, lm);
    if (status)
        return status;
    read_flag(object, "with_whitespace", true, &lm->with_whitespace);
    read_flag(object, "tokenized_lm", true, &lm->tokenized_lm);
    read_flag(object, "is_lower", false, &lm->is_lower);
    return FT_OK;
}

static ft_status read_norm(struct weights *weights, struct norm_description *norm)
{
    ft_status status = weights_optional(weights, "layer_norm.weight", &norm->weight);
    return status ? status : weights_optional(weights, "layer_norm.bias", &norm->bias);
}

static ft_status read_words(struct importer *importer, const struct value *object, struct weights *weights,
                            struct words_description *words)
{
    struct value field = value_attribute(object, "field", NULL),
                 gensim = value_attribute(object, "precomputed_word_embeddings", NULL),
                 vocab = value_attribute(object, "vocab", NULL);
    if (field.kind != VALUE_NONE)
        return import_fail(importer, "WordEmbeddings that look up a field instead of the text are not supported");
    read_flag(object, "stable", false, &words->stable);
    if (words->stable) {
        ft_status status = read_norm(weights, &words->norm);
        if (status)
            return status;
    }
    if (vocab.kind != VALUE_DICT && import_is_gensim(&gensim)) {
        const char *beside = NULL;
        ft_status status = import_gensim(importer, &gensim, words, &beside);
        return status || !beside ? status : import_fail(importer, "its word vectors lie in another file");
    }
    ft_status status = import_vocabulary(importer, &vocab, words);
    if (!status)
        status = weights_need(weights, "embedding.weight", &words->vectors);
    if (!status)
        status = import_check_rows(importer, words);
    /* An unknown word has index len(vocab): the row of zeros that Flair appends, or a real one where words are
     * repeated. */
    words->unknown_is_row = !status && words->vectors.shape[0] > words->count;
    return status;
}

static ft_status read_onehot(struct importer *importer, const struct value *object, struct weights *weights,
                             struct onehot_description *onehot)
{
    struct value dictionary = value_attribute(object, "vocab_dictionary", NULL),
                 field = value_attribute(object, "field", NULL), norm = value_attribute(object, "layer_norm", NULL),
                 modules = value_attribute(object, "_modules", NULL);
    if (field.kind != VALUE_NONE && !value_is_str(&field, "text"))
        return import_fail(importer, "OneHotEmbeddings that look up a field instead of the text are not supported");
    if (norm.kind == VALUE_NONE)
        norm = value_get(&modules, "layer_norm", NULL);
    read_flag(object, "stable", norm.kind != VALUE_NONE, &onehot->stable);
    ft_status status = FT_OK;
    if (onehot->stable)
        status = read_norm(weights, &onehot->norm);
    if (!status)
        status =
            import_dictionary(importer, &dictionary, "the one-hot vocabulary", &onehot->items, &onehot->item_count);
    return status ? status : weights_need(weights, "embedding_layer.weight", &onehot->weight);
}

static ft_status read_chars(struct importer *importer, const struct value *object, struct weights *weights,
                            struct chars_description *chars)
{
    struct value dictionary = value_attribute(object, "char_dictionary", NULL);
    if (dictionary.kind == VALUE_NONE)
        dictionary = value_attribute(object, "path_to_char_dict", NULL);
    ft_status status =
        import_dictionary(importer, &dictionary, "the character dictionary", &chars->items, &chars->item_count);
    if (!status)
        status = weights_need(weights, "char_embedding.weight", &chars->embedding);
    for (int d = 0; d < 2 && !status; d++)
        status = weights_rnn(weights, "char_rnn", 0, d == 1, &chars->direction[d]);
    if (status)
        return status;
    if (chars->embedding.rank != 2 || chars->direction[0].w_hh.rank != 2)
        return import_fail(importer, "not a Flair model, or damaged: CharacterEmbeddings of a wrong shape");
    chars->char_dim = chars->embedding.shape[1];
    chars->hidden = chars->direction[0].w_hh.shape[1];
    return FT_OK;
}

static ft_status read_name(struct importer *importer, const struct value *object, enum member_kind kind,
                           const char **name)
{
    bool found;
    struct value value = value_attribute(object, "name", &found);
    static const char *const unnamed[] = {
        [MEMBER_LM] = NULL, [MEMBER_WORDS] = NULL, [MEMBER_ONEHOT] = "one-hot-text", [MEMBER_CHARS] = "Char"};
    *name = unnamed[kind];
    if (!found && *name)
        return FT_OK;
    *name = import_string(importer, &value);
    return *name ? FT_OK : import_fail(importer, "not a Flair model, or damaged: embeddings without a name");
}

static ft_status read_member(struct collection *collection, const struct value *object, const char *class,
                             struct weights *weights)
{
    struct importer *importer = collection->importer;
    if (collection->count == STACK_MAX)
        return import_fail(importer, "a stack of more than %d embeddings is not supported", STACK_MAX);
    struct member_description *member = &collection->members[collection->count++];
    ft_status status;
    if (!strcmp(class, "FlairEmbeddings") || !strcmp(class, "CharLMEmbeddings")) {
        member->kind = MEMBER_LM;
        status = read_flair(importer, object, weights, &member->lm);
    } else if (!strcmp(class, "WordEmbeddings")) {
        member->kind = MEMBER_WORDS;
        status = read_words(importer, object, weights, &member->words);
    } else if (!strcmp(class, "OneHotEmbeddings")) {
        member->kind = MEMBER_ONEHOT;
        status = read_onehot(importer, object, weights, &member->onehot);
    } else if (!strcmp(class, "CharacterEmbeddings")) {
        member->kind = MEMBER_CHARS;
        status = read_chars(importer, object, weights, &member->chars);
    } else
        return import_fail(importer, "embeddings of class '%s' are not supported", *class ? class : "(none)");
    return status ? status : read_name(importer, object, member->kind, &member->name);
}

static ft_status read_any(struct collection *collection, const struct value *object, struct weights *weights, int depth)
{
    struct importer *importer = collection->importer;
    char class[120];
    class_of(object, class, sizeof class);
    if (strcmp(class, "StackedEmbeddings"))
        return read_member(collection, object, class, weights);
    if (depth == NESTING_MAX || collection->stacks++ == STACKS_MAX)
        return import_fail(importer, "stacks of embeddings nested too deeply");
    struct value list = value_attribute(object, "embeddings", NULL);
    if (list.kind != VALUE_LIST && list.kind != VALUE_TUPLE)
        return import_fail(importer, "not a Flair model, or damaged: a stack without a list of embeddings");
    ft_status status = FT_OK;
    for (size_t i = 0; i < value_count(&list) && !status; i++) {
        char name[40];
        snprintf(name, sizeof name, "list_embedding_%zu", i);
        struct weights part = weights_part(weights, name);
        struct value member = value_at(&list, i);
        part.module = member;
        status = read_any(collection, &member, &part, depth + 1);
    }
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct member_description *x = a, *y = b;
    return strcmp(x->name, y->name); /* bytes of UTF-8 sort as code points do */
}

ft_status import_embeddings(struct importer *importer, const struct value *embeddings,
                            struct tagger_description *tagger)
{
    struct collection all = {.importer = importer};
    all.members = arena_array(importer->arena, STACK_MAX, sizeof *all.members);
    if (!all.members)
        return ft_nomem(importer->error, "a model's embeddings");
    struct weights weights = {.importer = importer, .prefix = "embeddings.", .module = *embeddings};
    ft_status status = read_any(&all, embeddings, &weights, 0);
    if (status)
        return status;
    if (!all.count)
        return import_fail(importer, "not a Flair model, or damaged: a tagger without embeddings");
    sort_in_place(all.members, all.count, sizeof *all.members, by_name);
    for (size_t i = 1; i < all.count; i++)
        if (!strcmp(all.members[i - 1].name, all.members[i].name))
            return import_fail(importer, "two embeddings of one name, '%s', are not supported", all.members[i].name);
    tagger->members = all.members;
    tagger->member_count = all.count;
    return FT_OK;
}
