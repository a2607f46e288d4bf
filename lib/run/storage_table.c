/* storage_table.c - see storage_table.h. */
#include "run/storage_table.h"
#include "base/clock.h"
#include <stdlib.h>

static const char *what_is_pinned(const struct storage_case *how)
{
    if (how->storage == STORAGE_NONE)
        return "nothing";
    if (how->storage == STORAGE_CPU)
        return "its batch's token rows in host memory";
    if (how->gather == GATHER_CLONE)
        return "its sentence's token rows";
    return how->lm_output == LM_ALL ? "its batch's whole hidden-state tensors" : "its batch's token rows";
}

/* The account of one batch, as embedder_run and store_put would write it. */
static void plan_batch(const struct tagger *tagger, const struct storage_case *how,
                       const struct sentence *const *sentences, size_t count, struct storage_account *account)
{
    size_t tokens = 0;
    for (size_t s = 0; s < count; s++)
        tokens += sentences[s]->count;
    size_t rows = tokens * embedder_written_width(tagger) * sizeof(float),
           output = embedder_output_bytes(tagger, how->lm_output, sentences, count);
    size_t most = account->live_bytes + output, kept = 0;
    if (how->gather == GATHER_CLONE) {
        account->copied_bytes += rows;
        most += rows;
    }
    if (how->storage == STORAGE_CPU) { /* beside the clones, or beside the output that was sliced */
        size_t moving = account->live_bytes + (how->gather == GATHER_CLONE ? rows : output) + rows;
        account->copied_bytes += rows;
        most = moving > most ? moving : most;
        kept = rows;
    } else if (how->storage == STORAGE_GPU) {
        kept = how->gather == GATHER_CLONE ? rows : output;
    }
    if (most > account->peak_bytes)
        account->peak_bytes = most;
    account->live_bytes += kept;
}

static ft_status run_batch(const struct tagger *tagger, struct backend *backend, const struct storage_case *how,
                           const struct sentence *const *sentences, size_t count, struct store *store,
                           struct arena *arena, size_t *steps, struct ft_error *error)
{
    struct embedder_options options = {how->gather, how->lm_output};
    struct embedded embedded;
    arena_clear(arena);
    ft_status status =
        embedder_run(tagger, backend, &options, sentences, count, store->account, arena, &embedded, error);
    *steps += embedded.steps;
    return status == FT_OK ? store_put(store, tagger, &embedded, error) : status;
}

/* Until the device has done all that it was given, without which a clock would tell how long giving takes. one: a float
 * of the device. */
static ft_status wait_for_device(struct backend *backend, const float *one, struct ft_error *error)
{
    float host;
    return backend->ops->download(backend, &host, one, 1, error);
}

ft_status storage_table(const struct tagger *tagger, struct backend *backend, const struct storage_case *how,
                        const struct window *corpus, size_t mini_batch, struct storage_figures *figures,
                        struct ft_error *error)
{
    struct storage_account account = {.backend = backend}, host = {0};
    bool on_device = !storage_on_host(&account);
    size_t steps = 0;
    struct store store;
    struct arena arena;
    const struct sentence **batch = malloc(mini_batch * sizeof *batch);
    ft_status status = batch ? FT_OK : ft_nomem(error, "a mini-batch");
    float *one = on_device ? backend->ops->new_floats(backend, 1) : NULL;
    if (on_device && !one && status == FT_OK)
        status = ft_nomem(error, "a number on the device");
    double start = clock_seconds();
    *figures = (struct storage_figures){.row_bytes = embedder_written_width(tagger) * sizeof(float),
                                        .pins = what_is_pinned(how)};
    struct step_counts before = {0}, behind = {0};
    if (backend && !on_device)
        before = backend_cpu_steps(backend);
    store_init(&store, how->storage, &account, on_device ? &host : &account);
    arena_init(&arena);
    for (size_t at = 0; status == FT_OK && at < corpus->count;) {
        size_t count = 0;
        for (; at < corpus->count && count < mini_batch; at++)
            if (corpus->sentences[at].count) {
                figures->rows += corpus->sentences[at].count;
                batch[count++] = &corpus->sentences[at];
            }
        if (backend)
            status = run_batch(tagger, backend, how, batch, count, &store, &arena, &steps, error);
        else
            plan_batch(tagger, how, batch, count, &account);
    }
    if (one && status == FT_OK)
        status = wait_for_device(backend, one, error);
    if (on_device) /* all are counted as taken */
        behind = (struct step_counts){steps, steps, clock_seconds() - start};
    else if (backend)
        behind = backend_cpu_steps(backend);
    figures->steps =
        (struct step_counts){behind.asked - before.asked, behind.taken - before.taken, behind.seconds - before.seconds};
    for (size_t m = 0; m < tagger->member_count; m++)
        figures->models += tagger->members[m].kind == MEMBER_LM;
    figures->models += !figures->models;
    figures->seconds = backend ? clock_seconds() - start : 0;
    figures->copied = account.copied_bytes + host.copied_bytes;
    figures->kept = account.live_bytes + host.live_bytes;
    figures->peak = account.peak_bytes;
    store_release(&store);
    arena_release(&arena);
    if (one)
        backend->ops->free_floats(backend, one);
    free(batch);
    return status;
}
