/* prefixes.c - see prefixes.h. Sequences are sorted by their ids, so that each shares most with a neighbour. Then they
 * are taken out one by one, the shortest first: whichever neighbour is still there is no shorter. */
#include "tensor/prefixes.h"
#include "tensor/lanes.h"
#include <stdlib.h>

/* A sorted ring of sequences that have not been taken out; its head is entry `count`, who shares nothing with anybody.
 */
struct link {
    uint32_t before, after;
    uint32_t shared; /* steps in common with `after` */
};

static uint32_t steps_needed(const struct char_sequence *sequence)
{
    return sequence->row_count ? sequence->steps[sequence->row_count - 1] + 1 : 0;
}

static uint32_t steps_in_common(const struct char_sequence *a, const struct char_sequence *b)
{
    uint32_t length_a = steps_needed(a), length_b = steps_needed(b), t = 0;
    while (t < length_a && t < length_b && a->ids[t] == b->ids[t])
        t++;
    return t;
}

static int by_ids(const void *x, const void *y)
{
    const struct char_sequence *a = *(const struct char_sequence *const *)x,
                               *b = *(const struct char_sequence *const *)y;
    uint32_t t = steps_in_common(a, b), length_a = steps_needed(a), length_b = steps_needed(b);
    if (t < length_a && t < length_b)
        return a->ids[t] < b->ids[t] ? -1 : 1;
    if (length_a != length_b)
        return length_a < length_b ? -1 : 1;
    return a < b ? -1 : a > b;
}

uint32_t prefixes_wishes_before(const struct char_sequence *sequence, uint32_t step)
{
    uint32_t low = 0, high = sequence->row_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sequence->steps[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool wants(const struct char_sequence *sequence, uint32_t step)
{
    uint32_t at = prefixes_wishes_before(sequence, step);
    return at < sequence->row_count && sequence->steps[at] == step;
}

uint32_t prefixes_holder(const struct prefixes *prefixes, uint32_t sequence, uint32_t step)
{
    while (prefixes->at[sequence].start > step)
        sequence = prefixes->at[sequence].parent;
    return sequence;
}

/* order: all that have steps, longest first. */
static bool find_neighbours(struct prefixes *prefixes, const uint32_t *order, size_t count)
{
    uint32_t head = (uint32_t)prefixes->count, before = head;
    const struct char_sequence *sequences = prefixes->sequences;
    struct link *links = malloc((prefixes->count + 1) * sizeof *links);
    const struct char_sequence **sorted = malloc((count + 1) * sizeof *sorted);
    if (!links || !sorted) {
        free(links);
        free(sorted);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &sequences[order[i]];
    qsort(sorted, count, sizeof *sorted, by_ids);
    links[head].shared = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t x = (uint32_t)(sorted[i] - sequences);
        links[before].after = x;
        links[x].before = before;
        links[x].shared = i + 1 < count ? steps_in_common(sorted[i], sorted[i + 1]) : 0;
        before = x;
    }
    links[before].after = head;
    links[head].before = before;
    for (size_t i = count; i-- > 0;) {
        uint32_t x = order[i];
        struct link *left = &links[links[x].before], *own = &links[x];
        if (left->shared > own->shared) {
            prefixes->at[x].start = left->shared;
            prefixes->at[x].parent = own->before;
            left->shared = own->shared;
        } else if (own->shared) {
            prefixes->at[x].start = own->shared;
            prefixes->at[x].parent = own->after;
        }
        left->after = own->after;
        links[own->after].before = own->before;
    }
    free(links);
    free(sorted);
    return true;
}

/* Only wishes that others have too can be copied from them; and the state to go on from is with whoever really takes
 * the step before. The parent has been settled already. */
static void settle(struct prefixes *prefixes, uint32_t x)
{
    const struct char_sequence *sequence = &prefixes->sequences[x];
    struct prefix *own = &prefixes->at[x];
    uint32_t holder = own->parent;
    for (uint32_t i = prefixes_wishes_before(sequence, own->start); i-- > 0;) {
        holder = prefixes_holder(prefixes, holder, sequence->steps[i]);
        if (!wants(&prefixes->sequences[holder], sequence->steps[i]))
            own->start = sequence->steps[i];
    }
    own->parent = own->start ? prefixes_holder(prefixes, own->parent, own->start - 1) : x;
    prefixes->own_steps[x] -= own->start;
}

/* The latest start is put in front first. */
static bool list_children(struct prefixes *prefixes)
{
    uint32_t *starts = malloc((prefixes->count + 1) * sizeof *starts);
    struct lane_queue latest = {0};
    for (size_t i = 0; starts && i < prefixes->count; i++)
        starts[i] = prefixes->own_steps[i] ? prefixes->at[i].start : 0; /* who takes no step needs no state */
    bool is_sorted = starts && lane_queue_init(&latest, starts, prefixes->count);
    for (size_t i = 0; i < latest.count; i++) {
        struct prefix *own = &prefixes->at[latest.order[i]], *parent = &prefixes->at[own->parent];
        own->sibling = parent->child;
        parent->child = latest.order[i];
    }
    lane_queue_release(&latest);
    free(starts);
    return is_sorted;
}

bool prefixes_init(struct prefixes *prefixes, const struct char_sequence *sequences, size_t count)
{
    struct lane_queue longest = {0};
    *prefixes = (struct prefixes){.sequences = sequences, .count = count};
    prefixes->at = malloc((count + 1) * sizeof *prefixes->at);
    prefixes->own_steps = malloc((count + 1) * sizeof *prefixes->own_steps);
    bool is_made = prefixes->at && prefixes->own_steps;
    for (size_t i = 0; is_made && i < count; i++) {
        prefixes->at[i] = (struct prefix){0, (uint32_t)i, PREFIX_NONE, PREFIX_NONE};
        prefixes->own_steps[i] = steps_needed(&sequences[i]);
    }
    is_made = is_made && lane_queue_init(&longest, prefixes->own_steps, count) &&
              find_neighbours(prefixes, longest.order, longest.count);
    for (size_t i = 0; is_made && i < longest.count; i++)
        settle(prefixes, longest.order[i]);
    is_made = is_made && list_children(prefixes);
    lane_queue_release(&longest);
    return is_made;
}

void prefixes_release(struct prefixes *prefixes)
{
    free(prefixes->at);
    free(prefixes->own_steps);
}
