/* predictor.c - see predictor.h. The steps of a window in order: embed, keep or drop, head, decode, spans. */
#include "run/predictor.h"
#include "run/alternatives.h"
#include <stdlib.h>
#include <string.h>

enum { MINI_BATCH = 32 };

struct predictor {
    const struct tagger *tagger;
    struct backend *backend;
    struct predictor_options options;
    struct memory_plan plan;
    struct storage_account account;
    struct store store;
    struct arena results; /* what the last call lent */
    struct arena batch;   /* of one batch */
};

ft_status predictor_new(struct predictor **out, const struct tagger *tagger, struct backend *backend,
                        const struct predictor_options *options, struct ft_error *error)
{
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (!predictor)
        return ft_nomem(error, "the predictor");
    predictor->tagger = tagger;
    predictor->backend = backend;
    predictor->options = *options;
    ft_status status = FT_OK;
    if (options->plan)
        predictor->plan = *options->plan;
    else
        status = memory_plan_init(&predictor->plan, &(struct memory_request){.tagger = tagger}, error);
    if (status != FT_OK) {
        free(predictor);
        return status;
    }
    predictor->account.budget = options->storage == STORAGE_NONE ? 0 : options->max_memory;
    store_init(&predictor->store, options->storage, &predictor->account);
    arena_init(&predictor->results);
    arena_init(&predictor->batch);
    *out = predictor;
    return FT_OK;
}

void predictor_free(struct predictor *predictor)
{
    if (!predictor)
        return;
    store_release(&predictor->store);
    arena_release(&predictor->results);
    arena_release(&predictor->batch);
    free(predictor);
}

const struct storage_account *predictor_account(const struct predictor *predictor)
{
    return &predictor->account;
}

void predictor_window_size(const struct tagger *tagger, size_t *max_chars, size_t *max_tokens)
{
    struct memory_plan plan;
    memory_plan_init(&plan, &(struct memory_request){.tagger = tagger}, NULL);
    *max_tokens = plan.max_tokens;
    *max_chars = plan.max_chars;
}

ft_status predictor_emissions(const struct tagger *tagger, struct backend *backend, const struct embedded *embedded,
                              float *emissions, struct ft_error *error)
{
    const struct input_piece *pieces = embedded->pieces;
    size_t piece_count = embedded->piece_count, tokens = embedded->tokens;
    struct input_piece joined;
    float *reprojected = NULL, *states = NULL;
    const float **rows = malloc((tokens + 1) * sizeof *rows);
    ft_status status = rows ? FT_OK : ft_nomem(error, "emissions");
    if (status == FT_OK && tagger->has_reprojection) {
        size_t width = tagger->reprojection.out;
        reprojected = malloc((tokens * width + 1) * sizeof *reprojected);
        status = reprojected ? backend->ops->linear(backend, &tagger->reprojection, pieces, piece_count, tokens,
                                                    reprojected, error)
                             : ft_nomem(error, "reprojected token vectors");
        for (size_t t = 0; t < tokens && status == FT_OK; t++)
            rows[t] = reprojected + t * width;
        joined = (struct input_piece){rows, width};
        pieces = &joined;
        piece_count = 1;
    }
    if (status == FT_OK && tagger->has_rnn) {
        size_t width = 2 * tagger->rnn.layer[0][0].hidden;
        states = malloc((tokens * width + 1) * sizeof *states);
        status = states ? backend->ops->birnn(backend, &tagger->rnn, embedded->sentences, embedded->count, pieces,
                                              piece_count, tokens, states, error)
                        : ft_nomem(error, "hidden states");
        for (size_t t = 0; t < tokens && status == FT_OK; t++)
            rows[t] = states + t * width;
        joined = (struct input_piece){rows, width};
        pieces = &joined;
        piece_count = 1;
    }
    if (status == FT_OK)
        status = backend->ops->linear(backend, &tagger->linear, pieces, piece_count, tokens, emissions, error);
    free(reprojected);
    free(states);
    free(rows);
    return status;
}

/* Tags, scores and spans of the sentences of a batch; taggings: those of the batch's sentences, empty ones included. */
static ft_status describe_batch(struct predictor *predictor, const struct embedded *embedded,
                                const struct sentence *const *sentences, size_t count, const float *emissions,
                                const uint32_t *tags, const float *confidence, struct tagging *taggings,
                                struct ft_error *error)
{
    const struct tagger *tagger = predictor->tagger;
    struct arena *arena = &predictor->results;
    const char **names = arena_array(arena, embedded->tokens, sizeof *names);
    double *scores = confidence ? arena_array(arena, embedded->tokens, sizeof *scores) : NULL;
    if (!names || (confidence && !scores))
        return ft_nomem(error, "tags");
    for (size_t t = 0; t < embedded->tokens; t++)
        names[t] = tagger->tags[tags[t]];
    for (size_t t = 0; scores && t < embedded->tokens; t++)
        scores[t] = confidence[t];
    struct alternatives alternatives = {tagger, predictor->backend, embedded, emissions, tags};
    if (predictor->options.scores == SCORES_MARGINAL && alternatives_marginals(&alternatives, scores) != FT_OK)
        return ft_nomem(error, "marginals");
    struct tag_sequence **best = NULL;
    size_t *best_count = NULL;
    if (predictor->options.nbest &&
        alternatives_nbest(&alternatives, predictor->options.nbest, arena, &best, &best_count) != FT_OK)
        return ft_nomem(error, "the best sequences");
    for (size_t i = 0, s = 0; i < count; i++) {
        struct tagging *tagging = &taggings[i];
        tagging->token_labels = tagger->token_labels;
        if (!sentences[i]->count)
            continue;
        size_t first = embedded->sentences[s].first;
        tagging->tags = names + first;
        tagging->scores = predictor->options.scores == SCORES_NONE ? NULL : scores + first;
        if (!tagger->token_labels) {
            struct span *spans = spans_from_tags(tagger->span_rule, tagging->tags, scores ? scores + first : NULL,
                                                 sentences[i]->count, arena, &tagging->span_count);
            if (!spans)
                return ft_nomem(error, "spans");
            tagging->spans = spans;
        }
        if (best) {
            tagging->best = best[s];
            tagging->best_count = best_count[s];
        }
        s++;
    }
    return FT_OK;
}

void predictor_keep_nothing(struct predictor *predictor)
{
    store_release(&predictor->store);
    predictor->store.mode = predictor->plan.request.storage = STORAGE_NONE;
    predictor->account.budget = predictor->plan.kept = 0;
}

/* From here on nothing is kept, and nothing is bounded but by the plan. */
static void give_up_storing(struct predictor *predictor, bool *kept_less)
{
    predictor_keep_nothing(predictor);
    *kept_less = true;
}

static ft_status run_batch(struct predictor *predictor, const struct sentence *const *sentences, size_t count,
                           struct tagging *taggings, bool *kept_less, struct ft_error *error)
{
    const struct tagger *tagger = predictor->tagger;
    struct embedder_options how = {predictor->options.gather, predictor->options.lm_output};
    struct embedded embedded;
    arena_clear(&predictor->batch);
    ft_status status = embedder_run(tagger, predictor->backend, &how, sentences, count, &predictor->account,
                                    &predictor->batch, &embedded, error);
    if (status == FT_FULL) { /* what is kept leaves no room to work: let it go */
        give_up_storing(predictor, kept_less);
        arena_clear(&predictor->batch);
        status = embedder_run(tagger, predictor->backend, &how, sentences, count, &predictor->account,
                              &predictor->batch, &embedded, error);
    }
    if (status != FT_OK)
        return status;
    if (!embedded.tokens) {
        embedded_release(&embedded);
        return FT_OK;
    }
    size_t tokens = embedded.tokens;
    bool want_scores = predictor->options.scores != SCORES_NONE || predictor->options.span_scores;
    float *emissions = malloc(tokens * tagger->crf.tags * sizeof *emissions);
    uint32_t *tags = malloc(tokens * sizeof *tags);
    float *confidence = want_scores ? malloc(tokens * sizeof *confidence) : NULL;
    if (!emissions || !tags || (want_scores && !confidence))
        status = ft_nomem(error, "emissions");
    if (status == FT_OK)
        status = predictor_emissions(tagger, predictor->backend, &embedded, emissions, error);
    if (status == FT_OK)
        status = predictor->backend->ops->decode(predictor->backend, &tagger->crf, embedded.sentences, embedded.count,
                                                 emissions, tags, confidence, error);
    if (status == FT_OK)
        status = describe_batch(predictor, &embedded, sentences, count, emissions, tags, confidence, taggings, error);
    free(emissions);
    free(tags);
    free(confidence);
    if (status != FT_OK) {
        embedded_release(&embedded);
        return status;
    }
    status = store_put(&predictor->store, tagger, &embedded, error);
    if (status == FT_FULL) {
        give_up_storing(predictor, kept_less);
        status = FT_OK;
    }
    return status;
}

/* How many of the sentences make the next batch; 0: the first does not fit in memory. */
static size_t next_batch(struct predictor *predictor, const struct sentence *const *sentences, size_t count,
                         size_t held, bool *kept_less)
{
    /* whole hidden-state tensors are padded: mini-batches keep them at Flair's size */
    size_t most = predictor->options.lm_output == LM_ALL ? MINI_BATCH : count;
    size_t taken = memory_plan_take(&predictor->plan, sentences, count, most, held);
    if (!taken && predictor->store.mode != STORAGE_NONE) { /* what is kept leaves no room to work: let it go */
        give_up_storing(predictor, kept_less);
        taken = memory_plan_take(&predictor->plan, sentences, count, most, held);
    }
    return taken;
}

ft_status predictor_run(struct predictor *predictor, const struct window *window, const struct tagging **out,
                        bool *kept_less, struct ft_error *error)
{
    arena_clear(&predictor->results);
    struct tagging *taggings = arena_array(&predictor->results, window->count, sizeof *taggings);
    const struct sentence **sentences = arena_array(&predictor->results, window->count, sizeof *sentences);
    if (!taggings || !sentences)
        return ft_nomem(error, "tags");
    for (size_t i = 0; i < window->count; i++)
        sentences[i] = &window->sentences[i];
    ft_status status = FT_OK;
    for (size_t i = 0, step; status == FT_OK && i < window->count; i += step) {
        size_t held = window_held(window) + predictor->results.held;
        step = next_batch(predictor, sentences + i, window->count - i, held, kept_less);
        status = step ? run_batch(predictor, sentences + i, step, taggings + i, kept_less, error)
                      : memory_plan_refuse(&predictor->plan, sentences[i], held, error);
    }
    *out = taggings;
    return status;
}
