/* losses.c - losses of tag sequences and their gradients on CUDA (training.h). Sums are in double and in an order that
 * the shape alone decides, so that the same call gives the same bits. */
#include "kernels/crf_loss_cuda.h"
#include "kernels/reduce_cuda.h"
#include "kernels/softmax_cuda.h"
#include "cuda/sentences.h"
#include "cuda/training_ops.h"
#include <stdlib.h>
#include <string.h>

/* Transitions are counted by groups of sentences, each into a matrix of its own: as many as use the device, but no more
 * matrices than COUNT_DOUBLES, where one is large. */
enum { MOST_GROUPS = 64, COUNT_DOUBLES = 1 << 22 };

/* Room for an array of scratch, which a program of several asks for in a row: a NULL tells at the end. */
#define TAKE(cuda, count, array) (((array) = cuda_scratch_take(cuda, (count) * sizeof *(array))) != NULL)

/* Which sentences' gold is a choice of tags somewhere; *any: one is. */
static uint8_t *find_uncertain(const struct token_sequence *sentences, size_t count, const uint32_t *gold, size_t tags,
                               bool *any)
{
    uint8_t *uncertain = malloc(count);
    *any = false;
    for (size_t i = 0; uncertain && i < count; i++) {
        uncertain[i] = !tags_are_certain(tags, gold + sentences[i].first, sentences[i].count);
        *any |= uncertain[i];
    }
    return uncertain;
}

static ft_status upload_choices(struct cuda_backend *cuda, const struct tag_choices *choices, const uint8_t *uncertain,
                                size_t count, size_t rows, bool gradients, struct crf_loss_arrays *at,
                                struct ft_error *error)
{
    size_t tags = at->tags;
    if (!(at->uncertain = cuda_scratch_upload(cuda, uncertain, count, error)) ||
        !(at->sets = cuda_scratch_upload(cuda, choices->allowed, choices->count * tags, error)) ||
        !(at->follows = cuda_scratch_upload(cuda, choices->follows, tags * tags, error)))
        return FT_NOMEM;
    bool room = TAKE(cuda, tags * tags, at->allowed) && TAKE(cuda, tags * tags, at->allowed_turned) &&
                TAKE(cuda, rows * tags, at->allowed_alpha) && TAKE(cuda, count, at->allowed_scores) &&
                (!gradients || TAKE(cuda, rows * tags, at->allowed_p));
    return room ? FT_OK : cuda_nomem(cuda, "the loss of a batch", error);
}

static bool take_rows(struct cuda_backend *cuda, size_t count, size_t rows, bool gradients, struct crf_loss_arrays *at)
{
    size_t tags = at->tags;
    return TAKE(cuda, tags, at->most) && TAKE(cuda, tags * tags, at->e) && TAKE(cuda, tags * tags, at->e_turned) &&
           TAKE(cuda, count, at->losses) && TAKE(cuda, rows * tags, at->alpha) &&
           (!gradients ||
            (TAKE(cuda, rows * tags, at->u) && TAKE(cuda, rows * tags, at->s) && TAKE(cuda, rows * tags, at->p)));
}

static ft_status count_transitions(struct cuda_backend *cuda, const struct crf_loss_arrays *at, size_t count,
                                   float *d_transitions, struct ft_error *error)
{
    size_t entries = (size_t)at->tags * at->tags, groups = COUNT_DOUBLES / entries;
    groups = groups < 1 ? 1 : groups > MOST_GROUPS ? MOST_GROUPS : groups;
    size_t per_group = (count + groups - 1) / groups;
    groups = (count + per_group - 1) / per_group;
    double *counts;
    struct crf_loss_arrays arrays = *at;
    float scale = at->scale;
    unsigned blocks = (unsigned)((entries + CRF_THREADS - 1) / CRF_THREADS);
    if (!TAKE(cuda, groups * entries, counts))
        return cuda_nomem(cuda, "the gradients of a CRF", error);
    ft_status status = cuda_launch(cuda->stream, CUDA_KERNEL(crf_count_transitions),
                                   (dim3){blocks, (unsigned)groups, 1}, (dim3){CRF_THREADS, 1, 1}, 0,
                                   CUDA_ARGUMENTS(&arrays, &count, &per_group, &counts), "counting transitions", error);
    if (status != FT_OK)
        return status;
    blocks = (unsigned)((entries + REDUCE_THREADS - 1) / REDUCE_THREADS);
    return cuda_launch(cuda->stream, CUDA_KERNEL(add_blocks), (dim3){blocks, 1, 1}, (dim3){REDUCE_THREADS, 1, 1}, 0,
                       CUDA_ARGUMENTS(&counts, &groups, &entries, &scale, &d_transitions), "adding transitions", error);
}

static ft_status run_crf(struct cuda_backend *cuda, const struct crf_loss_arrays *at, size_t count,
                         float *d_transitions, double *losses, struct ft_error *error)
{
    struct crf_loss_arrays arrays = *at;
    dim3 grid = {(unsigned)count, 1, 1}, block = {cuda_tag_threads(at->tags), 1, 1};
    ft_status status = cuda_launch(cuda->stream, CUDA_KERNEL(crf_factor_rows), (dim3){at->tags, 1, 1}, (dim3){32, 1, 1},
                                   0, CUDA_ARGUMENTS(&arrays), "factors of transitions", error);
    if (status == FT_OK && at->uncertain)
        status = cuda_launch(cuda->stream, CUDA_KERNEL(crf_allowed_sentences), grid, block, 0, CUDA_ARGUMENTS(&arrays),
                             "scores of allowed tags", error);
    if (status == FT_OK)
        status = cuda_launch(cuda->stream, CUDA_KERNEL(crf_loss_sentences), grid, block, at->tags * sizeof(double),
                             CUDA_ARGUMENTS(&arrays), "losses of sentences", error);
    if (status == FT_OK && d_transitions)
        status = count_transitions(cuda, at, count, d_transitions, error);
    if (status == FT_OK)
        status = cuda_download(cuda, losses, at->losses, count * sizeof *losses, error);
    return status;
}

static ft_status crf_rows(struct cuda_backend *cuda, struct crf_loss_arrays *at, const struct token_sequence *sentences,
                          size_t count, size_t rows, const uint32_t *gold, const struct tag_choices *choices,
                          float *d_transitions, double *losses, struct ft_error *error)
{
    bool any = false, gradients = at->d_emissions;
    uint8_t *uncertain = NULL;
    ft_status status = FT_OK;
    if (choices && !(uncertain = find_uncertain(sentences, count, gold, at->tags, &any)))
        return ft_nomem(error, "the loss of a batch");
    if (!(at->sentences = cuda_scratch_upload(cuda, sentences, count * sizeof *sentences, error)) ||
        !(at->gold = cuda_scratch_upload(cuda, gold, rows * sizeof *gold, error)))
        status = FT_NOMEM;
    else if (!take_rows(cuda, count, rows, gradients, at))
        status = cuda_nomem(cuda, "the loss of a batch", error);
    if (status == FT_OK && any)
        status = upload_choices(cuda, choices, uncertain, count, rows, gradients, at, error);
    free(uncertain);
    return status == FT_OK ? run_crf(cuda, at, count, d_transitions, losses, error) : status;
}

/* Of a batch without tokens. */
static ft_status no_rows(struct cuda_backend *cuda, size_t count, double *losses, float *d_transitions, size_t entries,
                         struct ft_error *error)
{
    memset(losses, 0, count * sizeof *losses);
    return d_transitions ? cuda_check(cudaMemsetAsync(d_transitions, 0, entries * sizeof *d_transitions, cuda->stream),
                                      "clearing gradients", error)
                         : FT_OK;
}

ft_status cuda_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                        size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                        float scale, double *losses, float *d_emissions, float *d_transitions, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    struct crf_loss_arrays at = {.tags = (uint32_t)crf->tags,
                                 .start = (uint32_t)crf->start,
                                 .stop = (uint32_t)crf->stop,
                                 .scale = scale,
                                 .emissions = emissions,
                                 .transitions = crf->transitions,
                                 .d_emissions = d_emissions};
    bool whole;
    size_t rows = cuda_rows_of(sentences, count, &whole);
    ft_status status = cuda_check_tags(crf, error);
    if (status == FT_OK)
        status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status = rows ? crf_rows(cuda, &at, sentences, count, rows, gold, choices, d_transitions, losses, error)
                  : no_rows(cuda, count, losses, d_transitions, crf->tags * crf->tags, error);
    cuda_scratch_end(cuda);
    return status;
}

/* Which sentence each row belongs to, UINT32_MAX where none; the caller frees it. */
static uint32_t *find_sentences(const struct token_sequence *sentences, size_t count, size_t rows)
{
    uint32_t *sentence = malloc(rows * sizeof *sentence);
    if (sentence)
        memset(sentence, 0xff, rows * sizeof *sentence);
    for (size_t i = 0; sentence && i < count; i++)
        for (size_t t = 0; t < sentences[i].count; t++)
            sentence[sentences[i].first + t] = (uint32_t)i;
    return sentence;
}

static ft_status softmax_rows(struct cuda_backend *cuda, size_t tags, const struct token_sequence *sentences,
                              size_t count, size_t rows, const float *emissions, const uint32_t *gold,
                              const struct tag_choices *choices, const float *scales, double *losses,
                              float *d_emissions, struct ft_error *error)
{
    uint32_t *numbers = find_sentences(sentences, count, rows), tag_count = (uint32_t)tags;
    if (!numbers)
        return ft_nomem(error, "the loss of a batch");
    void *sentence = cuda_scratch_upload(cuda, numbers, rows * sizeof *numbers, error), *pairs, *names, *factors;
    void *allowed = NULL;
    free(numbers);
    if (!sentence || !(pairs = cuda_scratch_upload(cuda, sentences, count * sizeof *sentences, error)) ||
        !(names = cuda_scratch_upload(cuda, gold, rows * sizeof *gold, error)) ||
        !(factors = cuda_scratch_upload(cuda, scales, count * sizeof *scales, error)) ||
        (choices && !(allowed = cuda_scratch_upload(cuda, choices->allowed, choices->count * tags, error))))
        return FT_NOMEM;
    double *of_rows, *of_sentences;
    if (!TAKE(cuda, rows, of_rows) || !TAKE(cuda, count, of_sentences))
        return cuda_nomem(cuda, "the loss of a batch", error);
    dim3 grid = {(unsigned)((rows + SOFTMAX_ROWS - 1) / SOFTMAX_ROWS), 1, 1};
    ft_status status = cuda_launch(
        cuda->stream, CUDA_KERNEL(softmax_loss_rows), grid, (dim3){SOFTMAX_THREADS, 1, 1}, 0,
        CUDA_ARGUMENTS(&emissions, &rows, &tag_count, &names, &allowed, &sentence, &factors, &of_rows, &d_emissions),
        "losses of tokens", error);
    if (status == FT_OK)
        status = cuda_launch(cuda->stream, CUDA_KERNEL(add_sentences), (dim3){(unsigned)count, 1, 1},
                             (dim3){REDUCE_THREADS, 1, 1}, 0, CUDA_ARGUMENTS(&of_rows, &pairs, &of_sentences),
                             "losses of sentences", error);
    if (status == FT_OK)
        status = cuda_download(cuda, losses, of_sentences, count * sizeof *losses, error);
    return status;
}

ft_status cuda_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences, size_t count,
                            const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                            const float *scales, double *losses, float *d_emissions, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    bool whole;
    size_t rows = cuda_rows_of(sentences, count, &whole);
    if (!rows) {
        memset(losses, 0, count * sizeof *losses);
        return FT_OK;
    }
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status =
        softmax_rows(cuda, tags, sentences, count, rows, emissions, gold, choices, scales, losses, d_emissions, error);
    cuda_scratch_end(cuda);
    return status;
}
