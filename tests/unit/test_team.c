/* A team does every part of every piece once, whoever comes for it and when, and what one piece wrote the next sees. */
#include "base/parallel.h"
#include "harness.h"
#include "tensor/team.h"
#include <time.h>

enum { PARTS = 4 };

static void rest(long microseconds)
{
    nanosleep(&(struct timespec){0, 1000 * microseconds}, NULL);
}

/* Numbers of which each piece makes the next from all those of the one before. */
struct sums {
    struct team team;
    size_t pieces, done;
    uint64_t at[2][PARTS];
    unsigned late;             /* a bit a servant: comes when much has been done */
    unsigned absent;           /* likewise: comes when all has been done */
    atomic_bool is_half, ends; /* for these */
    bool is_wrong;
};

static void sum_part(void *argument, size_t part)
{
    struct sums *sums = argument;
    uint64_t sum = part;
    for (size_t p = 0; p < sums->team.parts; p++)
        sum = sum * 31 + sums->at[sums->done % 2][p];
    sums->at[(sums->done + 1) % 2][part] = sum;
}

static void lead_sums(struct sums *sums)
{
    uint64_t expected[PARTS] = {0};
    for (; sums->done < sums->pieces; sums->done++) {
        uint64_t next[PARTS];
        for (size_t part = 0; part < sums->team.parts; part++) {
            next[part] = part;
            for (size_t p = 0; p < sums->team.parts; p++)
                next[part] = next[part] * 31 + expected[p];
        }
        team_work(&sums->team, sum_part, sums);
        for (size_t part = 0; part < sums->team.parts; part++) {
            expected[part] = next[part];
            sums->is_wrong |= sums->at[(sums->done + 1) % 2][part] != expected[part];
        }
        if (sums->done == sums->pieces / 2) {
            sums->is_half = true;
            rest(200); /* the others come, and those who wait fall asleep */
        }
    }
    team_end(&sums->team);
    sums->ends = true;
}

static void sums_thread(void *argument, size_t thread)
{
    struct sums *sums = argument;
    if (!thread) {
        lead_sums(sums);
        return;
    }
    while ((sums->late >> thread & 1 && !sums->is_half) || (sums->absent >> thread & 1 && !sums->ends))
        rest(10);
    team_serve(&sums->team, thread);
}

static void check_sums(size_t parts, size_t threads, size_t pieces, unsigned late, unsigned absent)
{
    struct sums sums = {.pieces = pieces, .late = late, .absent = absent};
    ck_assert(team_init(&sums.team, parts));
    parallel_run(threads, sums_thread, &sums);
    ck_assert_msg(!sums.is_wrong && sums.done == pieces, "%zu parts, %zu threads, late %x, absent %x", parts, threads,
                  late, absent);
    team_release(&sums.team);
}

START_TEST(every_piece_is_whole_whoever_comes)
{
    for (size_t parts = 1; parts <= PARTS; parts++) {
        check_sums(parts, parts, 0, 0, 0);
        check_sums(parts, parts, 10000, 0, 0);
        check_sums(parts, 1, 100, 0, 0); /* nobody else was started */
        for (unsigned late = 0; late < 1u << parts; late += 2)
            check_sums(parts, parts, 1000, late, ~late & 4);
    }
}
END_TEST

/* Part 0 lasts until all others have been begun, which only their servants can do then. */
struct meeting {
    struct team team;
    atomic_size_t begun, finished;
    size_t pieces;
    long rest; /* us, of the leader between pieces and of servants in their work */
    bool is_early;
};

static void meet(void *argument, size_t part)
{
    struct meeting *meeting = argument;
    if (part) {
        meeting->begun++;
        rest(meeting->rest);
        meeting->finished++;
    } else {
        while (meeting->begun < meeting->team.parts - 1)
            rest(1);
    }
}

static void meeting_thread(void *argument, size_t thread)
{
    struct meeting *meeting = argument;
    if (thread) {
        team_serve(&meeting->team, thread);
        return;
    }
    for (size_t i = 0; i < meeting->pieces; i++) {
        meeting->begun = meeting->finished = 0;
        team_work(&meeting->team, meet, meeting);
        meeting->is_early |= meeting->finished != meeting->team.parts - 1;
        rest(meeting->rest);
    }
    team_end(&meeting->team);
}

START_TEST(servants_take_their_parts_and_are_waited_for)
{
    static const long rests[] = {0, 10, 5000}; /* the last: all are asleep by then */
    for (size_t parts = 2; parts <= PARTS; parts++)
        for (size_t r = 0; r < 3; r++) {
            struct meeting meeting = {.pieces = 30, .rest = rests[r]};
            ck_assert(team_init(&meeting.team, parts));
            parallel_run(parts, meeting_thread, &meeting);
            ck_assert_msg(!meeting.is_early, "%zu parts: the leader went on before a servant was through", parts);
            team_release(&meeting.team);
        }
}
END_TEST

int main(void)
{
    test_add(every_piece_is_whole_whoever_comes, NULL);
    test_add(servants_take_their_parts_and_are_waited_for, NULL);
    return test_run("team");
}
