/* team.c - see team.h. */
#include "tensor/team.h"
#include <stdlib.h>

#define TEAM_END UINT64_MAX

enum { SPINS = 2000 }; /* 20 to 80 us, as long as a sleeping thread may take to wake */

static void relax(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static void signal_init(struct signal *signal)
{
    atomic_init(&signal->value, 0);
    atomic_init(&signal->sleepers, 0);
    pthread_mutex_init(&signal->mutex, NULL);
    pthread_cond_init(&signal->changed, NULL);
}

static void signal_release(struct signal *signal)
{
    pthread_mutex_destroy(&signal->mutex);
    pthread_cond_destroy(&signal->changed);
}

/* The value has changed. A sleeper counts itself before it looks at the value for the last time, and here the count is
 * read after the value was written: one of the two sees the other. */
static void signal_wake(struct signal *signal)
{
    if (signal->sleepers) {
        pthread_mutex_lock(&signal->mutex);
        pthread_cond_broadcast(&signal->changed);
        pthread_mutex_unlock(&signal->mutex);
    }
}

/* Waits while the value is, or is not yet, this one. */
static uint64_t signal_wait(struct signal *signal, uint64_t value, bool is_awaited)
{
    for (int i = 0; i < SPINS; i++) {
        uint64_t now = signal->value;
        if ((now == value) == is_awaited)
            return now;
        relax();
    }
    pthread_mutex_lock(&signal->mutex);
    signal->sleepers++;
    uint64_t now;
    while (((now = signal->value) == value) != is_awaited)
        pthread_cond_wait(&signal->changed, &signal->mutex);
    signal->sleepers--;
    pthread_mutex_unlock(&signal->mutex);
    return now;
}

bool team_init(struct team *team, size_t parts)
{
    *team = (struct team){.parts = parts};
    signal_init(&team->piece);
    signal_init(&team->done);
    team->claimed = calloc(parts, sizeof *team->claimed);
    return team->claimed;
}

void team_release(struct team *team)
{
    signal_release(&team->piece);
    signal_release(&team->done);
    free(team->claimed);
}

static bool claim(struct team *team, size_t part, uint64_t piece)
{
    uint64_t last = piece - 1;
    return atomic_compare_exchange_strong(&team->claimed[part], &last, piece);
}

void team_work(struct team *team, void (*work)(void *argument, size_t part), void *argument)
{
    uint64_t piece = team->piece.value + 1;
    team->work = work;
    team->argument = argument;
    team->piece.value = piece;
    signal_wake(&team->piece);
    work(argument, 0);
    for (size_t part = 1; part < team->parts; part++) {
        if (claim(team, part, piece))
            work(argument, part);
        else
            team->expected++;
    }
    signal_wait(&team->done, team->expected, true);
}

void team_end(struct team *team)
{
    team->piece.value = TEAM_END;
    signal_wake(&team->piece);
}

void team_serve(struct team *team, size_t part)
{
    for (uint64_t piece = 0; (piece = signal_wait(&team->piece, piece, false)) != TEAM_END;)
        if (claim(team, part, piece)) { /* then the leader waits, and leaves the piece as it is */
            team->work(team->argument, part);
            team->done.value++;
            signal_wake(&team->done);
        }
}
