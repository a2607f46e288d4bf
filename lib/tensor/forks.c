/* forks.c - see forks.h. */
#include "tensor/forks.h"
#include <stdlib.h>

enum { WORD = 64 };

static void make_ready(struct forks *forks, uint32_t sequence)
{
    size_t rank = forks->rank[sequence], word = rank / WORD;
    forks->ready[word] |= (uint64_t)1 << rank % WORD;
    if (word < forks->first)
        forks->first = word;
    forks->ready_count++;
}

bool forks_init(struct forks *forks, const struct char_sequence *sequences, size_t count, size_t most_bytes)
{
    *forks = (struct forks){.most_bytes = most_bytes};
    pthread_mutex_init(&forks->mutex, NULL);
    pthread_cond_init(&forks->changed, NULL);
    forks->rank = malloc((count + 1) * sizeof *forks->rank);
    forks->state = calloc(count + 1, sizeof *forks->state);
    forks->ready = calloc(count / WORD + 1, sizeof *forks->ready);
    if (!prefixes_init(&forks->prefixes, sequences, count) || !forks->rank || !forks->state || !forks->ready ||
        !lane_queue_init(&forks->order, forks->prefixes.own_steps, count))
        return false;
    for (size_t i = 0; i < forks->order.count; i++)
        forks->rank[forks->order.order[i]] = (uint32_t)i;
    for (size_t i = 0; i < forks->order.count; i++)
        if (!forks->prefixes.at[forks->order.order[i]].start)
            make_ready(forks, forks->order.order[i]);
    return true;
}

void forks_release(struct forks *forks)
{
    prefixes_release(&forks->prefixes);
    lane_queue_release(&forks->order);
    free(forks->rank);
    free(forks->state);
    free(forks->ready);
    pthread_mutex_destroy(&forks->mutex);
    pthread_cond_destroy(&forks->changed);
}

bool forks_left(struct forks *forks)
{
    return atomic_load_explicit(&forks->begun, memory_order_relaxed) < forks->order.count;
}

bool forks_take(struct forks *forks, bool wait, uint32_t *sequence, struct fork_state **state)
{
    if (!wait && !atomic_load_explicit(&forks->ready_count, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&forks->mutex);
    while (wait && !forks->ready_count && forks->begun < forks->order.count)
        pthread_cond_wait(&forks->changed, &forks->mutex);
    bool is_ready = forks->ready_count;
    if (is_ready) {
        while (!forks->ready[forks->first])
            forks->first++;
        uint64_t *word = &forks->ready[forks->first];
        *sequence = forks->order.order[forks->first * WORD + (size_t)__builtin_ctzll(*word)];
        *state = forks->state[*sequence];
        *word &= *word - 1;
        forks->ready_count--;
        if (++forks->begun == forks->order.count) /* who waits may leave */
            pthread_cond_broadcast(&forks->changed);
    }
    pthread_mutex_unlock(&forks->mutex);
    return is_ready;
}

static size_t state_bytes(size_t floats)
{
    return sizeof(struct fork_state) + floats * sizeof(float);
}

struct fork_state *forks_keep(struct forks *forks, size_t floats)
{
    size_t bytes = state_bytes(floats);
    struct fork_state *state = NULL;
    pthread_mutex_lock(&forks->mutex);
    if (bytes <= forks->most_bytes - forks->bytes && (state = malloc(bytes)) != NULL) {
        forks->bytes += bytes;
        *state = (struct fork_state){.floats = floats};
    }
    pthread_mutex_unlock(&forks->mutex);
    return state;
}

uint32_t forks_offer(struct forks *forks, uint32_t child, struct fork_state *state)
{
    const struct prefix *at = forks->prefixes.at;
    uint32_t start = at[child].start;
    pthread_mutex_lock(&forks->mutex);
    for (; child != PREFIX_NONE && at[child].start == start; child = at[child].sibling) {
        forks->state[child] = state;
        if (state)
            state->users++;
        make_ready(forks, child);
    }
    pthread_cond_broadcast(&forks->changed);
    pthread_mutex_unlock(&forks->mutex);
    return child;
}

void forks_drop(struct forks *forks, struct fork_state *state)
{
    pthread_mutex_lock(&forks->mutex);
    bool is_last = !--state->users;
    if (is_last)
        forks->bytes -= state_bytes(state->floats);
    pthread_mutex_unlock(&forks->mutex);
    if (is_last)
        free(state);
}
