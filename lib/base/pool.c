/* pool.c - see pool.h. A run is open while its caller takes items; threads that come in that time join it and take
 * items as well, and the caller waits for those that joined. One that comes late finds the run closed and has missed
 * nothing: nobody waits for a thread that the system does not let run. */
#include "base/pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* How long a thread looks for the next run, or for the last thread's end, before it sleeps: some 20 us, about what
 * sleeping and waking take. */
enum { LOOKS = 1000 };

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t called, finished;
    size_t started;
    pthread_t *handles; /* [started] */
    void (*begin)(void);
    bool open, ending;    /* under the lock, as what follows */
    atomic_size_t run;    /* counts runs */
    atomic_size_t joined; /* threads inside this run, without the caller */
    size_t items;         /* of this run; fixed while threads are inside */
    void (*work)(void *argument, size_t item);
    void *argument;
    atomic_size_t next; /* item */
};

static void look_away(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_items(struct pool *pool)
{
    size_t item;
    while ((item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->items)
        pool->work(pool->argument, item);
}

static void *serve(void *pointer)
{
    struct pool *pool = pointer;
    size_t seen = 0;
    if (pool->begin)
        pool->begin();
    for (;;) {
        for (int i = 0; i < LOOKS && atomic_load_explicit(&pool->run, memory_order_relaxed) == seen; i++)
            look_away();
        pthread_mutex_lock(&pool->lock);
        while (pool->run == seen && !pool->ending)
            pthread_cond_wait(&pool->called, &pool->lock);
        bool ending = pool->ending, join = pool->open;
        seen = pool->run;
        if (join && !ending)
            pool->joined++;
        pthread_mutex_unlock(&pool->lock);
        if (ending)
            return NULL;
        if (!join)
            continue;
        take_items(pool);
        pthread_mutex_lock(&pool->lock);
        if (!--pool->joined)
            pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->lock);
    }
}

struct pool *pool_new(size_t threads, void (*begin)(void))
{
    struct pool *pool = calloc(1, sizeof *pool);
    pthread_t *handles = calloc(threads, sizeof *handles);
    if (!pool || !handles) {
        free(pool);
        free(handles);
        return NULL;
    }
    pool->handles = handles;
    pool->begin = begin;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->called, NULL);
    pthread_cond_init(&pool->finished, NULL);
    while (pool->started + 1 < threads && !pthread_create(&handles[pool->started], NULL, serve, pool))
        pool->started++;
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pool->run++;
    pthread_cond_broadcast(&pool->called);
    pthread_mutex_unlock(&pool->lock);
    for (size_t t = 0; t < pool->started; t++)
        pthread_join(pool->handles[t], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->called);
    pthread_cond_destroy(&pool->finished);
    free(pool->handles);
    free(pool);
}

size_t pool_threads(const struct pool *pool)
{
    return pool->started + 1;
}

void pool_run(struct pool *pool, size_t items, void (*work)(void *argument, size_t item), void *argument)
{
    if (items < 2 || !pool->started) {
        for (size_t item = 0; item < items; item++)
            work(argument, item);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->items = items;
    pool->work = work;
    pool->argument = argument;
    pool->next = 0;
    pool->open = true;
    pool->run++;
    pthread_cond_broadcast(&pool->called);
    pthread_mutex_unlock(&pool->lock);
    take_items(pool);
    for (int i = 0; i < LOOKS && atomic_load_explicit(&pool->joined, memory_order_relaxed); i++)
        look_away();
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->joined)
        pthread_cond_wait(&pool->finished, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
