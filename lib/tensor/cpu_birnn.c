/* cpu_birnn.c - the tagger's bidirectional layers on the CPU, by lanes of sentences. Inputs are read where they lie. */
#include "tensor/cpu.h"
#include "tensor/lanes.h"
#include "base/parallel.h"
#include <stdlib.h>
#include <string.h>

struct rnn_job {
    const struct cpu_backend *backend;
    const struct recurrent_layer *layers; /* [2], forward and backward */
    const struct token_sequence *sentences;
    const struct input_piece *pieces;
    size_t piece_count;
    float *out; /* [tokens, 2 * hidden] */
    struct lane_queue queue[2];
    size_t lanes; /* of a worker */
    _Atomic ft_status status;
};

struct rnn_lane {
    const struct token_sequence *sentence;
    size_t step;
};

struct rnn_worker {
    const struct rnn_job *job;
    size_t capacity, count;
    struct rnn_lane *lanes;
    struct lane_states states;
    struct product_scratch scratch;
    struct input_piece *pieces; /* [piece_count + 1], the state last */
    const float **rows;         /* [piece_count, capacity] */
};

static ft_status worker_init(struct rnn_worker *worker, const struct rnn_job *job)
{
    *worker = (struct rnn_worker){.job = job, .capacity = job->lanes};
    struct product_room room = {0};
    product_room(&room, &job->layers[0].weights);
    bool ok = cpu_scratch_init(&worker->scratch, worker->capacity, &room) == FT_OK;
    ok &= (worker->lanes = calloc(worker->capacity, sizeof *worker->lanes)) != NULL;
    ok &= (worker->pieces = calloc(job->piece_count + 1, sizeof *worker->pieces)) != NULL;
    ok &= (worker->rows = calloc(job->piece_count * worker->capacity + 1, sizeof *worker->rows)) != NULL;
    ok &= lane_states_init(&worker->states, worker->capacity, job->layers[0].panels * BLOCK);
    return ok ? FT_OK : FT_NOMEM;
}

static void worker_release(struct rnn_worker *worker)
{
    lane_states_release(&worker->states);
    cpu_scratch_release(&worker->scratch);
    free(worker->pieces);
    free(worker->rows);
    free(worker->lanes);
}

static void run_direction(struct rnn_worker *worker, size_t direction, struct lane_queue *queue)
{
    const struct rnn_job *job = worker->job;
    const struct recurrent_layer *layer = &job->layers[direction];
    struct product_scratch *scratch = &worker->scratch;
    size_t padded = layer->panels * BLOCK, hidden = layer->hidden;
    for (;;) {
        uint32_t next;
        while (worker->count < worker->capacity && lane_queue_take(queue, &next)) {
            worker->lanes[worker->count] = (struct rnn_lane){&job->sentences[next], 0};
            lane_states_start(&worker->states, worker->count++, padded, layer->init_h, layer->init_c);
        }
        if (!worker->count)
            return;
        for (size_t i = 0; i < job->piece_count; i++)
            worker->pieces[i] = (struct input_piece){worker->rows + i * worker->capacity, job->pieces[i].width};
        worker->pieces[job->piece_count] = (struct input_piece){(const float *const *)worker->states.h_in, hidden};
        for (size_t lane = 0; lane < worker->count; lane++) {
            const struct token_sequence *s = worker->lanes[lane].sentence;
            size_t step = worker->lanes[lane].step, token = s->first + (direction ? s->count - 1 - step : step);
            scratch->start[lane] = layer->bias;
            for (size_t i = 0; i < job->piece_count; i++)
                worker->rows[i * worker->capacity + lane] = job->pieces[i].rows[token];
        }
        recurrent_step(job->backend->kernels, layer, worker->count, scratch->start, worker->pieces,
                       job->piece_count + 1, worker->states.c, worker->states.h_out, 0, layer->panels, scratch);
        lane_states_turn(&worker->states);
        for (size_t lane = 0; lane < worker->count; lane++) {
            const struct token_sequence *s = worker->lanes[lane].sentence;
            size_t step = worker->lanes[lane].step, token = s->first + (direction ? s->count - 1 - step : step);
            memcpy(job->out + (token * 2 + direction) * hidden, worker->states.h_in[lane], hidden * sizeof(float));
        }
        for (size_t lane = 0; lane < worker->count;) {
            if (++worker->lanes[lane].step < worker->lanes[lane].sentence->count) {
                lane++;
                continue;
            }
            size_t last = --worker->count;
            if (lane != last) {
                worker->lanes[lane] = worker->lanes[last];
                lane_states_swap(&worker->states, lane, last);
            }
        }
    }
}

static void rnn_work(void *argument, size_t thread)
{
    struct rnn_job *job = argument;
    struct rnn_worker worker;
    size_t first = thread % 2; /* half of the workers begin with either direction, then help the other half */
    if (!job->queue[0].count)
        return;
    if (worker_init(&worker, job) != FT_OK) {
        job->status = FT_NOMEM;
    } else {
        run_direction(&worker, first, &job->queue[first]);
        run_direction(&worker, 1 - first, &job->queue[1 - first]);
    }
    worker_release(&worker);
}

static ft_status run_layer(struct rnn_job *job, const uint32_t *lengths, size_t count)
{
    job->queue[0].order = job->queue[1].order = NULL;
    job->status = FT_OK;
    if (!lane_queue_init(&job->queue[0], lengths, count) || !lane_queue_init(&job->queue[1], lengths, count)) {
        job->status = FT_NOMEM;
    } else {
        /* two directions share the workers: as if each had half of them */
        size_t threads = job->backend->threads;
        job->lanes = lane_queue_lanes(&job->queue[0], lengths, threads > 1 ? threads / 2 : 1, job->backend->lanes);
        parallel_run(threads, rnn_work, job);
    }
    lane_queue_release(&job->queue[0]);
    lane_queue_release(&job->queue[1]);
    return job->status;
}

ft_status cpu_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                    size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                    struct ft_error *error)
{
    struct rnn_job job = {.backend = (const struct cpu_backend *)backend, .sentences = sentences};
    size_t width = 2 * net->layer[0][0].hidden;
    ft_status status = FT_OK;
    uint32_t *lengths = malloc((count ? count : 1) * sizeof *lengths);
    float *below = net->layers > 1 ? malloc((tokens * width + 1) * sizeof *below) : NULL;
    const float **rows = net->layers > 1 ? malloc((tokens + 1) * sizeof *rows) : NULL;
    if (!lengths || (net->layers > 1 && (!below || !rows)))
        status = FT_NOMEM;
    for (size_t i = 0; status == FT_OK && i < count; i++)
        lengths[i] = (uint32_t)sentences[i].count;
    struct input_piece lower = {rows, width};
    for (size_t k = 0; status == FT_OK && k < net->layers; k++) {
        if (k) { /* out holds what the layer before wrote, and is written again */
            memcpy(below, out, tokens * width * sizeof *below);
            for (size_t t = 0; t < tokens; t++)
                rows[t] = below + t * width;
        }
        job.layers = net->layer[k];
        job.pieces = k ? &lower : pieces;
        job.piece_count = k ? 1 : piece_count;
        job.out = out;
        status = run_layer(&job, lengths, count);
    }
    free(lengths);
    free(below);
    free(rows);
    return status == FT_OK ? FT_OK : ft_nomem(error, "the tagger's recurrent layers");
}
