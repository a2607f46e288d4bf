/* engine.h - what the parts of the emulated device share among themselves; emulator.h is what others see of it.
 *
 * Everything here is called with the lock held (emu_lock), which each entry point takes. */
#ifndef EMU_ENGINE_H
#define EMU_ENGINE_H
#include "emulator.h"

enum { EMU_MOST_THREADS = 1024, EMU_LANES = 32, EMU_MOST_WARPS = EMU_MOST_THREADS / EMU_LANES, EMU_MOST_DEVICES = 8 };
enum { EMU_SHARED_BYTES = 48 << 10 }; /* that a block may have */
enum { EMU_EXIT = 86 };               /* of a process that made a mistake */

/* engine_settings.c: the environment, read once. */
enum emu_schedule { EMU_SEQUENTIAL, EMU_REVERSED, EMU_SHUFFLED };
enum emu_streams { EMU_EAGER, EMU_LAZY, EMU_ANY };
struct emu_settings {
    enum emu_schedule schedule; /* of threads and blocks */
    enum emu_streams streams;   /* when queued work runs */
    uint64_t seed;
    size_t capacity; /* bytes of memory of a device */
    int devices, compute_capability, processors;
    bool sectors;                /* count sectors per request */
    const char *kernels;         /* NULL: kernels_checked.so beside the runtime */
    const char *fail, *fail_any; /* see emu_fails */
    const char *report;
};
const struct emu_settings *emu_settings(void);
uint32_t emu_random(uint32_t below); /* by the seed; below > 0 */

void emu_lock(void); /* recursive, held by one thread at a time */
void emu_unlock(int *unused);
/* Holds the lock to the end of the block. */
#define EMU_LOCKED __attribute__((cleanup(emu_unlock), unused)) int emu_locked = (emu_lock(), 0)

/* memory.c. Device memory is open while work runs, in nested pairs. */
void emu_open_memory(void);
void emu_close_memory(void);
struct emu_allocation {
    char *at;
    size_t bytes, pages; /* asked for; of address space */
    int device;
    bool alive;
};
/* The allocation that `at` lies in, or lies behind; NULL: none below it on its device. Valid until the next one. */
const struct emu_allocation *emu_allocation_at(const void *at);
extern char *emu_arena; /* of all devices */
size_t emu_arena_bytes(void);
size_t emu_left(void); /* bytes that are allocated on any device */
void emu_set_device(int device);

/* engine_kernels.c: of the library that `at` lies in. */
bool emu_in_kernel_library(const void *at);

/* engine.c: runs a grid now. False when the device gave up (an access that cannot be made, a deadlock). */
struct emu_launch {
    const struct emu_kernel *kernel;
    struct emu_dim grid, block;
    size_t shared_bytes;
    void **arguments;
};
bool emu_run_grid(const struct emu_launch *launch);

/* A warp operation of the lanes in the mask. */
struct emu_meeting {
    uint32_t tick;
    unsigned mask;
};

/* What checks need to know of the thread that runs. Ticks count barriers, so that an access made at a tick below
 * another's is known to come before it. */
struct emu_running {
    bool active;
    const struct emu_launch *launch;
    uint32_t thread, block, threads; /* linear */
    uint32_t tick, launch_tick, block_tick, barrier_tick, warp_tick[EMU_MOST_WARPS];
    struct emu_meeting last_meeting[EMU_MOST_THREADS]; /* of some of its warp's lanes, not all */
    char *dynamic_shared;
};
extern struct emu_running emu_running;
/* Ends the launch from inside a thread. */
void emu_abandon(void) __attribute__((noreturn));
/* "gather_rows, block 3, thread 17" */
const char *emu_whereabouts(void);
const char *emu_source_of(const void *code, char *text, size_t bytes); /* "gather.cu:12", checks_where.c */

/* checks_sectors.c: how well the lanes' accesses to device memory coalesce. */
void emu_sectors_access(const void *code, const char *at, size_t bytes);
void emu_sectors_end_block(void);
void emu_sectors_report(void *file); /* FILE *, the members of a JSON array */

/* engine_queue.c: work and what must be done before. Tickets count from 1; 0 stands for work that is done. */
typedef uint64_t emu_ticket;
struct emu_work {
    void (*function)(void *argument);
    const void *argument; /* copied */
    size_t bytes;
    int device;
};
emu_ticket emu_queue_add(const struct emu_work *work, const emu_ticket *after, size_t count);
bool emu_queue_done(emu_ticket ticket);
void emu_queue_run(emu_ticket ticket); /* until it is done */
void emu_queue_run_all(int device);    /* everything of the device */

/* engine_report.c */
enum emu_transfer { EMU_TO_DEVICE, EMU_TO_HOST, EMU_ON_DEVICE, EMU_SET, EMU_TRANSFERS };
struct emu_kernel_counts {
    const struct emu_kernel *kernel;
    uint64_t launches, blocks, threads, read, written; /* bytes of device memory, as threads ask for them (checked) */
};
struct emu_kernel_counts *emu_kernel_counts(const struct emu_kernel *kernel);
void emu_count_transfer(enum emu_transfer what, size_t bytes);
void emu_count_block(void);
size_t emu_mistakes(void);
uint64_t emu_fallible_calls(void); /* engine_faults.c: calls of emu_fails so far */
void emu_report_call_counts(void *file);
/* Things of the runtime that still live at exit, said as mistakes; cudart.c. */
void emu_report_left(void);

#endif
