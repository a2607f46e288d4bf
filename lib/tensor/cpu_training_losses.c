/* cpu_training_losses.c - the CPU's training operations that are not layers: dropout, losses, the norm for clipping and
 * the optimizers' steps.
 *
 * Work is cut into blocks whose size does not depend on threads, and what blocks sum up is added in their order: so
 * results do not depend on threads either. */
#include "kernels/crf_loss.h"
#include "kernels/dropout.h"
#include "kernels/optimizer.h"
#include "tensor/cpu.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLOATS = 1 << 16,         /* a block of weights: long against the atomic that hands it out, and 16 of a million */
    SENTENCES = 8,            /* a block; each has transition gradients of its own, 6 KiB with 27 tags */
    PARALLEL_FROM = 1 << 14,  /* nanoseconds of one thread; waking others takes some 2,000 */
    FLOATS_PER_NANOSECOND = 2 /* of a step of SGD, from and to memory */
};

/* nanoseconds: about, what one thread would take. Without memory for more threads the calling one does it all. */
static void spread(struct backend *backend, size_t nanoseconds, void (*work)(void *, size_t), void *job)
{
    struct cpu_training *training = cpu_training_begin(backend);
    if (!training) {
        work(job, 0);
        return;
    }
    pool_run(training->pool, nanoseconds < PARALLEL_FROM ? 1 : pool_threads(training->pool), work, job);
    cpu_training_end(training);
}

static size_t blocks_of(size_t count, size_t block)
{
    return count / block + (count % block != 0);
}

struct dropout_job {
    const struct packed_batch *batch;
    const struct dropout *dropout;
    size_t width;
    float *x;
    atomic_size_t next;
};

static void dropout_work(void *argument, size_t thread)
{
    struct dropout_job *job = argument;
    size_t s;
    (void)thread;
    while ((s = atomic_fetch_add(&job->next, 1)) < job->batch->sequences)
        dropout_sequence(job->batch, s, job->dropout, job->width, job->x);
}

ft_status cpu_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                      size_t width, float *x, struct ft_error *error)
{
    struct dropout_job job = {.batch = batch, .dropout = dropout, .width = width, .x = x};
    (void)error;
    if (dropout->word > 0 || dropout->locked > 0 || dropout->plain > 0)
        spread(backend, batch->rows * width / FLOATS_PER_NANOSECOND, dropout_work, &job);
    return FT_OK;
}

struct loss_job {
    struct crf_factors factors; /* of a CRF; crf is NULL for softmax */
    size_t tags;
    const struct token_sequence *sentences;
    size_t count, longest;
    const float *emissions;
    const uint32_t *gold;
    const struct tag_choices *choices;
    const float *scales; /* of sentences, for softmax */
    float scale;
    double *losses;
    float *d_emissions;
    double *d_transitions; /* [blocks, K, K], or NULL */
    atomic_size_t next;    /* block of sentences */
    _Atomic ft_status status;
};

static void loss_of(const struct loss_job *job, size_t sentence, double *d_transitions, double *scratch)
{
    const struct token_sequence *s = &job->sentences[sentence];
    const float *e = job->emissions + s->first * job->tags;
    float *d_e = job->d_emissions ? job->d_emissions + s->first * job->tags : NULL;
    const uint32_t *gold = job->gold + s->first;
    job->losses[sentence] =
        job->factors.crf
            ? crf_loss(&job->factors, e, s->count, gold, job->choices, job->scale, d_e, d_transitions, scratch)
            : softmax_loss(job->tags, e, s->count, gold, job->choices, job->scales[sentence], d_e, scratch);
}

static void loss_work(void *argument, size_t thread)
{
    struct loss_job *job = argument;
    size_t room = job->factors.crf ? crf_loss_scratch(job->tags, job->longest) : job->tags;
    double *scratch = malloc(room * sizeof *scratch);
    (void)thread;
    if (!scratch) {
        job->status = FT_NOMEM;
        return;
    }
    size_t block;
    while ((block = atomic_fetch_add(&job->next, 1)) < blocks_of(job->count, SENTENCES)) {
        double *sums = job->d_transitions ? job->d_transitions + block * job->tags * job->tags : NULL;
        for (size_t i = block * SENTENCES; i < job->count && i < (block + 1) * SENTENCES; i++)
            loss_of(job, i, sums, scratch);
    }
    free(scratch);
}

/* nanoseconds: of a token. */
static ft_status run_losses(struct backend *backend, struct loss_job *job, size_t nanoseconds)
{
    size_t tokens = 0;
    for (size_t i = 0; i < job->count; i++) {
        tokens += job->sentences[i].count;
        if (job->sentences[i].count > job->longest)
            job->longest = job->sentences[i].count;
    }
    spread(backend, tokens * nanoseconds, loss_work, job);
    return job->status;
}

ft_status cpu_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                       size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                       float scale, double *losses, float *d_emissions, float *d_transitions, struct ft_error *error)
{
    size_t entries = crf->tags * crf->tags, blocks = blocks_of(count, SENTENCES);
    struct loss_job job = {.factors = {.crf = crf},
                           .tags = crf->tags,
                           .sentences = sentences,
                           .count = count,
                           .emissions = emissions,
                           .gold = gold,
                           .choices = choices,
                           .scale = scale,
                           .losses = losses,
                           .d_emissions = d_emissions};
    ft_status status = FT_NOMEM;
    job.factors.at = malloc(crf_factors_size(crf->tags) * sizeof *job.factors.at);
    if (d_transitions)
        job.d_transitions = calloc((blocks + 1) * entries, sizeof *job.d_transitions); /* + 1: never of no bytes */
    if (job.factors.at && (job.d_transitions || !d_transitions)) {
        crf_factors_make(&job.factors);
        status = run_losses(backend, &job, entries);
    }
    for (size_t k = 0; status == FT_OK && d_transitions && k < entries; k++) {
        double sum = 0;
        for (size_t block = 0; block < blocks; block++)
            sum += job.d_transitions[block * entries + k];
        d_transitions[k] = (float)(scale * sum);
    }
    free(job.factors.at);
    free(job.d_transitions);
    return status == FT_OK ? FT_OK : ft_nomem(error, "the loss of a batch");
}

ft_status cpu_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences, size_t count,
                           const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                           const float *scales, double *losses, float *d_emissions, struct ft_error *error)
{
    struct loss_job job = {.tags = tags,
                           .sentences = sentences,
                           .count = count,
                           .emissions = emissions,
                           .gold = gold,
                           .choices = choices,
                           .scales = scales,
                           .losses = losses,
                           .d_emissions = d_emissions};
    ft_status status = run_losses(backend, &job, 4 * tags); /* an exponential takes some 3 ns */
    return status == FT_OK ? FT_OK : ft_nomem(error, "the loss of a batch");
}

struct squares_job {
    const float *x;
    size_t count;
    double *sums; /* [blocks] */
    atomic_size_t next;
};

static void squares_work(void *argument, size_t thread)
{
    struct squares_job *job = argument;
    size_t block;
    (void)thread;
    while ((block = atomic_fetch_add(&job->next, 1)) < blocks_of(job->count, FLOATS)) {
        size_t first = block * FLOATS, left = job->count - first;
        job->sums[block] = sum_of_squares(job->x + first, left < FLOATS ? left : FLOATS);
    }
}

ft_status cpu_squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error)
{
    size_t blocks = blocks_of(count, FLOATS);
    struct squares_job job = {.x = x, .count = count, .sums = malloc((blocks + 1) * sizeof *job.sums)};
    if (!job.sums)
        return ft_nomem(error, "the norm of the gradients");
    spread(backend, count / FLOATS_PER_NANOSECOND, squares_work, &job);
    *sum = 0;
    for (size_t block = 0; block < blocks; block++)
        *sum += job.sums[block];
    free(job.sums);
    return FT_OK;
}

struct step_job {
    size_t count;
    float *w;
    const float *gradient;
    float *velocity, *mean, *variance; /* as the kind of step needs */
    float rate, scale, momentum, decay;
    struct adam_step adam;
    atomic_size_t next;
};

static bool next_floats(struct step_job *job, size_t *first, size_t *count)
{
    *first = atomic_fetch_add(&job->next, FLOATS);
    if (*first >= job->count)
        return false;
    *count = job->count - *first < FLOATS ? job->count - *first : FLOATS;
    return true;
}

static void sgd_work(void *argument, size_t thread)
{
    struct step_job *job = argument;
    size_t first, count;
    (void)thread;
    while (next_floats(job, &first, &count))
        sgd_step(count, job->w + first, job->gradient + first, job->velocity ? job->velocity + first : NULL, job->rate,
                 job->scale, job->momentum, job->decay);
}

ft_status cpu_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity, float rate,
                  float scale, float momentum, float decay, struct ft_error *error)
{
    struct step_job job = {.count = count,
                           .w = w,
                           .gradient = gradient,
                           .velocity = velocity,
                           .rate = rate,
                           .scale = scale,
                           .momentum = momentum,
                           .decay = decay};
    (void)error;
    spread(backend, count / FLOATS_PER_NANOSECOND, sgd_work, &job);
    return FT_OK;
}

static void adam_work(void *argument, size_t thread)
{
    struct step_job *job = argument;
    size_t first, count;
    (void)thread;
    while (next_floats(job, &first, &count))
        adam_step_take(&job->adam, count, job->w + first, job->gradient + first, job->mean + first,
                       job->variance + first);
}

ft_status cpu_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean, float *variance,
                   float scale, const struct adam *how, struct ft_error *error)
{
    struct step_job job = {.count = count, .w = w, .gradient = gradient, .mean = mean, .variance = variance};
    (void)error;
    adam_step_init(&job.adam, how, scale);
    spread(backend, count, adam_work, &job);
    return FT_OK;
}
