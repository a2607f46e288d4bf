/* lm_steps.c - runs of steps: launched one by one when they come for the first time, as a graph from the second time
 * on. (The last run of a call is mostly shorter than others, and never a graph.) A graph is good for every call whose
 * states and weights lie where they lay before, which they do when the lanes are as many; where one cannot be made (the
 * library refuses to be captured, memory is short) launches do the same. */
#include "cuda/lm.h"
#include <stdlib.h>
#include <string.h>

/* Threads of a block of kernels that follow one lane. */
enum { BLOCK_THREADS = 128 };

static ft_status multiply(struct cuda_backend *cuda, const struct lm_steps *steps, const struct lm_layer_at *layer,
                          const void *rows, size_t k, const float *weights, const uint16_t *halves, float *to,
                          struct ft_error *error)
{
    size_t columns = layer->gates * layer->units;
    struct cuda_product product = {.m = steps->width,
                                   .n = columns,
                                   .k = k,
                                   .a = steps->half_states ? NULL : rows,
                                   .a_halves = steps->half_states ? rows : NULL,
                                   .b = weights,
                                   .b_halves = halves,
                                   .c = to,
                                   .a_stride = k,
                                   .b_stride = k,
                                   .c_stride = columns,
                                   .b_transposed = true,
                                   .alpha = 1};
    return cuda_multiply(cuda, cuda->branches[steps->branch].blas, &product, error);
}

static ft_status step_layer(struct cuda_backend *cuda, const struct lm_steps *steps, size_t step, size_t k,
                            struct ft_error *error)
{
    const struct lm_layer_at *layer = &steps->layer[k];
    ft_status status = FT_OK;
    if (k)
        status = multiply(cuda, steps, layer, steps->layer[k - 1].above, layer->in, layer->w_ih, layer->w_ih_halves,
                          layer->x, error);
    if (status == FT_OK)
        status = multiply(cuda, steps, layer, layer->h, layer->units, layer->w_hh, layer->w_hh_halves, layer->z, error);
    if (status != FT_OK)
        return status;
    uint32_t index = (uint32_t)step, lanes = (uint32_t)steps->lanes, units = (uint32_t)layer->units;
    uint32_t gates = (uint32_t)layer->gates, half_states = steps->half_states, half_rows = steps->half_rows;
    uint32_t kept_units = (uint32_t)layer->kept_units;
    uint64_t kept_stride = steps->kept_stride, kept_offset = layer->kept_offset;
    const float *x = k ? layer->x : steps->table;
    dim3 grid = {(units + BLOCK_THREADS - 1) / BLOCK_THREADS, (uint32_t)steps->width, 1};
    return cuda_launch(cuda->branches[steps->branch].stream, CUDA_KERNEL(lm_step), grid, (dim3){BLOCK_THREADS, 1, 1}, 0,
                       CUDA_ARGUMENTS((void *)&steps->run, &index, &lanes, &units, &gates, &x, (void *)&layer->bias,
                                      (void *)&layer->z, (void *)&layer->h, (void *)&layer->c, (void *)&layer->above,
                                      &half_states, &half_rows, &kept_stride, &kept_offset, &kept_units),
                       "a step of a language model", error);
}

static ft_status launch_steps(struct cuda_backend *cuda, const struct lm_steps *steps, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t step = 0; step < steps->steps; step++)
        for (size_t k = 0; status == FT_OK && k < steps->layers; k++)
            status = step_layer(cuda, steps, step, k, error);
    if (status != FT_OK)
        return status;
    return cuda_launch(cuda->branches[steps->branch].stream, CUDA_KERNEL(lm_turn), (dim3){1, 1, 1}, (dim3){1, 1, 1}, 0,
                       CUDA_ARGUMENTS((void *)&steps->run), "a step of a language model", error);
}

/* Thread-local capture: what other threads do with the device meanwhile is no concern of it. */
static cudaGraphExec_t capture(struct cuda_backend *cuda, const struct lm_steps *steps)
{
    cudaStream_t stream = cuda->branches[steps->branch].stream;
    struct ft_error unused = {""};
    cudaGraph_t graph = NULL;
    cudaGraphExec_t executable = NULL;
    if (cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
        cudaGetLastError();
        return NULL;
    }
    ft_status status = launch_steps(cuda, steps, &unused);
    if (cudaStreamEndCapture(stream, &graph) != cudaSuccess || status != FT_OK ||
        cudaGraphInstantiate(&executable, graph, 0) != cudaSuccess)
        executable = NULL;
    if (graph)
        cudaGraphDestroy(graph);
    cudaGetLastError(); /* launches one by one will show whether the device is well */
    return executable;
}

/* The entry of these steps: what is known of them, or the one that was used longest ago, emptied. */
static struct lm_graph *find_graph(struct cuda_backend *cuda, struct cuda_lm *lm, const struct lm_steps *steps)
{
    struct lm_graph *oldest = lm->graphs;
    for (struct lm_graph *entry = lm->graphs; entry < lm->graphs + LM_GRAPHS; entry++) {
        if (entry->used && !memcmp(&entry->steps, steps, sizeof *steps))
            return entry;
        if (entry->used < oldest->used)
            oldest = entry;
    }
    if (oldest->graph) {
        cudaStreamSynchronize(cuda->branches[oldest->steps.branch].stream);
        cudaGraphExecDestroy(oldest->graph);
    }
    *oldest = (struct lm_graph){.used = 0};
    memcpy(&oldest->steps, steps, sizeof *steps); /* with the padding, which is compared */
    return oldest;
}

ft_status lm_take_steps(struct cuda_backend *cuda, const struct lm_steps *steps, bool is_whole, struct ft_error *error)
{
    struct cuda_lm *lm = cuda->lm.state;
    if (lm->without_graphs || !is_whole)
        return launch_steps(cuda, steps, error);
    struct lm_graph *entry = find_graph(cuda, lm, steps);
    bool came_before = entry->used;
    entry->used = ++lm->clock;
    if (came_before && !entry->graph && !entry->failed)
        entry->failed = !(entry->graph = capture(cuda, steps));
    if (!entry->graph)
        return launch_steps(cuda, steps, error);
    lm->launched++;
    return cuda_check(cudaGraphLaunch(entry->graph, cuda->branches[steps->branch].stream), "stepping a language model",
                      error);
}

static void feed_release(struct cuda_backend *cuda, struct lm_lane_feed *feed)
{
    if (feed->stream)
        cudaStreamSynchronize(feed->stream);
    for (size_t turn = 0; turn < 2; turn++) {
        if (feed->copied[turn])
            cudaEventDestroy(feed->copied[turn]);
        if (feed->taken[turn])
            cudaEventDestroy(feed->taken[turn]);
        if (feed->pinned[turn]) {
            cudaFreeHost(feed->pinned[turn]);
            cuda->pinned -= feed->pinned_bytes;
        }
    }
    if (feed->stream)
        cudaStreamDestroy(feed->stream);
    cuda_free(cuda, feed->run);
}

static void lm_state_free(struct backend *backend, void *state)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    struct cuda_lm *lm = state;
    for (size_t i = 0; i < CUDA_BRANCHES; i++)
        feed_release(cuda, &lm->feed[i]);
    for (size_t i = 0; i < LM_GRAPHS; i++)
        if (lm->graphs[i].graph)
            cudaGraphExecDestroy(lm->graphs[i].graph);
    free(lm);
}

struct cuda_lm *lm_state(struct cuda_backend *cuda)
{
    if (!cuda->lm.state) {
        cuda->lm.state = calloc(1, sizeof(struct cuda_lm));
        cuda->lm.free = lm_state_free;
    }
    return cuda->lm.state;
}

/* Both runs, or none. */
static ft_status pin(struct cuda_backend *cuda, struct lm_lane_feed *feed, size_t bytes, struct ft_error *error)
{
    ft_status status = cuda_check(cudaStreamSynchronize(feed->stream), "waiting for copies", error);
    for (size_t turn = 0; turn < 2; turn++)
        if (feed->pinned[turn]) {
            cudaFreeHost(feed->pinned[turn]);
            feed->pinned[turn] = NULL;
            cuda->pinned -= feed->pinned_bytes;
        }
    feed->pinned_bytes = bytes;
    for (size_t turn = 0; status == FT_OK && turn < 2; turn++) {
        status = cuda_check(cudaHostAlloc(&feed->pinned[turn], bytes, cudaHostAllocDefault),
                            "taking pinned memory for the steps of a language model", error);
        if (status == FT_OK)
            cuda->pinned += bytes;
        else
            feed->pinned[turn] = NULL;
    }
    return status;
}

ft_status lm_feed_prepare(struct cuda_backend *cuda, struct lm_lane_feed *feed, size_t bytes, struct ft_error *error)
{
    static const char making[] = "making a stream for a language model";
    ft_status status = FT_OK;
    if (!feed->run && !(feed->run = cuda_allocate(cuda, sizeof *feed->run)))
        return cuda_nomem(cuda, "a language model", error);
    if (!feed->stream)
        status = cuda_check(cudaStreamCreateWithFlags(&feed->stream, cudaStreamNonBlocking), making, error);
    for (size_t turn = 0; turn < 2; turn++) {
        if (status == FT_OK && !feed->copied[turn])
            status = cuda_check(cudaEventCreateWithFlags(&feed->copied[turn], cudaEventDisableTiming), making, error);
        if (status == FT_OK && !feed->taken[turn])
            status = cuda_check(cudaEventCreateWithFlags(&feed->taken[turn], cudaEventDisableTiming), making, error);
    }
    if (status == FT_OK && (feed->pinned_bytes < bytes || !feed->pinned[1]))
        status = pin(cuda, feed, bytes, error);
    return status;
}
