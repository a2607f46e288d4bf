/* engine_kernels.c - the kernels at hand: they register themselves when the library that they are compiled into is
 * opened, which happens when the first one is asked for ($EMU_KERNELS, else kernels_checked.so beside this library). */
#include "engine.h"
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KERNELS = 512 };
static struct emu_kernel kernels[MOST_KERNELS];
static size_t kernel_count;
static bool opened;
static struct {
    const char *start, *end;
} segments[16]; /* of kernels' libraries */
static size_t segment_count;

void emu_register_kernel(const struct emu_kernel *kernel)
{
    EMU_LOCKED;
    if (kernel_count == MOST_KERNELS) {
        fprintf(stderr, "emulated device: more than %d kernels\n", MOST_KERNELS);
        _Exit(2);
    }
    kernels[kernel_count++] = *kernel;
}

/* Keeps where the library's segments lie that holds the first kernel. */
static int keep_segments(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    const char *function = (const char *)kernels[0].function;
    bool holds = false;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const ElfW(Phdr) *header = &info->dlpi_phdr[i];
            const char *start = (const char *)info->dlpi_addr + header->p_vaddr, *end = start + header->p_memsz;
            if (header->p_type != PT_LOAD)
                continue;
            if (pass == 0)
                holds |= function >= start && function < end;
            else if (segment_count < sizeof segments / sizeof *segments) {
                segments[segment_count].start = start;
                segments[segment_count++].end = end;
            }
        }
        if (!holds)
            return 0;
    }
    return 1;
}

static void open_library(void)
{
    opened = true;
    char path[4096] = "";
    Dl_info self;
    if (emu_settings()->kernels != NULL) {
        snprintf(path, sizeof path, "%s", emu_settings()->kernels);
    } else if (dladdr((void *)(uintptr_t)open_library, &self) != 0) {
        const char *slash = strrchr(self.dli_fname, '/');
        int folder = slash != NULL ? (int)(slash - self.dli_fname) : 0;
        snprintf(path, sizeof path, "%.*s/kernels_checked.so", folder, self.dli_fname);
    }
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
        fprintf(stderr, "emulated device: no kernels: %s\n", dlerror());
        _Exit(2);
    }
    if (kernel_count != 0)
        dl_iterate_phdr(keep_segments, NULL);
}

const struct emu_kernel *emu_find_kernel(const char *name)
{
    EMU_LOCKED;
    if (!opened)
        open_library();
    for (size_t i = 0; i < kernel_count; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return &kernels[i];
    return NULL;
}

bool emu_in_kernel_library(const void *at)
{
    for (size_t i = 0; i < segment_count; i++)
        if ((const char *)at >= segments[i].start && (const char *)at < segments[i].end)
            return true;
    return false;
}
