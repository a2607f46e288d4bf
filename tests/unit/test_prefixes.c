/* The plan takes every distinct beginning once, and says rightly who holds which step; sequences are given out once
 * each, with the state that they go on from, whoever takes them. */
#include "base/parallel.h"
#include "harness.h"
#include "numbers.h"
#include "tensor/forks.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 300, LENGTH_MAX = 40 };

struct corpus {
    size_t count;
    struct char_sequence at[COUNT_MAX];
    uint32_t ids[COUNT_MAX][LENGTH_MAX], steps[COUNT_MAX][2 * LENGTH_MAX];
};

/* Sequences over a few letters; wishes are a function of the beginning (as a text's are), or random. */
static struct corpus *corpus_new(size_t count, uint32_t letters, bool random_wishes)
{
    struct corpus *corpus = calloc(1, sizeof *corpus);
    corpus->count = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t length = random_below(LENGTH_MAX + 1), wishes = 0, hash = 7;
        for (uint32_t t = 0; t < length; t++) {
            corpus->ids[i][t] = t ? random_below(letters) : 0;
            hash = hash * 31 + corpus->ids[i][t];
            uint32_t times = random_wishes ? random_below(3) : (hash >> 3) % 2;
            for (; times; times--)
                corpus->steps[i][wishes++] = t;
        }
        corpus->at[i] = (struct char_sequence){corpus->ids[i], length, wishes, corpus->steps[i], NULL};
    }
    return corpus;
}

static uint32_t needed(const struct char_sequence *s)
{
    return s->row_count ? s->steps[s->row_count - 1] + 1 : 0;
}

static bool begin_alike(const struct char_sequence *a, const struct char_sequence *b, uint32_t steps)
{
    return needed(a) >= steps && needed(b) >= steps && !memcmp(a->ids, b->ids, steps * sizeof *a->ids);
}

static bool has_wish(const struct char_sequence *s, uint32_t step)
{
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->steps[i] == step)
            return true;
    return false;
}

static void check_plan(const struct corpus *corpus, const struct prefixes *plan)
{
    for (uint32_t x = 0; x < corpus->count; x++) {
        const struct char_sequence *s = &corpus->at[x], *parent = &corpus->at[plan->at[x].parent];
        uint32_t start = plan->at[x].start, child = plan->at[x].child, before = 0;
        EXPECT(start + plan->own_steps[x] == needed(s), "sequence %u: %u + %u steps of %u", x, start,
               plan->own_steps[x], needed(s));
        EXPECT(start ? parent != s : parent == s, "sequence %u: start %u, parent %u", x, start, plan->at[x].parent);
        EXPECT(needed(parent) >= needed(s), "sequence %u goes on from a shorter one, %u", x, plan->at[x].parent);
        EXPECT(begin_alike(s, parent, start), "sequence %u is not like %u", x, plan->at[x].parent);
        EXPECT(!start || plan->at[plan->at[x].parent].start < start, "sequence %u: its parent takes no step %u", x,
               start - 1);
        for (uint32_t i = 0; i < s->row_count; i++) {
            uint32_t step = s->steps[i], holder = prefixes_holder(plan, x, step);
            EXPECT(begin_alike(s, &corpus->at[holder], step + 1) && plan->at[holder].start <= step &&
                       has_wish(&corpus->at[holder], step),
                   "sequence %u: step %u is not with %u", x, step, holder);
        }
        for (; child != PREFIX_NONE; before = plan->at[child].start, child = plan->at[child].sibling)
            EXPECT(plan->at[child].parent == x && plan->at[child].start > start && plan->own_steps[child] &&
                       plan->at[child].start >= before,
                   "sequence %u: wrong child %u", x, child);
    }
}

/* Beginnings that nobody earlier in the corpus has. */
static size_t distinct_beginnings(const struct corpus *corpus)
{
    size_t distinct = 0;
    for (size_t x = 0; x < corpus->count; x++)
        for (uint32_t t = 1; t <= needed(&corpus->at[x]); t++) {
            size_t y = 0;
            while (y < x && !begin_alike(&corpus->at[x], &corpus->at[y], t))
                y++;
            distinct += y == x;
        }
    return distinct;
}

START_TEST(every_distinct_beginning_is_taken_once)
{
    random_begin("every_distinct_beginning_is_taken_once");
    for (int round = 0; round < 200; round++) {
        bool random_wishes = round % 3 == 2;
        struct corpus *corpus =
            corpus_new(random_below(round % 10 ? 40 : COUNT_MAX), (uint32_t)(round % 4 + 1), random_wishes);
        struct prefixes plan;
        size_t taken = 0, children = 0, parents = 0;
        ck_assert(prefixes_init(&plan, corpus->at, corpus->count));
        check_plan(corpus, &plan);
        for (uint32_t x = 0; x < corpus->count; x++) {
            taken += plan.own_steps[x];
            parents += plan.at[x].start && plan.own_steps[x];
            for (uint32_t child = plan.at[x].child; child != PREFIX_NONE; child = plan.at[child].sibling)
                children++;
        }
        EXPECT(children == parents, "round %d: %zu children, %zu with a parent", round, children, parents);
        size_t distinct = distinct_beginnings(corpus);
        EXPECT(random_wishes ? taken >= distinct : taken == distinct, "round %d: %zu steps, should be %zu", round,
               taken, distinct);
        prefixes_release(&plan);
        free(corpus);
    }
}
END_TEST

START_TEST(a_small_plan_by_hand)
{
    /* 0: a b c d   1: a b x      2: a b c d   3: a b c     4: a b x y, no wish behind x
     * 5: a b x, but the state behind b is wanted, which nobody longer wants: b is taken again
     * Equal ones: the later one is taken out last. 2 takes all; 0 nothing. 3 nothing. 4 takes x from 2; 1 nothing. */
    static const uint32_t abcd[] = {1, 2, 3, 4}, abxy[] = {1, 2, 9, 8}, at_2[] = {2}, at_23[] = {2, 3},
                          at_12[] = {1, 2};
    const struct char_sequence sequences[] = {
        {abcd, 4, 2, at_23, NULL}, {abxy, 3, 1, at_2, NULL}, {abcd, 4, 2, at_23, NULL},
        {abcd, 3, 1, at_2, NULL},  {abxy, 4, 1, at_2, NULL}, {abxy, 3, 2, at_12, NULL},
    };
    struct prefixes plan;
    ck_assert(prefixes_init(&plan, sequences, 6));
    size_t taken = 0;
    for (size_t i = 0; i < 6; i++)
        taken += plan.own_steps[i];
    ck_assert_uint_eq(plan.own_steps[0] + plan.own_steps[2], 4);
    ck_assert_uint_eq(plan.own_steps[3], 0);
    ck_assert_uint_eq(plan.own_steps[5], 2);
    ck_assert_uint_eq(plan.at[5].start, 1);
    ck_assert_uint_eq(taken, 4 + 2 + 1);
    prefixes_release(&plan);
}
END_TEST

/* A "state" is the hash of the ids up to it: each taker makes its own from what it is given. */
struct relay {
    const struct corpus *corpus;
    struct forks forks;
    atomic_size_t taken[COUNT_MAX], from_nothing, wrong;
};

static uint32_t hash_of(const struct char_sequence *s, uint32_t first, uint32_t steps, uint32_t hash)
{
    for (uint32_t t = first; t < steps; t++)
        hash = (hash * 31 + s->ids[t] + 1) % 1000003; /* a float holds it */
    return hash;
}

static void run_relay(void *argument, size_t thread)
{
    struct relay *relay = argument;
    uint32_t x;
    struct fork_state *state;
    (void)thread;
    while (forks_take(&relay->forks, true, &x, &state)) {
        const struct char_sequence *s = &relay->corpus->at[x];
        const struct prefix *own = &relay->forks.prefixes.at[x];
        uint32_t from = state ? own->start : 0, hash = state ? (uint32_t)state->at[1] : 5;
        relay->taken[x]++;
        relay->from_nothing += own->start && !state;
        relay->wrong += hash != hash_of(s, 0, from, 5);
        if (state)
            forks_drop(&relay->forks, state);
        for (uint32_t child = own->child; child != PREFIX_NONE;) {
            uint32_t start = relay->forks.prefixes.at[child].start;
            struct fork_state *mine = forks_keep(&relay->forks, 2);
            if (mine)
                mine->at[1] = (float)hash_of(s, from, start, hash);
            child = forks_offer(&relay->forks, child, mine);
            sched_yield();
        }
    }
}

START_TEST(states_reach_everybody_once)
{
    static const size_t most[] = {0, sizeof(struct fork_state) + 7, 100, 1000, 1 << 20};
    random_begin("states_reach_everybody_once");
    for (int round = 0; round < 100; round++) {
        struct corpus *corpus = corpus_new(random_below(COUNT_MAX), (uint32_t)(round % 3 + 2), false);
        struct relay relay = {.corpus = corpus};
        ck_assert(forks_init(&relay.forks, corpus->at, corpus->count, most[round % 5]));
        parallel_run((size_t)(round % 4) + 1, run_relay, &relay);
        EXPECT(!relay.wrong, "round %d: %zu states are wrong", round, (size_t)relay.wrong);
        EXPECT(!forks_left(&relay.forks), "round %d: not all have begun", round);
        EXPECT(relay.forks.bytes == 0, "round %d: %zu bytes are still kept", round, relay.forks.bytes);
        size_t children = 0;
        for (size_t x = 0; x < corpus->count; x++) {
            EXPECT(relay.taken[x] == (relay.forks.prefixes.own_steps[x] > 0), "round %d: sequence %zu taken %zu times",
                   round, x, (size_t)relay.taken[x]);
            children += relay.forks.prefixes.own_steps[x] && relay.forks.prefixes.at[x].start;
        }
        if (round % 5 == 4)
            EXPECT(!relay.from_nothing, "round %d: %zu without a state", round, (size_t)relay.from_nothing);
        if (round % 5 < 2)
            EXPECT(relay.from_nothing == children, "round %d: %zu of %zu without a state", round,
                   (size_t)relay.from_nothing, children);
        forks_release(&relay.forks);
        free(corpus);
    }
}
END_TEST

START_TEST(the_one_with_the_most_steps_left_comes_first)
{
    /* 0: a b c d e   1: a b x   2: a y z w   3: v (shares nothing) */
    static const uint32_t ids[4][5] = {{1, 2, 3, 4, 5}, {1, 2, 9}, {1, 8, 7, 6}, {4}}, last[] = {0, 1, 2, 3, 4};
    struct char_sequence sequences[4];
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t length = (uint32_t[]){5, 3, 4, 1}[i];
        sequences[i] = (struct char_sequence){ids[i], length, 1, &last[length - 1], NULL};
    }
    struct forks forks;
    struct fork_state *state;
    uint32_t x;
    ck_assert(forks_init(&forks, sequences, 4, 1000));
    ck_assert(forks_take(&forks, true, &x, &state));
    ck_assert_uint_eq(x, 0);
    struct fork_state *first = forks_keep(&forks, 1), *second = forks_keep(&forks, 1);
    ck_assert_uint_eq(forks_offer(&forks, forks.prefixes.at[0].child, first), 1);
    ck_assert_uint_eq(forks_offer(&forks, 1, second), PREFIX_NONE);
    ck_assert(forks_take(&forks, false, &x, &state) && x == 2 && state == first);  /* 3 steps left */
    ck_assert(forks_take(&forks, false, &x, &state) && x == 1 && state == second); /* 1, and before 3 */
    ck_assert(forks_take(&forks, true, &x, &state) && x == 3 && !state);
    ck_assert(!forks_take(&forks, true, &x, &state)); /* and does not wait */
    forks_drop(&forks, first);
    forks_drop(&forks, second);
    forks_release(&forks);
}
END_TEST

int main(void)
{
    test_add(every_distinct_beginning_is_taken_once, NULL);
    test_add(a_small_plan_by_hand, NULL);
    test_add(states_reach_everybody_once, NULL);
    test_add(the_one_with_the_most_steps_left_comes_first, NULL);
    return test_run("prefixes");
}
