/* flair_embeddings.c - a tagger's embeddings as Flair describes them: a stack of dicts of parameters, and their tensors
 * under embeddings.list_embedding_I. See flair_parts.h. */
#include "base/map.h"
#include "export/flair_parts.h"
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 256 };

/* What OneHotEmbeddings are always called: the one name that is not saved. */
static const char one_hot_name[] = "one-hot-text";

/* Flair joins a token's vectors in ascending order of the embeddings' names. Names that are in that order are kept. */
static bool names_in_order(const struct tagger *tagger)
{
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        if (i && strcmp(tagger->members[i - 1].name, member->name) >= 0)
            return false;
        if (member->kind == MEMBER_ONEHOT && strcmp(member->name, one_hot_name))
            return false;
    }
    return true;
}

/* Others become "00-NAME" and so on, those behind one-hot embeddings "z02-NAME". */
static void member_name(const struct tagger *tagger, size_t i, char name[NAME_BYTES])
{
    const char *own = tagger->members[i].name, *behind = "";
    if (tagger->members[i].kind == MEMBER_ONEHOT)
        own = one_hot_name;
    if (tagger->members[i].kind == MEMBER_ONEHOT || names_in_order(tagger)) {
        snprintf(name, NAME_BYTES, "%s", own);
        return;
    }
    for (size_t before = 0; before < i; before++)
        if (tagger->members[before].kind == MEMBER_ONEHOT)
            behind = "z";
    size_t digits = strspn(own, "0123456789");
    if (digits && own[digits] == '-')
        own += digits + 1;
    snprintf(name, NAME_BYTES, "%s%02zu-%s", behind, i, own);
}

/* The table in float32, without words that no token finds: Flair's unknown words have the row behind the last word. */
static ft_status put_words_tensor(struct flair_writer *writer, const char *prefix, const struct words *words)
{
    size_t count = 0, width = words->width;
    struct bytes text;
    for (size_t i = 0; i < words->count; i++)
        count += words_text(words, i, &text);
    const float *table = words->vectors;
    if (count < words->count || words->type != WORDS_F32) {
        float *rows = weights_new(&writer->weights, (count + 1) * width);
        if (!rows)
            return ft_nomem(writer->error, "the word vectors");
        table = rows;
        for (size_t i = 0; i <= words->count; i++)
            if (i == words->count || words_text(words, i, &text)) {
                words_vector(words, i, rows);
                rows += width;
            }
    }
    flair_put_tensor(writer, prefix, "embedding.weight", table, count + 1, width);
    return FT_OK;
}

static ft_status put_chars_tensors(struct flair_writer *writer, const char *prefix, const struct lm chars[2])
{
    char rnn[100];
    ft_status status = FT_OK;
    struct map items; /* Flair takes the table's rows for as many as there are different items */
    map_init(&items);
    for (size_t i = 0; i < chars[0].characters.count && status == FT_OK; i++) {
        struct bytes item = flair_item(&chars[0].characters.items[i]);
        if (map_get(&items, item.at, item.count, NULL))
            status = ft_fail(writer->error, FT_MODEL,
                             "Flair cannot load character embeddings whose dictionary holds an item twice (%zu)", i);
        else if (!map_put(&items, item.at, item.count, (uint32_t)i))
            status = ft_nomem(writer->error, "a character dictionary");
    }
    map_release(&items);
    snprintf(rnn, sizeof rnn, "%schar_rnn.", prefix);
    flair_put_tensor(writer, prefix, "char_embedding.weight", chars[0].encoder, chars[0].net.items, chars[0].embedding);
    for (int d = 0; d < 2 && status == FT_OK; d++) {
        struct unpacked_layer layer;
        status = unpack_recurrent(&writer->weights, &chars[d].net.layer[0], &chars[d].input, &layer, writer->error);
        if (status == FT_OK)
            flair_put_rnn(writer, rnn, 0, d == 1, &layer);
    }
    return status;
}

ft_status flair_put_embedding_tensors(struct flair_writer *writer, const struct tagger *tagger)
{
    ft_status status = FT_OK;
    size_t one_hots = 0;
    for (size_t i = 0; i < tagger->member_count && status == FT_OK; i++) {
        const struct member *member = &tagger->members[i];
        char prefix[60], lm[64];
        snprintf(prefix, sizeof prefix, "embeddings.list_embedding_%zu.", i);
        snprintf(lm, sizeof lm, "%slm.", prefix);
        switch (member->kind) {
        case MEMBER_LM: status = flair_put_lm_tensors(writer, lm, &member->lm, false); break;
        case MEMBER_WORDS: status = put_words_tensor(writer, prefix, member->words); break;
        case MEMBER_CHARS: status = put_chars_tensors(writer, prefix, member->chars); break;
        case MEMBER_ONEHOT:
            if (one_hots++)
                status =
                    ft_fail(writer->error, FT_MODEL,
                            "Flair cannot load a stack with two one-hot embeddings: it calls both '%s'", one_hot_name);
            flair_put_tensor(writer, prefix, "embedding_layer.weight", member->table, member->item_count,
                             member->width);
            break;
        }
    }
    return status;
}

static void put_flair(struct flair_writer *writer, const struct lm *lm)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    pickle_put_text(pickle, "fine_tune");
    pickle_put_bool(pickle, false);
    pickle_put_text(pickle, "chars_per_chunk");
    pickle_put_integer(pickle, 512);
    if (!lm->with_whitespace) { /* Flair does not save it, but takes it */
        pickle_put_text(pickle, "with_whitespace");
        pickle_put_bool(pickle, false);
    }
    pickle_put_text(pickle, "is_lower");
    pickle_put_bool(pickle, lm->lower);
    pickle_put_text(pickle, "tokenized_lm");
    pickle_put_bool(pickle, lm->tokenized);
    pickle_put_text(pickle, "model_params");
    pickle_put_dict(pickle);
    flair_put_lm_settings(writer, lm, false);
    pickle_end_dict(pickle);
}

static void put_words(struct flair_writer *writer, const struct words *words)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    struct bytes text;
    pickle_put_text(pickle, "vocab");
    pickle_put_dict(pickle);
    for (size_t i = 0, row = 0; i < words->count; i++)
        if (words_text(words, i, &text)) {
            pickle_put_string(pickle, text.at, text.count);
            pickle_put_integer(pickle, (int64_t)row++);
        }
    pickle_end_dict(pickle);
    pickle_put_text(pickle, "stable"); /* a LayerNorm is in the table */
    pickle_put_bool(pickle, false);
    pickle_put_text(pickle, "fine_tune");
    pickle_put_bool(pickle, false);
    pickle_put_text(pickle, "force_cpu");
    pickle_put_bool(pickle, true);
    pickle_put_text(pickle, "field");
    pickle_put_none(pickle);
    pickle_put_text(pickle, "embedding_length");
    pickle_put_integer(pickle, (int64_t)words->width);
}

static void put_chars(struct flair_writer *writer, const struct lm *lm)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    pickle_put_text(pickle, "path_to_char_dict"); /* Flair's name for the dictionary itself */
    flair_put_dictionary(writer, lm->characters.items, lm->characters.count, true);
    pickle_put_text(pickle, "char_embedding_dim");
    pickle_put_integer(pickle, (int64_t)lm->embedding);
    pickle_put_text(pickle, "hidden_size_char");
    pickle_put_integer(pickle, (int64_t)lm->net.layer[0].hidden);
}

static void put_one_hot(struct flair_writer *writer, const struct member *member)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    pickle_put_text(pickle, "vocab_dictionary");
    flair_put_dictionary(writer, member->items, member->item_count, true);
    pickle_put_text(pickle, "field");
    pickle_put_text(pickle, "text");
    pickle_put_text(pickle, "embedding_length");
    pickle_put_integer(pickle, (int64_t)member->width);
    pickle_put_text(pickle, "stable"); /* a LayerNorm is in the table */
    pickle_put_bool(pickle, false);
}

void flair_put_embeddings(struct flair_writer *writer, const struct tagger *tagger)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    static const char *const classes[] = {[MEMBER_LM] = "FlairEmbeddings",
                                          [MEMBER_WORDS] = "WordEmbeddings",
                                          [MEMBER_ONEHOT] = "OneHotEmbeddings",
                                          [MEMBER_CHARS] = "CharacterEmbeddings"};
    pickle_put_dict(pickle);
    pickle_put_text(pickle, "__cls__");
    pickle_put_text(pickle, "StackedEmbeddings");
    pickle_put_text(pickle, "embeddings");
    pickle_put_list(pickle);
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        char name[NAME_BYTES];
        member_name(tagger, i, name);
        pickle_put_dict(pickle);
        pickle_put_text(pickle, "__cls__");
        pickle_put_text(pickle, classes[member->kind]);
        if (member->kind != MEMBER_ONEHOT) {
            pickle_put_text(pickle, "name");
            pickle_put_text(pickle, name);
        }
        switch (member->kind) {
        case MEMBER_LM: put_flair(writer, &member->lm); break;
        case MEMBER_WORDS: put_words(writer, member->words); break;
        case MEMBER_CHARS: put_chars(writer, &member->chars[0]); break;
        case MEMBER_ONEHOT: put_one_hot(writer, member); break;
        }
        pickle_end_dict(pickle);
    }
    pickle_end_list(pickle);
    pickle_end_dict(pickle);
}
