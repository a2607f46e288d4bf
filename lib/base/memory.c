/* memory.c - see memory.h. */
#include "base/memory.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

void *memory_new(size_t bytes)
{
    size_t alignment = bytes < HUGE_PAGE ? LINE : HUGE_PAGE;
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    size_t rounded = (bytes + LINE - 1) / LINE * LINE;
    void *block = aligned_alloc(alignment, rounded ? rounded : LINE);
    if (block && alignment == HUGE_PAGE)
        madvise(block, rounded, MADV_HUGEPAGE); /* a wish: where it is not granted, all works as well */
    return block;
}
