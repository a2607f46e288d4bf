/* lane_schedule.h - which character each lane of a device steps next, planned on the host a run of steps at a time.
 *
 * A device steps all lanes of a language model at once and knows nothing of sequences. The schedule tells it for each
 * lane and step the character, the row that wants the state, and what the lane goes on from: its own state, zero when
 * another sequence begins, or the kept state of a beginning that several sequences share (forks.h). When a lane's
 * sequence ends, it takes the one with the most steps among those that can be begun; when there is none, sequences move
 * together, so that steps become narrower as lanes end. The schedule is an iterator: its memory does not depend on how
 * much there is to read, and a run is planned while the device takes the one before.
 *
 * Promises: every step that some sequence needs is taken once (where places for kept states run out: once for each who
 * needs it); a wanted row is named once, by a step or as a copy, and no other row is; a place is read in a later step
 * than it was written in, and written again in a later step than it was last read in. */
#ifndef TENSOR_LANE_SCHEDULE_H
#define TENSOR_LANE_SCHEDULE_H
#include "kernels/lane_step.h"
#include "tensor/forks.h"

struct scheduled_lane;
struct lane_offer;
struct lane_move;

struct lane_schedule {
    const struct char_sequence *sequences;
    struct forks forks;
    size_t lanes;        /* of a step */
    size_t asked, taken; /* steps: of all sequences; that lanes have taken so far */
    bool leaves;
    struct scheduled_lane *lane; /* [lanes] */
    size_t active;
    struct lane_offer *offers; /* [lanes] states that the last step keeps */
    size_t offer_count;
    struct lane_move *moves; /* [lanes] sequences on their way to another lane */
    size_t move_count;
    struct fork_state **kept;            /* [places], NULL where nothing is */
    uint32_t *free_places, *read_places; /* [places]; those that the last step reads are free behind the next one */
    size_t places, free_count, read_count;
};

/* Plans what the sequences share. False when out of memory; lane_schedule_release is due all the same. The sequences
 * are borrowed. */
bool lane_schedule_init(struct lane_schedule *schedule, const struct char_sequence *sequences, size_t count);
void lane_schedule_release(struct lane_schedule *schedule);

/* The most lanes that make a device with so many processors faster: wider steps take longer in proportion. Tensor cores
 * need more to be kept busy. */
size_t lane_schedule_most(int processors, bool tensor_cores);
/* As many lanes as there are sequences, but in powers of two, so that one call's buffers lie where another's did; no
 * more than `most`. 0: nothing is wanted. */
size_t lane_schedule_lanes(const struct lane_schedule *schedule, size_t most);
/* The width to step for one that lane_schedule_next gave: of few kinds, since a launch is prepared for each, and wide
 * enough that a narrower one would take no less time. */
size_t lane_schedule_width(const struct lane_schedule *schedule, size_t width);

/* How many places for kept states of that size are of use, within LANE_KEPT_BYTES: one for each sequence that goes on
 * from another's, and for half of the lanes. */
enum { LANE_KEPT_BYTES = CPU_FORK_BYTES };
size_t lane_schedule_places(const struct lane_schedule *schedule, size_t lanes, size_t state_bytes);

/* lanes: at least one; they begin from zero. places: how many states can be kept at a time, of beginnings and of
 * sequences that move (half of the lanes at most). leaves: there is one
 * sequence, and the state behind its last step is kept in place 0 (what it begins from is the caller's to see to). May
 * be called again before the first steps are asked for. False when out of memory. */
bool lane_schedule_begin(struct lane_schedule *schedule, size_t lanes, size_t places, bool leaves);

/* The next steps, at most `most`: lane l of the i-th is steps[i * lanes + l]. Lanes from *width on have nothing to do
 * in them; others that have nothing to do step some character for nobody. How many; fewer than `most` at the end. */
size_t lane_schedule_next(struct lane_schedule *schedule, struct lane_step *steps, size_t most, size_t *width);

/* Rows wanted of a state for which a step names another row: row pairs[2 i + 1] is a copy of row pairs[2 i], which is
 * no copy. How many pairs there are; pairs may be NULL. */
size_t lane_schedule_copies(const struct lane_schedule *schedule, uint32_t *pairs);

#endif
