/* convert.c - foreign model files to flairtag's own. */
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/model_options.h"
#include "flairtag.h"
#include "model/model_file.h"
#include <stdio.h>

struct convert_values {
    struct model_values model;
};

static const struct option convert_options[] = {
    PRECISION_OPTION(struct convert_values, model),
    MACHINE_OPTIONS(struct convert_values, model),
    OPTION_END,
};

static ft_status save(const struct model *model, struct output *output, struct ft_error *error)
{
    switch (model->kind) {
    case MODEL_TAGGER: return tagger_save(model->tagger, output, error);
    case MODEL_LM: return lm_save(model->lm, output, error);
    case MODEL_WORDS: return words_save(model->words, output, error);
    }
    return FT_MODEL;
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
        report_error("convert wants two files: the model to read and the .safetensors to write");
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
        status = set_precision(&values.model, path, backend, &model, &error);
    if (status == FT_OK)
        status = output_open(&output, argv[2], &error);
    if (status == FT_OK)
        status = save(&model, output, &error);
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
    .operands = "MODEL OUT.safetensors",
    .summary = "turn a model of Flair's into one that opens at once",
    .description =
        "MODEL is a tagger or a character language model as Flair saves it (.pt, pytorch_model.bin, any version), word "
        "vectors (GloVe or word2vec text, word2vec binary, gensim; gz or not), or a flairtag model.\n\n"
        "The result holds the weights as they are used, the reprojection folded into the layer behind it and the words "
        "indexed; it is mapped, not read, and processes share it. Nothing in MODEL is ever executed.\n\n"
        "--precision int8 (int16, int7) keeps a tagger's or a language model's weights as integers: their file is up to four "
        "times smaller (twice for int16, in which int8 keeps a tagger's own layers too), opens as fast, and predict gives from it what 'predict --precision int8' gives from "
        "MODEL. Word vectors, character tables and the last layer stay in float32. Integers can be turned to another "
        "precision, f32 too, but what rounding took does not come back.",
    .examples = "flairtag convert ner-english.pt ner-english.safetensors\n"
                "flairtag convert --precision int8 ner-english.pt ner-english-int8.safetensors\n"
                "flairtag convert glove.6B.100d.txt.gz glove.safetensors",
    .options = convert_options,
    .run = run_convert,
};
