/* arena.h - many small allocations with one common end.
 *
 * Promises: memory is zeroed and aligned to 16 bytes; arena_clear keeps the blocks for reuse, so a loop that clears and
 * fills again does not touch the system's allocator. It refuses to free single pieces. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks; /* newest first */
    struct arena_block *spare;  /* cleared blocks, ready for use */
    size_t used;                /* bytes handed out since the arena was cleared */
    size_t held;                /* bytes of all blocks */
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);
void arena_clear(struct arena *arena);

/* NULL when out of memory (also when count * size overflows). A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy of `bytes` bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const void *from, size_t bytes);

#endif
