/* parallel.h - run a function on several threads and wait for all of them. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H
#include <stddef.h>

/* Calls work(argument, t) for t = 0..threads-1, each on its own thread (t = 0 on the caller's). Where a thread cannot
 * be started its share runs on the caller's, so that the work is always done. */
void parallel_run(size_t threads, void (*work)(void *argument, size_t thread), void *argument);

/* Cores this process may use, at least 1. */
size_t parallel_cores(void);

#endif
