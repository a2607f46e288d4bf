/* flair_lm.c - a character language model: from the dict of its own file, from the parameters that a tagger of Flair
 * 0.12 and later keeps, or from a pickled LanguageModel. All three name their settings alike. */
#include "base/utf8.h"
#include "import/flair_parts.h"
#include <string.h>

enum { LARGEST_WIDTH = 1 << 20 };

static ft_status read_delimiter(struct importer *importer, const struct value *options, struct lm_description *lm)
{
    bool found;
    struct value delimiter = value_attribute(options, "document_delimiter", &found);
    lm->delimiter = (struct bytes){"\n", 1}; /* what versions before 0.5 use, which do not store it */
    if (!found)
        return FT_OK;
    size_t bad;
    if (delimiter.kind != VALUE_STR || !utf8_valid(delimiter.as.text, delimiter.count, &bad))
        return import_fail(importer, "not a Flair model, or damaged: its document delimiter is no string");
    lm->delimiter = (struct bytes){delimiter.as.text, delimiter.count};
    return FT_OK;
}

/* Taggers of 0.12 and later do not say which recurrent layer their LMs have; its shape does. */
static ft_status read_rnn(struct importer *importer, const struct value *options, struct weights *weights,
                          struct lm_description *lm)
{
    bool found;
    struct value type = value_attribute(options, "recurrent_type", &found);
    ft_status status = import_rnn_type(importer, &type, &lm->rnn);
    for (size_t layer = 0; layer < lm->layers && !status; layer++)
        status = weights_rnn(weights, "rnn", (int)layer, false, &lm->layer[layer]);
    if (!status && !found && lm->layer[0].w_hh.rank == 2 && lm->layer[0].w_hh.shape[0] == 3 * lm->hidden)
        lm->rnn = RNN_GRU;
    return status;
}

ft_status import_lm(struct importer *importer, const struct value *options, struct weights *weights,
                    struct lm_description *lm)
{
    bool has_direction;
    struct value dictionary = value_attribute(options, "dictionary", NULL),
                 nout = value_attribute(options, "nout", NULL),
                 direction = value_attribute(options, "is_forward_lm", &has_direction);
    if (!has_direction)
        return import_fail(importer, "not a Flair model, or damaged: a language model without a direction");
    lm->forward = value_truth(&direction);
    lm->with_whitespace = lm->tokenized_lm = true;
    ft_status status =
        import_dictionary(importer, &dictionary, "the character dictionary", &lm->items, &lm->item_count);
    if (!status)
        status = import_size(importer, options, "hidden_size", 1, LARGEST_WIDTH, &lm->hidden);
    if (!status)
        status = import_size(importer, options, "nlayers", 1, LM_MAX_LAYERS, &lm->layers);
    if (!status)
        status = import_size(importer, options, "embedding_size", 1, LARGEST_WIDTH, &lm->embedding);
    if (!status && nout.kind != VALUE_NONE)
        status = import_size(importer, options, "nout", 1, LARGEST_WIDTH, &lm->nout);
    if (!status)
        status = read_delimiter(importer, options, lm);
    if (!status)
        status = weights_need(weights, "encoder.weight", &lm->encoder);
    if (!status)
        status = read_rnn(importer, options, weights, lm);
    if (!status && lm->nout)
        status = weights_need(weights, "proj.weight", &lm->proj_weight);
    if (!status && lm->nout)
        status = weights_need(weights, "proj.bias", &lm->proj_bias);
    if (!status)
        status = weights_optional(weights, "decoder.weight", &lm->decoder_weight);
    if (!status)
        status = weights_optional(weights, "decoder.bias", &lm->decoder_bias);
    return status;
}
