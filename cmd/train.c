/* train.c - trains a tagger on frozen embeddings. */
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/name_list.h"
#include "cmd/options_json.h"
#include "cmd/run_inputs.h"
#include "cmd/train_run.h"
#include "flairtag.h"
#include "run/corpus_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of the values is not the run's but of the process that works on it: it may be another one when a run goes on. */
static const char *const not_of_the_run[] = {"output", "resume", "threads", "lanes", "isa", "device", "gpu-mem"};

/* Which files the corpus is of, and whatever has to be said about their choice. */
static ft_status settle_corpus(struct train_values *values, struct arena *arena, struct ft_error *error)
{
    struct corpus_options reading = train_corpus_options(values);
    struct corpus found = {0};
    arena_init(&found.arena);
    ft_status status = corpus_find_files(&found, &reading, error);
    if (status == FT_OK)
        status = corpus_require_train(&found, &reading, error);
    for (size_t i = 0; status == FT_OK && i < found.note_count; i++)
        report_error("%s", found.notes[i]);
    for (size_t s = 0; status == FT_OK && s < SPLITS; s++) {
        const char *file = found.splits[s].file;
        values->files[s] = file ? arena_copy(arena, file, strlen(file)) : NULL;
        if (file && !values->files[s])
            status = ft_nomem(error, "the corpus' names");
    }
    arena_release(&found.arena);
    return status;
}

/* The files of --extra by their whole paths. */
static ft_status settle_extra(struct train_values *values, struct arena *arena, struct ft_error *error)
{
    static const char what[] = "the names of extra files";
    const char **files;
    size_t count;
    if (!values->extra)
        return FT_OK;
    ft_status status = name_list_split(values->extra, arena, &files, &count, what, error);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        status = files[i][0] ? path_make_whole(&files[i], arena, error)
                             : ft_fail(error, FT_USAGE, "'%s': an empty name among the extra files", values->extra);
        if (status == FT_OK)
            status = name_list_check(files[i], error);
    }
    return status == FT_OK ? name_list_join(files, count, arena, &values->extra, what, error) : status;
}

static ft_status settle(struct train_values *values, struct arena *arena, struct ft_error *error)
{
    ft_status status = settle_corpus(values, arena, error);
    for (size_t s = 0; status == FT_OK && s < SPLITS; s++)
        status = path_make_whole(&values->files[s], arena, error);
    if (status == FT_OK)
        status = settle_extra(values, arena, error);
    if (status == FT_OK)
        status = train_find_models(&values->words, arena, error);
    if (status == FT_OK)
        status = train_find_models(&values->lm_forward, arena, error);
    if (status == FT_OK)
        status = train_find_models(&values->lm_backward, arena, error);
    train_settle(values);
    return status;
}

/* The text of run.json, the caller's. */
static ft_status describe(const struct train_values *values, const struct command *self, char **text,
                          struct ft_error *error)
{
    cJSON *options = options_to_json(self, values), *inputs = cJSON_CreateObject();
    const char *const models[] = {values->words, values->lm_forward, values->lm_backward};
    ft_status status = FT_OK;
    for (size_t i = 0; options && i < sizeof not_of_the_run / sizeof *not_of_the_run; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(options, not_of_the_run[i]);
    for (size_t s = 0; status == FT_OK && inputs && s < SPLITS; s++)
        if (values->files[s])
            status = inputs_add(inputs, values->files[s], error);
    if (status == FT_OK && inputs && values->extra)
        status = inputs_add_list(inputs, values->extra, ',', error);
    for (size_t i = 0; status == FT_OK && inputs && i < sizeof models / sizeof *models; i++)
        status = inputs_add_list(inputs, models[i], ',', error);
    if (status == FT_OK)
        return run_description(NULL, options, inputs, text, error);
    cJSON_Delete(options);
    cJSON_Delete(inputs);
    return status;
}

/* The values of a run that was begun before; strings are lent by *description, the caller's. */
static ft_status recall(const struct run_folder *folder, const struct command *self, struct train_values *values,
                        cJSON **description, struct ft_error *error)
{
    const char *wrong = "format";
    *description = cJSON_Parse(folder->text);
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(*description, "format");
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(*description, "options");
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(*description, "inputs");
    if (!cJSON_IsNumber(format) || format->valuedouble != RUN_FORMAT || !cJSON_IsObject(options) ||
        !cJSON_IsObject(inputs) || !options_from_json(self, options, values, &wrong) || !train_check(values) ||
        !values->words || !values->lm_forward || !values->lm_backward)
        return ft_fail(error, FT_INPUT, "%s/run.json: damaged, or of another version of flairtag (%s)", folder->path,
                       wrong);
    return inputs_check(inputs, error);
}

/* A folder for a new run, which is not described in it yet, or one of a run to go on with. */
static ft_status open_folder(struct run_folder *folder, const struct command *self, struct train_values *values,
                             cJSON **description, struct arena *arena, struct ft_error *error)
{
    if (values->resume) {
        ft_status status = run_folder_open(folder, values->resume, error);
        return status == FT_OK ? recall(folder, self, values, description, error) : status;
    }
    ft_status status = run_folder_create(folder, values->output, error);
    if (status == FT_OK)
        status = settle(values, arena, error);
    return status == FT_OK ? describe(values, self, &folder->text, error) : status;
}

static int run_train(int argc, char **argv, const struct command *self)
{
    struct train_values values = train_defaults;
    bool said[MOST_OPTIONS] = {false};
    int operands = options_parse_noting(self, argc, argv, &values, said);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (operands > 1) {
        report_error("train takes one folder, not '%s' too", argv[2]);
        return FT_USAGE;
    }
    if (values.resume && operands) {
        report_error("--resume knows the run's corpus: '%s' cannot be given", argv[1]);
        return FT_USAGE;
    }
    if (values.resume ? !resume_stands_alone(self, said) : !train_check(&values) || !train_check_said(&values, said))
        return FT_USAGE;
    values.folder = operands ? argv[1] : values.files[SPLIT_TRAIN] ? NULL : ".";
    struct ft_error error = {""};
    struct run_folder folder = {.lock = -1};
    struct arena arena;
    cJSON *description = NULL;
    char *report = NULL;
    arena_init(&arena);
    ft_status status = open_folder(&folder, self, &values, &description, &arena, &error);
    if (status == FT_OK && train_is_finished(&folder))
        report_error("%s: the run has come to its end; there is nothing left to do", folder.path);
    else if (status == FT_OK)
        status = train_run(&values, &folder, &report, &error);
    if (report)
        fputs(report, stdout);
    if (report && fflush(stdout) && status == FT_OK)
        status = ft_fail(&error, FT_FAILED, "cannot write to standard output");
    if (status != FT_OK)
        report_error("%s", error.text);
    free(report);
    cJSON_Delete(description);
    run_folder_close(&folder);
    arena_release(&arena);
    return (int)status;
}

const struct command command_train = {
    .name = "train",
    .operands = "[DIR]",
    .summary = "train a tagger on frozen embeddings",
    .description =
        "Trains a BiLSTM-CRF on word vectors and character language models, as Flair's ModelTrainer does: token vectors are "
        "computed once and stored, sentences come in batches in a new order each epoch, dev decides when the learning rate "
        "falls and which model is the best. The corpus has columns, the token in the first and its tag in the last; DIR "
        "(default: the current folder) is searched for it where its files are not named.\n\n"
        "The run's folder receives best-model.safetensors and final-model.safetensors, which every other command opens, "
        "training.log, loss.tsv and loss.svg (loss, F1 and learning rate by epoch), weights.txt, dev.tsv and test.tsv "
        "(token, gold tag, predicted tag). The scores of the best model on test are printed at the end.\n\n"
        "--extra learns from other corpora, too, whose types may be coarser than the model's or none of its own: "
        "--extra-labels says what each can be, and the model learns that one of these is right. A token's tag is then a "
        "choice; the loss is that of all tag sequences together that the choices allow.\n\n"
        "Ctrl-C saves and leaves; --resume goes on from there, and from the last checkpoint of a run that was killed or lost "
        "its machine, to the very same model. The same corpus, options and seed give the same model, byte for byte, on one "
        "machine, whatever the number of threads.",
    .examples = "flairtag train corpus/ -o run\n"
                "flairtag train --train train.conll --dev dev.conll --test test.conll --storage gpu\n"
                "flairtag train corpus/ --words glove.safetensors --lm-forward fw.pt --lm-backward bw.pt -o news\n"
                "flairtag train tweets/ --extra news.conll --extra-labels 'PER=person,ORG=firm|club,MISC=*'\n"
                "flairtag train --resume news",
    .options = train_option_table,
    .run = run_train,
};
