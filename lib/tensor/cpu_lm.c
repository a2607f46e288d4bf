/* cpu_lm.c - character language models on the CPU: lanes with slot refill, and only the wanted states leave the step.
 *
 * Each model has its own plan of what sequences have in common. Workers begin with different models, so that two of
 * them on two threads are two long runs of full lanes, and help with the others' sequences when their own have all
 * begun. Where there are more threads than models and few sequences, a worker is a team of threads instead: each steps
 * some of the units of all lanes, so that it reads only their weights. When all is stepped, rows that are wanted more
 * than once are copied. */
#include "tensor/cpu.h"
#include "tensor/forks.h"
#include "tensor/lanes.h"
#include "tensor/team.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "kernels/linear.h"
#include <stdlib.h>
#include <string.h>

struct lm_job {
    const struct cpu_backend *backend;
    const struct char_lm *lm;
    const struct char_sequence *sequences;
    float *out;
    float *states;         /* NULL, or those of its one sequence */
    size_t width;          /* of a row of out */
    size_t lanes;          /* of a worker */
    atomic_size_t workers; /* that have come */
    struct forks forks;
    struct team team;     /* those who step the same lanes */
    atomic_size_t filled; /* sequences whose rows are whole, or about to be */
};

struct lm_jobs {
    struct lm_job *at; /* [count] */
    size_t count;
    atomic_size_t steps; /* taken */
    _Atomic ft_status status;
};

struct lm_lane {
    const struct char_sequence *sequence;
    uint32_t step, end;
    uint32_t next;  /* of the wanted states */
    uint32_t child; /* who goes on from here next */
};

/* One worker's lanes and buffers. */
struct lm_worker {
    const struct lm_job *job;
    size_t capacity, count;
    struct lm_lane *lanes;
    struct lane_states states[CHAR_LM_LAYERS];
    struct product_scratch *scratch; /* [parts of the team] */
    size_t layer;                    /* that is being stepped */
    const float **projected;         /* [capacity] the states that the projection takes */
    float **out_rows;                /* [capacity], for the projection */
};

static size_t padded_units(const struct recurrent_layer *layer)
{
    return layer->panels * BLOCK;
}

static void worker_release(struct lm_worker *worker)
{
    for (size_t k = 0; k < worker->job->lm->layers; k++)
        lane_states_release(&worker->states[k]);
    for (size_t part = 0; worker->scratch && part < worker->job->team.parts; part++)
        cpu_scratch_release(&worker->scratch[part]);
    free(worker->scratch);
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
    bool ok = (worker->scratch = calloc(job->team.parts, sizeof *worker->scratch)) != NULL;
    for (size_t part = 0; ok && part < job->team.parts; part++)
        ok = cpu_scratch_init(&worker->scratch[part], worker->capacity, &room) == FT_OK;
    ok &= (worker->lanes = calloc(worker->capacity, sizeof *worker->lanes)) != NULL;
    ok &= (worker->out_rows = calloc(worker->capacity, sizeof *worker->out_rows)) != NULL;
    ok &= (worker->projected = calloc(worker->capacity, sizeof *worker->projected)) != NULL;
    for (size_t k = 0; k < job->lm->layers; k++)
        ok &= lane_states_init(&worker->states[k], worker->capacity, padded_units(&job->lm->layer[k]));
    return ok ? FT_OK : FT_NOMEM;
}

static void refill(struct lm_worker *worker, struct forks *forks)
{
    const struct char_lm *lm = worker->job->lm;
    uint32_t x;
    struct fork_state *state;
    while (worker->count < worker->capacity && forks_take(forks, !worker->count, &x, &state)) {
        const struct char_sequence *sequence = &worker->job->sequences[x];
        const struct prefix *prefix = &forks->prefixes.at[x];
        size_t lane = worker->count++;
        worker->lanes[lane] = (struct lm_lane){.sequence = sequence,
                                               .step = state ? prefix->start : 0,
                                               .end = prefix->start + forks->prefixes.own_steps[x],
                                               .next = prefixes_wishes_before(sequence, prefix->start),
                                               .child = prefix->child};
        const float *from = state ? state->at : worker->job->states;
        for (size_t k = 0; k < lm->layers; k++) {
            size_t padded = padded_units(&lm->layer[k]);
            lane_states_start(&worker->states[k], lane, padded, from, from ? from + padded : NULL);
            from = from ? from + 2 * padded : NULL;
        }
        if (state)
            forks_drop(forks, state);
    }
}

/* to: [lm_state_floats]. */
static void copy_states(const struct lm_worker *worker, size_t lane, float *to)
{
    const struct char_lm *lm = worker->job->lm;
    for (size_t k = 0; k < lm->layers; k++) {
        size_t padded = padded_units(&lm->layer[k]);
        memcpy(to, worker->states[k].h_in[lane], padded * sizeof *to);
        memcpy(to + padded, worker->states[k].c[lane], padded * sizeof *to);
        to += 2 * padded;
    }
}

/* Keeps the lane's state for those who go on from it. */
static void fork_lane(struct lm_worker *worker, size_t lane, struct forks *forks)
{
    struct fork_state *state = forks_keep(forks, lm_state_floats(worker->job->lm));
    if (state)
        copy_states(worker, lane, state->at);
    worker->lanes[lane].child = forks_offer(forks, worker->lanes[lane].child, state);
}

static void step_part(void *argument, size_t part)
{
    struct lm_worker *worker = argument;
    size_t k = worker->layer, parts = worker->job->team.parts;
    const struct recurrent_layer *layer = &worker->job->lm->layer[k];
    struct lane_states *states = &worker->states[k];
    struct input_piece pieces[2] = {{NULL, layer->in}, {(const float *const *)states->h_in, layer->hidden}};
    if (k) /* the layer below has turned: its h_in is h(t) */
        pieces[0].rows = (const float *const *)worker->states[k - 1].h_in;
    recurrent_step(worker->job->backend->kernels, layer, worker->count, worker->scratch->start, k ? pieces : pieces + 1,
                   k ? 2 : 1, states->c, states->h_out, layer->panels * part / parts,
                   layer->panels * (part + 1) / parts, &worker->scratch[part]);
}

static void step_layers(struct lm_worker *worker, struct team *team)
{
    const struct char_lm *lm = worker->job->lm;
    for (size_t k = 0; k < lm->layers; k++) {
        const struct recurrent_layer *layer = &lm->layer[k];
        for (size_t lane = 0; lane < worker->count; lane++) {
            const struct lm_lane *at = &worker->lanes[lane];
            worker->scratch->start[lane] =
                k ? layer->bias : lm->table + (size_t)at->sequence->ids[at->step] * layer->panels * PANEL;
        }
        worker->layer = k;
        if (team->parts > 1)
            team_work(team, step_part, worker);
        else /* the job's team is no worker's own then */
            step_part(worker, 0);
        lane_states_turn(&worker->states[k]);
    }
}

/* Writes the states that were wanted behind this step, each to the first row that wants it. */
static void write_rows(struct lm_worker *worker)
{
    const struct lm_job *job = worker->job;
    const struct char_lm *lm = job->lm;
    float **top = worker->states[lm->layers - 1].h_in;
    size_t wanted = 0;
    for (size_t lane = 0; lane < worker->count; lane++) {
        struct lm_lane *at = &worker->lanes[lane];
        const struct char_sequence *sequence = at->sequence;
        if (at->next == sequence->row_count || sequence->steps[at->next] != at->step)
            continue;
        float *row = job->out + (size_t)sequence->rows[at->next] * job->width;
        if (lm->has_projection) {
            worker->projected[wanted] = top[lane];
            worker->out_rows[wanted++] = row;
        } else {
            memcpy(row, top[lane], job->width * sizeof(float));
        }
        while (at->next < sequence->row_count && sequence->steps[at->next] == at->step)
            at->next++;
    }
    if (wanted) {
        struct input_piece states = {worker->projected, lm->projection.in};
        linear_forward(job->backend->kernels, &lm->projection, wanted, &states, 1, worker->out_rows, worker->scratch);
    }
}

static void advance(struct lm_worker *worker, struct forks *forks)
{
    for (size_t lane = 0; lane < worker->count;) {
        struct lm_lane *at = &worker->lanes[lane];
        at->step++;
        if (at->child != PREFIX_NONE && forks->prefixes.at[at->child].start == at->step)
            fork_lane(worker, lane, forks);
        if (at->step < at->end) {
            lane++;
            continue;
        }
        if (worker->job->states)
            copy_states(worker, lane, worker->job->states);
        size_t last = --worker->count;
        if (lane != last) {
            *at = worker->lanes[last];
            for (size_t k = 0; k < worker->job->lm->layers; k++)
                lane_states_swap(&worker->states[k], lane, last);
            /* the lane that moved here has not been advanced yet */
        }
    }
}

static ft_status run_job(struct lm_job *job, size_t *steps)
{
    struct lm_worker worker;
    /* those who have come hold all that is left, or will as soon as it can be begun */
    if (!forks_left(&job->forks) || atomic_fetch_add(&job->workers, 1) * job->lanes >= job->forks.order.count)
        return FT_OK;
    ft_status status = worker_init(&worker, job);
    if (status == FT_OK)
        for (refill(&worker, &job->forks); worker.count; refill(&worker, &job->forks)) {
            *steps += worker.count;
            step_layers(&worker, &job->team);
            write_rows(&worker);
            advance(&worker, &job->forks);
        }
    worker_release(&worker);
    return status;
}

static void lm_work(void *argument, size_t thread)
{
    struct lm_jobs *jobs = argument;
    size_t steps = 0;
    for (size_t i = 0; i < jobs->count; i++) {
        struct lm_job *job = &jobs->at[(thread + i) % jobs->count];
        ft_status status = run_job(job, &steps);
        if (status != FT_OK)
            jobs->status = status;
    }
    jobs->steps += steps;
}

/* Every thread has its place in the team of one model. */
static void team_thread(void *argument, size_t thread)
{
    struct lm_jobs *jobs = argument;
    struct lm_job *job = &jobs->at[thread % jobs->count];
    size_t part = thread / jobs->count, steps = 0;
    if (part) {
        if (part < job->team.parts)
            team_serve(&job->team, part);
        return;
    }
    ft_status status = run_job(job, &steps);
    team_end(&job->team);
    if (status != FT_OK)
        jobs->status = status;
    jobs->steps += steps;
}

/* Copies the rows of states that were written elsewhere: to another row of the same sequence, or to one of the sequence
 * that took the step. */
static void fill_rows(const struct lm_job *job, uint32_t x)
{
    const struct char_sequence *sequence = &job->sequences[x];
    for (uint32_t i = 0; i < sequence->row_count; i++) {
        uint32_t step = sequence->steps[i], from = sequence->rows[i];
        if (i && sequence->steps[i - 1] == step) {
            from = sequence->rows[i - 1];
        } else if (step < job->forks.prefixes.at[x].start) {
            const struct char_sequence *holder = &job->sequences[prefixes_holder(&job->forks.prefixes, x, step)];
            from = holder->rows[prefixes_wishes_before(holder, step)];
        }
        if (from != sequence->rows[i])
            memcpy(job->out + (size_t)sequence->rows[i] * job->width, job->out + (size_t)from * job->width,
                   job->width * sizeof(float));
    }
}

enum { FILL_SHARE = 16 }; /* sequences taken at a time */

static void fill_work(void *argument, size_t thread)
{
    struct lm_jobs *jobs = argument;
    (void)thread;
    for (size_t i = 0; i < jobs->count; i++) {
        struct lm_job *job = &jobs->at[i];
        size_t first, count = job->forks.prefixes.count;
        while ((first = atomic_fetch_add(&job->filled, FILL_SHARE)) < count)
            for (size_t x = first; x < count && x < first + FILL_SHARE; x++)
                fill_rows(job, (uint32_t)x);
    }
}

static bool job_init(struct lm_job *job, const struct cpu_backend *backend, const struct lm_pass *pass)
{
    *job = (struct lm_job){
        .backend = backend, .lm = pass->lm, .sequences = pass->sequences, .out = pass->out, .states = pass->states};
    job->width = pass->lm->has_projection ? pass->lm->projection.out : pass->lm->layer[pass->lm->layers - 1].hidden;
    return forks_init(&job->forks, pass->sequences, pass->count, backend->fork_bytes);
}

static void job_release(struct lm_job *job)
{
    forks_release(&job->forks);
    team_release(&job->team);
}

/* parts: threads of a team; workers: threads or teams that begin with this model. */
static bool job_crew(struct lm_job *job, size_t parts, size_t workers)
{
    const struct forks *forks = &job->forks;
    /* the longest sequence shares its beginning with none longer, so it comes first with all of its steps */
    job->lanes = lane_queue_lanes(&forks->order, forks->prefixes.own_steps, workers, job->backend->lanes);
    return team_init(&job->team, parts);
}

/* How many of some threads can share every layer's weights. */
static size_t team_size(const struct lm_job *job, size_t threads)
{
    for (size_t k = 0; k < job->lm->layers; k++) {
        const struct recurrent_layer *layer = &job->lm->layer[k];
        size_t shares = layer->panels * layer->weights.groups * GROUP_ROW / job->backend->split_bytes;
        threads = shares < threads ? shares : threads;
    }
    return threads;
}

/* Shares the threads out among the models. True: as one team each. */
static bool make_crews(struct lm_jobs *jobs, const struct cpu_backend *cpu)
{
    size_t most = 0, count = jobs->count, workers = count && cpu->threads > count ? cpu->threads / count : 1;
    bool teams = count && cpu->threads > count;
    for (size_t i = 0; i < count; i++) {
        size_t sequences = jobs->at[i].forks.order.count;
        most = sequences > most ? sequences : most;
        teams = teams && team_size(&jobs->at[i], 2) == 2;
    }
    teams = teams && most * count < cpu->split_below * cpu->threads;
    for (size_t i = 0; i < count; i++) {
        size_t parts = teams ? team_size(&jobs->at[i], (cpu->threads - i + count - 1) / count) : 1;
        if (!job_crew(&jobs->at[i], parts, teams ? 1 : workers))
            jobs->status = FT_NOMEM;
    }
    return teams;
}

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error)
{
    struct cpu_backend *cpu = (struct cpu_backend *)backend;
    struct lm_jobs jobs = {.at = calloc(count ? count : 1, sizeof *jobs.at)};
    size_t asked = 0;
    double start = clock_seconds();
    jobs.status = jobs.at ? FT_OK : FT_NOMEM;
    for (; jobs.status == FT_OK && jobs.count < count; jobs.count++) {
        if (!job_init(&jobs.at[jobs.count], cpu, &passes[jobs.count]))
            jobs.status = FT_NOMEM;
        for (size_t i = 0; i < passes[jobs.count].count; i++)
            asked += passes[jobs.count].sequences[i].length;
    }
    bool teams = make_crews(&jobs, cpu);
    if (jobs.status == FT_OK)
        parallel_run(cpu->threads, teams ? team_thread : lm_work, &jobs);
    if (jobs.status == FT_OK)
        parallel_run(jobs.steps < asked ? cpu->threads : 1, fill_work, &jobs);
    cpu->steps.taken += jobs.steps;
    cpu->steps.asked += asked;
    cpu->steps.seconds += clock_seconds() - start;
    for (size_t i = 0; i < jobs.count; i++)
        job_release(&jobs.at[i]);
    free(jobs.at);
    return jobs.status == FT_OK ? FT_OK : ft_nomem(error, "the language model's lanes");
}
