/* predict.c - tags corpora and text. */
#include "cmd/commands.h"
#include "cmd/input_options.h"
#include "cmd/interrupt.h"
#include "cmd/memory_options.h"
#include "cmd/model_options.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/storage_options.h"
#include "run/predictor.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct predict_values {
    struct input_values input;
    struct model_values model;
    struct storage_values storage;
    const char *output;
    int format, scores, color;
    long nbest;
    size_t max_memory;
};

static const struct option predict_options[] = {
    OPTION_GROUP("Input"),
    INPUT_OPTIONS(struct predict_values, input),
    OPTION_GROUP("Output"),
    {'o', "output", OPTION_STRING, offsetof(struct predict_values, output), "FILE", NULL,
     "write to FILE, which appears when it is whole (default: standard output)", 0, 0},
    {0, "format", OPTION_CHOICE, offsetof(struct predict_values, format), NULL, "conll|bio|bioes|tsv|jsonl|html",
     "how results are written; html is a page to look at, filter and search in a browser (default: conll for column "
     "input, bio for tokens, tsv for text, jsonl for jsonl)",
     0, 0},
    {0, "scores", OPTION_CHOICE, offsetof(struct predict_values, scores), NULL, "none|flair|marginal",
     "add a score to each tag: Flair's confidence or the tag's marginal probability (default none)", 0, 0},
    {0, "nbest", OPTION_INT, offsetof(struct predict_values, nbest), "K", NULL,
     "add the K best tag sequences with their probabilities (jsonl)", 1, 1000},
    {0, "color", OPTION_CHOICE, offsetof(struct predict_values, color), NULL, COLOR_CHOICES,
     "colour entities by type (default auto: on a terminal, unless NO_COLOR is set)", 0, 0},
    OPTION_GROUP("Model and machine"),
    MODEL_OPTIONS(struct predict_values, model),
    MEMORY_OPTIONS(struct predict_values, max_memory),
    OPTION_GROUP("Embeddings"),
    STORAGE_OPTIONS(struct predict_values, storage),
    OPTION_END,
};

struct tagging_run {
    const struct predict_values *values;
    struct reader *reader;
    struct predictor *predictor;
    struct output *output;
    struct writer *writer;
    struct progress *progress;
    size_t sentences, tokens;
};

static ft_status start_writer(struct tagging_run *run, struct ft_error *error)
{
    const struct predict_values *values = run->values;
    enum input_format input = reader_format(run->reader);
    struct writer_options options = {.format = (enum output_format)(values->format + 1),
                                     .scores = (enum score_column)values->scores,
                                     .color = color_wanted(values->color, values->output ? -1 : STDOUT_FILENO)};
    if (options.format == OUTPUT_GUESS)
        options.format = writer_default_format(input == INPUT_GUESS ? INPUT_CONLL : input);
    if (values->nbest && options.format != OUTPUT_JSONL)
        return ft_fail(error, FT_USAGE, "--nbest needs --format jsonl");
    return writer_new(&run->writer, run->output, &options, error);
}

static ft_status tag_window(struct tagging_run *run, const struct window *window, struct ft_error *error)
{
    const struct tagging *taggings;
    bool kept_less = false;
    size_t done, total;
    ft_status status = predictor_run(run->predictor, window, &taggings, &kept_less, error);
    if (kept_less)
        report_error("embeddings kept so far do not fit in --max-mem; storing none instead");
    for (size_t i = 0; status == FT_OK && i < window->count; i++) {
        status = writer_sentence(run->writer, &window->sentences[i], &taggings[i], error);
        run->sentences += window->sentences[i].count > 0;
    }
    run->tokens += window->tokens;
    if (status == FT_OK)
        status = output_flush(run->output, error);
    reader_progress(run->reader, &done, &total);
    progress_update(run->progress, run->sentences, run->tokens, done, total);
    return status;
}

static ft_status tag_all(struct tagging_run *run, const struct memory_plan *plan, struct ft_error *error)
{
    struct window window;
    ft_status status = FT_OK;
    window_init(&window);
    for (bool first = true; status == FT_OK && !interrupted; first = false) {
        status = reader_next(run->reader, plan->max_chars, plan->max_tokens, &window, error);
        if (status == FT_OK && first)
            memory_foresee(plan, &window, run->reader, run->predictor);
        if (!run->writer && (status == FT_OK || status == FT_END)) {
            ft_status started = start_writer(run, error);
            status = started == FT_OK ? status : started;
        }
        if (status == FT_OK)
            status = tag_window(run, &window, error);
        else if (status == FT_END)
            break;
    }
    window_release(&window);
    if (status == FT_OK)
        return ft_fail(error, FT_INTERRUPTED, "interrupted");
    return status == FT_END && run->writer ? writer_end(run->writer, error) : status;
}

static ft_status finish_output(struct tagging_run *run, ft_status status, struct ft_error *error)
{
    struct output *output = run->output;
    if (!output)
        return status;
    if (status == FT_OK)
        return output_close(output, error);
    if (status == FT_INTERRUPTED) {
        const char *file = run->values->output;
        bool is_part = output_is_part(output);
        ft_status kept = output_keep_part(output, error);
        if (kept != FT_OK)
            return kept;
        return is_part ? ft_fail(error, status, "interrupted; what was tagged is in '%s.part'", file)
                       : ft_fail(error, status, "interrupted");
    }
    if (status == FT_INPUT) { /* what was tagged before the bad place is worth having on a pipe */
        struct ft_error ignored;
        output_flush(output, &ignored);
    }
    output_discard(output);
    return status;
}

static int run_predict(int argc, char **argv, const struct command *self)
{
    struct predict_values values = {
        .input = INPUT_DEFAULTS, .model = MODEL_DEFAULTS, .storage = STORAGE_DEFAULTS, .format = -1};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    struct ft_error error = {""};
    struct tagging_run run = {.values = &values};
    struct backend *backend = NULL;
    struct model model = {0};
    struct reader_options reading = input_reader_options(&values.input, argv + 1, (size_t)operands);
    struct memory_plan plan;
    struct predictor_options how = {
        .scores = (enum score_column)values.scores, .span_scores = true, .nbest = (size_t)values.nbest};
    storage_settle(&values.storage, &how);
    ft_status status = model_backend(&values.model, &backend, &error);
    if (status == FT_OK)
        status = reader_open(&run.reader, &reading, &error);
    if (status == FT_OK)
        status = memory_open_tagger(values.max_memory, &values.model, backend, &model, &error);
    if (status == FT_OK)
        status = memory_settle(values.max_memory, &model, backend, run.reader, &how, &plan, &error);
    if (status == FT_OK)
        status = predictor_new(&run.predictor, model.tagger, backend, &how, &error);
    if (status == FT_OK)
        status = output_open(&run.output, values.output, &error);
    if (status == FT_OK) {
        run.progress = progress_new();
        status = tag_all(&run, &plan, &error);
        progress_free(run.progress);
    }
    status = finish_output(&run, status, &error);
    if (run.reader)
        input_report_counts(run.reader);
    if (status != FT_OK && status != FT_END) /* FT_END: nobody reads the pipe any more */
        report_error("%s", error.text);
    writer_free(run.writer);
    predictor_free(run.predictor);
    model_close(&model);
    reader_close(run.reader);
    if (backend)
        backend->ops->free(backend);
    return status == FT_END ? FT_OK : (int)status;
}

const struct command command_predict = {
    .name = "predict",
    .operands = "[FILE ...]",
    .summary = "tag corpora and text",
    .description =
        "Reads corpora (CoNLL columns, CoNLL-U, JSON Lines, one sentence a line) or plain text, gz or not, and writes them "
        "tagged, in input order and as they come: memory does not grow with the input. No FILE, or -, reads standard input.\n\n"
        "Column input comes back line for line with the model's tag as one more column. Text comes back as a table of the "
        "entities found, one a line, under a header.\n\n"
        "Ctrl-C lets the batch end and leaves what was tagged, with -o in FILE.part; a second one leaves at once.\n\n"
        "Models are flairtag's own .safetensors files and Flair's .pt and .bin files. Tags are the same for any number of "
        "threads and lanes, any storage and any instruction set.",
    .examples = "flairtag predict corpus.txt > tagged.txt\n"
                "flairtag predict -m ner-english.pt --scores flair corpus.conll\n"
                "flairtag predict --format html -o notes.html notes.txt\n"
                "zcat news.gz | flairtag predict --input-format text --format jsonl | gzip > news.jsonl.gz",
    .options = predict_options,
    .run = run_predict,
};
