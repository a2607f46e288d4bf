/* team.h - threads that do one short piece of work together, again and again.
 *
 * A leader has the work; servants wait for it. A piece is cut into parts, one for each; a part whose servant has not
 * come for it when the leader is through with its own is done by the leader: a thread that is late, asleep or was never
 * started costs nothing but its help. Whoever waits spins for a moment, for pieces may be as short as the wake-up of a
 * thread, and then sleeps, so that nobody burns the time of others. */
#ifndef TENSOR_TEAM_H
#define TENSOR_TEAM_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number that threads wait for. */
struct signal {
    _Atomic uint64_t value;
    atomic_size_t sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct team {
    size_t parts;
    void (*work)(void *argument, size_t part);
    void *argument;
    struct signal piece;       /* the number of the current one; TEAM_END: go home */
    struct signal done;        /* parts that servants have done, in all */
    uint64_t expected;         /* what `done` comes to */
    _Atomic uint64_t *claimed; /* [parts], the last piece of which somebody has taken the part */
};

/* parts: threads, with the leader. False when out of memory; team_release is due all the same. */
bool team_init(struct team *team, size_t parts);
void team_release(struct team *team);

/* For the leader: calls work(argument, part) for every part of a new piece. What it wrote is to be seen here when this
 * returns, and in the next piece by all. */
void team_work(struct team *team, void (*work)(void *argument, size_t part), void *argument);
void team_end(struct team *team);

/* For the servant of a part, 1 to parts - 1: stays until team_end. */
void team_serve(struct team *team, size_t part);

#endif
