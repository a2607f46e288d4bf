/* engine_report.c - counts what was done, writes it to $EMU_REPORT as JSON when the process ends, and lets a process
 * that made mistakes end with EMU_EXIT. Memory, streams, events and graphs that live on at the end are mistakes. */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 512 };
static struct emu_kernel_counts kernels[MOST];
static struct {
    char name[64];
    uint64_t calls;
    double flops, bytes;
} libraries[MOST];
static struct {
    uint64_t count, bytes;
} transfers[EMU_TRANSFERS];

struct emu_kernel_counts *emu_kernel_counts(const struct emu_kernel *kernel)
{
    size_t i = 0;
    while (i < MOST - 1 && kernels[i].kernel != NULL && kernels[i].kernel != kernel)
        i++;
    kernels[i].kernel = kernel;
    return &kernels[i];
}

void emu_count(const char *what, double flops, double bytes)
{
    EMU_LOCKED;
    size_t i = 0;
    while (i < MOST - 1 && libraries[i].name[0] != '\0' && strcmp(libraries[i].name, what) != 0)
        i++;
    snprintf(libraries[i].name, sizeof libraries[i].name, "%s", what);
    libraries[i].calls++;
    libraries[i].flops += flops;
    libraries[i].bytes += bytes;
}

void emu_count_transfer(enum emu_transfer what, size_t bytes)
{
    transfers[what].count++;
    transfers[what].bytes += bytes;
}

static void write_report(FILE *file)
{
    static const char *const transfer_names[] = {"to_device", "to_host", "on_device", "set"};
    uint64_t launches = 0, blocks = 0;
    for (size_t i = 0; kernels[i].kernel != NULL; i++) {
        launches += kernels[i].launches;
        blocks += kernels[i].blocks;
    }
    size_t peak = 0;
    for (int device = 0; device < EMU_MOST_DEVICES; device++) {
        size_t available, total, most;
        emu_set_device(device);
        emu_memory(&available, &total, &most);
        peak = most > peak ? most : peak;
    }
    fprintf(file, "{\n  \"launches\": %llu,\n  \"blocks\": %llu,\n  \"mistakes\": %zu,\n  \"fallible_calls\": %llu,\n",
            (unsigned long long)launches, (unsigned long long)blocks, emu_mistakes(),
            (unsigned long long)emu_fallible_calls());
    fprintf(file, "  \"memory\": {\"peak\": %zu, \"left\": %zu},\n  \"transfers\": {", peak, emu_left());
    for (int i = 0; i < EMU_TRANSFERS; i++)
        fprintf(file, "%s\n    \"%s\": {\"count\": %llu, \"bytes\": %llu}", i != 0 ? "," : "", transfer_names[i],
                (unsigned long long)transfers[i].count, (unsigned long long)transfers[i].bytes);
    fprintf(file, "\n  },\n  \"kernels\": {");
    for (size_t i = 0; kernels[i].kernel != NULL; i++)
        fprintf(
            file,
            "%s\n    \"%s\": {\"launches\": %llu, \"blocks\": %llu, \"threads\": %llu, \"read\": %llu, \"written\": "
            "%llu}",
            i != 0 ? "," : "", kernels[i].kernel->name, (unsigned long long)kernels[i].launches,
            (unsigned long long)kernels[i].blocks, (unsigned long long)kernels[i].threads,
            (unsigned long long)kernels[i].read, (unsigned long long)kernels[i].written);
    fprintf(file, "\n  },\n  \"libraries\": {");
    for (size_t i = 0; libraries[i].name[0] != '\0'; i++)
        fprintf(file, "%s\n    \"%s\": {\"calls\": %llu, \"flops\": %.0f, \"bytes\": %.0f}", i != 0 ? "," : "",
                libraries[i].name, (unsigned long long)libraries[i].calls, libraries[i].flops, libraries[i].bytes);
    fprintf(file, "\n  },\n  \"calls\": {");
    emu_report_call_counts(file);
    fprintf(file, "\n  },\n  \"accesses\": [");
    emu_sectors_report(file);
    fprintf(file, "\n  ]\n}\n");
}

__attribute__((destructor)) static void at_exit(void)
{
    emu_report_left();
    const char *path = emu_settings()->report;
    if (path != NULL && emu_fallible_calls() != 0) {
        FILE *file = fopen(path, "w");
        if (file == NULL) {
            perror(path);
            _exit(EMU_EXIT);
        }
        write_report(file);
        fclose(file);
    }
    if (emu_mistakes() != 0) {
        fprintf(stderr, "emulated device: %zu mistake%s\n", emu_mistakes(), emu_mistakes() == 1 ? "" : "s");
        fflush(NULL);
        _exit(EMU_EXIT);
    }
}
