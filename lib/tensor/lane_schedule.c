/* lane_schedule.c - see lane_schedule.h. */
#include "tensor/lane_schedule.h"
#include <stdlib.h>
#include <string.h>

struct scheduled_lane {
    const struct char_sequence *sequence; /* NULL: none */
    uint32_t step, end;
    uint32_t next;  /* of the wanted states */
    uint32_t child; /* who goes on from here next */
};

/* Whoever begins as `child` does can begin from this state, once the step that keeps it is over. */
struct lane_offer {
    uint32_t child;
    struct fork_state *state;
};

/* Goes on in another lane from the state that is kept in this place. */
struct lane_move {
    struct scheduled_lane lane;
    uint32_t place;
};

bool lane_schedule_init(struct lane_schedule *schedule, const struct char_sequence *sequences, size_t count)
{
    *schedule = (struct lane_schedule){.sequences = sequences};
    for (size_t i = 0; i < count; i++)
        schedule->asked += sequences[i].length;
    return forks_init(&schedule->forks, sequences, count, SIZE_MAX);
}

static void release_lanes(struct lane_schedule *schedule)
{
    for (size_t i = 0; schedule->kept && i < schedule->places; i++)
        free(schedule->kept[i]);
    free(schedule->kept);
    free(schedule->read_places);
    free(schedule->free_places);
    free(schedule->moves);
    free(schedule->offers);
    free(schedule->lane);
}

void lane_schedule_release(struct lane_schedule *schedule)
{
    release_lanes(schedule);
    forks_release(&schedule->forks);
}

/* FEWEST, MOST: lanes, whatever the device. A_PROCESSOR: of its lanes; products of 512 rows and 8,192 columns keep 132
 * processors busy with a tile of 256 x 128 each. WIDTH_STEP: a tile of a product has no fewer rows. */
enum { FEWEST = 32, MOST = 4096, A_PROCESSOR = 4, WIDTH_STEP = 32 };

size_t lane_schedule_most(int processors, bool tensor_cores)
{
    size_t filled = (size_t)processors * A_PROCESSOR * (tensor_cores ? 2 : 1), most = FEWEST;
    while (2 * most <= filled && 2 * most <= MOST)
        most *= 2;
    return most;
}

size_t lane_schedule_lanes(const struct lane_schedule *schedule, size_t most)
{
    size_t lanes = schedule->forks.order.count > 0, sequences = schedule->forks.order.count;
    most = most < MOST ? most : MOST;
    while (lanes < sequences && lanes < most)
        lanes *= 2;
    return lanes < most ? lanes : most;
}

size_t lane_schedule_width(const struct lane_schedule *schedule, size_t width)
{
    size_t rounded = 1;
    while (rounded < width && rounded < WIDTH_STEP)
        rounded *= 2;
    if (rounded < width)
        rounded = (width + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
    return rounded < schedule->lanes ? rounded : schedule->lanes;
}

size_t lane_schedule_places(const struct lane_schedule *schedule, size_t lanes, size_t state_bytes)
{
    const struct prefixes *prefixes = &schedule->forks.prefixes;
    size_t most = LANE_KEPT_BYTES / state_bytes, places = lanes / 2;
    for (size_t i = 0; i < prefixes->count && places < most; i++)
        places += prefixes->own_steps[i] && prefixes->at[i].start;
    return places < most ? places : most;
}

bool lane_schedule_begin(struct lane_schedule *schedule, size_t lanes, size_t places, bool leaves)
{
    release_lanes(schedule);
    schedule->free_count = 0;
    schedule->lanes = lanes;
    schedule->places = leaves ? 0 : places;
    schedule->leaves = leaves;
    schedule->lane = calloc(lanes, sizeof *schedule->lane);
    schedule->offers = malloc(lanes * sizeof *schedule->offers);
    schedule->moves = malloc(lanes * sizeof *schedule->moves);
    schedule->kept = calloc(places + 1, sizeof(struct fork_state *));
    schedule->free_places = malloc((places + 1) * sizeof *schedule->free_places);
    schedule->read_places = malloc((places + 1) * sizeof *schedule->read_places);
    if (!schedule->lane || !schedule->offers || !schedule->moves || !schedule->kept || !schedule->free_places ||
        !schedule->read_places)
        return false;
    for (size_t i = schedule->places; i-- > 0;)
        schedule->free_places[schedule->free_count++] = (uint32_t)i;
    return true;
}

/* The place of a state that a lane begins from, which is free again when nobody else does. */
static uint32_t read_state(struct lane_schedule *schedule, struct fork_state *state)
{
    uint32_t place = state->place;
    if (state->users == 1) {
        schedule->read_places[schedule->read_count++] = place;
        schedule->kept[place] = NULL;
    }
    forks_drop(&schedule->forks, state);
    return place;
}

/* Lets the sequences that left their lanes a step ago go on in the first free ones; the first `moved` are those. */
static void settle_moves(struct lane_schedule *schedule, size_t moved, struct lane_step *steps, size_t *width)
{
    size_t settled = 0;
    for (size_t l = 0; settled < moved && l < schedule->lanes; l++) {
        if (schedule->lane[l].sequence)
            continue;
        const struct lane_move *move = &schedule->moves[settled++];
        schedule->lane[l] = move->lane;
        schedule->active++;
        schedule->read_places[schedule->read_count++] = steps[l].next = move->place;
        *width = *width > l ? *width : l + 1;
    }
    schedule->move_count -= settled;
    memmove(schedule->moves, schedule->moves + settled, schedule->move_count * sizeof *schedule->moves);
}

/* Gives sequences to lanes without any, which begin them behind this step; steps: NULL before the first. */
static void refill(struct lane_schedule *schedule, struct lane_step *steps, size_t *width)
{
    struct forks *forks = &schedule->forks;
    uint32_t x;
    struct fork_state *state;
    for (size_t l = 0; l < schedule->lanes && schedule->active + schedule->move_count < schedule->lanes; l++) {
        struct scheduled_lane *lane = &schedule->lane[l];
        if (lane->sequence)
            continue;
        if (!forks_take(forks, false, &x, &state))
            return;
        const struct prefix *prefix = &forks->prefixes.at[x];
        const struct char_sequence *sequence = &schedule->sequences[x];
        *lane = (struct scheduled_lane){.sequence = sequence,
                                        .step = state ? prefix->start : 0,
                                        .end = prefix->start + forks->prefixes.own_steps[x],
                                        .next = prefixes_wishes_before(sequence, prefix->start),
                                        .child = prefix->child};
        schedule->active++;
        if (steps) {
            steps[l].next = state ? read_state(schedule, state) : LANE_FROM_ZERO;
            *width = *width > l ? *width : l + 1;
        }
    }
}

/* Keeps the lane's state for those who go on from it; without a place for it they begin by themselves. */
static void fork_lane(struct lane_schedule *schedule, struct scheduled_lane *lane, struct lane_step *step)
{
    const struct prefix *at = schedule->forks.prefixes.at;
    uint32_t child = lane->child;
    struct fork_state *state = schedule->free_count ? forks_keep(&schedule->forks, 0) : NULL;
    if (state) {
        state->place = step->keep = schedule->free_places[--schedule->free_count];
        schedule->kept[state->place] = state;
        schedule->offers[schedule->offer_count++] = (struct lane_offer){child, state};
    } else {
        forks_offer(&schedule->forks, child, NULL);
    }
    while (lane->child != PREFIX_NONE && at[lane->child].start == lane->step)
        lane->child = at[lane->child].sibling;
}

static void step_lane(struct lane_schedule *schedule, struct scheduled_lane *lane, struct lane_step *step)
{
    const struct char_sequence *sequence = lane->sequence;
    step->id = sequence->ids[lane->step];
    if (lane->next < sequence->row_count && sequence->steps[lane->next] == lane->step)
        step->row = sequence->rows[lane->next];
    while (lane->next < sequence->row_count && sequence->steps[lane->next] == lane->step)
        lane->next++;
    lane->step++;
    if (lane->child != PREFIX_NONE && schedule->forks.prefixes.at[lane->child].start == lane->step)
        fork_lane(schedule, lane, step);
    if (lane->step < lane->end)
        return;
    if (schedule->leaves)
        step->keep = 0;
    lane->sequence = NULL;
    schedule->active--;
}

/* What the step before kept can be read in this one, and what it read be written again. */
static void end_step(struct lane_schedule *schedule)
{
    for (size_t i = 0; i < schedule->offer_count; i++)
        forks_offer(&schedule->forks, schedule->offers[i].child, schedule->offers[i].state);
    schedule->offer_count = 0;
    while (schedule->read_count)
        schedule->free_places[schedule->free_count++] = schedule->read_places[--schedule->read_count];
}

/* The first lane whose sequence should move down, because the next run would be narrower without it; the number of
 * lanes when none should. */
static size_t find_movers(const struct lane_schedule *schedule)
{
    size_t top = schedule->lanes, width = lane_schedule_width(schedule, schedule->active);
    if (schedule->forks.ready_count || schedule->move_count)
        return schedule->lanes;
    while (top && !schedule->lane[top - 1].sequence)
        top--;
    return lane_schedule_width(schedule, top) > width ? width : schedule->lanes;
}

/* Out of its lane, if there is a place for its state. */
static void begin_move(struct lane_schedule *schedule, struct scheduled_lane *lane, struct lane_step *step)
{
    if (!lane->sequence || step->keep != LANE_NOWHERE || !schedule->free_count)
        return;
    step->keep = schedule->free_places[--schedule->free_count];
    schedule->moves[schedule->move_count++] = (struct lane_move){*lane, step->keep};
    lane->sequence = NULL;
    schedule->active--;
}

/* A run's width is that of its widest step, so sequences move at its end: their states are kept behind the last step
 * but one, and read behind the last one, which they are not stepped in. */
size_t lane_schedule_next(struct lane_schedule *schedule, struct lane_step *steps, size_t most, size_t *width)
{
    size_t count = 0;
    *width = 0;
    if (!schedule->forks.begun)
        refill(schedule, NULL, NULL);
    for (; count < most && (schedule->active || schedule->offer_count || schedule->move_count); count++) {
        size_t moved = schedule->move_count, movers = schedule->lanes;
        end_step(schedule);
        if (count + 2 == most)
            movers = find_movers(schedule);
        schedule->taken += schedule->active;
        for (size_t l = 0; l < schedule->lanes; l++) {
            steps[l] = (struct lane_step){0, LANE_NOWHERE, LANE_NOWHERE, LANE_GOES_ON};
            if (!schedule->lane[l].sequence)
                continue;
            *width = *width > l ? *width : l + 1;
            step_lane(schedule, &schedule->lane[l], &steps[l]);
            if (l >= movers)
                begin_move(schedule, &schedule->lane[l], &steps[l]);
        }
        settle_moves(schedule, moved, steps, width);
        refill(schedule, steps, width);
        steps += schedule->lanes;
    }
    return count;
}

size_t lane_schedule_copies(const struct lane_schedule *schedule, uint32_t *pairs)
{
    const struct prefixes *prefixes = &schedule->forks.prefixes;
    size_t count = 0;
    for (uint32_t x = 0; x < prefixes->count; x++) {
        const struct char_sequence *sequence = &schedule->sequences[x];
        for (uint32_t i = 0, first = 0; i < sequence->row_count; i++) {
            uint32_t step = sequence->steps[i];
            first = step == sequence->steps[first] ? first : i;
            uint32_t from = sequence->rows[first];
            if (step < prefixes->at[x].start) {
                const struct char_sequence *holder = &schedule->sequences[prefixes_holder(prefixes, x, step)];
                from = holder->rows[prefixes_wishes_before(holder, step)];
            }
            if (from == sequence->rows[i])
                continue;
            if (pairs) {
                pairs[2 * count] = from;
                pairs[2 * count + 1] = sequence->rows[i];
            }
            count++;
        }
    }
    return count;
}
