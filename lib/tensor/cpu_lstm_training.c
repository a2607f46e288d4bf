/* cpu_lstm_training.c - LSTM layers in training on the CPU (training.h). Products over all steps are large and go to
 * gemm.h. In the loop over steps, a direction is one piece of work, or several where there are more threads: each takes
 * every n-th sequence, which needs nothing of the others. A row's bits do not depend on that (lstm_train.h). */
#include "tensor/cpu.h"
#include "kernels/lstm_train.h"
#include <string.h>

enum { MOST_DIRECTIONS = 2, LINE = 64 };

struct lstm_job {
    const struct packed_batch *batch;
    const struct lstm_pass *directions;
    size_t count, hidden, groups; /* of sequences, a direction */
    const float *dout;
    float *zeros;                   /* [H] */
    float *packed[MOST_DIRECTIONS]; /* W_hh in panels */
    float *before[MOST_DIRECTIONS]; /* [rows, H], h(t-1) of every row; backward only */
    struct lstm_step *steps; /* [count * groups], each with scratch for its rows; item = group * count + direction */
};

/* Hands out parts of a block of memory; without a block it only counts. */
struct room {
    char *block;
    size_t used;
};

static void *take(struct room *room, size_t count, size_t size)
{
    void *part = room->block ? room->block + room->used : NULL;
    room->used += (count * size + LINE - 1) / LINE * LINE;
    return part;
}

static void lay_out(struct lstm_job *job, struct room *room, bool backward)
{
    size_t hidden = job->hidden, most = (job->batch->sequences + job->groups - 1) / job->groups;
    size_t packed = backward ? lstm_backward_panels(hidden) * lstm_backward_panel_floats(hidden)
                             : lstm_forward_panels(hidden) * lstm_forward_panel_floats(hidden);
    job->zeros = take(room, hidden, sizeof(float));
    for (size_t d = 0; d < job->count; d++) {
        job->packed[d] = take(room, packed, sizeof(float));
        job->before[d] = backward ? take(room, job->batch->rows * hidden, sizeof(float)) : NULL;
    }
    job->steps = take(room, job->count * job->groups, sizeof *job->steps);
    for (size_t i = 0; i < job->count * job->groups; i++) {
        struct lstm_step step = {.hidden = hidden};
        step.z = take(room, most * PANEL, sizeof *step.z);
        step.tail = take(room, most * LSTM_TAIL, sizeof *step.tail);
        step.at = take(room, most, sizeof *step.at);
        step.gates = take(room, most, sizeof *step.gates);
        step.h_before = take(room, most, sizeof *step.h_before);
        step.c_before = take(room, most, sizeof *step.c_before);
        step.c = take(room, most, sizeof *step.c);
        if (backward) {
            step.dout = take(room, most, sizeof *step.dout);
            step.dh = take(room, most, sizeof *step.dh);
            step.dc = take(room, most, sizeof *step.dc);
            for (size_t r = 0; r < most; r++) {
                float *dh = take(room, hidden, sizeof *dh), *dc = take(room, hidden, sizeof *dc);
                if (room->block) {
                    step.dh[r] = dh;
                    step.dc[r] = dc;
                }
            }
        } else {
            step.h = take(room, most, sizeof *step.h);
            step.gates_at = take(room, most, sizeof *step.gates_at);
            step.before_at = take(room, most, sizeof *step.before_at);
            step.c_at = take(room, most, sizeof *step.c_at);
            step.h_at = take(room, most, sizeof *step.h_at);
        }
        if (room->block)
            job->steps[i] = step;
    }
}

/* As many groups as give every thread the same number. */
static size_t group_count_for(size_t threads, size_t directions, size_t sequences)
{
    size_t groups = threads % directions ? threads : threads / directions;
    if (groups > sequences)
        groups = sequences;
    return groups ? groups : 1;
}

static ft_status job_init(struct lstm_job *job, struct cpu_training *training, const struct kernels *kernels,
                          bool backward)
{
    struct room room = {NULL, 0};
    job->groups = group_count_for(pool_threads(training->pool), job->count, job->batch->sequences);
    lay_out(job, &room, backward);
    room.block = cpu_training_scratch(training, room.used);
    if (!room.block)
        return FT_NOMEM;
    room.used = 0;
    lay_out(job, &room, backward);
    memset(job->zeros, 0, job->hidden * sizeof *job->zeros);
    for (size_t i = 0; i < job->count * job->groups; i++)
        job->steps[i].kernels = kernels;
    return FT_OK;
}

static void pack_forward(void *argument, size_t item)
{
    struct lstm_job *job = argument;
    size_t d = item % job->count;
    lstm_pack_forward(job->directions[d].weights->w_hh, job->hidden, item / job->count, job->packed[d]);
}

static void pack_backward(void *argument, size_t item)
{
    struct lstm_job *job = argument;
    size_t d = item % job->count;
    lstm_pack_backward(job->directions[d].weights->w_hh, job->hidden, item / job->count, job->packed[d]);
}

/* Of the first `active` sequences, those that belong to a group: group, group + groups, ... */
static size_t group_rows(const struct lstm_job *job, size_t group, size_t active)
{
    return active > group ? (active - group - 1) / job->groups + 1 : 0;
}

/* The rows of step t of one group, and where their states before lie. Returns how many have a step before this one, in
 * the direction's sense; they come first. */
static size_t find_rows(const struct lstm_job *job, struct lstm_step *step, size_t item, size_t t)
{
    const struct packed_batch *batch = job->batch;
    const struct lstm_pass *pass = &job->directions[item % job->count];
    size_t group = item / job->count, hidden = job->hidden, going_on = 0, from = 0;
    step->rows = group_rows(job, group, batch->active[t]);
    if (pass->reverse && t + 1 < batch->steps) {
        going_on = group_rows(job, group, batch->active[t + 1]);
        from = batch->first[t + 1];
    } else if (!pass->reverse && t > 0) {
        going_on = step->rows;
        from = batch->first[t - 1];
    }
    for (size_t r = 0; r < step->rows; r++) {
        size_t s = group + r * job->groups, row = batch->first[t] + s;
        step->gates[r] = pass->gates + row * 4 * hidden;
        step->c[r] = pass->cells + row * hidden;
        if (r < going_on) {
            step->h_before[r] = pass->out + (from + s) * pass->out_stride;
            step->c_before[r] = pass->cells + (from + s) * hidden;
        } else {
            step->h_before[r] = pass->h0 ? pass->h0 + s * hidden : job->zeros;
            step->c_before[r] = pass->c0 ? pass->c0 + s * hidden : job->zeros;
        }
    }
    return going_on;
}

/* The states after the last steps of the sequences that end at step t. */
static void keep_last(const struct lstm_job *job, const struct lstm_step *step, size_t item, size_t t)
{
    const struct packed_batch *batch = job->batch;
    const struct lstm_pass *pass = &job->directions[item % job->count];
    size_t active = t + 1 < batch->steps ? batch->active[t + 1] : 0, bytes = job->hidden * sizeof(float);
    for (size_t r = 0; r < step->rows; r++) {
        size_t s = item / job->count + r * job->groups;
        if (pass->reverse ? t > 0 : s < active)
            continue;
        if (pass->h_last)
            memcpy(pass->h_last + s * job->hidden, step->h[r], bytes);
        if (pass->c_last)
            memcpy(pass->c_last + s * job->hidden, step->c[r], bytes);
    }
}

static void forward_steps(void *argument, size_t item)
{
    struct lstm_job *job = argument;
    const struct lstm_pass *pass = &job->directions[item % job->count];
    struct lstm_step *step = &job->steps[item];
    for (size_t k = 0; k < job->batch->steps; k++) {
        size_t t = pass->reverse ? job->batch->steps - 1 - k : k, going_on = find_rows(job, step, item, t);
        size_t first = job->batch->first[t] + item / job->count;
        step->running = pass->h0 ? step->rows : going_on;
        for (size_t r = 0; r < step->rows; r++)
            step->h[r] = pass->out + (first + r * job->groups) * pass->out_stride;
        lstm_forward_step(step, job->packed[item % job->count]);
        keep_last(job, step, item, t);
    }
}

static void backward_steps(void *argument, size_t item)
{
    struct lstm_job *job = argument;
    size_t d = item % job->count, hidden = job->hidden, group = item / job->count;
    const struct lstm_pass *pass = &job->directions[d];
    const float *dout = job->dout + (pass->out - job->directions[0].out);
    struct lstm_step *step = &job->steps[item];
    for (size_t r = 0; r < group_rows(job, group, job->batch->sequences); r++) {
        memset(step->dh[r], 0, hidden * sizeof(float));
        memset(step->dc[r], 0, hidden * sizeof(float));
    }
    for (size_t k = 0; k < job->batch->steps; k++) {
        size_t t = pass->reverse ? k : job->batch->steps - 1 - k;
        step->running = find_rows(job, step, item, t);
        for (size_t r = 0; r < step->rows; r++) {
            size_t row = job->batch->first[t] + group + r * job->groups;
            step->dout[r] = dout + row * pass->out_stride;
            memcpy(job->before[d] + row * hidden, step->h_before[r], hidden * sizeof(float));
        }
        lstm_backward_step(step, job->packed[d]);
    }
}

static struct lstm_job job_of(const struct packed_batch *batch, const struct lstm_pass *directions, size_t count)
{
    return (struct lstm_job){
        .batch = batch, .directions = directions, .count = count, .hidden = directions[0].weights->hidden};
}

static ft_status forward(struct lstm_job *job, struct cpu_training *training, const struct kernels *kernels,
                         const float *x)
{
    struct cpu_layer layers[MOST_DIRECTIONS];
    struct gemm products[MOST_DIRECTIONS];
    ft_status status = job_init(job, training, kernels, false);
    for (size_t d = 0; d < job->count; d++) {
        const struct lstm_weights *w = job->directions[d].weights;
        layers[d] = (struct cpu_layer){w->w_ih, 4 * w->hidden, w->b_ih, w->b_hh, job->directions[d].gates};
    }
    if (status == FT_OK)
        status = cpu_layer_products(training, x, job->batch->rows, job->directions[0].weights->in, layers, job->count,
                                    products);
    if (status == FT_OK)
        status = cpu_gemms(training, products, job->count);
    if (status != FT_OK)
        return status;
    pool_run(training->pool, job->count * lstm_forward_panels(job->hidden), pack_forward, job);
    pool_run(training->pool, job->count * job->groups, forward_steps, job);
    return FT_OK;
}

ft_status cpu_lstm_forward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                           size_t count, const float *x, struct ft_error *error)
{
    struct lstm_job job = job_of(batch, directions, count);
    struct cpu_training *training = cpu_training_begin(backend);
    ft_status status = FT_NOMEM;
    if (training) {
        status = forward(&job, training, backend_cpu_kernels(backend), x);
        cpu_training_end(training);
    }
    return status == FT_OK ? FT_OK : ft_nomem(error, "a recurrent layer in training");
}

/*   dW = dgates^T [rows of x, or of h(t-1)] */
static struct gemm weight_gradient(const struct lstm_job *job, size_t d, const float *rows, size_t width,
                                   float *gradient)
{
    size_t gates = 4 * job->hidden;
    return (struct gemm){.rows = gates,
                         .columns = width,
                         .c = gradient,
                         .c_stride = width,
                         .terms = 1,
                         .term = {{.a = job->directions[d].gates,
                                   .a_stride = gates,
                                   .a_transposed = true,
                                   .b = rows,
                                   .b_stride = width,
                                   .inner = job->batch->rows}}};
}

static ft_status backward(struct lstm_job *job, struct cpu_training *training, const struct kernels *kernels,
                          const float *x, float *dx, const struct lstm_weights *gradients)
{
    struct gemm products[1 + 2 * MOST_DIRECTIONS];
    size_t count = 0, gates = 4 * job->hidden, in = job->directions[0].weights->in;
    ft_status status = job_init(job, training, kernels, true);
    if (status != FT_OK)
        return status;
    pool_run(training->pool, job->count * lstm_backward_panels(job->hidden), pack_backward, job);
    pool_run(training->pool, job->count * job->groups, backward_steps, job);
    if (dx) {
        struct gemm *product = &products[count++];
        *product = (struct gemm){.rows = job->batch->rows, .columns = in, .c = dx, .c_stride = in, .terms = job->count};
        for (size_t d = 0; d < job->count; d++)
            product->term[d] = (struct gemm_term){.a = job->directions[d].gates,
                                                  .a_stride = gates,
                                                  .b = job->directions[d].weights->w_ih,
                                                  .b_stride = in,
                                                  .inner = gates};
    }
    for (size_t d = 0; d < job->count; d++) {
        products[count++] = weight_gradient(job, d, x, in, gradients[d].w_ih);
        products[count++] = weight_gradient(job, d, job->before[d], job->hidden, gradients[d].w_hh);
    }
    status = cpu_gemms(training, products, count);
    for (size_t d = 0; d < job->count; d++) {
        cpu_column_sums(training, job->directions[d].gates, job->batch->rows, gates, gradients[d].b_ih);
        memcpy(gradients[d].b_hh, gradients[d].b_ih, gates * sizeof(float));
    }
    return status;
}

ft_status cpu_lstm_backward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                            size_t count, const float *x, const float *dout, float *dx, struct lstm_weights *gradients,
                            struct ft_error *error)
{
    struct lstm_job job = job_of(batch, directions, count);
    struct cpu_training *training = cpu_training_begin(backend);
    ft_status status = FT_NOMEM;
    job.dout = dout;
    if (training) {
        status = backward(&job, training, backend_cpu_kernels(backend), x, dx, gradients);
        cpu_training_end(training);
    }
    return status == FT_OK ? FT_OK : ft_nomem(error, "a recurrent layer in training");
}
