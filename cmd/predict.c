/* predict.c - tags corpora and text. */
#include "cmd/commands.h"
#include "base/parallel.h"
#include "cmd/input_options.h"
#include "cmd/memory_options.h"
#include "cmd/model_options.h"
#include "cmd/report.h"
#include "cmd/storage_options.h"
#include "cmd/tagging.h"
#include <string.h>
#include <unistd.h>

struct predict_values {
    struct input_values input;
    struct model_values model;
    struct storage_values storage;
    const char *output, *shard;
    int format, scores, color;
    long nbest, checkpoint_seconds, jobs;
    bool resume;
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
    OPTION_GROUP("Long runs"),
    {0, "resume", OPTION_FLAG, offsetof(struct predict_values, resume), NULL, NULL,
     "go on with FILE.part of -o FILE, where the same command was interrupted or killed, to the bytes of a run that was "
     "not; begins where there is none, and leaves FILE.part whatever happens",
     0, 0},
    {0, "checkpoint-seconds", OPTION_INT, offsetof(struct predict_values, checkpoint_seconds), "N", NULL,
     "with -o FILE, note in FILE.part.state every N seconds how far FILE.part has come; 0: after every batch "
     "(default 10)",
     0, 1000000},
    {0, "shard", OPTION_STRING, offsetof(struct predict_values, shard), "I/N", NULL,
     "tag only the Ith of N parts of the input files, equal in bytes; the outputs of 1/N to N/N, one behind the other, "
     "are that of one run (default: the whole)",
     0, 0},
    {0, "jobs", OPTION_INT, offsetof(struct predict_values, jobs), "N", NULL,
     "tag in N processes that share the model; --threads is then of each (default: one process)", 1, 1024},
    OPTION_GROUP("Model and machine"),
    MODEL_OPTIONS(struct predict_values, model),
    MEMORY_OPTIONS(struct predict_values, max_memory),
    OPTION_GROUP("Embeddings"),
    STORAGE_OPTIONS(struct predict_values, storage),
    OPTION_END,
};

/* What options do not go together. Colours are left to single runs: which one a type has follows from all before it. */
static ft_status settle_options(struct predict_values *values, struct tagging_run *run, struct ft_error *error)
{
    bool in_pieces = values->resume || values->shard || values->jobs;
    if (values->resume && (!values->output || !strcmp(values->output, "-")))
        return ft_fail(error, FT_USAGE, "--resume needs -o FILE: it is FILE.part that is gone on with");
    if (values->jobs && values->storage.storage != STORAGE_NONE)
        return ft_fail(error, FT_USAGE, "--jobs keeps no embeddings: they are gone with each process (--storage none)");
    if (values->jobs && values->max_memory)
        return ft_fail(error, FT_USAGE, "--max-mem bounds one process: with --jobs it cannot be kept (--threads can)");
    run->writing.color = color_wanted(values->color, values->output || in_pieces ? -1 : STDOUT_FILENO);
    if (in_pieces && run->writing.format == OUTPUT_HTML)
        return ft_fail(error, FT_USAGE,
                       "--format html makes one page: it cannot be put together from pieces "
                       "(no --resume, --shard or --jobs)");
    if (in_pieces && !writer_makes_pieces(&run->writing))
        return ft_fail(error, FT_USAGE,
                       "--color always needs a run of its own: colours depend on what came before "
                       "(no --resume, --shard or --jobs)");
    if (values->jobs && !values->model.threads) {
        values->model.threads = (long)(parallel_cores() / (size_t)values->jobs);
        values->model.threads += !values->model.threads;
    }
    return values->shard ? shard_parse(values->shard, &run->shard, error) : FT_OK;
}

/* Opens the output and, where it is a file that appears whole, takes it for going on with. */
static ft_status start_output(const struct predict_values *values, const struct resume_subject *subject,
                              struct tagging_run *run, struct resume *resume, struct ft_error *error)
{
    ft_status status = output_open_left(&run->output, values->output, error);
    if (status != FT_OK)
        return status;
    if (!output_is_part(run->output))
        return values->resume
                   ? ft_fail(error, FT_USAGE, "--resume needs a regular file, and '%s' is none", values->output)
                   : FT_OK;
    if (writer_makes_pieces(&run->writing))
        run->resume = resume;
    status = resume_begin(resume, subject, run->output, (double)values->checkpoint_seconds, values->resume, error);
    if (status == FT_OK)
        return FT_OK;
    struct ft_error ignored;
    if (output_left(run->output))
        output_keep_part(run->output, &ignored); /* not ours to remove */
    else
        output_discard(run->output);
    run->output = NULL;
    return status;
}

/* FILE.part stays, with a state as late as can be written, and the message says so where it can be gone on with. */
static ft_status keep_output(const struct predict_values *values, struct tagging_run *run, ft_status status,
                             struct ft_error *error)
{
    struct ft_error why = *error, ignored;
    bool is_part = output_is_part(run->output);
    bool saved = run->resume && resume_save(run->resume, &run->done.mark, &ignored) == FT_OK;
    bool can_go_on = saved || (run->resume && run->resume->written);
    ft_status kept = output_keep_part(run->output, &ignored);
    run->output = NULL;
    if (status == FT_INTERRUPTED && kept != FT_OK) {
        *error = ignored;
        return kept;
    }
    if (status == FT_INTERRUPTED ? !is_part : !can_go_on || status == FT_INPUT)
        return status;
    const char *what = status == FT_INTERRUPTED ? "interrupted" : why.text;
    return ft_fail(error, status, "%s; what was tagged is in '%s.part'%s", what, values->output,
                   can_go_on ? " (--resume goes on from there)" : "");
}

static ft_status finish_output(const struct predict_values *values, struct tagging_run *run, ft_status status,
                               struct ft_error *error)
{
    if (!run->output)
        return status;
    if (status == FT_INTERRUPTED || (status != FT_OK && values->resume && output_is_part(run->output)))
        return keep_output(values, run, status, error);
    if (status == FT_INPUT) { /* what was tagged before the bad place is worth having on a pipe */
        struct ft_error ignored;
        output_flush(run->output, &ignored);
    }
    if (status == FT_OK)
        status = output_close(run->output, error);
    else
        output_discard(run->output);
    if (run->resume)
        resume_forget(run->resume);
    return status;
}

static int run_predict(int argc, char **argv, const struct command *self)
{
    struct predict_values values = {.input = INPUT_DEFAULTS,
                                    .model = MODEL_DEFAULTS,
                                    .storage = STORAGE_DEFAULTS,
                                    .format = -1,
                                    .checkpoint_seconds = 10};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    struct ft_error error = {""};
    struct tagging_run run = {
        .writing = {.format = (enum output_format)(values.format + 1), .scores = (enum score_column)values.scores},
        .nbest = (size_t)values.nbest};
    struct resume resume = {0};
    struct machine machine = {0};
    struct model model = {0};
    struct reader_options reading = input_reader_options(&values.input, argv + 1, (size_t)operands);
    struct memory_plan plan;
    struct predictor_options how = {
        .scores = (enum score_column)values.scores, .span_scores = true, .nbest = (size_t)values.nbest};
    struct resume_subject subject = {.command = self,
                                     .values = &values,
                                     .model = values.model.model,
                                     .files = reading.files,
                                     .file_count = reading.file_count};
    run.plan = &plan;
    ft_status status = settle_options(&values, &run, &error);
    if (status == FT_OK)
        status = machine_open(&machine, &values.model, values.jobs ? MACHINE_CPU_ALONE : MACHINE_GPUS, &error);
    if (status == FT_OK && machine.count > 1 && values.max_memory)
        status = ft_fail(&error, FT_USAGE, "--max-mem bounds a run on one device, not one on several");
    if (status == FT_OK)
        storage_settle(&values.storage, &machine, &how);
    if (status == FT_OK)
        status = reader_open(&run.reader, &reading, &error);
    if (status == FT_OK && run.shard.count)
        status = shard_settle(&run.shard, reading.files, reading.file_count, &error);
    if (status == FT_OK)
        status = memory_open_tagger(values.max_memory, &machine, &model, &error);
    if (status == FT_OK)
        status = memory_settle(values.max_memory, &model, &machine, run.reader, &how, &plan, &error);
    if (status == FT_OK)
        status = predictor_group_new(&run.predictors, model.tagger, machine.devices, machine.count, &how, &error);
    if (status == FT_OK && values.jobs)
        status = jobs_new(&run.jobs, (size_t)values.jobs, &error);
    if (status == FT_OK) {
        subject.precision = machine_precision_name(&machine, &values.model);
        status = start_output(&values, &subject, &run, &resume, &error);
    }
    if (status == FT_OK) {
        run.devices = machine.count;
        run.progress = progress_new();
        status = tagging_all(&run, &error);
        progress_free(run.progress);
    }
    jobs_free(run.jobs);
    status = finish_output(&values, &run, status, &error);
    if (run.reader)
        input_report_counts(run.reader);
    if (status != FT_OK && status != FT_END) /* FT_END: nobody reads the pipe any more */
        report_error("%s", error.text);
    writer_free(run.writer);
    predictor_group_free(run.predictors);
    model_close(&model);
    reader_close(run.reader);
    resume_release(&resume);
    machine_close(&machine);
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
        "Ctrl-C lets the batch end and leaves what was tagged, with -o in FILE.part; a second one leaves at once. "
        "--resume goes on with FILE.part, also after a kill, a full disk or a power cut: the input is read again from "
        "its beginning, which takes little time, and is tagged from where FILE.part ends.\n\n"
        "Models are flairtag's own .safetensors files and Flair's .pt and .bin files. Tags are the same for any number of "
        "threads and lanes, any storage and any instruction set.",
    .examples = "flairtag predict corpus.txt > tagged.txt\n"
                "flairtag predict --resume -o tagged.jsonl posts.jsonl.gz\n"
                "flairtag predict -m ner-english.pt --scores flair corpus.conll\n"
                "flairtag predict --format html -o notes.html notes.txt\n"
                "zcat news.gz | flairtag predict --input-format text --format jsonl | gzip > news.jsonl.gz",
    .options = predict_options,
    .run = run_predict,
};
