/* lanes.h - many sequences of different lengths, stepped side by side without padding.
 *
 * A worker holds some lanes. Each takes the longest sequence that nobody has begun, is stepped to its end, and then
 * takes the next: slots are refilled in the middle of the others' work, so that no step is wasted on padding. Workers
 * share one queue and need no barrier. Which lane or worker a sequence falls to does not change its result. */
#ifndef TENSOR_LANES_H
#define TENSOR_LANES_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sequences still to be begun, longest first. */
struct lane_queue {
    uint32_t *order; /* [count] */
    size_t count;
    atomic_size_t next;
};

/* lengths: [count]; sequences of length 0 are left out. False when out of memory. */
bool lane_queue_init(struct lane_queue *queue, const uint32_t *lengths, size_t count);
void lane_queue_release(struct lane_queue *queue);
bool lane_queue_left(const struct lane_queue *queue); /* true: some have not been begun */
bool lane_queue_take(struct lane_queue *queue, uint32_t *sequence);

/* How many lanes each of `threads` workers should hold, at most `most`: enough of them to fill a step, yet so few that
 * the sequences behind the first keep them all busy while the longest one runs. */
size_t lane_queue_lanes(const struct lane_queue *queue, const uint32_t *lengths, size_t threads, size_t most);

/* State buffers of one recurrent layer for a worker's lanes. padded: a multiple of 16. */
struct lane_states {
    float *memory;
    float **pointers;
    float **c, **h_in, **h_out; /* [lanes] pointers to `padded` floats; swap h_in and h_out after a step */
};
bool lane_states_init(struct lane_states *states, size_t lanes, size_t padded);
void lane_states_release(struct lane_states *states);
void lane_states_start(struct lane_states *states, size_t lane, size_t padded, const float *init_h,
                       const float *init_c);
void lane_states_turn(struct lane_states *states);
void lane_states_swap(struct lane_states *states, size_t a, size_t b);

#endif
