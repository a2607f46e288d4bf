/* alternatives.c - see alternatives.h. */
#include "run/alternatives.h"
#include "base/parallel.h"
#include "kernels/exact_math.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Scratch for one sentence of up to `longest` tokens. */
struct scratch {
    double *alpha, *beta, *sums;
};

static bool scratch_init(struct scratch *scratch, size_t longest, size_t tags)
{
    scratch->alpha = malloc((longest * tags + 1) * sizeof(double));
    scratch->beta = malloc((longest * tags + 1) * sizeof(double));
    scratch->sums = malloc((tags + 1) * sizeof(double));
    return scratch->alpha && scratch->beta && scratch->sums;
}

static void scratch_release(struct scratch *scratch)
{
    free(scratch->alpha);
    free(scratch->beta);
    free(scratch->sums);
}

static size_t longest_sentence(const struct embedded *embedded)
{
    size_t longest = 0;
    for (size_t s = 0; s < embedded->count; s++)
        if (embedded->sentences[s].count > longest)
            longest = embedded->sentences[s].count;
    return longest;
}

struct job {
    const struct alternatives *of;
    double *probabilities;
    size_t longest;
    atomic_size_t next;
    _Atomic ft_status status;
};

static void marginal_work(void *argument, size_t thread)
{
    struct job *job = argument;
    const struct tagger *tagger = job->of->tagger;
    const struct embedded *embedded = job->of->embedded;
    size_t n = tagger->crf.tags;
    struct scratch scratch;
    (void)thread;
    if (!scratch_init(&scratch, job->longest, n))
        job->status = FT_NOMEM;
    for (size_t s; job->status == FT_OK && (s = atomic_fetch_add(&job->next, 1)) < embedded->count;) {
        const struct token_sequence *sentence = &embedded->sentences[s];
        const float *e = job->of->emissions + sentence->first * n;
        if (tagger->has_crf)
            crf_marginals(&tagger->crf, e, sentence->count, scratch.alpha, scratch.alpha, scratch.beta, scratch.sums);
        else
            softmax_probabilities(e, sentence->count, n, scratch.alpha);
        for (size_t j = 0; j < sentence->count; j++)
            job->probabilities[sentence->first + j] = scratch.alpha[j * n + job->of->tags[sentence->first + j]];
    }
    scratch_release(&scratch);
}

ft_status alternatives_marginals(const struct alternatives *of, double *probabilities)
{
    struct job job = {.of = of, .probabilities = probabilities, .longest = longest_sentence(of->embedded)};
    parallel_run(of->threads, marginal_work, &job);
    return job.status;
}

static ft_status sentence_nbest(const struct alternatives *of, size_t s, size_t count, struct scratch *scratch,
                                double *v, uint32_t *back, struct arena *arena, struct tag_sequence **best,
                                size_t *best_count)
{
    const struct tagger *tagger = of->tagger;
    const struct token_sequence *sentence = &of->embedded->sentences[s];
    size_t n = tagger->crf.tags, length = sentence->count, found = 1;
    const float *e = of->emissions + sentence->first * n;
    uint32_t *paths = malloc(count * length * sizeof *paths);
    double *scores = malloc(count * sizeof *scores);
    ft_status status = paths && scores ? FT_OK : FT_NOMEM;
    if (status == FT_OK && tagger->has_crf) {
        double log_z =
            crf_marginals(&tagger->crf, e, length, scratch->alpha, scratch->alpha, scratch->beta, scratch->sums);
        found = crf_nbest(&tagger->crf, e, length, count, paths, scores, v, back);
        for (size_t k = 0; k < found; k++)
            scores[k] = exact_exp(scores[k] - log_z);
    } else if (status == FT_OK) {
        softmax_probabilities(e, length, n, scratch->alpha);
        scores[0] = 1;
        for (size_t j = 0; j < length; j++)
            scores[0] *= scratch->alpha[j * n + (paths[j] = of->tags[sentence->first + j])];
    }
    *best = arena_array(arena, found, sizeof **best);
    for (size_t k = 0; status == FT_OK && k < found; k++) {
        const char **names = arena_array(arena, length, sizeof *names);
        if (!*best || !names) {
            status = FT_NOMEM;
            break;
        }
        for (size_t j = 0; j < length; j++)
            names[j] = tagger->tags[paths[k * length + j]];
        (*best)[k] = (struct tag_sequence){names, scores[k]};
    }
    *best_count = found;
    free(paths);
    free(scores);
    return status;
}

ft_status alternatives_nbest(const struct alternatives *of, size_t count, struct arena *arena,
                             struct tag_sequence ***best, size_t **best_count)
{
    size_t n = of->tagger->crf.tags, longest = longest_sentence(of->embedded);
    struct scratch scratch;
    double *v = malloc(2 * n * count * sizeof *v);
    uint32_t *back = malloc((longest * n * count + 1) * sizeof *back);
    *best = arena_array(arena, of->embedded->count, sizeof **best);
    *best_count = arena_array(arena, of->embedded->count, sizeof **best_count);
    bool ready = scratch_init(&scratch, longest, n);
    ft_status status = ready && v && back && *best && *best_count ? FT_OK : FT_NOMEM;
    for (size_t s = 0; status == FT_OK && s < of->embedded->count; s++)
        status = sentence_nbest(of, s, count, &scratch, v, back, arena, &(*best)[s], &(*best_count)[s]);
    scratch_release(&scratch);
    free(v);
    free(back);
    return status;
}
