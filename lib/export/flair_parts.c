/* flair_parts.c - tensors, dictionaries and language models. See flair_parts.h. */
#include "export/flair_parts.h"
#include "base/utf8.h"
#include <stdio.h>

/* Of LanguageModel; between the layers only, and none while tagging. */
static const double lm_dropout = 0.1;

void flair_put_tensor(struct flair_writer *writer, const char *prefix, const char *name, const float *data, size_t rows,
                      size_t columns)
{
    char full[200];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    pickle_put_text(&writer->torch.pickle, full);
    torch_put_tensor(&writer->torch, data, rows, columns);
}

void flair_put_rnn(struct flair_writer *writer, const char *prefix, size_t number, bool reverse,
                   const struct unpacked_layer *layer)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const float *const tensors[] = {layer->w_ih, layer->w_hh, layer->b_ih, layer->b_hh};
    const size_t columns[] = {layer->in, layer->hidden, 0, 0};
    for (size_t i = 0; i < 4; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s_l%zu%s", names[i], number, reverse ? "_reverse" : "");
        flair_put_tensor(writer, prefix, name, tensors[i], layer->rows, columns[i]);
    }
}

struct bytes flair_item(const struct bytes *item)
{
    size_t bad;
    return utf8_valid(item->at, item->count, &bad) ? *item : (struct bytes){"", 0};
}

static void put_item(struct pickle_writer *pickle, const struct bytes *item)
{
    struct bytes text = flair_item(item);
    pickle_put_bytes(pickle, text.at, text.count);
}

void flair_put_dictionary(struct flair_writer *writer, const struct bytes *items, size_t count, bool unknown)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    pickle_put_object(pickle, "flair.data", "Dictionary");
    pickle_put_dict(pickle);
    pickle_put_text(pickle, "item2idx");
    pickle_put_dict(pickle);
    for (size_t i = 0; i < count; i++) {
        put_item(pickle, &items[i]);
        pickle_put_integer(pickle, (int64_t)i);
    }
    pickle_end_dict(pickle);
    pickle_put_text(pickle, "idx2item");
    pickle_put_list(pickle);
    for (size_t i = 0; i < count; i++)
        put_item(pickle, &items[i]);
    pickle_end_list(pickle);
    pickle_put_text(pickle, "add_unk");
    pickle_put_bool(pickle, unknown);
    pickle_put_text(pickle, "multi_label");
    pickle_put_bool(pickle, false);
    pickle_put_text(pickle, "span_labels");
    pickle_put_bool(pickle, false);
    pickle_end_dict(pickle);
    pickle_end_object(pickle);
}

static ft_status put_linear(struct flair_writer *writer, const char *prefix, const char *const names[2],
                            const struct linear_layer *layer)
{
    const float *w, *bias;
    ft_status status = unpack_linear(&writer->weights, layer, &w, &bias, writer->error);
    if (status != FT_OK)
        return status;
    flair_put_tensor(writer, prefix, names[0], w, layer->out, layer->in);
    flair_put_tensor(writer, prefix, names[1], bias, layer->out, 0);
    return FT_OK;
}

ft_status flair_put_lm_tensors(struct flair_writer *writer, const char *prefix, const struct lm *lm, bool decoder)
{
    static const char *const projection[] = {"proj.weight", "proj.bias"}, *const decoding[] = {"decoder.weight",
                                                                                               "decoder.bias"};
    char rnn[100];
    ft_status status = FT_OK;
    snprintf(rnn, sizeof rnn, "%srnn.", prefix);
    flair_put_tensor(writer, prefix, "encoder.weight", lm->encoder, lm->net.items, lm->embedding);
    for (size_t k = 0; k < lm->net.layers && status == FT_OK; k++) {
        struct unpacked_layer layer;
        status = unpack_recurrent(&writer->weights, &lm->net.layer[k], k ? NULL : &lm->input, &layer, writer->error);
        if (status == FT_OK)
            flair_put_rnn(writer, rnn, k, false, &layer);
    }
    if (status == FT_OK && lm->net.has_projection)
        status = put_linear(writer, prefix, projection, &lm->net.projection);
    if (status == FT_OK && decoder && lm->has_decoder)
        status = put_linear(writer, prefix, decoding, &lm->decoder);
    return status;
}

void flair_put_lm_settings(struct flair_writer *writer, const struct lm *lm, bool decoder)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    pickle_put_text(pickle, "dictionary");
    flair_put_dictionary(writer, lm->characters.items, lm->characters.count, true);
    pickle_put_text(pickle, "is_forward_lm");
    pickle_put_bool(pickle, lm->forward);
    pickle_put_text(pickle, "hidden_size");
    pickle_put_integer(pickle, (int64_t)lm->net.layer[0].hidden);
    pickle_put_text(pickle, "nlayers");
    pickle_put_integer(pickle, (int64_t)lm->net.layers);
    pickle_put_text(pickle, "embedding_size");
    pickle_put_integer(pickle, (int64_t)lm->embedding);
    pickle_put_text(pickle, "nout");
    if (lm->net.has_projection)
        pickle_put_integer(pickle, (int64_t)lm->net.projection.out);
    else
        pickle_put_none(pickle);
    pickle_put_text(pickle, "document_delimiter");
    pickle_put_string(pickle, lm->delimiter_text.at, lm->delimiter_text.count);
    pickle_put_text(pickle, "dropout");
    pickle_put_float(pickle, lm_dropout);
    pickle_put_text(pickle, "recurrent_type");
    pickle_put_text(pickle, lm->net.layer[0].cell == CELL_LSTM ? "LSTM" : "GRU");
    pickle_put_text(pickle, "has_decoder");
    pickle_put_bool(pickle, decoder && lm->has_decoder);
}
