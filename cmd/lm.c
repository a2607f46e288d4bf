/* lm.c - character language models: trains them, measures text by them, lets them write. */
#include "cmd/lm.h"
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/run_inputs.h"
#include "flairtag.h"
#include "run/lm_score.h"
#include "run/text_pieces.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double NATS_A_BIT = 0.693147180559945309417;

struct opened {
    struct machine machine;
    struct model model;
    const struct lm *lm;
};

static void close_model(struct opened *opened)
{
    model_close(&opened->model);
    machine_close(&opened->machine);
}

static ft_status open_lm(const struct lm_values *values, struct opened *opened, struct ft_error *error)
{
    char path[4096];
    *opened = (struct opened){0};
    ft_status status = model_find(values->model.model, path, sizeof path, error);
    if (status == FT_OK)
        status = machine_open(&opened->machine, &values->model, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = model_open(path, opened->machine.host, &opened->model, error);
    if (status == FT_OK && opened->model.kind != MODEL_WORDS)
        status = model_settle_precision(&opened->machine.model, opened->machine.host, &opened->model, error);
    if (status != FT_OK)
        return status;
    bool forward = values->direction != 1;
    opened->lm = model_language_model(&opened->model, forward);
    if (!opened->lm)
        return ft_fail(error, FT_MODEL, "%s: holds no %s language model", path, forward ? "forward" : "backward");
    if (!opened->lm->has_decoder)
        return ft_fail(error, FT_MODEL,
                       "%s: its language model has no decoder and cannot guess characters (taggers of Flair 0.12 and "
                       "later keep none)",
                       path);
    if (opened->model.kind == MODEL_LM && values->direction != LM_UNSAID && opened->lm->forward != forward)
        return ft_fail(error, FT_MODEL, "%s: a %s language model", path, opened->lm->forward ? "forward" : "backward");
    return FT_OK;
}

struct scored {
    size_t lines, chars;
    double nats;
};

/* A piece without its line feed. */
static size_t line_bytes(const struct text_piece *piece)
{
    return piece->bytes - (piece->bytes && piece->at[piece->bytes - 1] == '\n');
}

static ft_status score_lines(const struct lm_values *values, const struct opened *opened,
                             const struct text_pieces *pieces, struct scored *scored, struct ft_error *error)
{
    struct lm_line *lines = calloc(pieces->count + 1, sizeof *lines);
    ft_status status = lines ? FT_OK : ft_nomem(error, "lines of text");
    for (size_t i = 0; status == FT_OK && i < pieces->count; i++) {
        uint32_t *ids;
        status = lm_score_ids(opened->lm, pieces->at[i].at, line_bytes(&pieces->at[i]), &ids, &lines[i].count, error);
        lines[i].ids = status == FT_OK ? ids : NULL;
    }
    if (status == FT_OK)
        status = lm_score_lines(opened->lm, opened->machine.devices[0], lines, pieces->count, error);
    for (size_t i = 0; status == FT_OK && i < pieces->count; i++) {
        scored->nats += lines[i].nats;
        scored->chars += lines[i].predicted;
        scored->lines++;
        if (values->per_line)
            printf("%.4f\t%zu\t%.*s\n", lines[i].nats / NATS_A_BIT / (double)lines[i].predicted, lines[i].predicted,
                   (int)line_bytes(&pieces->at[i]), pieces->at[i].at);
    }
    for (size_t i = 0; lines && i < pieces->count; i++)
        free((uint32_t *)lines[i].ids);
    free(lines);
    return status;
}

/* All pieces as one text. */
static ft_status score_whole(const struct opened *opened, const struct text_pieces *pieces, struct scored *scored,
                             struct ft_error *error)
{
    size_t bytes = 0, count;
    for (size_t i = 0; i < pieces->count; i++)
        bytes += pieces->at[i].bytes;
    char *text = malloc(bytes + 1);
    uint32_t *ids = NULL;
    if (!text)
        return ft_nomem(error, "the text");
    bytes = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        memcpy(text + bytes, pieces->at[i].at, pieces->at[i].bytes);
        bytes += pieces->at[i].bytes;
    }
    ft_status status = lm_score_ids(opened->lm, text, bytes, &ids, &count, error);
    if (status == FT_OK)
        status = lm_score_text(opened->lm, opened->machine.devices[0], ids, count, &scored->nats, error);
    if (status == FT_OK) {
        scored->chars = count - 1;
        scored->lines = pieces->count;
    }
    free(ids);
    free(text);
    return status;
}

static ft_status print_score(const struct lm_values *values, const struct scored *scored, struct ft_error *error)
{
    double bits = scored->nats / NATS_A_BIT / (double)scored->chars;
    double perplexity = exp(scored->nats / (double)scored->chars);
    if (!values->json) {
        printf("%zu lines, %zu characters: %.4f bits a character, perplexity %.4f\n", scored->lines, scored->chars,
               bits, perplexity);
        return FT_OK;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "lines", (double)scored->lines);
    cJSON_AddNumberToObject(json, "characters", (double)scored->chars);
    cJSON_AddNumberToObject(json, "bits_per_character", bits);
    cJSON_AddNumberToObject(json, "perplexity", perplexity);
    char *text = cJSON_Print(json);
    ft_status status = text ? FT_OK : ft_nomem(error, "the report");
    if (text)
        printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

int lm_score(const struct lm_values *values, char **operands, size_t count)
{
    static char *const standard_input[] = {"-"};
    struct ft_error error = {""};
    struct opened opened;
    struct text_pieces pieces = {0};
    struct scored scored = {0};
    bool by_line = values->context == LM_CONTEXT_LINE;
    /* lines as they are; blank ones are nothing to guess where each stands by itself */
    struct text_options reading = {
        .era = by_line ? LIKE_FLAIR_0_15 : LIKE_FLAIR_0_4, .delimiter = "\n", .tokenize = values->tokenize};
    if (values->per_line && !by_line) {
        report_error("--per-line goes with --context line");
        return FT_USAGE;
    }
    ft_status status = open_lm(values, &opened, &error);
    for (size_t i = 0; status == FT_OK && i < (count ? count : 1); i++)
        status = text_pieces_read(&pieces, count ? operands[i] : standard_input[0], TEXT_WHOLE, &reading, &error);
    if (status == FT_OK && !pieces.count)
        status = ft_fail(&error, FT_INPUT, "there is no text to score");
    if (status == FT_OK)
        status = by_line ? score_lines(values, &opened, &pieces, &scored, &error)
                         : score_whole(&opened, &pieces, &scored, &error);
    if (status == FT_OK)
        status = print_score(values, &scored, &error);
    if (status != FT_OK)
        report_error("%s", error.text);
    text_pieces_release(&pieces);
    close_model(&opened);
    return (int)status;
}

int lm_write_sample(const struct lm_values *values, char **operands, size_t count)
{
    struct ft_error error = {""};
    struct opened opened;
    char *text = NULL;
    struct lm_sample_options how = {values->prefix, (size_t)values->characters, values->temperature,
                                    (uint64_t)values->seed};
    if (count) {
        report_error("lm sample takes no operand, not '%s' (-m names the model, --prefix a beginning)", operands[0]);
        return FT_USAGE;
    }
    if (!(values->temperature > 0)) {
        report_error("--temperature wants a number above 0");
        return FT_USAGE;
    }
    ft_status status = open_lm(values, &opened, &error);
    if (status == FT_OK)
        status = lm_sample(opened.lm, opened.machine.devices[0], &how, &text, &error);
    if (status == FT_OK)
        printf("%s\n", text);
    else
        report_error("%s", error.text);
    free(text);
    close_model(&opened);
    return (int)status;
}

static int run_lm(int argc, char **argv, const struct command *self)
{
    struct lm_values values = lm_defaults;
    bool said[MOST_OPTIONS] = {false};
    int operands = options_parse_noting(self, argc, argv, &values, said);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    char **rest = argv + 2;
    size_t count = operands > 1 ? (size_t)operands - 1 : 0;
    if (operands >= 1 && !strcmp(argv[1], "train"))
        return lm_train(&values, rest, count, self, said);
    if (operands >= 1 && !strcmp(argv[1], "score"))
        return lm_score(&values, rest, count);
    if (operands >= 1 && !strcmp(argv[1], "sample"))
        return lm_write_sample(&values, rest, count);
    report_error("lm wants 'train', 'score' or 'sample' first");
    return FT_USAGE;
}

const struct command command_lm = {
    .name = "lm",
    .operands = "train|score|sample [DIR|FILE ...]",
    .summary = "make, measure and sample character language models",
    .description =
        "train: trains a character language model as Flair's LanguageModelTrainer does: streams of text are read side by "
        "side, a validation follows each file, the best model is kept. A folder holds train/ (a file a split, in ascending "
        "order), valid.txt and test.txt, each perhaps gzipped; files named one by one are one split, whose lines are "
        "shuffled together. With --optimizer adam the rate rises, then falls along a cosine to the end that --max-epochs, "
        "--max-chars or --max-seconds sets. The run's folder receives training.log, loss.txt as Flair writes it, loss.tsv "
        "and loss.svg (bits a character by characters read), and the checkpoint.\n\n"
        "Ctrl-C saves and leaves; --resume goes on from there, and from the last checkpoint of a run that was killed, to the "
        "very same model. The same text, options and seed give the same model, byte for byte, on one machine, whatever the "
        "number of threads.\n\n"
        "score: how many bits a model needs for a character of FILEs or standard input, in all and with --per-line for each "
        "line. By default a line is read by itself, as tagging reads a sentence, and its end is guessed too; blank lines do "
        "not count. With --context text all is one text, and perplexity is what Flair's calculate_perplexity gives.\n\n"
        "sample: text that a model writes.",
    .examples =
        "flairtag lm train --direction forward texts/ -o forward.safetensors\n"
        "flairtag lm train --direction backward --tokenize --optimizer adam --max-epochs 2 tweets.txt.gz news.txt.gz\n"
        "flairtag lm train --resume lm-backward.run\n"
        "flairtag lm score -m forward.safetensors --per-line text.txt | sort -g | head\n"
        "flairtag lm sample -m forward.safetensors --prefix 'The ' --temperature 0.7",
    .options = lm_option_table,
    .run = run_lm,
};
