/* checks.c - what a kernel's memory accesses are held to. Its code is compiled with -fsanitize=thread, whose calls
 * before each access end here instead of in that sanitizer's library.
 *
 * An access must lie in memory that is allocated on this device, in the shared memory of its block, on the thread's
 * stack, or, to read, among the constants of the kernels' library; and it must be aligned to its size. Two accesses to
 * the same bytes, of which one writes, must not be made by threads that nothing orders: a barrier or a warp operation
 * between them, a launch, or both being atomic. Of each four bytes the last writer and one reader are remembered, so
 * not every race is seen in every schedule, but what is told is one. */
#include "engine.h"
#include "fibers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* When and by whom four bytes were touched last. owner: see own(). tick 0: never. */
struct cell {
    uint32_t write_tick, writer, read_tick, reader;
};
enum { CELL = 4, STATIC_SHARED_CELLS = (4 << 20) / CELL };

static struct cell *cells; /* of the arena */
static struct cell static_cells[STATIC_SHARED_CELLS], dynamic_cells[EMU_SHARED_BYTES / CELL];

/* 17 bits of block, 10 of thread, 1: atomic, 4: which of the bytes. */
static uint32_t own(unsigned bytes, bool atomic)
{
    return emu_running.block << 15 | emu_running.thread << 5 | (uint32_t)atomic << 4 | bytes;
}

static void tell_race(const char *kind, const void *at, uint32_t other, const void *code)
{
    static const void *told[256];
    static size_t told_count;
    for (size_t i = 0; i < told_count; i++)
        if (told[i] == code)
            return;
    if (told_count < sizeof told / sizeof *told)
        told[told_count++] = code;
    char source[256];
    emu_mistake("%s: %s race on %s memory at %s, with block %u, thread %u", emu_whereabouts(), kind,
                emu_is_device(at) ? "device" : "shared", emu_source_of(code, source, sizeof source), other >> 15,
                other >> 5 & 1023);
}

/* Nothing orders that access, by `owner` at `tick`, with one of the running thread now. since: what was touched earlier
 * is over, by other launches or, of shared memory, other blocks. */
static bool unordered(uint32_t tick, uint32_t owner, uint32_t mine, uint32_t since)
{
    if (tick < since || !(owner & mine & 15) || (owner & mine & 16))
        return false;
    uint32_t thread = owner >> 5 & 1023;
    if ((owner ^ mine) >> 15 != 0)
        return true;
    if (thread == emu_running.thread || tick < emu_running.barrier_tick)
        return false;
    uint32_t warp = emu_running.thread / EMU_LANES;
    if (thread / EMU_LANES != warp)
        return true;
    const struct emu_meeting *meeting = &emu_running.last_meeting[emu_running.thread];
    bool met = (meeting->mask >> thread % EMU_LANES & 1) && tick < meeting->tick;
    return tick >= emu_running.warp_tick[warp] && !met;
}

static void touch_cell(struct cell *cell, const char *at, uint32_t mine, uint32_t since, bool write, const void *code)
{
    if (unordered(cell->write_tick, cell->writer, mine, since))
        tell_race(write ? "write-write" : "write-read", at, cell->writer, code);
    if (write) {
        if (unordered(cell->read_tick, cell->reader, mine, since))
            tell_race("read-write", at, cell->reader, code);
        cell->write_tick = emu_running.tick;
        cell->writer = mine;
    } else if (!unordered(cell->read_tick, cell->reader, mine, since)) {
        cell->read_tick = emu_running.tick;
        cell->reader = mine;
    }
}

/* The cells from that of `start` on hold what was known of `bytes` bytes at `at`. */
static void touch(struct cell *from, const char *start, const char *at, size_t bytes, bool write, bool atomic,
                  const void *code)
{
    uint32_t since = from == cells ? emu_running.launch_tick : emu_running.block_tick;
    size_t offset = (size_t)(at - start);
    if (bytes == CELL && offset % CELL == 0) {
        touch_cell(&from[offset / CELL], at, own(15, atomic), since, write, code);
        return;
    }
    for (size_t end = offset + bytes; offset < end;) {
        size_t in_cell = offset % CELL, count = CELL - in_cell < end - offset ? CELL - in_cell : end - offset;
        touch_cell(&from[offset / CELL], at, own(((1u << count) - 1) << in_cell, atomic), since, write, code);
        offset += count;
    }
}

static void refuse(const char *what, const void *at, size_t bytes, bool write, const void *code)
{
    char source[256];
    emu_mistake("%s: %s %zu bytes %s (%p) at %s", emu_whereabouts(), write ? "writes" : "reads", bytes, what, at,
                emu_source_of(code, source, sizeof source));
    emu_abandon();
}

static void refuse_device(const char *at, size_t bytes, bool write, const void *code)
{
    const struct emu_allocation *nearest = emu_allocation_at(at);
    char what[128] = "of device memory below every allocation";
    if (nearest != NULL && nearest->device != emu_device())
        snprintf(what, sizeof what, "of another device, %d", nearest->device);
    else if (nearest != NULL)
        snprintf(what, sizeof what, "at byte %td of %s allocation of %zu", at - nearest->at,
                 nearest->alive ? "an" : "a freed", nearest->bytes);
    refuse(what, at, bytes, write, code);
}

static bool in_last_allocation(const char *at, size_t bytes)
{
    static const char *start;
    static size_t length;
    static uint32_t launch;
    if (launch == emu_running.launch_tick && at >= start && (size_t)(at - start) < length &&
        bytes <= length - (size_t)(at - start))
        return true;
    if (!emu_in_allocation(at, bytes))
        return false;
    const struct emu_allocation *allocation = emu_allocation_at(at);
    start = allocation->at;
    length = allocation->bytes;
    launch = emu_running.launch_tick;
    return true;
}

static void prepare(void)
{
    cells = mmap(NULL, emu_arena_bytes() / CELL * sizeof *cells, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cells == MAP_FAILED) {
        perror("emulated device: no addresses for its checks");
        _Exit(2);
    }
}

extern const char __start_emu_index[], __stop_emu_index[];

static void access_at(const void *address, size_t bytes, bool write, bool atomic, bool aligned, const void *code)
{
    const char *at = address;
    if (!emu_running.active || (at >= __start_emu_index && at < __stop_emu_index))
        return;
    const struct emu_kernel *kernel = emu_running.launch->kernel;
    if (aligned && (uintptr_t)at % bytes != 0)
        refuse("that are not aligned", at, bytes, write, code);
    if (emu_is_device(at)) {
        if (!in_last_allocation(at, bytes))
            refuse_device(at, bytes, write, code);
        if (cells == NULL)
            prepare();
        struct emu_kernel_counts *counts = emu_kernel_counts(kernel);
        *(write ? &counts->written : &counts->read) += bytes;
        if (emu_settings()->sectors)
            emu_sectors_access(code, at, bytes);
        touch(cells, emu_arena, at, bytes, write, atomic, code);
    } else if (at >= kernel->shared && at < kernel->shared_end) {
        if ((size_t)(at - kernel->shared) / CELL < STATIC_SHARED_CELLS - 16)
            touch(static_cells, kernel->shared, at, bytes, write, atomic, code);
    } else if (at >= emu_running.dynamic_shared && at < emu_running.dynamic_shared + EMU_SHARED_BYTES) {
        if ((size_t)(at - emu_running.dynamic_shared) + bytes > emu_running.launch->shared_bytes)
            refuse("behind the dynamic shared memory", at, bytes, write, code);
        touch(dynamic_cells, emu_running.dynamic_shared, at, bytes, write, atomic, code);
    } else if (!fibers_own(at) && (write || !emu_in_kernel_library(at))) {
        refuse(emu_in_kernel_library(at) ? "beside the shared memory" : "of host memory", at, bytes, write, code);
    }
}

void emu_atomic(void *at, size_t bytes)
{
    access_at(at, bytes, true, true, true, __builtin_return_address(0));
}

bool emu_touch(const char *what, const void *at, size_t bytes, bool write)
{
    EMU_LOCKED;
    if (bytes == 0 || emu_in_allocation(at, bytes))
        return true;
    const struct emu_allocation *nearest = emu_allocation_at(at);
    if (nearest == NULL)
        emu_mistake("%s: %s %zu bytes of host memory (%p)", what, write ? "writes" : "reads", bytes, at);
    else
        emu_mistake("%s: %s %zu bytes at byte %td of %s allocation of %zu on device %d (%p)", what,
                    write ? "writes" : "reads", bytes, (const char *)at - nearest->at,
                    nearest->alive ? "an" : "a freed", nearest->bytes, nearest->device, at);
    return false;
}

/* The sanitizer's calls; their names and arguments are the compiler's. */
#define ACCESS(name, bytes, write, aligned)                                       \
    void __tsan_##name(void *at);                                                 \
    void __tsan_##name(void *at)                                                  \
    {                                                                             \
        access_at(at, bytes, write, false, aligned, __builtin_return_address(0)); \
    }
#define READ_AND_WRITE(bytes)               \
    ACCESS(read##bytes, bytes, false, true) \
    ACCESS(write##bytes, bytes, true, true)
READ_AND_WRITE(1)
READ_AND_WRITE(2)
READ_AND_WRITE(4)
READ_AND_WRITE(8)
READ_AND_WRITE(16)
#define UNALIGNED(bytes)                               \
    ACCESS(unaligned_read##bytes, bytes, false, false) \
    ACCESS(unaligned_write##bytes, bytes, true, false)
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)

void __tsan_read_range(void *at, size_t bytes);
void __tsan_read_range(void *at, size_t bytes)
{
    access_at(at, bytes, false, false, false, __builtin_return_address(0));
}

void __tsan_write_range(void *at, size_t bytes);
void __tsan_write_range(void *at, size_t bytes)
{
    access_at(at, bytes, true, false, false, __builtin_return_address(0));
}

#define NOTHING(name, ...)           \
    void __tsan_##name(__VA_ARGS__); \
    void __tsan_##name(__VA_ARGS__)  \
    {                                \
    }
NOTHING(init, void)
NOTHING(func_entry, __attribute__((unused)) void *caller)
NOTHING(func_exit, void)
