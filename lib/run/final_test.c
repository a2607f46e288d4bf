/* final_test.c - see final_test.h. */
#include "run/final_test.h"
#include "import/model_open.h"
#include "run/predictor.h"
#include "run/tagged_table.h"

static ft_status add_sentences(const struct split *split, const struct tagging *taggings, enum flair_era era,
                               struct output *output, struct evaluation *evaluation, struct ft_error *error)
{
    struct arena arena;
    ft_status status = FT_OK;
    arena_init(&arena);
    for (size_t i = 0; status == FT_OK && i < split->window.count; i++) {
        const struct sentence *sentence = &split->window.sentences[i];
        arena_clear(&arena);
        status = evaluation_add(evaluation, sentence, split->gold[i], taggings[i].tags, error);
        if (status == FT_OK && output)
            status = tagged_table_sentence(output, era, sentence, split->gold[i], taggings[i].tags, taggings[i].scores,
                                           &arena, error);
    }
    arena_release(&arena);
    return status;
}

ft_status final_test(const char *path, const struct split *split, enum flair_era era, struct backend *backend,
                     const char *table, struct evaluation *evaluation, struct ft_error *error)
{
    struct predictor_options options = {.storage = STORAGE_NONE, .scores = SCORES_FLAIR};
    struct model model = {0};
    struct predictor *predictor = NULL;
    struct output *output = NULL;
    const struct tagging *taggings;
    bool kept_less = false;
    ft_status status = model_open(path, backend, &model, error);
    if (status == FT_OK)
        status = predictor_new(&predictor, model.tagger, backend, &options, error);
    if (status == FT_OK)
        status = predictor_run(predictor, &split->window, &taggings, &kept_less, error);
    if (status == FT_OK && table)
        status = output_open(&output, table, error);
    if (status == FT_OK)
        status = add_sentences(split, taggings, era, output, evaluation, error);
    if (status == FT_OK && output)
        status = output_close(output, error);
    else
        output_discard(output);
    predictor_free(predictor);
    model_close(&model);
    return status;
}
