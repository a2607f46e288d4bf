/* lanes.c - see lanes.h. */
#include "tensor/lanes.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

/* A stable counting sort by length, longest first: linear in the number of sequences and of the same result everywhere.
 */
bool lane_queue_init(struct lane_queue *queue, const uint32_t *lengths, size_t count)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (lengths[i] > longest)
            longest = lengths[i];
    size_t *starts = calloc((size_t)longest + 2, sizeof *starts);
    queue->order = malloc((count ? count : 1) * sizeof *queue->order);
    if (!starts || !queue->order) {
        free(starts);
        free(queue->order);
        queue->order = NULL;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        starts[lengths[i]]++;
    size_t at = 0;
    for (size_t length = (size_t)longest + 1; length-- > 1;) {
        size_t here = starts[length];
        starts[length] = at;
        at += here;
    }
    for (size_t i = 0; i < count; i++)
        if (lengths[i])
            queue->order[starts[lengths[i]]++] = (uint32_t)i;
    queue->count = at;
    atomic_init(&queue->next, 0);
    free(starts);
    return true;
}

void lane_queue_release(struct lane_queue *queue)
{
    free(queue->order);
    queue->order = NULL;
}

bool lane_queue_left(const struct lane_queue *queue)
{
    return atomic_load_explicit(&queue->next, memory_order_relaxed) < queue->count;
}

bool lane_queue_take(struct lane_queue *queue, uint32_t *sequence)
{
    if (!lane_queue_left(queue))
        return false;
    size_t at = atomic_fetch_add_explicit(&queue->next, 1, memory_order_relaxed);
    if (at >= queue->count)
        return false;
    *sequence = queue->order[at];
    return true;
}

/* Below FEWEST lanes a step is bound by the weights' way from memory, so a long tail costs less than narrow steps; and
 * a share of fewer than ALONE takes no less time than twice as many: one thread does better with them than two that
 * both wait for the same weights (half the time for 4 sequences of 1024 or 2048 units, the same for 6). */
enum { FEWEST = 24, ALONE = 4 };

size_t lane_queue_lanes(const struct lane_queue *queue, const uint32_t *lengths, size_t threads, size_t most)
{
    size_t total = 0;
    if (!queue->count)
        return 0;
    if (threads > queue->count / ALONE)
        threads = queue->count < ALONE ? 1 : queue->count / ALONE;
    size_t share = (queue->count + threads - 1) / threads;
    for (size_t i = 0; i < queue->count; i++)
        total += lengths[queue->order[i]];
    /* a lane's steps, total / (threads * lanes), should be no fewer than the longest sequence's */
    size_t lanes = total / threads / lengths[queue->order[0]];
    if (lanes < FEWEST)
        lanes = FEWEST;
    if (lanes > most)
        lanes = most;
    return lanes < share ? lanes : share;
}

/* Rows lie a cache line further apart than their size, so that equal columns of many lanes do not fall into one cache
 * set. */
bool lane_states_init(struct lane_states *states, size_t lanes, size_t padded)
{
    size_t stride = padded + 16;
    states->memory = memory_new(lanes * 3 * stride * sizeof(float));
    states->pointers = malloc(3 * lanes * sizeof *states->pointers);
    if (!states->memory || !states->pointers) {
        lane_states_release(states);
        return false;
    }
    for (size_t i = 0; i < 3 * lanes; i++)
        states->pointers[i] = states->memory + i * stride;
    states->c = states->pointers;
    states->h_in = states->pointers + lanes;
    states->h_out = states->pointers + 2 * lanes;
    return true;
}

void lane_states_release(struct lane_states *states)
{
    free(states->memory);
    free(states->pointers);
    *states = (struct lane_states){0};
}

void lane_states_start(struct lane_states *states, size_t lane, size_t padded, const float *init_h, const float *init_c)
{
    if (init_h)
        memcpy(states->h_in[lane], init_h, padded * sizeof(float));
    else
        memset(states->h_in[lane], 0, padded * sizeof(float));
    if (init_c)
        memcpy(states->c[lane], init_c, padded * sizeof(float));
    else
        memset(states->c[lane], 0, padded * sizeof(float));
}

void lane_states_turn(struct lane_states *states)
{
    float **swap = states->h_in;
    states->h_in = states->h_out;
    states->h_out = swap;
}

static void swap_pointers(float **a, float **b)
{
    float *swap = *a;
    *a = *b;
    *b = swap;
}

void lane_states_swap(struct lane_states *states, size_t a, size_t b)
{
    swap_pointers(&states->c[a], &states->c[b]);
    swap_pointers(&states->h_in[a], &states->h_in[b]);
    swap_pointers(&states->h_out[a], &states->h_out[b]);
}
