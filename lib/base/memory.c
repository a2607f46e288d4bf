/* memory.c - see memory.h. */
#include "base/memory.h"
#include <stdio.h>
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

/* Not getrusage: what that tells may be the peak of the process that started this one. */
size_t memory_peak(void)
{
    char line[128];
    size_t kibibytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %zu kB", &kibibytes) != 1)
        continue;
    if (status)
        fclose(status);
    return kibibytes * 1024;
}
