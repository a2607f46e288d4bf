/* convert.c - foreign model files to flairtag's own, and any model to Flair's. */
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/model_options.h"
#include "export/flair_write.h"
#include "export/word2vec_write.h"
#include "flairtag.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include <stdio.h>
#include <string.h>

enum target { TO_FLAIRTAG, TO_FLAIR };
struct convert_values {
    int to;
    struct model_values model;
};

static const struct option convert_options[] = {
    {0, "to", OPTION_CHOICE, offsetof(struct convert_values, to), NULL, "flairtag|flair",
     "whose format to write (default flairtag)", 0, 0},
    PRECISION_OPTION(struct convert_values, model),
    MACHINE_OPTIONS(struct convert_values, model),
    OPTION_END,
};

/* path: of the model, for what the format cannot hold. */
static ft_status save(const struct model *model, const char *path, enum target to, struct output *output,
                      struct ft_error *error)
{
    bool flair = to == TO_FLAIR;
    ft_status status = FT_MODEL;
    switch (model->kind) {
    case MODEL_TAGGER: status = (flair ? flair_write_tagger : tagger_save)(model->tagger, output, error); break;
    case MODEL_LM: status = (flair ? flair_write_lm : lm_save)(model->lm, output, error); break;
    case MODEL_WORDS: status = (flair ? word2vec_write : words_save)(model->words, output, error); break;
    }
    struct ft_error inner = *error;
    return status == FT_MODEL ? ft_fail(error, status, "%s: %s", path, inner.text) : status;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length > end && !strcmp(path + length - end, ending);
}

/* Flair knows float32 alone, and word2vec's format by the file's name. */
static ft_status check_flair(const struct convert_values *values, const struct model *model, const char *path,
                             const char *out, struct ft_error *error)
{
    int precision = values->model.precision;
    enum precision held = model_other_integers(model, PRECISION_F32);
    if (precision != PRECISION_OF_FILE && precision != PRECISION_F32)
        return ft_fail(error, FT_USAGE, "Flair computes in float32: leave --precision away, or give f32");
    if (model->kind == MODEL_WORDS && !ends_in(out, ".bin"))
        return ft_fail(error, FT_USAGE,
                       "%s: word vectors are written for Flair as word2vec's, which it knows by the ending .bin", out);
    if (held != PRECISION_F32)
        report_error("%s holds %s; Flair computes in float32, so that single tags may differ", path,
                     precision_names[held]);
    return FT_OK;
}

static ft_status set_precision(const struct model_values *values, const char *path, struct backend *backend,
                               struct model *model, struct ft_error *error)
{
    if (model->kind == MODEL_WORDS && values->precision != PRECISION_OF_FILE && values->precision != PRECISION_F32)
        return ft_fail(error, FT_USAGE, "%s: word vectors stay in float32: leave --precision away, or give f32", path);
    return model_settle_precision(values, backend, model, error);
}

static int run_convert(int argc, char **argv, const struct command *self)
{
    struct convert_values values = {.model = MODEL_DEFAULTS};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (operands != 2) {
        report_error("convert wants two files: the model to read and the file to write");
        return FT_USAGE;
    }
    struct ft_error error = {""};
    struct backend *backend = NULL;
    struct model model = {0};
    struct output *output = NULL;
    char path[4096];
    ft_status status = model_backend(&values.model, &backend, &error);
    if (status == FT_OK)
        status = model_find(argv[1], path, sizeof path, &error);
    if (status == FT_OK)
        status = model_open(path, backend, &model, &error);
    if (status == FT_OK)
        status = values.to == TO_FLAIR ? check_flair(&values, &model, path, argv[2], &error)
                                       : set_precision(&values.model, path, backend, &model, &error);
    if (status == FT_OK)
        status = output_open(&output, argv[2], &error);
    if (status == FT_OK)
        status = save(&model, path, (enum target)values.to, output, &error);
    if (status == FT_OK && interrupted)
        status = ft_fail(&error, FT_INTERRUPTED, "interrupted; nothing was written");
    if (status == FT_OK)
        status = output_close(output, &error);
    else
        output_discard(output);
    if (status != FT_OK && status != FT_END)
        report_error("%s", error.text);
    model_close(&model);
    if (backend)
        backend->ops->free(backend);
    return status == FT_END ? FT_OK : (int)status;
}

const struct command command_convert = {
    .name = "convert",
    .operands = "MODEL OUT",
    .summary = "turn a model of Flair's into one that opens at once, or back",
    .description =
        "MODEL is a tagger or a character language model as Flair saves it (.pt, pytorch_model.bin, any version), word "
        "vectors (GloVe or word2vec text, word2vec binary, gensim; gz or not), or a flairtag model.\n\n"
        "OUT (.safetensors by custom) holds the weights as they are used, the reprojection folded into the layer behind it and the words "
        "indexed; it is mapped, not read, and processes share it. Nothing in MODEL is ever executed.\n\n"
        "--precision int8 (int16, int7) keeps a tagger's or a language model's weights as integers: their file is up to four "
        "times smaller (twice for int16, in which int8 keeps a tagger's own layers too), opens as fast, and predict gives from it what 'predict --precision int8' gives from "
        "MODEL. Word vectors, character tables and the last layer stay in float32. Integers can be turned to another "
        "precision, f32 too, but what rounding took does not come back.\n\n"
        "--to flair writes what Flair 0.15 loads: SequenceTagger.load(OUT) and FlairEmbeddings(OUT) for taggers and "
        "language models (.pt by custom), WordEmbeddings(OUT) for word vectors (OUT must end in .bin). Flair gives the same "
        "tags, in float32; its versions from 0.11 on make spans of malformed tags (an I- of another type, say) by a rule of "
        "their own, whatever MODEL was trained with. Refused are taggers whose RNN starts from trained states, which "
        "Flair ignores since 0.11. Dropouts are Flair's defaults, for those who train on.",
    .examples = "flairtag convert ner-english.pt ner-english.safetensors\n"
                "flairtag convert --precision int8 ner-english.pt ner-english-int8.safetensors\n"
                "flairtag convert glove.6B.100d.txt.gz glove.safetensors\n"
                "flairtag convert --to flair mine.safetensors mine.pt",
    .options = convert_options,
    .run = run_convert,
};
