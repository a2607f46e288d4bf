/* final_test.c - see final_test.h. */
#include "run/final_test.h"
#include "import/model_open.h"
#include "run/predictor.h"
#include "run/tagged_table.h"

/* Sentences from `first` on, whose token vectors stay within what a window's may take; at least one. A view: nothing to
 * release. */
static struct window window_of(const struct split *split, size_t first, size_t max_tokens)
{
    struct window window = {.sentences = split->window.sentences + first};
    for (; first + window.count < split->window.count; window.count++) {
        size_t tokens = window.tokens + window.sentences[window.count].count;
        if (window.count && tokens > max_tokens)
            break;
        window.tokens = tokens;
    }
    return window;
}

/* taggings: of the window that begins with sentence `first`. */
static ft_status add_sentences(const struct split *split, size_t first, size_t count, const struct tagging *taggings,
                               enum flair_era era, struct output *output, struct evaluation *evaluation,
                               struct ft_error *error)
{
    struct arena arena;
    ft_status status = FT_OK;
    arena_init(&arena);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        const struct sentence *sentence = &split->window.sentences[first + i];
        const char *const *gold = split->gold[first + i];
        arena_clear(&arena);
        status = evaluation_add(evaluation, sentence, gold, taggings[i].tags, error);
        if (status == FT_OK && output)
            status =
                tagged_table_sentence(output, era, sentence, gold, taggings[i].tags, taggings[i].scores, &arena, error);
    }
    arena_release(&arena);
    return status;
}

ft_status final_test(const char *path, const struct split *split, enum flair_era era, struct backend *host,
                     struct backend *backend, const char *table, struct evaluation *evaluation, struct ft_error *error)
{
    struct predictor_options options = {.storage = STORAGE_NONE, .scores = SCORES_FLAIR};
    struct model model = {0};
    struct predictor *predictor = NULL;
    struct output *output = NULL;
    size_t max_chars, max_tokens;
    bool kept_less = false;
    ft_status status = model_open(path, host, &model, error);
    if (status == FT_OK)
        status = predictor_new(&predictor, model.tagger, backend, &options, error);
    if (status == FT_OK && table)
        status = output_open(&output, table, error);
    if (status == FT_OK)
        predictor_window_size(model.tagger, &max_chars, &max_tokens);
    for (size_t first = 0, count; status == FT_OK && first < split->window.count; first += count) {
        const struct tagging *taggings;
        struct window window = window_of(split, first, max_tokens);
        count = window.count;
        status = predictor_run(predictor, &window, &taggings, &kept_less, error);
        if (status == FT_OK)
            status = add_sentences(split, first, count, taggings, era, output, evaluation, error);
    }
    if (status == FT_OK && output)
        status = output_close(output, error);
    else
        output_discard(output);
    predictor_free(predictor);
    model_close(&model);
    return status;
}
