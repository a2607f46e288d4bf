/* eval_model.c - see eval_model.h. */
#include "cmd/eval_model.h"
#include "cmd/interrupt.h"
#include "cmd/memory_options.h"
#include "cmd/progress.h"
#include "text/pairs.h"
#include "text/scheme.h"

/* The tags that are counted: Flair's rules read the model's own; that of conlleval, which knows no S- and no E-, its
 * spans as BIO. */
static const char *const *counted_tags(enum span_rule rule, const struct sentence *sentence,
                                       const struct tagging *tagging, struct arena *arena)
{
    if (rule != SPANS_CONLLEVAL || tagging->token_labels)
        return tagging->tags;
    return (const char *const *)scheme_tags(SCHEME_BIO, tagging->spans, tagging->span_count, sentence->count, arena);
}

static ft_status count_window(const struct window *window, const struct tagging *taggings, int tag_column,
                              int token_column, struct arena *arena, struct evaluation *evaluation,
                              struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < window->count; i++) {
        const struct sentence *sentence = &window->sentences[i];
        const char **gold;
        for (size_t l = 0; l < sentence->line_count; l++)
            if (sentence->lines[l].kind == LINE_DOCSTART)
                evaluation_add_outside(evaluation, 1);
        if (!sentence->count)
            continue;
        status = sentence_column(sentence, tag_column ? tag_column : -1, token_column, arena, &gold, error);
        const char *const *predicted =
            status == FT_OK ? counted_tags(evaluation->rule, sentence, &taggings[i], arena) : NULL;
        if (status == FT_OK)
            status = predicted ? evaluation_add(evaluation, sentence, gold, predicted, error)
                               : ft_nomem(error, "the model's tags");
    }
    return status;
}

ft_status eval_model(const struct model_values *values, size_t max_memory, const char *gold, int tag_column,
                     int token_column, struct evaluation *evaluation, struct ft_error *error)
{
    struct reader_options reading = {
        .files = &gold, .file_count = 1, .format = INPUT_CONLL, .token_column = token_column};
    struct predictor_options how = {0};
    struct memory_plan plan;
    struct machine machine = {0};
    struct model model = {0};
    struct reader *reader = NULL;
    struct predictor *predictor = NULL;
    struct progress *progress = NULL;
    struct window window;
    struct arena arena;
    size_t sentences = 0, tokens = 0;
    window_init(&window);
    arena_init(&arena);
    ft_status status = machine_open(&machine, values, MACHINE_ONE_GPU, error);
    if (status == FT_OK)
        status = reader_open(&reader, &reading, error);
    if (status == FT_OK)
        status = memory_open_tagger(max_memory, &machine, &model, error);
    if (status == FT_OK)
        status = memory_settle(max_memory, &model, &machine, reader, &how, &plan, error);
    if (status == FT_OK)
        status = predictor_new(&predictor, model.tagger, machine.devices[0], &how, error);
    if (status == FT_OK)
        progress = progress_new();
    while (status == FT_OK && !interrupted) {
        const struct tagging *taggings;
        bool kept_less;
        size_t done, total;
        status = reader_next(reader, plan.max_chars, plan.max_tokens, &window, error);
        if (status != FT_OK)
            break;
        status = predictor_run(predictor, &window, &taggings, &kept_less, error);
        arena_clear(&arena);
        if (status == FT_OK)
            status = count_window(&window, taggings, tag_column, token_column, &arena, evaluation, error);
        reader_progress(reader, &done, &total);
        progress_update(progress, sentences += window.count, tokens += window.tokens, done, total);
    }
    progress_free(progress);
    predictor_free(predictor);
    model_close(&model);
    reader_close(reader);
    machine_close(&machine);
    window_release(&window);
    arena_release(&arena);
    if (status == FT_OK)
        return ft_fail(error, FT_INTERRUPTED, "interrupted");
    return status == FT_END ? FT_OK : status;
}
