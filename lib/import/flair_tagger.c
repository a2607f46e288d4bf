/* flair_tagger.c - the sequence tagger's own part of a Flair file, and which generation of Flair its behaviour
 * follows.
 *
 * Three generations differ: up to 0.10 (trained initial states are used, START and STOP are masked before the last
 * argmax, spans by the old rule), 0.11 (spans by the new rule; `crf.transitions`), from 0.12 on (as 0.11; embeddings
 * as plain dicts). A version that loads an older file and saves it again makes it its own. */
#include "base/utf8.h"
#include "import/flair_parts.h"
#include "text/spans.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_WIDTH = 1 << 20 };

enum generation { UP_TO_0_10, ONLY_0_11, FROM_0_12 };

/* "0.15.1" of the model card, or "". */
static void card_version(const struct value *root, char version[24])
{
    struct value card = value_get(root, "model_card", NULL), text = value_get(&card, "flair_version", NULL);
    version[0] = '\0';
    if (text.kind != VALUE_STR || text.count >= 24)
        return;
    for (size_t i = 0; i < text.count; i++)
        if (!isalnum((unsigned char)text.as.text[i]) && !strchr(".+-", text.as.text[i]))
            return;
    memcpy(version, text.as.text, text.count);
    version[text.count] = '\0';
}

static bool has(const struct value *dict, const char *name)
{
    bool found;
    value_get(dict, name, &found);
    return found;
}

static bool has_weight(const struct importer *importer, const char *name)
{
    return map_get(&importer->weights, name, strlen(name), NULL);
}

static enum generation find_generation(const struct importer *importer, const struct value *root, const char *version)
{
    struct value embeddings = value_get(root, "embeddings", NULL), tags = value_get(root, "tag_dictionary", NULL);
    bool span_labels;
    if (has(root, "__cls__") || embeddings.kind == VALUE_DICT)
        return FROM_0_12;
    if (has_weight(importer, "crf.transitions"))
        return ONLY_0_11;
    if (has_weight(importer, "transitions"))
        return UP_TO_0_10;
    /* Without a CRF: the tag dictionary of 0.11 knows span_labels; `beta` and the initial states went with 0.10. */
    value_attribute(&tags, "span_labels", &span_labels);
    if (span_labels)
        return ONLY_0_11;
    if (has(root, "beta") || has(root, "train_initial_hidden_state"))
        return UP_TO_0_10;
    return !strncmp(version, "0.", 2) && atoi(version + 2) >= 11 ? ONLY_0_11 : UP_TO_0_10;
}

static ft_status set_origin(struct importer *importer, enum generation generation, const char *version,
                            struct tagger_description *tagger)
{
    static const char *const eras[] = {"0.10 or earlier", "0.11", "0.12 or later"};
    char origin[100];
    snprintf(origin, sizeof origin, "Flair %s, %s container", *version ? version : eras[generation],
             importer->torch->is_zip ? "zip" : "legacy");
    tagger->origin = arena_copy(importer->arena, origin, strlen(origin));
    return tagger->origin ? FT_OK : ft_nomem(importer->error, "a model's description");
}

static ft_status read_tags(struct importer *importer, const struct value *root, struct tagger_description *tagger)
{
    struct value dictionary = value_get(root, "tag_dictionary", NULL), type = value_get(root, "tag_type", NULL);
    ft_status status =
        import_dictionary(importer, &dictionary, "the tag dictionary", &tagger->tags, &tagger->tag_count);
    for (size_t i = 0; i < tagger->tag_count && !status; i++) {
        struct bytes tag = tagger->tags[i];
        size_t bad;
        if (!utf8_valid(tag.at, tag.count, &bad) || memchr(tag.at, '\0', tag.count))
            status = import_fail(importer, "not a Flair model, or damaged: tag %zu is no text", i);
    }
    if (status)
        return status;
    tagger->tag_type = import_string(importer, &type);
    return tagger->tag_type ? FT_OK : import_fail(importer, "not a Flair model, or damaged: no tag type");
}

static ft_status read_rnn(struct importer *importer, const struct value *root, struct weights *weights,
                          struct tagger_description *tagger)
{
    ft_status status = import_size(importer, root, "hidden_size", 1, LARGEST_WIDTH, &tagger->hidden);
    struct value type = value_get(root, "rnn_type", NULL);
    if (!status && tagger->use_rnn)
        status = import_size(importer, root, "rnn_layers", 1, RNN_MAX_LAYERS, &tagger->rnn_layers);
    if (!status && tagger->use_rnn)
        status = import_rnn_type(importer, &type, &tagger->rnn);
    for (size_t layer = 0; layer < tagger->rnn_layers && !status; layer++)
        for (int d = 0; d < 2 && !status; d++)
            status = weights_rnn(weights, "rnn", (int)layer, d == 1, &tagger->layer[layer][d]);
    return status;
}

/* embedding2nn is always there up to 0.4.5; later `reproject_embeddings` says, and 0.5 always has it
 * (`reproject_to`). */
static ft_status read_reprojection(const struct value *root, struct weights *weights, struct tagger_description *tagger)
{
    bool found;
    struct value wanted = value_get(root, "reproject_embeddings", &found);
    if (found && !value_truth(&wanted))
        return FT_OK;
    ft_status status = weights_need(weights, "embedding2nn.weight", &tagger->reproject_weight);
    return status ? status : weights_need(weights, "embedding2nn.bias", &tagger->reproject_bias);
}

static ft_status read_initial_states(const struct value *root, struct weights *weights,
                                     struct tagger_description *tagger)
{
    struct value trained = value_get(root, "train_initial_hidden_state", NULL);
    if (!value_truth(&trained) || !tagger->use_rnn)
        return FT_OK;
    ft_status status = weights_need(weights, "lstm_init_h", &tagger->init_h);
    return status ? status : weights_need(weights, "lstm_init_c", &tagger->init_c);
}

static ft_status check_kind(struct importer *importer, const struct value *root)
{
    struct value class = value_get(root, "__cls__", NULL);
    if (class.kind == VALUE_STR && !value_is_str(&class, "SequenceTagger"))
        return import_fail(importer, "models of class '%.*s' are not supported",
                           class.count < 60 ? (int)class.count : 60, class.as.text);
    static const char *const keys[][2] = {{"document_embeddings", "TextClassifier"},
                                          {"relation_label_type", "RelationExtractor"},
                                          {"label_dictionary", "TextClassifier"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !has(root, "tag_dictionary"); i++)
        if (has(root, keys[i][0]))
            return import_fail(importer, "models of class '%s' are not supported", keys[i][1]);
    static const char *const needed[] = {"state_dict", "tag_dictionary", "embeddings"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!has(root, needed[i]))
            return import_fail(importer, "not a Flair model: it has no '%s'", needed[i]);
    return FT_OK;
}

ft_status import_tagger(struct importer *importer, const struct value *root, struct tagger_description *tagger)
{
    ft_status status = check_kind(importer, root);
    if (!status)
        status = import_state_dict(importer, value_get(root, "state_dict", NULL));
    if (status)
        return status;
    struct weights weights = {.importer = importer};
    struct value use_crf = value_get(root, "use_crf", NULL), use_rnn = value_get(root, "use_rnn", NULL),
                 embeddings = value_get(root, "embeddings", NULL);
    char version[24];
    card_version(root, version);
    enum generation generation = find_generation(importer, root, version);
    tagger->use_crf = value_truth(&use_crf);
    tagger->use_rnn = value_truth(&use_rnn);
    tagger->span_rule = generation == UP_TO_0_10 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW;
    tagger->mask_ends = generation == UP_TO_0_10;
    status = set_origin(importer, generation, version, tagger);
    if (!status)
        status = import_embeddings(importer, &embeddings, tagger);
    if (!status)
        status = read_tags(importer, root, tagger);
    if (!status)
        status = read_reprojection(root, &weights, tagger);
    if (!status)
        status = read_rnn(importer, root, &weights, tagger);
    if (!status && generation == UP_TO_0_10)
        status = read_initial_states(root, &weights, tagger);
    if (!status)
        status = weights_need(&weights, "linear.weight", &tagger->linear_weight);
    if (!status)
        status = weights_need(&weights, "linear.bias", &tagger->linear_bias);
    if (!status && tagger->use_crf)
        status = weights_need(&weights,
                              generation == UP_TO_0_10 || !has_weight(importer, "crf.transitions") ? "transitions"
                                                                                                   : "crf.transitions",
                              &tagger->transitions);
    return status;
}
