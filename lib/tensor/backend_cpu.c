/* backend_cpu.c - the CPU back end: its options, and the operations that need no lanes. */
#include "tensor/cpu.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/linear.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* With so many lanes a thread is bound by arithmetic and no longer by the weights' way from memory; and 256 KiB of
 * weights take some 3 us, several times as long as threads need to meet. */
enum { SPLIT_BELOW = 8, SPLIT_BYTES = 256 << 10 };
enum { DEFAULT_LANES = 112 }; /* 96 to 144 are within 2 % on Zen 4 with H = 2048: `bench predict --lanes N` */

ft_status cpu_scratch_init(struct product_scratch *scratch, size_t rows, const struct product_room *room)
{
    bool ok = true;
    *scratch = (struct product_scratch){.stride = room->stride};
    ok &= (scratch->z = memory_new(rows * PANEL * sizeof(float))) != NULL;
    ok &= (scratch->pointers = malloc(rows * sizeof *scratch->pointers)) != NULL;
    ok &= (scratch->start = malloc(rows * sizeof *scratch->start)) != NULL;
    ok &= (scratch->next = malloc(rows * sizeof *scratch->next)) != NULL;
    ok &= (scratch->units = malloc(rows * sizeof *scratch->units)) != NULL;
    ok &= (scratch->cells = malloc(rows * sizeof *scratch->cells)) != NULL;
    if (room->segments) {
        ok &= (scratch->sums = memory_new(rows * PANEL * sizeof *scratch->sums)) != NULL;
        ok &= (scratch->rows = memory_new(rows * room->stride)) != NULL;
        ok &= (scratch->scales = malloc(rows * room->segments * sizeof *scratch->scales)) != NULL;
    }
    return ok ? FT_OK : FT_NOMEM;
}

void cpu_scratch_release(struct product_scratch *scratch)
{
    free(scratch->z);
    free(scratch->sums);
    free(scratch->pointers);
    free(scratch->rows);
    free(scratch->scales);
    free(scratch->start);
    free(scratch->next);
    free(scratch->units);
    free(scratch->cells);
}

static float *cpu_new_floats(struct backend *backend, size_t count)
{
    (void)backend;
    if (count > SIZE_MAX / sizeof(float))
        return NULL;
    float *floats = memory_new(count * sizeof *floats);
    return floats ? memset(floats, 0, count * sizeof *floats) : NULL;
}

static void cpu_free_floats(struct backend *backend, float *floats)
{
    (void)backend;
    free(floats);
}

static ft_status cpu_move(struct backend *backend, float *to, const float *from, size_t count, struct ft_error *error)
{
    (void)backend;
    (void)error;
    if (count)
        memcpy(to, from, count * sizeof *to);
    return FT_OK;
}

static ft_status cpu_gather(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                            size_t out_stride, struct ft_error *error)
{
    (void)backend;
    (void)error;
    for (size_t r = 0; r < count; r++)
        memcpy(out + r * out_stride, rows[r], width * sizeof(float));
    return FT_OK;
}

struct linear_job {
    const struct cpu_backend *backend;
    const struct linear_layer *layer;
    const struct input_piece *pieces;
    size_t piece_count, rows;
    float *out;
    atomic_size_t next;
    _Atomic ft_status status;
};

static void linear_work(void *argument, size_t thread)
{
    struct linear_job *job = argument;
    struct product_scratch scratch;
    struct product_room room = {0};
    struct input_piece *pieces = calloc(job->piece_count, sizeof *pieces);
    float **out = malloc(LINEAR_ROWS * sizeof *out);
    (void)thread;
    product_room(&room, &job->layer->weights);
    if (cpu_scratch_init(&scratch, LINEAR_ROWS, &room) != FT_OK || !pieces || !out) {
        job->status = FT_NOMEM;
    } else {
        size_t first;
        while ((first = atomic_fetch_add(&job->next, LINEAR_ROWS)) < job->rows) {
            size_t rows = job->rows - first < LINEAR_ROWS ? job->rows - first : LINEAR_ROWS;
            for (size_t i = 0; i < job->piece_count; i++)
                pieces[i] = (struct input_piece){job->pieces[i].rows + first, job->pieces[i].width};
            for (size_t r = 0; r < rows; r++)
                out[r] = job->out + (first + r) * job->layer->out;
            linear_forward(job->backend->kernels, job->layer, rows, pieces, job->piece_count, out, &scratch);
        }
    }
    cpu_scratch_release(&scratch);
    free(pieces);
    free(out);
}

static ft_status cpu_linear(struct backend *backend, const struct linear_layer *layer, const struct input_piece *pieces,
                            size_t piece_count, size_t rows, float *out, struct ft_error *error)
{
    struct linear_job job = {.backend = (const struct cpu_backend *)backend,
                             .layer = layer,
                             .pieces = pieces,
                             .piece_count = piece_count,
                             .rows = rows,
                             .out = out};
    parallel_run(rows > LINEAR_ROWS ? job.backend->threads : 1, linear_work, &job);
    return job.status == FT_OK ? FT_OK : ft_nomem(error, "a linear layer");
}

struct decode_job {
    const struct crf *crf;
    const struct token_sequence *sentences;
    size_t count, longest;
    const float *emissions;
    uint32_t *tags;
    float *scores;
    atomic_size_t next;
    _Atomic ft_status status;
};

enum { DECODE_SHARE = 16 }; /* sentences taken at a time */

static void decode_work(void *argument, size_t thread)
{
    struct decode_job *job = argument;
    size_t n = job->crf->tags;
    float *v = malloc(2 * n * sizeof *v);
    uint32_t *back = malloc((job->longest * n + 1) * sizeof *back);
    (void)thread;
    if (!v || !back) {
        job->status = FT_NOMEM;
    } else {
        size_t first;
        while ((first = atomic_fetch_add(&job->next, DECODE_SHARE)) < job->count)
            for (size_t i = first; i < job->count && i < first + DECODE_SHARE; i++) {
                const struct token_sequence *s = &job->sentences[i];
                const float *e = job->emissions + s->first * n;
                float *scores = job->scores ? job->scores + s->first : NULL;
                if (job->crf->transitions)
                    crf_viterbi(job->crf, e, s->count, job->tags + s->first, scores, v, back);
                else
                    softmax_decode(e, s->count, n, job->tags + s->first, scores);
            }
    }
    free(v);
    free(back);
}

static ft_status cpu_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                            size_t count, const float *emissions, uint32_t *tags, float *scores, struct ft_error *error)
{
    struct decode_job job = {
        .crf = crf, .sentences = sentences, .count = count, .emissions = emissions, .tags = tags, .scores = scores};
    for (size_t i = 0; i < count; i++)
        if (sentences[i].count > job.longest)
            job.longest = sentences[i].count;
    parallel_run(((const struct cpu_backend *)backend)->threads, decode_work, &job);
    return job.status == FT_OK ? FT_OK : ft_nomem(error, "decoding");
}

#ifdef FLAIRTAG_TAGS_ONLY /* the shared library: no training, and so no oneDNN */
#define TRAINING_OPS NULL
#else
#define TRAINING_OPS &cpu_training_ops
#endif

static void cpu_free(struct backend *backend)
{
#ifndef FLAIRTAG_TAGS_ONLY
    cpu_training_free(((struct cpu_backend *)backend)->training);
#endif
    free(backend);
}

static const struct backend_ops cpu_ops = {.name = "cpu",
                                           .free = cpu_free,
                                           .on_host = true,
                                           .new_floats = cpu_new_floats,
                                           .free_floats = cpu_free_floats,
                                           .upload = cpu_move,
                                           .download = cpu_move,
                                           .lm_encode = cpu_lm_encode,
                                           .gather = cpu_gather,
                                           .linear = cpu_linear,
                                           .birnn = cpu_birnn,
                                           .decode = cpu_decode,
                                           .training = TRAINING_OPS};

ft_status backend_cpu_new(struct backend **backend, const struct cpu_options *options, struct ft_error *error)
{
    const struct kernels *kernels = kernels_find(options->isa);
    if (!kernels)
        return ft_fail(error, FT_USAGE, "this machine has no '%s' kernels; the best it can run is '%s'", options->isa,
                       kernels_find("auto")->name);
    struct cpu_backend *cpu = malloc(sizeof *cpu);
    if (!cpu)
        return ft_nomem(error, "the CPU back end");
    *cpu = (struct cpu_backend){.base = {&cpu_ops},
                                .kernels = kernels,
                                .threads = options->threads,
                                .lanes = options->lanes,
                                .fork_bytes = CPU_FORK_BYTES,
                                .split_below = SPLIT_BELOW,
                                .split_bytes = SPLIT_BYTES};
    if (!cpu->threads)
        cpu->threads = parallel_cores();
    if (!cpu->lanes)
        cpu->lanes = DEFAULT_LANES;
    *backend = &cpu->base;
    return FT_OK;
}

const struct kernels *backend_cpu_kernels(const struct backend *backend)
{
    return ((const struct cpu_backend *)backend)->kernels;
}

size_t backend_cpu_threads(const struct backend *backend)
{
    return ((const struct cpu_backend *)backend)->threads;
}

size_t backend_cpu_lanes(const struct backend *backend)
{
    return ((const struct cpu_backend *)backend)->lanes;
}

void backend_cpu_set_lanes(struct backend *backend, size_t lanes)
{
    ((struct cpu_backend *)backend)->lanes = lanes;
}

void backend_cpu_set_fork_bytes(struct backend *backend, size_t bytes)
{
    ((struct cpu_backend *)backend)->fork_bytes = bytes;
}

struct step_counts backend_cpu_steps(const struct backend *backend)
{
    return ((const struct cpu_backend *)backend)->steps;
}
