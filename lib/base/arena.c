/* arena.c - see arena.h. Blocks grow by doubling up to 1 MiB; a larger request gets a block of its own. */
#include "base/arena.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    size_t unused_padding; /* keeps data aligned to 16 */
    char data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void free_list(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_release(struct arena *arena)
{
    free_list(arena->blocks);
    free_list(arena->spare);
    arena_init(arena);
}

void arena_clear(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->size > LARGEST_BLOCK) { /* made for one request; the next one rarely has its size */
            arena->held -= sizeof *block + block->size;
            free(block);
            continue;
        }
        block->next = arena->spare;
        arena->spare = block;
    }
    arena->used = 0;
}

static struct arena_block *take_block(struct arena *arena, size_t bytes)
{
    for (struct arena_block **at = &arena->spare; *at; at = &(*at)->next)
        if ((*at)->size >= bytes) {
            struct arena_block *block = *at;
            *at = block->next;
            return block;
        }
    size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < bytes)
        size = bytes;
    struct arena_block *block = malloc(sizeof *block + size);
    if (block) {
        block->size = size;
        arena->held += sizeof *block + size;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        block = take_block(arena, bytes);
        if (!block)
            return NULL;
        block->used = 0;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *at = block->data + block->used;
    block->used += bytes;
    arena->used += bytes;
    return memset(at, 0, bytes);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size)
        return NULL;
    return arena_alloc(arena, count * size);
}

char *arena_copy(struct arena *arena, const void *from, size_t bytes)
{
    char *copy = bytes < SIZE_MAX ? arena_alloc(arena, bytes + 1) : NULL;
    if (copy && bytes)
        memcpy(copy, from, bytes);
    return copy;
}
