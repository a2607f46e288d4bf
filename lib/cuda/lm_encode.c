/* lm_encode.c - character language models on the device: lanes that are stepped together, by a product and a kernel a
 * step, and only wanted states leave them.
 *
 * Each model has a branch of the stream. The host plans its lanes (tensor/lane_schedule.h) a run of steps at a time, in
 * pinned memory, and copies the run to the device in a stream of its own, while the device takes the run before; so
 * neither planning nor copying is waited for. Runs of all models are given out in turn.
 *
 * Without a projection a step writes its wanted states to their rows. With one they are gathered, and projected and put
 * into their rows at the end of each run, which is shorter then. Rows that are wanted more than once are copied at the
 * end. When memory is short, everything is halved, down to a lane a model and no kept states; then models run one after
 * the other. */
#include "base/clock.h"
#include "cuda/lm.h"
#include "tensor/lane_schedule.h"
#include <stdlib.h>
#include <string.h>

/* RUN_STEPS: of a run, and so of a graph. PROJECTED_STEPS: of one whose wanted states wait for their projection, at
 * worst all of them. */
enum { RUN_STEPS = 32, PROJECTED_STEPS = 8, ALIGNMENT = 256 };

/* Of a block that copies a row. */
enum { ROW_THREADS = 128 };

/* One pass at work. */
struct lm_work {
    const struct lm_pass *pass;
    struct lane_schedule schedule;
    struct lm_lane_feed *feed;
    struct lm_steps steps;
    size_t branch, lanes, places, run_steps, runs;
    size_t width; /* of a row of out */
    bool has_ended;
    size_t copies;
    struct lane_step *areas; /* [2][run_steps, lanes], and behind them, with a projection, ... */
    uint32_t *wishes;        /* [2][run_steps * lanes] the rows of the states that a run gathers */
    void *gathered;          /* [run_steps * lanes, hidden], floats or halves */
    float *projected;        /* [run_steps * lanes, nout] */
    float *kept;             /* [places, lm_state_floats] */
    uint32_t *pairs;         /* [copies][2] */
    struct cuda_linear projection;
    const uint16_t *projection_halves;
};

/* Memory cut into pieces: measured first, with `at` NULL, then cut. */
struct cutter {
    char *at;
    size_t bytes;
};

static void *cut(struct cutter *cutter, size_t count, size_t size)
{
    void *piece = cutter->at ? cutter->at + cutter->bytes : NULL;
    cutter->bytes += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return piece;
}

/* Returns the bytes of the states, which come first and begin as zero. */
static size_t cut_work(struct lm_work *work, struct cutter *cutter)
{
    struct lm_steps *steps = &work->steps;
    const struct char_lm *lm = work->pass->lm;
    size_t lanes = work->lanes, run = work->run_steps * lanes, last = steps->layers - 1;
    size_t state = steps->half_states ? sizeof(uint16_t) : sizeof(float), begin = cutter->bytes;
    for (size_t k = 0; k < steps->layers; k++) {
        steps->layer[k].h = cut(cutter, lanes * steps->layer[k].units, state);
        steps->layer[k].c = cut(cutter, lanes * steps->layer[k].units, sizeof(float));
    }
    size_t states = cutter->bytes - begin;
    for (size_t k = 0; k < steps->layers; k++) {
        struct lm_layer_at *layer = &steps->layer[k];
        layer->z = cut(cutter, lanes * layer->gates * layer->units, sizeof(float));
        layer->x = k ? cut(cutter, lanes * layer->gates * layer->units, sizeof(float)) : NULL;
        layer->above = k < last ? cut(cutter, lanes * layer->units, state) : NULL;
    }
    work->areas = cut(cutter, 2 * run, sizeof *work->areas);
    if (lm->has_projection) {
        work->wishes = cut(cutter, 2 * run, sizeof *work->wishes);
        work->gathered = cut(cutter, run * steps->layer[last].units, state);
        work->projected = cut(cutter, run * work->width, sizeof(float));
    }
    work->kept = work->pass->states;
    if (work->places)
        work->kept = cut(cutter, work->places * steps->kept_stride, sizeof(float));
    work->pairs = cut(cutter, work->copies, 2 * sizeof *work->pairs);
    return states;
}

static ft_status find_weights(struct cuda_backend *cuda, struct lm_work *work, struct ft_error *error)
{
    const struct char_lm *lm = work->pass->lm;
    struct lm_steps *steps = &work->steps;
    struct cuda_char_table table;
    ft_status status = cuda_char_table(cuda, lm, &table, error);
    for (size_t k = 0; status == FT_OK && k < lm->layers; k++) {
        const struct recurrent_layer *layer = &lm->layer[k];
        struct lm_layer_at *at = &steps->layer[k];
        struct cuda_recurrent weights;
        status = cuda_recurrent_weights(cuda, layer, &weights, error);
        if (status != FT_OK)
            break;
        at->w_hh = weights.w_hh;
        at->w_ih = k ? weights.w_ih : NULL;
        at->bias = k ? weights.bias : NULL;
        size_t columns = at->gates * at->units;
        if (steps->half_states)
            status = cuda_half_weights(cuda, at->w_hh, columns * at->units, &at->w_hh_halves, error);
        if (steps->half_states && k && status == FT_OK)
            status = cuda_half_weights(cuda, at->w_ih, columns * at->in, &at->w_ih_halves, error);
    }
    if (status == FT_OK && lm->has_projection)
        status = cuda_linear_weights(cuda, &lm->projection, &work->projection, error);
    if (status == FT_OK && lm->has_projection && steps->half_states)
        status = cuda_half_weights(cuda, work->projection.w, lm->projection.in * lm->projection.out,
                                   &work->projection_halves, error);
    if (status == FT_OK)
        steps->table = table.rows;
    return status;
}

static ft_status work_init(struct cuda_backend *cuda, struct lm_work *work, const struct lm_pass *pass,
                           struct ft_error *error)
{
    const struct char_lm *lm = pass->lm;
    struct lm_steps *steps = &work->steps;
    work->pass = pass;
    if (!lane_schedule_init(&work->schedule, pass->sequences, pass->count))
        return ft_nomem(error, "the language model's lanes");
    size_t most_lanes = lane_schedule_most(cuda->processors, cuda->options.math != CUDA_MATH_F32);
    work->lanes = lane_schedule_lanes(&work->schedule, cuda->options.lanes ? cuda->options.lanes : most_lanes);
    work->run_steps = lm->has_projection ? PROJECTED_STEPS : RUN_STEPS;
    work->width = lm->has_projection ? lm->projection.out : lm->layer[lm->layers - 1].hidden;
    work->copies = lane_schedule_copies(&work->schedule, NULL);
    steps->layers = lm->layers;
    steps->half_states = cuda->options.math == CUDA_MATH_F16;
    steps->half_rows = steps->half_states && lm->has_projection;
    for (size_t k = 0; k < lm->layers; k++) {
        const struct recurrent_layer *layer = &lm->layer[k];
        steps->layer[k].in = layer->in;
        steps->layer[k].units = layer->hidden;
        steps->layer[k].gates = layer->cell == CELL_LSTM ? 4 : 3;
        steps->layer[k].kept_offset = steps->kept_stride;
        steps->layer[k].kept_units = layer->panels * BLOCK;
        steps->kept_stride += 2 * steps->layer[k].kept_units;
    }
    if (!pass->states)
        work->places = lane_schedule_places(&work->schedule, work->lanes, steps->kept_stride * sizeof(float));
    return find_weights(cuda, work, error);
}

/* What cuda_fork will need, so that it cannot fail for want of memory. */
static ft_status make_branches(struct cuda_backend *cuda, size_t count, struct ft_error *error)
{
    if (cuda->branch_count >= count)
        return FT_OK;
    struct ft_error unused = {""};
    ft_status status = cuda_fork(cuda, count, error), joined = cuda_join(cuda, status == FT_OK ? error : &unused);
    return status == FT_OK ? joined : status;
}

/* Scratch for all, or FT_NOMEM. */
static ft_status take_memory(struct cuda_backend *cuda, struct lm_work *works, size_t count, struct ft_error *error)
{
    ft_status status = make_branches(cuda, count, error);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        struct lm_work *work = &works[i];
        struct cutter cutter = {NULL, 0};
        size_t area = work->run_steps * work->lanes * (sizeof(struct lane_step) + sizeof(uint32_t));
        cut_work(work, &cutter);
        cutter.at = cuda_scratch_take(cuda, cutter.bytes);
        cutter.bytes = 0;
        if (!cutter.at)
            return cuda_nomem(cuda, "the lanes of a language model", error);
        size_t states = cut_work(work, &cutter);
        status = lm_feed_prepare(cuda, work->feed, area, error);
        if (status == FT_OK && !lane_schedule_begin(&work->schedule, work->lanes, work->places, work->pass->states))
            status = ft_nomem(error, "the language model's lanes");
        if (status == FT_OK)
            status = cuda_check(cudaMemsetAsync(cutter.at, 0, states, cuda->stream),
                                "clearing the states of a language model", error);
    }
    return status;
}

/* All give up half of what they have; false when there is nothing left to give up. */
static bool halve(struct lm_work *works, size_t count)
{
    bool is_less = false;
    for (size_t i = 0; i < count; i++) {
        is_less |= works[i].lanes > 1 || works[i].places;
        works[i].lanes = works[i].lanes > 1 ? works[i].lanes / 2 : 1;
        works[i].places /= 2;
    }
    return is_less;
}

/* The one sequence's lane goes on from states of the caller's. */
static ft_status begin_states(struct cuda_backend *cuda, const struct lm_work *work, struct ft_error *error)
{
    static const char what[] = "copying the states of a language model";
    const struct lm_steps *steps = &work->steps;
    ft_status status = FT_OK;
    for (size_t k = 0; status == FT_OK && k < steps->layers; k++) {
        const struct lm_layer_at *layer = &steps->layer[k];
        const float *h = work->pass->states + layer->kept_offset, *c = h + layer->kept_units;
        size_t bytes = layer->units * sizeof *h;
        if (steps->half_states)
            status = cuda_to_halves(cuda->stream, h, 1, layer->units, layer->units, layer->h, error);
        else
            status =
                cuda_check(cudaMemcpyAsync(layer->h, h, bytes, cudaMemcpyDeviceToDevice, cuda->stream), what, error);
        if (status == FT_OK)
            status =
                cuda_check(cudaMemcpyAsync(layer->c, c, bytes, cudaMemcpyDeviceToDevice, cuda->stream), what, error);
    }
    return status;
}

/* What the branch finds when it begins: its run's description, the pairs of rows to copy at the end, states. */
static ft_status begin_work(struct cuda_backend *cuda, struct lm_work *work, struct ft_error *error)
{
    bool has_projection = work->pass->lm->has_projection;
    struct lm_run run = {.steps = work->areas,
                         .area_steps = work->run_steps * work->lanes,
                         .rows = has_projection ? work->gathered : work->pass->out,
                         .kept = work->kept};
    work->steps.run = work->feed->run;
    work->steps.branch = work->branch;
    work->steps.lanes = work->lanes;
    ft_status status = cuda_upload(cuda, work->feed->run, &run, sizeof run, error);
    if (status == FT_OK && work->copies) {
        uint32_t *pairs = malloc(work->copies * 2 * sizeof *pairs);
        if (!pairs)
            return ft_nomem(error, "the language model's rows");
        lane_schedule_copies(&work->schedule, pairs);
        status = cuda_upload(cuda, work->pairs, pairs, work->copies * 2 * sizeof *pairs, error);
        free(pairs);
    }
    if (status == FT_OK && work->pass->states)
        status = begin_states(cuda, work, error);
    return status;
}

/* The rows of a run's wanted states, which are gathered in the order of its steps. */
static size_t number_wishes(const struct lm_work *work, struct lane_step *steps, size_t count, uint32_t *wishes)
{
    size_t wanted = 0;
    for (struct lane_step *at = steps; at < steps + count * work->lanes; at++)
        if (at->row != LANE_NOWHERE) {
            wishes[wanted] = at->row;
            at->row = (uint32_t)wanted++;
        }
    return wanted;
}

static ft_status project(struct cuda_backend *cuda, struct lm_work *work, size_t wanted, const uint32_t *rows,
                         struct ft_error *error)
{
    const struct linear_layer *layer = &work->pass->lm->projection;
    const struct cuda_branch *branch = &cuda->branches[work->branch];
    struct cuda_product product = {.m = wanted,
                                   .n = layer->out,
                                   .k = layer->in,
                                   .a = work->steps.half_rows ? NULL : work->gathered,
                                   .a_halves = work->steps.half_rows ? work->gathered : NULL,
                                   .b = work->projection.w,
                                   .b_halves = work->projection_halves,
                                   .c = work->projected,
                                   .a_stride = layer->in,
                                   .b_stride = layer->in,
                                   .c_stride = layer->out,
                                   .b_transposed = true,
                                   .alpha = 1};
    uint32_t width = (uint32_t)work->width;
    ft_status status = cuda_multiply(cuda, branch->blas, &product, error);
    if (status != FT_OK)
        return status;
    return cuda_launch(
        branch->stream, CUDA_KERNEL(lm_put_rows), (dim3){(uint32_t)wanted, 1, 1}, (dim3){ROW_THREADS, 1, 1}, 0,
        CUDA_ARGUMENTS((void *)&work->pass->out, &rows, (void *)&work->projected, (void *)&work->projection.b, &width),
        "writing the rows of a language model", error);
}

/* Plans the next run, sends it to the device and lets the branch take it. */
static ft_status take_run(struct cuda_backend *cuda, struct lm_work *work, struct ft_error *error)
{
    static const char what[] = "sending steps to a language model";
    size_t turn = work->runs++ % 2, area = work->run_steps * work->lanes, width, wanted = 0;
    struct lm_lane_feed *feed = work->feed;
    cudaStream_t stream = cuda->branches[work->branch].stream;
    struct lane_step *steps = feed->pinned[turn];
    uint32_t *wishes = (uint32_t *)(steps + area), *device_wishes = NULL;
    ft_status status = cuda_check(cudaEventSynchronize(feed->copied[turn]), what, error);
    if (status != FT_OK)
        return status;
    size_t count = lane_schedule_next(&work->schedule, steps, work->run_steps, &width);
    work->has_ended = count < work->run_steps;
    if (!count)
        return FT_OK;
    if (work->pass->lm->has_projection)
        wanted = number_wishes(work, steps, count, wishes);
    status = cuda_check(cudaStreamWaitEvent(feed->stream, feed->taken[turn], 0), what, error);
    if (status == FT_OK)
        status = cuda_check(cudaMemcpyAsync(work->areas + turn * area, steps, count * work->lanes * sizeof *steps,
                                            cudaMemcpyHostToDevice, feed->stream),
                            what, error);
    if (status == FT_OK && wanted) {
        device_wishes = work->wishes + turn * area;
        status = cuda_check(
            cudaMemcpyAsync(device_wishes, wishes, wanted * sizeof *wishes, cudaMemcpyHostToDevice, feed->stream), what,
            error);
    }
    if (status == FT_OK)
        status = cuda_check(cudaEventRecord(feed->copied[turn], feed->stream), what, error);
    if (status == FT_OK)
        status = cuda_check(cudaStreamWaitEvent(stream, feed->copied[turn], 0), what, error);
    work->steps.steps = count;
    work->steps.width = lane_schedule_width(&work->schedule, width);
    if (status == FT_OK)
        status = lm_take_steps(cuda, &work->steps, !work->has_ended, error);
    if (status == FT_OK && wanted)
        status = project(cuda, work, wanted, device_wishes, error);
    if (status == FT_OK)
        status = cuda_check(cudaEventRecord(feed->taken[turn], stream), what, error);
    return status;
}

/* All runs of all models, a run of each in turn: so that none has to wait until another's work was given out. */
static ft_status take_runs(struct cuda_backend *cuda, struct lm_work *works, size_t count, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t i = 0; i < count; i++) /* both areas are free when the branch begins */
        for (size_t turn = 0; status == FT_OK && turn < 2; turn++)
            status = cuda_check(cudaEventRecord(works[i].feed->taken[turn], cuda->branches[i].stream),
                                "beginning a language model", error);
    for (bool is_left = true; status == FT_OK && is_left;) {
        is_left = false;
        for (size_t i = 0; status == FT_OK && i < count; i++) {
            if (!works[i].has_ended)
                status = take_run(cuda, &works[i], error);
            is_left |= !works[i].has_ended;
        }
    }
    return status;
}

static ft_status copy_rows(struct cuda_backend *cuda, const struct lm_work *work, struct ft_error *error)
{
    uint32_t width = (uint32_t)work->width;
    if (!work->copies)
        return FT_OK;
    return cuda_launch(cuda->stream, CUDA_KERNEL(lm_copy_rows), (dim3){(uint32_t)work->copies, 1, 1},
                       (dim3){ROW_THREADS, 1, 1}, 0,
                       CUDA_ARGUMENTS((void *)&work->pass->out, (void *)&work->pairs, &width),
                       "copying the rows of a language model", error);
}

/* Models whose memory has been taken. */
static ft_status run_works(struct cuda_backend *cuda, struct lm_work *works, size_t count, struct ft_error *error)
{
    ft_status status = FT_OK, joined;
    struct ft_error unused = {""};
    for (size_t i = 0; status == FT_OK && i < count; i++)
        status = begin_work(cuda, &works[i], error);
    if (status != FT_OK)
        return status;
    status = cuda_fork(cuda, count, error);
    if (status == FT_OK)
        status = take_runs(cuda, works, count, error);
    for (size_t i = 0; status != FT_OK && i < count; i++) /* scratch is given back: no copy may be under way */
        cudaStreamSynchronize(works[i].feed->stream);
    joined = cuda_join(cuda, status == FT_OK ? error : &unused);
    status = status == FT_OK ? joined : status;
    for (size_t i = 0; status == FT_OK && i < count; i++)
        status = copy_rows(cuda, &works[i], error);
    return status;
}

/* At most as many passes as there are branches. *is_taken: there was memory for them. */
static ft_status encode_together(struct cuda_backend *cuda, const struct lm_pass *passes, size_t pass_count,
                                 bool *is_taken, struct ft_error *error)
{
    struct cuda_lm *lm = lm_state(cuda);
    struct lm_work works[CUDA_BRANCHES];
    size_t count = 0;
    memset(works, 0, sizeof works); /* with the padding of what is compared */
    ft_status status = lm ? FT_OK : ft_nomem(error, "the language models");
    for (size_t i = 0; status == FT_OK && i < pass_count; i++) {
        struct lm_work *work = &works[count++];
        work->branch = count - 1;
        work->feed = &lm->feed[work->branch];
        status = work_init(cuda, work, &passes[i], error);
        if (status == FT_OK && !work->lanes) { /* nothing is wanted */
            lane_schedule_release(&work->schedule);
            memset(&works[--count], 0, sizeof *work);
        }
    }
    while (status == FT_OK && count && !*is_taken) {
        if ((status = cuda_scratch_begin(cuda, error)) != FT_OK)
            break;
        *is_taken = (status = take_memory(cuda, works, count, error)) == FT_OK;
        if (*is_taken)
            status = run_works(cuda, works, count, error);
        cuda_scratch_end(cuda);
        if (!*is_taken && halve(works, count))
            status = FT_OK;
    }
    for (size_t i = 0; i < count; i++) {
        lm->steps.asked += works[i].schedule.asked;
        lm->steps.taken += works[i].schedule.taken;
        lm->lanes = works[i].lanes;
        lane_schedule_release(&works[i].schedule);
    }
    return status;
}

ft_status cuda_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    double start = clock_seconds();
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    for (size_t i = 0, together = CUDA_BRANCHES; status == FT_OK && i < count;) {
        size_t share = count - i < together ? count - i : together;
        bool is_taken = false;
        status = encode_together(cuda, passes + i, share, &is_taken, error);
        if (status == FT_OK) {
            i += share;
        } else if (!is_taken && share > 1) {
            together = 1;
            status = FT_OK;
        }
    }
    if (cuda->lm.state)
        ((struct cuda_lm *)cuda->lm.state)->steps.seconds += clock_seconds() - start;
    cuda_scratch_end(cuda);
    return status;
}
