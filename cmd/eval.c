/* eval.c - `flairtag eval`: compares the spans of two taggings of one text.
 *
 * Two files, or one file whose last two columns are the gold tag and the predicted one, or a file and a model. What
 * counts as a span is the rule's choice, what is printed of the counts the report's. */
#include "base/output.h"
#include "cmd/commands.h"
#include "cmd/eval_model.h"
#include "cmd/interrupt.h"
#include "cmd/memory_options.h"
#include "text/evaluation_page.h"
#include "text/pairs.h"
#include <stdlib.h>
#include <string.h>

enum { BY_REPORT = -1 };
enum { FORMAT_TEXT, FORMAT_HTML };

struct eval_values {
    int rule, report, format;
    bool json, ignore_tokens;
    long tag_column, pred_column, token_column;
    const char *output;
    struct model_values model;
    size_t max_memory;
};

static const struct option eval_options[] = {
    OPTION_GROUP("Counting"),
    {0, "rule", OPTION_CHOICE, offsetof(struct eval_values, rule), NULL, "conlleval|flair-old|flair-new",
     "what makes a span: the conlleval script's rule, or Flair's up to 0.10 or from 0.11 on (default: the report's "
     "own, else conlleval)",
     0, 0},
    {0, "ignore-tokens", OPTION_FLAG, offsetof(struct eval_values, ignore_tokens), NULL, NULL,
     "compare tags alone, whatever the tokens are; their number must be equal", 0, 0},
    OPTION_GROUP("Columns"),
    {0, "tag-column", OPTION_INT, offsetof(struct eval_values, tag_column), "N", NULL,
     "column of the gold tags (default: the last; of a single file the one before the last)", 1, 1000000},
    {0, "pred-column", OPTION_INT, offsetof(struct eval_values, pred_column), "N", NULL,
     "column of the predicted tags (default: the last)", 1, 1000000},
    {0, "token-column", OPTION_INT, offsetof(struct eval_values, token_column), "N", NULL,
     "column of the tokens (default: 1)", 1, 1000000},
    OPTION_GROUP("Output"),
    {0, "report", OPTION_CHOICE, offsetof(struct eval_values, report), NULL,
     "table|conlleval|flair-0.10|flair-0.11|flair-0.15|wnut",
     "what to print: a table of types, the conlleval script's report, Flair's of a version, or WNUT's entity and "
     "surface F1 (default: table)",
     0, 0},
    {0, "format", OPTION_CHOICE, offsetof(struct eval_values, format), NULL, "text|html",
     "html: a page for a browser with the figures, the confusion of types and every span that is right, wrong or "
     "missed, in its sentence (default: text, the report)",
     0, 0},
    {0, "json", OPTION_FLAG, offsetof(struct eval_values, json), NULL, NULL, "print all figures as one JSON object", 0,
     0},
    {'o', "output", OPTION_STRING, offsetof(struct eval_values, output), "FILE", NULL,
     "write the report to FILE (default: standard output)", 0, 0},
    OPTION_GROUP("Model"),
    {'m', "model", OPTION_STRING, offsetof(struct eval_values, model.model), "MODEL", NULL,
     "tag GOLD with this model (a file, or the name of an installed one) instead of reading PRED", 0, 0},
    RUN_PRECISION_OPTION(struct eval_values, model),
    DEVICE_OPTIONS(struct eval_values, model),
    MACHINE_OPTIONS(struct eval_values, model),
    MEMORY_OPTIONS(struct eval_values, max_memory),
    OPTION_END,
};

static enum span_rule choose_rule(const struct eval_values *values)
{
    static const enum span_rule of_report[] = {
        [REPORT_TABLE] = SPANS_CONLLEVAL,      [REPORT_CONLLEVAL] = SPANS_CONLLEVAL,
        [REPORT_FLAIR_0_10] = SPANS_FLAIR_OLD, [REPORT_FLAIR_0_11] = SPANS_FLAIR_NEW,
        [REPORT_FLAIR_0_15] = SPANS_FLAIR_NEW, [REPORT_WNUT] = SPANS_CONLLEVAL,
    };
    return values->rule == BY_REPORT ? of_report[values->report] : (enum span_rule)values->rule;
}

static ft_status count_pairs(struct evaluation *evaluation, const struct pairs_options *options, struct ft_error *error)
{
    struct pairs *pairs;
    struct pair pair;
    ft_status status = pairs_open(&pairs, options, error);
    if (status != FT_OK)
        return status;
    while ((status = pairs_next(pairs, &pair, error)) == FT_OK) {
        if (interrupted) {
            status = ft_fail(error, FT_INTERRUPTED, "interrupted");
            break;
        }
        evaluation_add_outside(evaluation, pair.document_marks);
        status = evaluation_add(evaluation, pair.sentence, pair.gold, pair.predicted, error);
        if (status != FT_OK)
            break;
    }
    pairs_close(pairs);
    return status == FT_END ? FT_OK : status;
}

static ft_status count(struct evaluation *evaluation, const struct eval_values *values,
                       const struct pairs_options *options, struct ft_error *error)
{
    return values->model.model ? eval_model(&values->model, values->max_memory, options->gold, options->gold_column,
                                            options->token_column, evaluation, error)
                               : count_pairs(evaluation, options, error);
}

static ft_status print_report(const struct evaluation *evaluation, const struct eval_values *values,
                              struct ft_error *error)
{
    char *text;
    struct output *output;
    enum evaluation_report report = values->json ? REPORT_JSON : (enum evaluation_report)values->report;
    ft_status status = evaluation_report(evaluation, report, &text, error);
    if (status != FT_OK)
        return status;
    status = output_open(&output, values->output, error);
    if (status == FT_OK) {
        status = output_text(output, text, error);
        if (status == FT_OK)
            status = output_close(output, error);
        else
            output_discard(output);
    }
    free(text);
    return status == FT_END ? FT_OK : status; /* a closed pipe wants no more */
}

static ft_status write_page(struct evaluation *evaluation, const struct eval_values *values,
                            const struct pairs_options *options, struct ft_error *error)
{
    struct evaluation_page page;
    struct output *output;
    ft_status status = output_open(&output, values->output, error);
    if (status != FT_OK)
        return status;
    status = evaluation_page_begin(&page, output, options->gold, evaluation, error);
    if (status == FT_OK)
        status = count(evaluation, values, options, error);
    if (status == FT_OK)
        status = evaluation_page_end(&page, evaluation, error);
    if (status == FT_OK)
        status = output_close(output, error);
    else
        output_discard(output);
    evaluation_page_release(&page);
    return status == FT_END ? FT_OK : status; /* a closed pipe wants no more */
}

static int run_eval(int argc, char **argv, const struct command *self)
{
    struct eval_values values = {.rule = BY_REPORT, .model = MODEL_DEFAULTS};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (values.model.model && (operands != 1 || values.pred_column)) {
        report_error("eval -m MODEL takes one file, GOLD, and no --pred-column: the model makes the predictions");
        return FT_USAGE;
    }
    if (values.json && values.format == FORMAT_HTML) {
        report_error("--json and --format html are two ways to write the figures; choose one");
        return FT_USAGE;
    }
    if (operands < 1 || operands > 2) {
        report_error(
            "eval takes GOLD and PRED, or one FILE with both columns, not %d operands (see 'flairtag help eval')",
            operands);
        return FT_USAGE;
    }
    if (operands == 2 && !strcmp(argv[1], "-") && !strcmp(argv[2], "-")) {
        report_error("only one of GOLD and PRED can be standard input");
        return FT_USAGE;
    }
    struct pairs_options options = {
        .gold = argv[1],
        .predicted = operands == 2 ? argv[2] : NULL,
        .gold_column = (int)values.tag_column,
        .predicted_column = (int)values.pred_column,
        .token_column = (int)values.token_column,
        .ignore_tokens = values.ignore_tokens,
    };
    struct ft_error error;
    struct evaluation evaluation;
    evaluation_init(&evaluation, choose_rule(&values));
    ft_status status;
    if (values.format == FORMAT_HTML)
        status = write_page(&evaluation, &values, &options, &error);
    else if ((status = count(&evaluation, &values, &options, &error)) == FT_OK)
        status = print_report(&evaluation, &values, &error);
    if (status != FT_OK)
        report_error("%s", error.text);
    evaluation_release(&evaluation);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .operands = "GOLD PRED | FILE | -m MODEL GOLD",
    .summary = "compare predicted tags with gold tags: F1 by span and type",
    .description =
        "Reads two files in columns that hold the same tokens, sentence by sentence, and counts the spans that both "
        "tag alike. With one FILE, its last two columns are the gold tag and the predicted one, as the conlleval "
        "script reads them. With -m a model tags GOLD's tokens. '-' is standard input.\n\n"
        "By --rule flair-old the gold tags go through the conversion of Flair's readers up to 0.10 first, which takes "
        "IOB1 and BIO and nothing else.\n\n"
        "The reports of conlleval and Flair are those programs' own, letter for letter. WNUT's surface forms are "
        "distinct pairs of text and type; one is correct when it was right in place at least once.",
    .examples = "flairtag eval gold.conll tagged.conll\n"
                "flairtag eval --report conlleval tagged.conll\n"
                "flairtag eval -m ner-english.pt gold.conll\n"
                "flairtag eval --format html -o errors.html gold.conll tagged.conll\n"
                "flairtag eval --json --rule flair-new gold.conll tagged.conll > scores.json",
    .options = eval_options,
    .run = run_eval,
};
