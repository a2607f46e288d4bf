/* engine.c - runs a grid: block after block, the threads of a block as fibers which a schedule of threads takes turns
 * with wherever they wait for each other.
 *
 * A thread that waits is taken up again when all it waits for have come. Where nobody can go on, the launch is given
 * up with a message that names a thread and where it waits. Shared memory holds NaN when a block begins. */
#include "engine.h"
#include "fibers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct emu_running emu_running;
/* Beside each other in a section of their own, so that checks know them for what they are (emu_is_index). */
#define INDEX __attribute__((section("emu_index")))
INDEX struct emu_dim emu_thread = {0}, emu_block = {0}, emu_block_size = {0}, emu_grid_size = {0};

enum state { READY, AT_BARRIER, IN_WARP, ENDED };

struct thread {
    enum state state;
    struct emu_dim index;
    const char *file; /* where it waits */
    int line;
    uint32_t result; /* of the warp operation */
};

/* Lanes of a warp that came to an operation together, or are still on their way. */
struct meeting {
    unsigned mask, arrived; /* arrived: 0 when this is free */
    enum emu_warp_operation operation;
    const char *file;
    int line;
    uint32_t value[EMU_LANES];
    int argument[EMU_LANES];
};
enum { MEETINGS = 8 }; /* of one warp at a time */

static struct {
    struct thread threads[EMU_MOST_THREADS];
    struct meeting meetings[EMU_MOST_WARPS][MEETINGS];
    uint32_t ready[EMU_MOST_THREADS], first_ready, ready_count; /* a ring */
    uint32_t count, live, arrived, votes, vote_result;
    bool abandoned;
} block;

static _Alignas(256) char dynamic_shared[EMU_SHARED_BYTES];

static void make_ready(uint32_t thread)
{
    block.threads[thread].state = READY;
    block.ready[(block.first_ready + block.ready_count++) % EMU_MOST_THREADS] = thread;
}

static uint32_t take_ready(void)
{
    enum emu_schedule schedule = emu_settings()->schedule;
    uint32_t from = schedule == EMU_SEQUENTIAL ? 0
                    : schedule == EMU_REVERSED ? block.ready_count - 1
                                               : emu_random(block.ready_count);
    uint32_t *taken = &block.ready[(block.first_ready + from) % EMU_MOST_THREADS];
    uint32_t thread = *taken;
    block.ready_count--;
    if (from == 0)
        block.first_ready = (block.first_ready + 1) % EMU_MOST_THREADS;
    else
        *taken = block.ready[(block.first_ready + block.ready_count) % EMU_MOST_THREADS];
    return thread;
}

const char *emu_whereabouts(void)
{
    static char text[256];
    if (!emu_running.active)
        return "a library's work";
    snprintf(text, sizeof text, "%s, block %u, thread %u", emu_running.launch->kernel->name, emu_running.block,
             emu_running.thread);
    return text;
}

void emu_abandon(void)
{
    block.abandoned = true;
    fibers_leave(emu_running.thread);
    abort();
}

static void open_barrier(void)
{
    emu_running.barrier_tick = ++emu_running.tick;
    for (uint32_t w = 0; w < EMU_MOST_WARPS; w++)
        emu_running.warp_tick[w] = emu_running.tick;
    block.arrived = 0;
    block.vote_result = block.votes;
    block.votes = 0;
    for (uint32_t i = 0; i < block.count; i++)
        if (block.threads[i].state == AT_BARRIER)
            make_ready(i);
}

static bool same_place(const char *file, int line, const char *other, int other_line)
{
    return line == other_line && (file == other || strcmp(file, other) == 0);
}

unsigned emu_syncthreads_count(bool predicate, const char *file, int line)
{
    for (uint32_t i = 0; i < block.count && block.arrived != 0; i++) {
        const struct thread *other = &block.threads[i];
        if (other->state != AT_BARRIER)
            continue;
        if (!same_place(file, line, other->file, other->line))
            emu_mistake("%s: __syncthreads at %s:%d while thread %u waits in another at %s:%d", emu_whereabouts(), file,
                        line, i, other->file, other->line);
        break;
    }
    block.votes += predicate;
    struct thread *self = &block.threads[emu_running.thread];
    self->state = AT_BARRIER;
    self->file = file;
    self->line = line;
    if (++block.arrived == block.live)
        open_barrier(); /* for itself, too: it stands in the queue of those who go on */
    fibers_leave(emu_running.thread);
    return block.vote_result;
}

void emu_syncthreads(const char *file, int line)
{
    emu_syncthreads_count(false, file, line);
}

static unsigned lanes_of(uint32_t warp)
{
    uint32_t lanes = block.count - warp * EMU_LANES;
    return lanes >= EMU_LANES ? 0xffffffffu : (1u << lanes) - 1;
}

/* The lane that `lane` reads from. argument: as emu_warp takes it. */
static int source_lane(enum emu_warp_operation operation, int lane, int argument)
{
    int by = argument & 0xff, width = EMU_LANES - (argument >> 8), segment = lane / width * width;
    int source = lane;
    switch (operation) {
    case EMU_SHFL_XOR: source = lane ^ by; break;
    case EMU_SHFL_DOWN: source = lane + by; break;
    case EMU_SHFL_UP: source = lane - by; break;
    case EMU_SHFL_IDX: return segment + by % width;
    case EMU_SYNCWARP:
    case EMU_BALLOT: break;
    }
    bool inside = operation == EMU_SHFL_XOR ? source < segment + width : source >= segment && source < segment + width;
    return inside ? source : lane;
}

/* All lanes of the meeting are there: each gets its result. */
static void hold_meeting(struct meeting *meeting, uint32_t warp)
{
    unsigned votes = 0;
    for (int lane = 0; lane < EMU_LANES; lane++)
        if ((meeting->mask >> lane & 1) && meeting->value[lane] != 0)
            votes |= 1u << lane;
    for (int lane = 0; lane < EMU_LANES; lane++) {
        if (!(meeting->mask >> lane & 1))
            continue;
        int source = source_lane(meeting->operation, lane, meeting->argument[lane]);
        if (!(meeting->mask >> source & 1)) {
            emu_mistake("%s: lane %d shuffles from lane %d, which is not in the mask %08x, at %s:%d", emu_whereabouts(),
                        lane, source, meeting->mask, meeting->file, meeting->line);
            source = lane;
        }
        block.threads[warp * EMU_LANES + (uint32_t)lane].result =
            meeting->operation == EMU_BALLOT ? votes : meeting->value[source];
    }
    emu_running.tick++;
    if (meeting->mask == lanes_of(warp))
        emu_running.warp_tick[warp] = emu_running.tick;
    else
        for (uint32_t lane = 0; lane < EMU_LANES; lane++)
            if (meeting->mask >> lane & 1)
                emu_running.last_meeting[warp * EMU_LANES + lane] =
                    (struct emu_meeting){emu_running.tick, meeting->mask};
    meeting->arrived = 0;
}

/* The meeting of this mask that waits for the caller, or a free one that it opens. */
static struct meeting *join_meeting(uint32_t warp, unsigned mask, enum emu_warp_operation operation, const char *file,
                                    int line)
{
    struct meeting *free = NULL;
    for (int i = MEETINGS - 1; i >= 0; i--) {
        struct meeting *meeting = &block.meetings[warp][i];
        if (meeting->arrived == 0) {
            free = meeting;
        } else if (meeting->mask == mask) {
            if (meeting->operation != operation || !same_place(file, line, meeting->file, meeting->line))
                emu_mistake("%s: warp operation at %s:%d while lanes of its mask are in another at %s:%d",
                            emu_whereabouts(), file, line, meeting->file, meeting->line);
            return meeting;
        }
    }
    if (free == NULL) {
        emu_mistake("%s: too many masks at a time at %s:%d", emu_whereabouts(), file, line);
        emu_abandon();
    }
    free->mask = mask;
    free->operation = operation;
    free->file = file;
    free->line = line;
    return free;
}

uint32_t emu_warp(unsigned mask, uint32_t value, enum emu_warp_operation operation, int argument, const char *file,
                  int line)
{
    uint32_t warp = emu_running.thread / EMU_LANES, lane = emu_running.thread % EMU_LANES, first = warp * EMU_LANES;
    unsigned exist = lanes_of(warp);
    if (!(mask >> lane & 1)) {
        emu_mistake("%s: is not in its own mask %08x at %s:%d", emu_whereabouts(), mask, file, line);
        emu_abandon();
    }
    if (mask & ~exist) {
        emu_mistake("%s: mask %08x names lanes that a block of %u threads does not have, at %s:%d", emu_whereabouts(),
                    mask, block.count, file, line);
        emu_abandon();
    }
    struct meeting *meeting = join_meeting(warp, mask, operation, file, line);
    meeting->value[lane] = value;
    meeting->argument[lane] = argument;
    meeting->arrived |= 1u << lane;
    if (meeting->arrived != mask) {
        struct thread *self = &block.threads[emu_running.thread];
        self->state = IN_WARP;
        self->file = file;
        self->line = line;
        fibers_leave(emu_running.thread);
    } else {
        hold_meeting(meeting, warp);
        for (uint32_t other = 0; other < EMU_LANES; other++)
            if ((mask >> other & 1) && other != lane)
                make_ready(first + other);
    }
    return block.threads[first + lane].result;
}

void *emu_dynamic_shared(void)
{
    return dynamic_shared;
}

static void thread_main(void)
{
    const struct emu_launch *launch = emu_running.launch;
    launch->kernel->run(launch->kernel->function, launch->arguments);
    block.threads[emu_running.thread].state = ENDED;
    if (--block.live != 0 && block.arrived == block.live)
        open_barrier();
    fibers_leave(emu_running.thread);
    abort();
}

static void tell_deadlock(void)
{
    uint32_t waiting = 0;
    while (block.threads[waiting].state == ENDED)
        waiting++;
    const struct thread *thread = &block.threads[waiting];
    emu_mistake("%s, block %u: deadlock: %u of %u threads wait for ever, thread %u in %s at %s:%d",
                emu_running.launch->kernel->name, emu_running.block, block.live, block.count, waiting,
                thread->state == AT_BARRIER ? "__syncthreads" : "a warp operation", thread->file, thread->line);
}

static void run_block(const struct emu_launch *launch, uint32_t index)
{
    const struct emu_dim *grid = &launch->grid, *size = &launch->block;
    emu_block = (struct emu_dim){index % grid->x, index / grid->x % grid->y, index / grid->x / grid->y};
    emu_running.block = index;
    emu_running.block_tick = emu_running.barrier_tick = ++emu_running.tick;
    for (uint32_t w = 0; w < EMU_MOST_WARPS; w++)
        emu_running.warp_tick[w] = emu_running.tick;
    block.live = block.count;
    block.arrived = block.votes = block.first_ready = block.ready_count = 0;
    memset(block.meetings, 0, sizeof block.meetings[0] * ((block.count + EMU_LANES - 1) / EMU_LANES));

    memset(launch->kernel->shared, 0xFF, (size_t)(launch->kernel->shared_end - launch->kernel->shared));
    memset(dynamic_shared, 0xFF, launch->shared_bytes);
    for (uint32_t i = 0; i < block.count; i++) {
        block.threads[i].index = (struct emu_dim){i % size->x, i / size->x % size->y, i / size->x / size->y};
        fibers_begin(i, thread_main);
        make_ready(i);
    }
    while (block.live != 0 && !block.abandoned) {
        if (block.ready_count == 0) {
            tell_deadlock();
            block.abandoned = true;
            return;
        }
        emu_running.thread = take_ready();
        emu_thread = block.threads[emu_running.thread].index;
        fibers_enter(emu_running.thread);
    }
}

static size_t greatest_common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

bool emu_run_grid(const struct emu_launch *launch)
{
    size_t blocks = (size_t)launch->grid.x * launch->grid.y * launch->grid.z;
    block.count = launch->block.x * launch->block.y * launch->block.z;
    block.abandoned = false;
    emu_block_size = launch->block;
    emu_grid_size = launch->grid;
    emu_running.active = true;
    emu_running.launch = launch;
    emu_running.threads = block.count;
    emu_running.launch_tick = ++emu_running.tick;
    emu_running.dynamic_shared = dynamic_shared;
    struct emu_kernel_counts *counts = emu_kernel_counts(launch->kernel);
    counts->launches++;

    /* A random order goes round in strides that meet every block. */
    enum emu_schedule schedule = emu_settings()->schedule;
    size_t first = 0, stride = 1;
    if (schedule == EMU_SHUFFLED && blocks <= UINT32_MAX) {
        first = emu_random((uint32_t)blocks);
        do
            stride = 1 + emu_random((uint32_t)blocks);
        while (greatest_common_divisor(stride, blocks) != 1);
    }
    for (size_t i = 0; i < blocks && !block.abandoned; i++) {
        size_t index = schedule == EMU_REVERSED ? blocks - 1 - i : (first + i * stride) % blocks;
        run_block(launch, (uint32_t)index);
        counts->blocks++;
        counts->threads += block.count;
        emu_sectors_end_block();
    }
    emu_running.tick++;
    emu_running.active = false;
    return !block.abandoned;
}
