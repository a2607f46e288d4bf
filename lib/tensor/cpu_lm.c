/* cpu_lm.c - character language models on the CPU: lanes with slot refill, and only the wanted states leave the step.
 *
 * Each model has a queue. Workers begin with different models, so that two of them on two threads are two long runs of
 * full lanes, and help with the others' queues when their own is empty. */
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
    size_t lanes; /* of a worker */
    struct lane_queue queue;
};

struct lm_jobs {
    struct lm_job *at; /* [count] */
    size_t count;
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
    struct product_scratch scratch;
    const float **projected; /* [capacity] the states that the projection takes */
    float **out_rows; /* [capacity], for the projection */
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
    free(worker->projected);
    free(worker->lanes);
}

static ft_status worker_init(struct lm_worker *worker, const struct lm_job *job)
{
    *worker = (struct lm_worker){.job = job};
    worker->capacity = job->lanes;
    struct product_room room = {0};
    for (size_t k = 0; k < job->lm->layers; k++)
        product_room(&room, &job->lm->layer[k].weights);
    if (job->lm->has_projection)
        product_room(&room, &job->lm->projection.weights);
    bool ok = cpu_scratch_init(&worker->scratch, worker->capacity, &room) == FT_OK;
    ok &= (worker->lanes = calloc(worker->capacity, sizeof *worker->lanes)) != NULL;
    ok &= (worker->out_rows = calloc(worker->capacity, sizeof *worker->out_rows)) != NULL;
    ok &= (worker->projected = calloc(worker->capacity, sizeof *worker->projected)) != NULL;
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
    struct product_scratch *scratch = &worker->scratch;
    for (size_t k = 0; k < lm->layers; k++) {
        const struct recurrent_layer *layer = &lm->layer[k];
        struct lane_states *states = &worker->states[k];
        struct input_piece pieces[2] = {{NULL, layer->in}, {(const float *const *)states->h_in, layer->hidden}};
        for (size_t lane = 0; lane < worker->count; lane++) {
            const struct lm_lane *at = &worker->lanes[lane];
            scratch->start[lane] =
                k ? layer->bias : lm->table + (size_t)at->sequence->ids[at->step] * layer->panels * PANEL;
        }
        if (k) /* the layer below has turned: its h_in is h(t) */
            pieces[0].rows = (const float *const *)worker->states[k - 1].h_in;
        recurrent_step(worker->job->backend->kernels, layer, worker->count, scratch->start, k ? pieces : pieces + 1,
                       k ? 2 : 1, states->c, states->h_out, scratch);
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
                worker->projected[wanted] = top[lane];
                worker->out_rows[wanted++] = first = row;
            }
        }
    }
    if (wanted) {
        struct input_piece states = {worker->projected, lm->projection.in};
        linear_forward(job->backend->kernels, &lm->projection, wanted, &states, 1, worker->out_rows, &worker->scratch);
    }
}

/* Where one state was wanted in several rows, write_rows projected it into the first: copy it to the others. */
static void copy_repeated_rows(const struct lm_job *job, const struct char_sequence *sequence)
{
    for (uint32_t i = 1; i < sequence->row_count; i++)
        if (sequence->steps[i] == sequence->steps[i - 1])
            memcpy(job->out + (size_t)sequence->rows[i] * job->width,
                   job->out + (size_t)sequence->rows[i - 1] * job->width, job->width * sizeof(float));
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

static ft_status run_job(struct lm_job *job)
{
    struct lm_worker worker;
    if (!lane_queue_left(&job->queue))
        return FT_OK;
    ft_status status = worker_init(&worker, job);
    if (status == FT_OK)
        for (refill(&worker, &job->queue); worker.count; refill(&worker, &job->queue)) {
            step_layers(&worker);
            write_rows(&worker);
            advance(&worker);
        }
    worker_release(&worker);
    return status;
}

static void lm_work(void *argument, size_t thread)
{
    struct lm_jobs *jobs = argument;
    for (size_t i = 0; i < jobs->count; i++) {
        ft_status status = run_job(&jobs->at[(thread + i) % jobs->count]);
        if (status != FT_OK)
            jobs->status = status;
    }
}

static bool job_init(struct lm_job *job, const struct cpu_backend *backend, const struct lm_pass *pass, size_t passes)
{
    uint32_t *lengths = malloc((pass->count ? pass->count : 1) * sizeof *lengths);
    size_t threads = backend->threads > passes ? backend->threads / passes : 1; /* that begin with this model */
    *job = (struct lm_job){.backend = backend, .lm = pass->lm, .sequences = pass->sequences, .out = pass->out};
    job->width = pass->lm->has_projection ? pass->lm->projection.out : pass->lm->layer[pass->lm->layers - 1].hidden;
    for (size_t i = 0; lengths && i < pass->count; i++)
        lengths[i] = pass->sequences[i].length;
    bool ok = lengths && lane_queue_init(&job->queue, lengths, pass->count);
    if (ok)
        job->lanes = lane_queue_lanes(&job->queue, lengths, threads, backend->lanes);
    free(lengths);
    return ok;
}

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error)
{
    const struct cpu_backend *cpu = (const struct cpu_backend *)backend;
    struct lm_jobs jobs = {.at = calloc(count ? count : 1, sizeof *jobs.at)};
    jobs.status = jobs.at ? FT_OK : FT_NOMEM;
    for (; jobs.status == FT_OK && jobs.count < count; jobs.count++)
        if (!job_init(&jobs.at[jobs.count], cpu, &passes[jobs.count], count))
            jobs.status = FT_NOMEM;
    if (jobs.status == FT_OK)
        parallel_run(cpu->threads, lm_work, &jobs);
    for (size_t i = 0; i < jobs.count; i++)
        lane_queue_release(&jobs.at[i].queue);
    free(jobs.at);
    return jobs.status == FT_OK ? FT_OK : ft_nomem(error, "the language model's lanes");
}
