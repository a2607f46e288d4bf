/* The schedule, played as a device would: every wanted row gets the state of its own beginning, and kept states are
 * read and written in different steps, whatever the lanes and places. */
#include "harness.h"
#include "numbers.h"
#include "tensor/lane_schedule.h"
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 120, LENGTH_MAX = 40, ROWS_MAX = COUNT_MAX * LENGTH_MAX * 2, LANES_MAX = 150, RUN = 7 };

struct corpus {
    size_t count, rows;
    struct char_sequence at[COUNT_MAX];
    uint32_t ids[COUNT_MAX][LENGTH_MAX], steps[COUNT_MAX][2 * LENGTH_MAX], row[COUNT_MAX][2 * LENGTH_MAX];
    uint64_t expected[ROWS_MAX], got[ROWS_MAX];
};

/* A state is a hash of the characters up to it. */
static uint64_t step_on(uint64_t state, uint32_t id)
{
    return (state ^ (id + 1)) * 0x9e3779b97f4a7c15u + (state >> 29);
}

/* letters: few make many common beginnings. Wishes follow from the beginning, or are random. */
static struct corpus *corpus_new(size_t count, uint32_t letters, bool random_wishes)
{
    struct corpus *corpus = calloc(1, sizeof *corpus);
    corpus->count = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t length = random_below(LENGTH_MAX + 1), wishes = 0;
        uint64_t state = 0;
        for (uint32_t t = 0; t < length; t++) {
            corpus->ids[i][t] = t ? random_below(letters) : 0;
            state = step_on(state, corpus->ids[i][t]);
            for (uint32_t times = random_wishes ? random_below(3) : (state >> 40) % 3; times; times--) {
                corpus->steps[i][wishes] = t;
                corpus->row[i][wishes++] = (uint32_t)corpus->rows;
                corpus->expected[corpus->rows++] = state;
            }
        }
        corpus->at[i] = (struct char_sequence){corpus->ids[i], length, wishes, corpus->steps[i], corpus->row[i]};
    }
    return corpus;
}

struct play {
    struct lane_schedule schedule;
    uint64_t lane[LANES_MAX], *kept;
    size_t *written, *read, places; /* the last steps that did so to a place, from 1 */
    size_t steps, rows, lane_steps; /* lane_steps: widths of all steps, rounded */
};

static void play_step(struct play *play, struct corpus *corpus, const struct lane_step *steps, size_t width)
{
    play->steps++;
    for (size_t l = 0; l < width; l++) { /* lanes in any order: so reads of places come with the writes */
        const struct lane_step *step = &steps[l];
        uint64_t state = step_on(play->lane[l], step->id);
        if (step->row != LANE_NOWHERE) {
            ck_assert_uint_lt(step->row, corpus->rows);
            EXPECT(!corpus->got[step->row], "row %u is written twice", step->row);
            corpus->got[step->row] = state;
            play->rows++;
        }
        if (step->keep != LANE_NOWHERE) {
            ck_assert_uint_lt(step->keep, play->places);
            EXPECT(play->written[step->keep] < play->steps && play->read[step->keep] < play->steps,
                   "place %u is written in the step that wrote or read it", step->keep);
            play->kept[step->keep] = state;
            play->written[step->keep] = play->steps;
        }
        if (step->next == LANE_FROM_ZERO) {
            state = 0;
        } else if (step->next != LANE_GOES_ON) {
            ck_assert_uint_lt(step->next, play->places);
            EXPECT(play->written[step->next] && play->written[step->next] < play->steps,
                   "place %u is read in the step that writes it", step->next);
            state = play->kept[step->next];
            play->read[step->next] = play->steps;
        }
        play->lane[l] = state;
    }
}

/* The steps that lanes took, and those that a device takes. */
struct steps {
    size_t taken, wide;
};

static struct steps check_schedule(struct corpus *corpus, size_t lanes, size_t places)
{
    struct play play = {.places = places};
    struct lane_step *steps = malloc(RUN * lanes * sizeof *steps);
    size_t count, width, runs = 0;
    play.kept = calloc(places + 1, sizeof *play.kept);
    play.written = calloc(places + 1, sizeof *play.written);
    play.read = calloc(places + 1, sizeof *play.read);
    memset(corpus->got, 0, sizeof corpus->got);
    ck_assert(lane_schedule_init(&play.schedule, corpus->at, corpus->count));
    ck_assert(lane_schedule_begin(&play.schedule, lanes + 3, places / 2, false));
    ck_assert(lane_schedule_begin(&play.schedule, lanes, places, false)); /* as after a failure */
    do {
        count = lane_schedule_next(&play.schedule, steps, RUN, &width);
        ck_assert_uint_le(width, lanes);
        for (size_t i = 0; i < count; i++) {
            play_step(&play, corpus, steps + i * lanes, width);
            for (size_t l = width; l < lanes; l++)
                EXPECT(steps[i * lanes + l].row == LANE_NOWHERE && steps[i * lanes + l].keep == LANE_NOWHERE,
                       "lane %zu works beyond the width of %zu", l, width);
        }
        runs += count > 0;
        play.lane_steps += count * lane_schedule_width(&play.schedule, width);
    } while (count == RUN);
    ck_assert_uint_eq(lane_schedule_next(&play.schedule, steps, RUN, &width), 0);
    size_t copies = lane_schedule_copies(&play.schedule, NULL);
    uint32_t *pairs = malloc((copies + 1) * 2 * sizeof *pairs);
    ck_assert_uint_eq(lane_schedule_copies(&play.schedule, pairs), copies);
    ck_assert_uint_eq(play.rows + copies, corpus->rows);
    bool *copied = calloc(corpus->rows + 1, sizeof *copied);
    for (size_t i = 0; i < copies; i++) {
        EXPECT(!copied[pairs[2 * i]] && !corpus->got[pairs[2 * i + 1]], "row %u is copied onto row %u", pairs[2 * i],
               pairs[2 * i + 1]);
        copied[pairs[2 * i + 1]] = true;
        corpus->got[pairs[2 * i + 1]] = corpus->got[pairs[2 * i]];
    }
    EXPECT(!memcmp(corpus->got, corpus->expected, corpus->rows * sizeof *corpus->got),
           "%zu lanes, %zu places: a row has another state than its own", lanes, places);
    size_t taken = play.schedule.taken;
    EXPECT(runs ? taken >= play.steps / 2 : !taken, "%zu steps of lanes in %zu steps", taken, play.steps);
    lane_schedule_release(&play.schedule);
    free(copied);
    free(pairs);
    free(steps);
    free(play.kept);
    free(play.written);
    free(play.read);
    return (struct steps){taken, play.lane_steps};
}

START_TEST(every_row_gets_its_state_whatever_the_lanes_and_places)
{
    static const size_t lanes[] = {1, 2, 3, 16, LANES_MAX}, places[] = {0, 1, 2, 5, 1000};
    random_begin("every_row_gets_its_state_whatever_the_lanes_and_places");
    for (int round = 0; round < 120; round++) {
        struct corpus *corpus = corpus_new(random_below(COUNT_MAX + 1), 1 + random_below(4), round % 2);
        size_t few = 0, many = 0;
        for (size_t l = 0; l < 5; l++)
            for (size_t p = 0; p < 5; p++) {
                size_t taken = check_schedule(corpus, lanes[l], places[p]).taken;
                if (!p)
                    few = taken;
                many = taken;
                EXPECT(taken <= few, "%zu steps with %zu places, %zu without", taken, places[p], few);
            }
        struct forks plan; /* with places for all, every distinct beginning is stepped once */
        size_t distinct = 0;
        ck_assert(forks_init(&plan, corpus->at, corpus->count, 0));
        for (size_t i = 0; i < corpus->count; i++)
            distinct += plan.prefixes.own_steps[i];
        EXPECT(many == distinct, "%zu steps, of %zu that differ", many, distinct);
        forks_release(&plan);
        free(corpus);
    }
}
END_TEST

START_TEST(steps_grow_narrow_when_the_short_sequences_have_ended)
{
    /* by hand, 3 lanes: lane 0 takes the sequence of 9, lanes 1 and 2 those of 4 and 3; lane 2 takes the one of 1
     * behind step 2. So lanes 1 and 2 have ended behind step 3. */
    static const uint32_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, last[] = {8, 3, 2, 0}, rows[] = {0, 1, 2, 3};
    static const uint32_t first[] = {0, 1, 2, 3};
    struct char_sequence at[4];
    struct lane_schedule schedule;
    struct lane_step steps[12];
    uint32_t own[4][9];
    size_t width;
    for (size_t i = 0; i < 4; i++) {
        memcpy(own[i], ids, sizeof ids);
        own[i][0] = 10 + first[i]; /* nothing is shared */
        at[i] = (struct char_sequence){own[i], last[i] + 1, 1, &last[i], &rows[i]};
    }
    ck_assert(lane_schedule_init(&schedule, at, 4));
    ck_assert(lane_schedule_begin(&schedule, 3, 0, false));
    ck_assert_uint_eq(lane_schedule_next(&schedule, steps, 4, &width), 4);
    ck_assert_uint_eq(width, 3);
    ck_assert_uint_eq(steps[0].id, 10);
    ck_assert_uint_eq(steps[1].id, 11);
    ck_assert_uint_eq(steps[2].id, 12);
    ck_assert_uint_eq(steps[2 * 3 + 2].row, 2);
    ck_assert_uint_eq(steps[2 * 3 + 2].next, LANE_FROM_ZERO);
    ck_assert_uint_eq(steps[3 * 3 + 2].id, 13);
    ck_assert_uint_eq(steps[3 * 3 + 2].row, 3);
    ck_assert_uint_eq(steps[3 * 3 + 1].row, 1);
    ck_assert_uint_eq(steps[3 * 3 + 1].next, LANE_GOES_ON);
    ck_assert_uint_eq(lane_schedule_next(&schedule, steps, 4, &width), 4);
    ck_assert_uint_eq(width, 1);
    ck_assert_uint_eq(lane_schedule_next(&schedule, steps, 4, &width), 1);
    ck_assert_uint_eq(steps[0].row, 0);
    ck_assert_uint_eq(schedule.taken, 17);
    ck_assert_uint_eq(schedule.asked, 17);
    lane_schedule_release(&schedule);
}
END_TEST

/* Lanes of 64 end one by one in any order while the last ones run: without moves most steps stay wide. */
START_TEST(sequences_move_together_when_lanes_end)
{
    random_begin("sequences_move_together_when_lanes_end");
    size_t apart = 0, together = 0, taken = 0;
    for (int round = 0; round < 50; round++) {
        struct corpus *corpus = corpus_new(COUNT_MAX, 1000000, false);
        apart += check_schedule(corpus, 64, 0).wide;
        struct steps steps = check_schedule(corpus, 64, 32);
        together += steps.wide;
        taken += steps.taken;
        free(corpus);
    }
    EXPECT(together < apart && 10 * together < 13 * taken, "%zu steps of lanes, %zu without moving, %zu needed",
           together, apart, taken);
}
END_TEST

START_TEST(lanes_and_widths_are_few_kinds_of_numbers)
{
    static const uint32_t ids[] = {1}, step = 0, row = 0;
    struct char_sequence at[300];
    struct lane_schedule schedule;
    for (size_t i = 0; i < 300; i++)
        at[i] = (struct char_sequence){ids, 1, i < 100, &step, &row}; /* all alike: one is stepped */
    ck_assert(lane_schedule_init(&schedule, at, 300));
    ck_assert_uint_eq(lane_schedule_lanes(&schedule, 64), 1);
    lane_schedule_release(&schedule);
    uint32_t own[300];
    for (uint32_t i = 0; i < 300; i++) {
        own[i] = i;
        at[i] = (struct char_sequence){&own[i], 1, i < 100, &step, &row};
    }
    ck_assert(lane_schedule_init(&schedule, at, 300));
    ck_assert_uint_eq(lane_schedule_lanes(&schedule, 64), 64);
    ck_assert_uint_eq(lane_schedule_lanes(&schedule, 90), 90);
    ck_assert_uint_eq(lane_schedule_lanes(&schedule, 1000), 128);
    ck_assert(lane_schedule_begin(&schedule, 90, 0, false));
    static const size_t widths[][2] = {{1, 1}, {3, 4}, {17, 32}, {32, 32}, {33, 64}, {65, 90}, {90, 90}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        ck_assert_uint_eq(lane_schedule_width(&schedule, widths[i][0]), widths[i][1]);
    lane_schedule_release(&schedule);
    ck_assert(lane_schedule_init(&schedule, at + 100, 200)); /* nothing is wanted */
    ck_assert_uint_eq(lane_schedule_lanes(&schedule, 64), 0);
    lane_schedule_release(&schedule);
    ck_assert_uint_eq(lane_schedule_most(40, false), 128); /* 160 */
    ck_assert_uint_eq(lane_schedule_most(132, false), 512);
    ck_assert_uint_eq(lane_schedule_most(132, true), 1024);
    ck_assert_uint_eq(lane_schedule_most(1, false), 32);
}
END_TEST

START_TEST(a_sequence_that_leaves_its_state_keeps_it_behind_its_last_step)
{
    static const uint32_t ids[] = {4, 5, 6}, step = 2, row = 0;
    struct char_sequence at = {ids, 3, 1, &step, &row};
    struct lane_schedule schedule;
    struct lane_step steps[4];
    size_t width;
    ck_assert(lane_schedule_init(&schedule, &at, 1));
    ck_assert(lane_schedule_begin(&schedule, 1, 1, true));
    ck_assert_uint_eq(lane_schedule_next(&schedule, steps, 4, &width), 3);
    ck_assert_uint_eq(steps[0].keep, LANE_NOWHERE);
    ck_assert_uint_eq(steps[1].keep, LANE_NOWHERE);
    ck_assert_uint_eq(steps[2].keep, 0);
    ck_assert_uint_eq(steps[2].row, 0);
    lane_schedule_release(&schedule);
}
END_TEST

/* A device that fails leaves a run unfinished: kept states must go with the schedule (the sanitizers watch). */
START_TEST(a_schedule_can_be_left_in_the_middle)
{
    struct lane_step steps[RUN * 5];
    size_t width;
    random_begin("a_schedule_can_be_left_in_the_middle");
    struct corpus *corpus = corpus_new(COUNT_MAX, 2, false);
    for (size_t count = 0; count < 4 * RUN; count++) {
        struct lane_schedule schedule;
        ck_assert(lane_schedule_init(&schedule, corpus->at, corpus->count));
        ck_assert(lane_schedule_begin(&schedule, 5, 100, false));
        for (size_t left = count; left; left -= left < RUN ? left : RUN)
            ck_assert_uint_gt(lane_schedule_next(&schedule, steps, left < RUN ? left : RUN, &width), 0);
        lane_schedule_release(&schedule);
    }
    free(corpus);
}
END_TEST

int main(void)
{
    test_add(every_row_gets_its_state_whatever_the_lanes_and_places, NULL);
    test_add(steps_grow_narrow_when_the_short_sequences_have_ended, NULL);
    test_add(sequences_move_together_when_lanes_end, NULL);
    test_add(lanes_and_widths_are_few_kinds_of_numbers, NULL);
    test_add(a_sequence_that_leaves_its_state_keeps_it_behind_its_last_step, NULL);
    test_add(a_schedule_can_be_left_in_the_middle, NULL);
    return test_run("lane-schedule");
}
