/* memory.c - see memory.h. */
#include "base/memory.h"
#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

void *memory_new(size_t bytes)
{
    void *block;
    size_t alignment = bytes < HUGE_PAGE ? LINE : HUGE_PAGE;
    if (posix_memalign(&block, alignment, bytes ? bytes : 1))
        return NULL;
    if (alignment == HUGE_PAGE)
        madvise(block, bytes, MADV_HUGEPAGE); /* a wish: where it is not granted, all works as well */
    return block;
}
