/* cpu_lm.c - character language models on the CPU: lanes with slot refill, and only the wanted states leave the step. */
#include "tensor/cpu.h"
#include "tensor/lanes.h"
#include "base/parallel.h"
#include "kernels/linear.h"
#include <stdlib.h>
#include <string.h>

struct lm_job {
    const struct cpu_backend *backend;
    const struct char_lm *lm;
    const struct char_sequence *sequences;
    float *out;
    size_t width; /* of a row of out */
    struct lane_queue queue;
    _Atomic ft_status status;
};

struct lm_lane {
    const struct char_sequence *sequence;
    uint32_t step, next; /* `next` counts the states already written */
};

/* One worker's lanes and buffers. */
struct lm_worker {
    const struct lm_job *job;
    size_t capacity, count;
    struct lm_lane *lanes;
    struct lane_states states[CHAR_LM_LAYERS];
    struct cpu_scratch scratch;
    float **out_rows;  /* [capacity], for the projection */
};

static size_t padded_units(const struct recurrent_layer *layer)
{
    return layer->panels * BLOCK;
}

static void worker_release(struct lm_worker *worker)
{
    for (size_t k = 0; k < worker->job->lm->layers; k++)
        lane_states_release(&worker->states[k]);
    cpu_scratch_release(&worker->scratch);
    free(worker->out_rows);
    free(worker->lanes);
}

static ft_status worker_init(struct lm_worker *worker, const struct lm_job *job)
{
    *worker = (struct lm_worker){.job = job};
    /* no more lanes than this worker's share of the sequences: a few sentences on two cores then use both */
    size_t share = (job->queue.count + job->backend->threads - 1) / job->backend->threads;
    worker->capacity = share < job->backend->lanes ? share : job->backend->lanes;
    bool ok = cpu_scratch_init(&worker->scratch, worker->capacity, 1) == FT_OK;
    ok &= (worker->lanes = calloc(worker->capacity, sizeof *worker->lanes)) != NULL;
    ok &= (worker->out_rows = calloc(worker->capacity, sizeof *worker->out_rows)) != NULL;
    for (size_t k = 0; k < job->lm->layers; k++)
        ok &= lane_states_init(&worker->states[k], worker->capacity, padded_units(&job->lm->layer[k]));
    return ok ? FT_OK : FT_NOMEM;
}

static void refill(struct lm_worker *worker, struct lane_queue *queue)
{
    const struct char_lm *lm = worker->job->lm;
    uint32_t sequence;
    while (worker->count < worker->capacity && lane_queue_take(queue, &sequence)) {
        size_t lane = worker->count++;
        worker->lanes[lane] = (struct lm_lane){&worker->job->sequences[sequence], 0, 0};
        for (size_t k = 0; k < lm->layers; k++)
            lane_states_start(&worker->states[k], lane, padded_units(&lm->layer[k]), NULL, NULL);
    }
}

static void step_layers(struct lm_worker *worker)
{
    const struct char_lm *lm = worker->job->lm;
    struct cpu_scratch *scratch = &worker->scratch;
    for (size_t k = 0; k < lm->layers; k++) {
        const struct recurrent_layer *layer = &lm->layer[k];
        struct lane_states *states = &worker->states[k];
        struct input_piece below = {NULL, layer->in};
        for (size_t lane = 0; lane < worker->count; lane++) {
            const struct lm_lane *at = &worker->lanes[lane];
            scratch->start[lane] = k ? layer->bias : lm->table + (size_t)at->sequence->ids[at->step] * layer->panels * PANEL;
        }
        if (k) /* the layer below has turned: its h_in is h(t) */
            below.rows = (const float *const *)worker->states[k - 1].h_in;
        recurrent_step(worker->job->backend->kernels, layer, worker->count, scratch->start, &below, k ? 1 : 0,
                       (const float *const *)states->h_in, states->c, states->h_out, scratch->work, scratch->pointers);
        lane_states_turn(states);
    }
}

/* Writes the states that were wanted behind this step. */
static void write_rows(struct lm_worker *worker)
{
    const struct lm_job *job = worker->job;
    const struct char_lm *lm = job->lm;
    float **top = worker->states[lm->layers - 1].h_in;
    size_t wanted = 0;
    for (size_t lane = 0; lane < worker->count; lane++) {
        struct lm_lane *at = &worker->lanes[lane];
        const struct char_sequence *sequence = at->sequence;
        float *first = NULL; /* a second wish for the same state is a copy of the first */
        for (; at->next < sequence->row_count && sequence->steps[at->next] == at->step; at->next++) {
            float *row = job->out + (size_t)sequence->rows[at->next] * job->width;
            if (!lm->has_projection) {
                memcpy(row, top[lane], job->width * sizeof(float));
            } else if (!first) {
                worker->scratch.rows[wanted] = top[lane];
                worker->out_rows[wanted++] = first = row;
            }
        }
    }
    if (wanted) {
        struct input_piece states = {worker->scratch.rows, lm->projection.in};
        linear_forward(job->backend->kernels, &lm->projection, wanted, &states, 1, worker->out_rows, worker->scratch.work,
                       worker->scratch.pointers);
    }
}

/* Where one state was wanted in several rows, write_rows projected it into the first: copy it to the others. */
static void copy_repeated_rows(const struct lm_job *job, const struct char_sequence *sequence)
{
    for (uint32_t i = 1; i < sequence->row_count; i++)
        if (sequence->steps[i] == sequence->steps[i - 1])
            memcpy(job->out + (size_t)sequence->rows[i] * job->width, job->out + (size_t)sequence->rows[i - 1] * job->width,
                   job->width * sizeof(float));
}

static void advance(struct lm_worker *worker)
{
    for (size_t lane = 0; lane < worker->count;) {
        struct lm_lane *at = &worker->lanes[lane];
        if (++at->step < at->sequence->length) {
            lane++;
            continue;
        }
        if (worker->job->lm->has_projection)
            copy_repeated_rows(worker->job, at->sequence);
        size_t last = --worker->count;
        if (lane != last) {
            *at = worker->lanes[last];
            for (size_t k = 0; k < worker->job->lm->layers; k++)
                lane_states_swap(&worker->states[k], lane, last);
            /* the lane that moved here has not been advanced yet */
        }
    }
}

static void lm_work(void *argument, size_t thread)
{
    struct lm_job *job = argument;
    struct lm_worker worker;
    (void)thread;
    if (!job->queue.count)
        return;
    if (worker_init(&worker, job) != FT_OK) {
        job->status = FT_NOMEM;
    } else {
        for (refill(&worker, &job->queue); worker.count; refill(&worker, &job->queue)) {
            step_layers(&worker);
            write_rows(&worker);
            advance(&worker);
        }
    }
    worker_release(&worker);
}

ft_status cpu_lm_encode(struct backend *backend, const struct char_lm *lm, const struct char_sequence *sequences,
                        size_t count, float *out, struct ft_error *error)
{
    struct lm_job job = {.backend = (const struct cpu_backend *)backend, .lm = lm, .sequences = sequences, .out = out};
    job.width = lm->has_projection ? lm->projection.out : lm->layer[lm->layers - 1].hidden;
    uint32_t *lengths = malloc((count ? count : 1) * sizeof *lengths);
    for (size_t i = 0; lengths && i < count; i++)
        lengths[i] = sequences[i].length;
    if (!lengths || !lane_queue_init(&job.queue, lengths, count)) {
        free(lengths);
        return ft_nomem(error, "the queue of sentences");
    }
    free(lengths);
    parallel_run(job.backend->threads, lm_work, &job);
    lane_queue_release(&job.queue);
    return job.status == FT_OK ? FT_OK : ft_nomem(error, "the language model's lanes");
}
