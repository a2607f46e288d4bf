/* sentence.c - see sentence.h. */
#include "text/sentence.h"
#include <stdlib.h>

void window_init(struct window *window)
{
    *window = (struct window){0};
    arena_init(&window->arena);
}

void window_release(struct window *window)
{
    arena_release(&window->arena);
    free(window->sentences);
    window_init(window);
}

void window_clear(struct window *window)
{
    arena_clear(&window->arena);
    window->count = window->tokens = window->chars = 0;
}

size_t window_used(const struct window *window)
{
    return window->arena.used + window->count * sizeof *window->sentences;
}

size_t window_held(const struct window *window)
{
    return window->arena.held + window->capacity * sizeof *window->sentences;
}

struct sentence *window_add(struct window *window)
{
    if (window->count == window->capacity) {
        size_t capacity = window->capacity ? window->capacity * 2 : 64;
        struct sentence *grown = realloc(window->sentences, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        window->sentences = grown;
        window->capacity = capacity;
    }
    window->sentences[window->count] = (struct sentence){0};
    return &window->sentences[window->count++];
}
