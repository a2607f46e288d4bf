/* decode.c - the best tags of sentences and how sure of them Flair is, on CUDA (backend.h). A block decodes a sentence;
 * scores come from the running scores of all tokens at once, afterwards. */
#include "kernels/softmax_cuda.h"
#include "cuda/sentences.h"

struct decoded {
    uint32_t *tags; /* [rows] */
    float *scores;  /* [rows], or NULL */
};

static ft_status softmax_rows(struct cuda_backend *cuda, const float *e, size_t rows, size_t tags, uint32_t *best,
                              float *scores, struct ft_error *error)
{
    uint32_t tag_count = (uint32_t)tags;
    dim3 grid = {(unsigned)((rows + SOFTMAX_ROWS - 1) / SOFTMAX_ROWS), 1, 1};
    return cuda_launch(cuda->stream, CUDA_KERNEL(softmax_decode_rows), grid, (dim3){SOFTMAX_THREADS, 1, 1}, 0,
                       CUDA_ARGUMENTS(&e, &rows, &tag_count, &best, &scores), "decoding tokens", error);
}

/* Transitions turned, in scratch. A model's lie in host memory, those that are in training on the device. */
static ft_status turn(struct cuda_backend *cuda, const struct crf *crf, float **turned, struct ft_error *error)
{
    size_t entries = crf->tags * crf->tags;
    uint32_t tag_count = (uint32_t)crf->tags;
    struct cudaPointerAttributes memory;
    const float *there = crf->transitions;
    ft_status status =
        cuda_check(cudaPointerGetAttributes(&memory, crf->transitions), "asking where transitions lie", error);
    if (status != FT_OK)
        return status;
    if (memory.type != cudaMemoryTypeDevice)
        there = cuda_scratch_upload(cuda, crf->transitions, entries * sizeof *there, error);
    if (!there)
        return FT_NOMEM;
    *turned = cuda_scratch_take(cuda, entries * sizeof **turned);
    if (!*turned)
        return cuda_nomem(cuda, "a CRF's transitions", error);
    return cuda_launch(cuda->stream, CUDA_KERNEL(turn_matrix),
                       (dim3){(unsigned)((entries + CRF_THREADS - 1) / CRF_THREADS), 1, 1}, (dim3){CRF_THREADS, 1, 1},
                       0, CUDA_ARGUMENTS(&there, &tag_count, turned), "turning transitions", error);
}

static ft_status viterbi(struct cuda_backend *cuda, const struct crf *crf, const struct token_sequence *sentences,
                         size_t count, size_t rows, const float *emissions, const struct decoded *to,
                         struct ft_error *error)
{
    float *turned = NULL, *v = NULL;
    ft_status status = turn(cuda, crf, &turned, error);
    if (status != FT_OK)
        return status;
    void *there = cuda_scratch_upload(cuda, sentences, count * sizeof *sentences, error);
    if (!there)
        return FT_NOMEM;
    uint16_t *back = cuda_scratch_take(cuda, rows * crf->tags * sizeof *back);
    if (to->scores)
        v = cuda_scratch_take(cuda, rows * crf->tags * sizeof *v);
    if (!back || (to->scores && !v))
        return cuda_nomem(cuda, "decoding a batch", error);
    uint32_t tag_count = (uint32_t)crf->tags, start = (uint32_t)crf->start, stop = (uint32_t)crf->stop;
    int mask_ends = crf->mask_ends;
    uint32_t *tags = to->tags;
    status = cuda_launch(
        cuda->stream, CUDA_KERNEL(viterbi_sentences), (dim3){(unsigned)count, 1, 1},
        (dim3){cuda_tag_threads(crf->tags), 1, 1}, 2 * crf->tags * sizeof(float),
        CUDA_ARGUMENTS(&emissions, &there, &turned, &tag_count, &start, &stop, &mask_ends, &v, &back, &tags),
        "decoding sentences", error);
    if (status == FT_OK && to->scores)
        status = softmax_rows(cuda, v, rows, crf->tags, NULL, to->scores, error);
    return status;
}

static ft_status download(struct cuda_backend *cuda, size_t first, size_t count, const struct decoded *from,
                          uint32_t *tags, float *scores, struct ft_error *error)
{
    ft_status status =
        count ? cuda_download(cuda, tags + first, from->tags + first, count * sizeof *tags, error) : FT_OK;
    if (status == FT_OK && count && scores)
        status = cuda_download(cuda, scores + first, from->scores + first, count * sizeof *scores, error);
    return status;
}

static ft_status decode_rows(struct cuda_backend *cuda, const struct crf *crf, const struct token_sequence *sentences,
                             size_t count, size_t rows, bool whole, const float *emissions, uint32_t *tags,
                             float *scores, struct ft_error *error)
{
    struct decoded to = {.tags = cuda_scratch_take(cuda, rows * sizeof *to.tags)};
    if (scores)
        to.scores = cuda_scratch_take(cuda, rows * sizeof *to.scores);
    if (!to.tags || (scores && !to.scores))
        return cuda_nomem(cuda, "the tags of a batch", error);
    ft_status status = crf->transitions ? viterbi(cuda, crf, sentences, count, rows, emissions, &to, error)
                                        : softmax_rows(cuda, emissions, rows, crf->tags, to.tags, to.scores, error);
    if (status == FT_OK && whole)
        return download(cuda, 0, rows, &to, tags, scores, error);
    for (size_t i = 0; status == FT_OK && i < count; i++) /* what lies between sentences is left alone */
        status = download(cuda, sentences[i].first, sentences[i].count, &to, tags, scores, error);
    return status;
}

ft_status cuda_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                      size_t count, const float *emissions, uint32_t *tags, float *scores, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    bool whole;
    size_t rows = cuda_rows_of(sentences, count, &whole);
    if (!rows)
        return FT_OK;
    ft_status status = crf->transitions ? cuda_check_tags(crf, error) : FT_OK;
    if (status == FT_OK)
        status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status = decode_rows(cuda, crf, sentences, count, rows, whole, emissions, tags, scores, error);
    cuda_scratch_end(cuda);
    return status;
}
