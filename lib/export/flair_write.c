/* flair_write.c - taggers and language models. See flair_write.h. */
#include "export/flair_write.h"
#include "export/flair_parts.h"
#include <string.h>

/* What SequenceTagger is made with by default; nothing is dropped while tagging. */
static const double word_dropout = 0.05, locked_dropout = 0.5;
enum { DEFAULT_HIDDEN = 256 };

/* Puts the reprojection y = x Wr^T + br in front of w [rows, inner]: w Wr, and bias + w br. Sums are taken in double,
 * so that folding adds one rounding. */
static ft_status fold(struct flair_writer *writer, const struct linear_layer *reprojection, size_t rows,
                      const float **w, const float **bias)
{
    size_t inner = reprojection->out, width = reprojection->in;
    const float *wr, *br;
    ft_status status = unpack_linear(&writer->weights, reprojection, &wr, &br, writer->error);
    if (status != FT_OK)
        return status;
    float *product = weights_new(&writer->weights, rows * width), *sum = weights_new(&writer->weights, rows);
    double *row = (double *)weights_new(&writer->weights, 2 * width);
    if (!product || !sum || !row)
        return ft_nomem(writer->error, "folding the reprojection");
    for (size_t r = 0; r < rows; r++) {
        double constant = (double)(*bias)[r];
        for (size_t i = 0; i < width; i++)
            row[i] = 0;
        for (size_t k = 0; k < inner; k++) {
            double factor = (double)(*w)[r * inner + k];
            constant += factor * (double)br[k];
            for (size_t i = 0; i < width; i++)
                row[i] += factor * (double)wr[k * width + i];
        }
        for (size_t i = 0; i < width; i++)
            product[r * width + i] = (float)row[i];
        sum[r] = (float)constant;
    }
    *w = product;
    *bias = sum;
    return FT_OK;
}

static ft_status put_head_tensors(struct flair_writer *writer, const struct tagger *tagger)
{
    const struct linear_layer *reprojection = tagger->has_reprojection ? &tagger->reprojection : NULL;
    ft_status status = FT_OK;
    for (size_t k = 0; tagger->has_rnn && k < tagger->rnn.layers; k++)
        for (int d = 0; d < 2; d++) {
            struct unpacked_layer layer;
            status = unpack_recurrent(&writer->weights, &tagger->rnn.layer[k][d], NULL, &layer, writer->error);
            if (status == FT_OK && !k && reprojection) {
                status = fold(writer, reprojection, layer.rows, &layer.w_ih, &layer.b_ih);
                layer.in = reprojection->in;
            }
            if (status != FT_OK)
                return status;
            flair_put_rnn(writer, "rnn.", k, d == 1, &layer);
        }
    const float *w, *bias;
    size_t in = tagger->linear.in, tags = tagger->linear.out;
    status = unpack_linear(&writer->weights, &tagger->linear, &w, &bias, writer->error);
    if (status == FT_OK && !tagger->has_rnn && reprojection) {
        status = fold(writer, reprojection, tags, &w, &bias);
        in = reprojection->in;
    }
    if (status != FT_OK)
        return status;
    flair_put_tensor(writer, "", "linear.weight", w, tags, in);
    flair_put_tensor(writer, "", "linear.bias", bias, tags, 0);
    if (tagger->has_crf)
        flair_put_tensor(writer, "", "crf.transitions", tagger->crf.transitions, tags, tags);
    return FT_OK;
}

/* BIO: some tag begins a span, none ends one. */
static const char *tag_format(const struct tagger *tagger)
{
    bool spans = false;
    for (size_t i = 0; i < tagger->crf.tags; i++) {
        const char *tag = tagger->tags[i];
        if (!strncmp(tag, "S-", 2) || !strncmp(tag, "E-", 2))
            return "BIOES";
        spans |= !strncmp(tag, "B-", 2) || !strncmp(tag, "I-", 2);
    }
    return spans ? "BIO" : "BIOES";
}

static ft_status put_tags(struct flair_writer *writer, const struct tagger *tagger)
{
    struct arena arena;
    arena_init(&arena);
    struct bytes *items = arena_array(&arena, tagger->crf.tags, sizeof *items);
    bool unknown = false;
    for (size_t i = 0; items && i < tagger->crf.tags; i++) {
        items[i] = (struct bytes){tagger->tags[i], strlen(tagger->tags[i])};
        unknown |= !strcmp(tagger->tags[i], "<unk>");
    }
    if (items)
        flair_put_dictionary(writer, items, tagger->crf.tags, unknown);
    arena_release(&arena);
    return items ? FT_OK : ft_nomem(writer->error, "the tags");
}

static ft_status put_settings(struct flair_writer *writer, const struct tagger *tagger)
{
    struct pickle_writer *pickle = &writer->torch.pickle;
    const struct recurrent_layer *layer = tagger->has_rnn ? &tagger->rnn.layer[0][0] : NULL;
    pickle_put_text(pickle, "__cls__");
    pickle_put_text(pickle, "SequenceTagger");
    pickle_put_text(pickle, "embeddings");
    flair_put_embeddings(writer, tagger);
    pickle_put_text(pickle, "hidden_size");
    pickle_put_integer(pickle, layer ? (int64_t)layer->hidden : DEFAULT_HIDDEN);
    pickle_put_text(pickle, "tag_dictionary");
    ft_status status = put_tags(writer, tagger);
    pickle_put_text(pickle, "tag_format");
    pickle_put_text(pickle, tag_format(tagger));
    pickle_put_text(pickle, "tag_type");
    pickle_put_text(pickle, *tagger->tag_type ? tagger->tag_type : "ner");
    pickle_put_text(pickle, "use_crf");
    pickle_put_bool(pickle, tagger->has_crf);
    pickle_put_text(pickle, "use_rnn");
    pickle_put_bool(pickle, tagger->has_rnn);
    pickle_put_text(pickle, "rnn_layers");
    pickle_put_integer(pickle, layer ? (int64_t)tagger->rnn.layers : 1);
    pickle_put_text(pickle, "use_dropout");
    pickle_put_float(pickle, 0);
    pickle_put_text(pickle, "use_word_dropout");
    pickle_put_float(pickle, word_dropout);
    pickle_put_text(pickle, "use_locked_dropout");
    pickle_put_float(pickle, locked_dropout);
    pickle_put_text(pickle, "rnn_type");
    pickle_put_text(pickle, layer && layer->cell == CELL_GRU ? "GRU" : "LSTM");
    pickle_put_text(pickle, "reproject_embeddings");
    pickle_put_bool(pickle, false);
    pickle_put_text(pickle, "weight_dict");
    pickle_put_none(pickle);
    pickle_put_text(pickle, "train_initial_hidden_state");
    pickle_put_bool(pickle, false);
    return status;
}

static void begin(struct flair_writer *writer, struct ft_error *error)
{
    *writer = (struct flair_writer){.error = error};
    torch_writer_init(&writer->torch);
    weights_init(&writer->weights);
    pickle_put_dict(&writer->torch.pickle);
    pickle_put_text(&writer->torch.pickle, "state_dict");
    pickle_put_ordered_dict(&writer->torch.pickle);
}

static ft_status end(struct flair_writer *writer, ft_status status, struct output *output)
{
    pickle_end_dict(&writer->torch.pickle);
    if (status == FT_OK)
        status = torch_write(&writer->torch, output, writer->error);
    torch_writer_release(&writer->torch);
    weights_release(&writer->weights);
    return status;
}

ft_status flair_write_tagger(const struct tagger *tagger, struct output *output, struct ft_error *error)
{
    if (tagger->has_rnn && tagger->rnn.layer[0][0].init_h)
        return ft_fail(
            error, FT_MODEL,
            "the tagger's RNN starts from trained states, which Flair ignores since 0.11: it would give other "
            "tags (keep the file it came from)");
    struct flair_writer writer;
    begin(&writer, error);
    ft_status status = flair_put_embedding_tensors(&writer, tagger);
    if (status == FT_OK)
        status = put_head_tensors(&writer, tagger);
    pickle_end_ordered_dict(&writer.torch.pickle);
    if (status == FT_OK)
        status = put_settings(&writer, tagger);
    return end(&writer, status, output);
}

ft_status flair_write_lm(const struct lm *lm, struct output *output, struct ft_error *error)
{
    struct flair_writer writer;
    begin(&writer, error);
    ft_status status = flair_put_lm_tensors(&writer, "", lm, true);
    pickle_end_ordered_dict(&writer.torch.pickle);
    if (status == FT_OK)
        flair_put_lm_settings(&writer, lm, true);
    return end(&writer, status, output);
}
