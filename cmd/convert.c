/* convert.c - foreign model files to flairtag's own, and any model to Flair's. */
#include "base/error.h"
#include "base/utf8.h"
#include "cmd/commands.h"
#include "cmd/convert_words.h"
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
    int words; /* an enum words_type; WORDS_AS_THEY_ARE when not given */
    const char *keep, *description;
    struct model_values model;
};
enum { WORDS_AS_THEY_ARE = -1 };

static const struct option convert_options[] = {
    {0, "to", OPTION_CHOICE, offsetof(struct convert_values, to), NULL, "flairtag|flair",
     "whose format to write (default flairtag)", 0, 0},
    PRECISION_OPTION(struct convert_values, model),
    {0, "words-precision", OPTION_CHOICE, offsetof(struct convert_values, words), NULL, "f32|f16|int8",
     "numbers of word vectors, a tagger's too: float32, halves, or integers with a scale a word (default: what MODEL "
     "holds)",
     0, 0},
    {0, "keep-words", OPTION_STRING, offsetof(struct convert_values, keep), "FILE", NULL,
     "of word vectors keep only those that the words in FILE find, one a line (gz or not; default: all)", 0, 0},
    {0, "description", OPTION_STRING, offsetof(struct convert_values, description), "TEXT", NULL,
     "a line on a tagger for 'flairtag models' and 'flairtag info' to show; an empty one takes it out (default: what "
     "MODEL holds)",
     0, 0},
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
    if (values->words != WORDS_AS_THEY_ARE && values->words != WORDS_F32)
        return ft_fail(error, FT_USAGE, "Flair's word vectors are float32: leave --words-precision away, or give f32");
    if (values->description)
        return ft_fail(error, FT_USAGE, "Flair's files have no place for --description");
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
        return ft_fail(error, FT_USAGE,
                       "%s: --precision is for taggers and language models; --words-precision makes word vectors "
                       "smaller",
                       path);
    return model_settle_precision(values, backend, model, error);
}

static ft_status set_words(const struct convert_values *values, const char *path, struct model *model,
                           struct ft_error *error)
{
    ft_status status = FT_OK;
    if (values->keep)
        status = convert_keep_words(model, path, values->keep, error);
    if (status == FT_OK && values->words != WORDS_AS_THEY_ARE)
        status = convert_words_type(model, path, (enum words_type)values->words, error);
    return status;
}

static ft_status set_description(const char *text, const char *path, struct model *model, struct ft_error *error)
{
    size_t bad;
    if (!text)
        return FT_OK;
    if (model->kind != MODEL_TAGGER)
        return ft_fail(error, FT_USAGE, "%s: --description is for taggers", path);
    if (!utf8_valid(text, strlen(text), &bad) || strpbrk(text, "\n\r"))
        return ft_fail(error, FT_USAGE, "--description wants one line of UTF-8");
    model->tagger->description = *text ? text : NULL;
    return FT_OK;
}

static int run_convert(int argc, char **argv, const struct command *self)
{
    struct convert_values values = {.model = MODEL_DEFAULTS, .words = WORDS_AS_THEY_ARE};
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
        status = set_words(&values, path, &model, &error);
    if (status == FT_OK)
        status = set_description(values.description, path, &model, &error);
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
        "MODEL. Character tables and the last layer stay in float32, and so do word vectors. Integers can be turned to another "
        "precision, f32 too, but what rounding took does not come back.\n\n"
        "--words-precision f16 (int8) makes a table of word vectors half (a quarter) as large, alone or in a tagger; rows "
        "are widened as they are looked up, and opening stays instant. Halves are off by 0.02 % of a vector's length, "
        "integers by 0.6 %. --keep-words leaves words out, of files of word vectors alone: every word in FILE finds the "
        "vector that it found, by its lower case or its digits too, and all others may become unknown.\n\n"
        "--to flair writes what Flair 0.15 loads: SequenceTagger.load(OUT) and FlairEmbeddings(OUT) for taggers and "
        "language models (.pt by custom), WordEmbeddings(OUT) for word vectors (OUT must end in .bin). Flair gives the same "
        "tags, in float32; its versions from 0.11 on make spans of malformed tags (an I- of another type, say) by a rule of "
        "their own, whatever MODEL was trained with. Refused are taggers whose RNN starts from trained states, which "
        "Flair ignores since 0.11. Dropouts are Flair's defaults, for those who train on.",
    .examples = "flairtag convert ner-english.pt ner-english.safetensors\n"
                "flairtag convert --precision int8 ner-english.pt ner-english-int8.safetensors\n"
                "flairtag convert glove.6B.100d.txt.gz glove.safetensors\n"
                "flairtag convert --words-precision f16 --keep-words words.txt glove.safetensors small.safetensors\n"
                "flairtag convert --to flair mine.safetensors mine.pt",
    .options = convert_options,
    .run = run_convert,
};
