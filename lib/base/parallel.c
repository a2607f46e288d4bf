/* parallel.c - see parallel.h. Threads live for one call: work comes in pieces of milliseconds and more, and nothing
 * idles between them. */
#include "base/parallel.h"
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum { MOST_THREADS = 1024 };

struct share {
    void (*work)(void *, size_t);
    void *argument;
    size_t thread;
};

static void *run_share(void *pointer)
{
    struct share *share = pointer;
    share->work(share->argument, share->thread);
    return NULL;
}

void parallel_run(size_t threads, void (*work)(void *argument, size_t thread), void *argument)
{
    pthread_t handle[MOST_THREADS];
    struct share share[MOST_THREADS];
    bool started[MOST_THREADS];
    if (threads > MOST_THREADS)
        threads = MOST_THREADS;
    for (size_t t = 1; t < threads; t++) {
        share[t] = (struct share){work, argument, t};
        started[t] = !pthread_create(&handle[t], NULL, run_share, &share[t]);
    }
    work(argument, 0);
    for (size_t t = 1; t < threads; t++) {
        if (started[t])
            pthread_join(handle[t], NULL);
        else
            work(argument, t);
    }
}

size_t parallel_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int cores = CPU_COUNT(&set);
    return cores > 0 ? (size_t)cores : 1;
}
