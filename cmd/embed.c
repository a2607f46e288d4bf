/* embed.c - token vectors as a .npy matrix. */
#include "base/npy.h"
#include "cmd/commands.h"
#include "cmd/input_options.h"
#include "cmd/interrupt.h"
#include "cmd/memory_options.h"
#include "cmd/model_options.h"
#include "cmd/progress.h"
#include "flairtag.h"
#include <stdlib.h>
#include <string.h>

enum layer { LAYER_ALL, LAYER_WORD, LAYER_LM };

struct embed_values {
    struct input_values input;
    struct model_values model;
    const char *output;
    int layer;
    size_t max_memory;
};

static const struct option embed_options[] = {
    {'o', "output", OPTION_STRING, offsetof(struct embed_values, output), "FILE", NULL,
     "the .npy file to write (must be given)", 0, 0},
    {0, "layer", OPTION_CHOICE, offsetof(struct embed_values, layer), NULL, "all|word|lm",
     "which embeddings: the whole stack, word vectors, or the language models' (default all)", 0, 0},
    OPTION_GROUP("Input"),
    INPUT_OPTIONS(struct embed_values, input),
    OPTION_GROUP("Model and machine"),
    MODEL_OPTIONS(struct embed_values, model),
    MEMORY_OPTIONS(struct embed_values, max_memory),
    OPTION_END,
};

static bool is_chosen(enum layer layer, enum member_kind kind)
{
    return layer == LAYER_ALL || (layer == LAYER_LM) == (kind == MEMBER_LM);
}

struct embedding_run {
    const struct tagger *tagger;
    struct machine machine;
    struct reader *reader;
    struct output *output;
    enum layer layer;
    struct memory_plan plan;
    size_t rows, width;
};

static ft_status embed_batch(struct embedding_run *run, const struct sentence *const *sentences, size_t count,
                             struct storage_account *account, struct arena *arena, struct ft_error *error)
{
    static const struct embedder_options options = {GATHER_SLICE, LM_BOUNDARY};
    struct embedded embedded;
    ft_status status =
        embedder_run(run->tagger, account->backend, &options, sentences, count, account, arena, &embedded, error);
    if (status != FT_OK)
        return status;
    struct storage_account host = {0};
    struct store store;
    store_init(&store, STORAGE_NONE, account, &host);
    if (!storage_on_host(account))
        status = store_to_host(&store, run->tagger, &embedded, error);
    for (size_t t = 0; status == FT_OK && t < embedded.tokens; t++)
        for (size_t p = 0; status == FT_OK && p < embedded.piece_count; p++)
            if (is_chosen(run->layer, run->tagger->members[embedded.piece_member[p]].kind))
                status = output_write(run->output, embedded.pieces[p].rows[t], embedded.pieces[p].width * sizeof(float),
                                      error);
    run->rows += status == FT_OK ? embedded.tokens : 0;
    embedded_release(&embedded);
    return status;
}

static ft_status embed_window(struct embedding_run *run, const struct window *window, struct storage_account *account,
                              struct arena *arena, struct ft_error *error)
{
    const struct sentence **sentences = malloc((window->count + 1) * sizeof *sentences);
    size_t held = window_held(window) + window->count * sizeof *sentences;
    ft_status status = sentences ? FT_OK : ft_nomem(error, "token vectors");
    for (size_t i = 0; status == FT_OK && i < window->count; i++)
        sentences[i] = &window->sentences[i];
    for (size_t i = 0, step; status == FT_OK && i < window->count; i += step) {
        step = memory_plan_take(&run->plan, sentences + i, window->count - i, SIZE_MAX, held);
        arena_clear(arena);
        status = step ? embed_batch(run, sentences + i, step, account, arena, error)
                      : memory_plan_refuse(&run->plan, sentences[i], held, error);
        while (status == FT_NOMEM && step > 1 && run->machine.has_gpu) { /* nothing of them was written */
            step = (step + 1) / 2;
            arena_clear(arena);
            status = embed_batch(run, sentences + i, step, account, arena, error);
        }
    }
    free(sentences);
    return status;
}

static ft_status embed_all(struct embedding_run *run, struct ft_error *error)
{
    char header[NPY_HEADER_BYTES];
    struct window window;
    struct arena arena;
    struct storage_account account = {.backend = run->machine.devices[0]};
    size_t sentences = 0;
    for (size_t i = 0; i < run->tagger->member_count; i++)
        run->width += is_chosen(run->layer, run->tagger->members[i].kind) ? run->tagger->members[i].width : 0;
    if (!run->width)
        return ft_fail(error, FT_USAGE, "the model has no embeddings of that --layer");
    window_init(&window);
    arena_init(&arena);
    npy_header(0, run->width, header);
    ft_status status = output_patch(run->output, 0, header, 0, error); /* the header comes last: can it? */
    if (status == FT_OK)
        status = output_write(run->output, header, sizeof header, error);
    struct progress *progress = progress_new();
    while (status == FT_OK && !interrupted) {
        status = reader_next(run->reader, run->plan.max_chars, run->plan.max_tokens, &window, error);
        if (status != FT_OK)
            break;
        status = embed_window(run, &window, &account, &arena, error);
        size_t done, total;
        reader_progress(run->reader, &done, &total);
        progress_update(progress, sentences += window.count, run->rows, done, total);
    }
    progress_free(progress);
    window_release(&window);
    arena_release(&arena);
    if (status == FT_OK || status == FT_INTERRUPTED)
        return ft_fail(error, FT_INTERRUPTED, "interrupted; nothing was written");
    if (status != FT_END)
        return status;
    npy_header(run->rows, run->width, header);
    return output_patch(run->output, 0, header, sizeof header, error);
}

static int run_embed(int argc, char **argv, const struct command *self)
{
    struct embed_values values = {.input = INPUT_DEFAULTS, .model = MODEL_DEFAULTS};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (!values.output) {
        report_error("embed writes a .npy file: name it with -o FILE");
        return FT_USAGE;
    }
    struct ft_error error = {""};
    struct model model = {0};
    struct embedding_run run = {.layer = (enum layer)values.layer};
    struct reader_options reading = input_reader_options(&values.input, argv + 1, (size_t)operands);
    ft_status status = machine_open(&run.machine, &values.model, MACHINE_ONE_GPU, &error);
    if (status == FT_OK)
        status = reader_open(&run.reader, &reading, &error);
    if (status == FT_OK)
        status = memory_open_tagger(values.max_memory, &run.machine, &model, &error);
    if (status == FT_OK)
        status = memory_settle(values.max_memory, &model, &run.machine, run.reader, NULL, &run.plan, &error);
    run.tagger = model.tagger;
    if (status == FT_OK)
        status = output_open(&run.output, values.output, &error);
    if (status == FT_OK)
        status = embed_all(&run, &error);
    if (status == FT_OK)
        status = output_close(run.output, &error);
    else
        output_discard(run.output);
    if (run.reader)
        input_report_counts(run.reader);
    if (status != FT_OK)
        report_error("%s", error.text);
    model_close(&model);
    reader_close(run.reader);
    machine_close(&run.machine);
    return (int)status;
}

const struct command command_embed = {
    .name = "embed",
    .operands = "-o FILE.npy [FILE ...]",
    .summary = "write token vectors as a .npy matrix",
    .description =
        "One float32 row a token, in input order: the vectors of a tagger's embeddings, before any layer of the "
        "tagger itself, equal to what Flair's embed() puts on tokens.",
    .examples = "flairtag embed -m ner-english.pt --layer lm -o vectors.npy corpus.conll",
    .options = embed_options,
    .run = run_embed,
};
