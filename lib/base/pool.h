/* pool.h - threads that stay, for work in pieces of microseconds to milliseconds, many times a second.
 *
 * A pool owns threads that wait for work; starting work costs a microsecond or two while they are awake. Promises:
 * every item is done exactly once, even where fewer threads could be started than were asked for; who does which item,
 * and in which order, is not promised. Refuses two callers at a time: a pool belongs to one thread. */
#ifndef BASE_POOL_H
#define BASE_POOL_H
#include <stddef.h>

struct pool;

/* threads: the calling one included, at least 1. begin: called once in each thread that is started, or NULL.
 * NULL when out of memory. */
struct pool *pool_new(size_t threads, void (*begin)(void));
void pool_free(struct pool *pool); /* NULL is allowed */

/* Threads there are, the calling one included. */
size_t pool_threads(const struct pool *pool);

/* Calls work(argument, item) for item = 0..items-1 and returns when all have returned. What was written before is seen
 * by them, and what they wrote is seen behind. */
void pool_run(struct pool *pool, size_t items, void (*work)(void *argument, size_t item), void *argument);

#endif
