/* predictor.c - see predictor.h. The steps of a window in order: embed, keep or drop, head, decode, spans. */
#include "run/predictor.h"
#include "base/parallel.h"
#include "run/alternatives.h"
#include "run/head.h"
#include <stdlib.h>
#include <string.h>

enum { MINI_BATCH = 32 };

struct predictor {
    const struct tagger *tagger;
    struct backend *backend;
    struct predictor_options options;
    struct memory_plan plan;
    struct storage_account account; /* of the back end's memory */
    struct storage_account host;    /* of rows moved from there; not used where that is the host's */
    struct store store;
    struct head head;
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
    bool on_host = backend->ops->on_host;
    struct storage_account *kept = on_host ? &predictor->account : &predictor->host;
    predictor->account.backend = backend;
    kept->budget = options->storage == STORAGE_NONE ? 0 : options->max_memory;
    store_init(&predictor->store, options->storage, &predictor->account, kept);
    head_init(&predictor->head, tagger, backend);
    arena_init(&predictor->results);
    arena_init(&predictor->batch);
    *out = predictor;
    return FT_OK;
}

void predictor_free(struct predictor *predictor)
{
    if (!predictor)
        return;
    const struct backend_ops *ops = predictor->backend->ops;
    store_release(&predictor->store);
    head_release(&predictor->head);
    if (ops->forget) /* the tagger may go now */
        ops->forget(predictor->backend);
    arena_release(&predictor->results);
    arena_release(&predictor->batch);
    free(predictor);
}

const struct storage_account *predictor_account(const struct predictor *predictor)
{
    return &predictor->account;
}

enum storage_mode predictor_storage(const struct predictor *predictor)
{
    return predictor->store.mode;
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
    struct head head;
    const float *computed;
    head_init(&head, tagger, backend);
    ft_status status = head_run(&head, embedded, &computed, error);
    if (status == FT_OK)
        status = backend->ops->download(backend, emissions, computed, embedded->tokens * tagger->crf.tags, error);
    head_release(&head);
    return status;
}

static size_t host_threads(const struct predictor *predictor)
{
    if (predictor->backend->ops->on_host)
        return backend_cpu_threads(predictor->backend);
    return predictor->plan.request.threads ? predictor->plan.request.threads : parallel_cores();
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
    struct alternatives alternatives = {tagger, host_threads(predictor), embedded, emissions, tags};
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
    predictor->account.budget = predictor->host.budget = predictor->plan.kept = 0;
}

/* From here on nothing is kept, and nothing is bounded but by the plan. */
static void give_up_storing(struct predictor *predictor, bool *kept_less)
{
    predictor_keep_nothing(predictor);
    *kept_less = true;
}

/* Where they are on the host, for what reads more of them than the best tags: NULL when out of memory. */
static float *download_emissions(const struct predictor *predictor, const float *emissions, size_t count,
                                 struct ft_error *error)
{
    struct backend *backend = predictor->backend;
    float *host = malloc((count + 1) * sizeof *host);
    ft_status status =
        host ? backend->ops->download(backend, host, emissions, count, error) : ft_nomem(error, "emissions");
    if (status == FT_OK)
        return host;
    free(host);
    return NULL;
}

static ft_status tag_batch(struct predictor *predictor, const struct embedded *embedded,
                           const struct sentence *const *sentences, size_t count, struct tagging *taggings,
                           struct ft_error *error)
{
    const struct tagger *tagger = predictor->tagger;
    const struct predictor_options *options = &predictor->options;
    struct backend *backend = predictor->backend;
    size_t tokens = embedded->tokens;
    bool want_scores = options->scores != SCORES_NONE || options->span_scores;
    bool read_here = !backend->ops->on_host && (options->scores == SCORES_MARGINAL || options->nbest);
    const float *emissions;
    float *downloaded = NULL;
    uint32_t *tags = malloc(tokens * sizeof *tags);
    float *confidence = want_scores ? malloc(tokens * sizeof *confidence) : NULL;
    ft_status status = tags && (confidence || !want_scores) ? FT_OK : ft_nomem(error, "tags");
    if (status == FT_OK)
        status = head_run(&predictor->head, embedded, &emissions, error);
    if (status == FT_OK)
        status = backend->ops->decode(backend, &tagger->crf, embedded->sentences, embedded->count, emissions, tags,
                                      confidence, error);
    if (status == FT_OK && read_here) {
        downloaded = download_emissions(predictor, emissions, tokens * tagger->crf.tags, error);
        status = downloaded ? FT_OK : FT_NOMEM;
    }
    if (status == FT_OK)
        status = describe_batch(predictor, embedded, sentences, count, downloaded ? downloaded : emissions, tags,
                                confidence, taggings, error);
    free(downloaded);
    free(tags);
    free(confidence);
    return status;
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
    status = tag_batch(predictor, &embedded, sentences, count, taggings, error);
    if (predictor->backend->ops->on_host)
        head_release(&predictor->head);
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

/* The device's memory ended: what is kept there moves to the host's, then batches become smaller. The steps are tried
 * until one suffices; *count: of the sentences that were tagged. */
static ft_status run_with_less(struct predictor *predictor, const struct sentence *const *sentences, size_t *count,
                               struct tagging *taggings, bool *kept_less, struct ft_error *error)
{
    ft_status status = FT_NOMEM;
    struct ft_error unsaid;
    head_release(&predictor->head);
    if (predictor->store.mode == STORAGE_GPU && predictor->store.count) {
        if (store_leave_device(&predictor->store, &unsaid) != FT_OK)
            predictor_keep_nothing(predictor);
        *kept_less = true;
        status = run_batch(predictor, sentences, *count, taggings, kept_less, error);
    }
    while (status == FT_NOMEM && *count > 1) {
        *count = (*count + 1) / 2;
        head_release(&predictor->head);
        status = run_batch(predictor, sentences, *count, taggings, kept_less, error);
    }
    return status;
}

ft_status predictor_run(struct predictor *predictor, const struct window *window, const struct tagging **out,
                        bool *kept_less, struct ft_error *error)
{
    bool on_host = predictor->backend->ops->on_host;
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
        if (status == FT_NOMEM && step && !on_host)
            status = run_with_less(predictor, sentences + i, &step, taggings + i, kept_less, error);
    }
    *out = taggings;
    return status;
}
