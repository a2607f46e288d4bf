/* memory.c - memory of the emulated devices.
 *
 * Each device has a span of addresses of its own, and an allocation begins at an address that was never given out
 * before, so that what was freed is recognised. Between allocations lies a page that nobody may touch, and an
 * allocation ends where its last page does (but for its alignment). All of it is out of reach while host code runs:
 * then touching it ends the process with a message. New memory and freed memory hold NaN.
 *
 * An allocation takes its bytes, rounded up to 256, from the capacity. */
#include "engine.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t span = (size_t)64 << 30; /* of addresses, a device */
enum { PAGE = 4096, ALIGNMENT = 256, POISON = 0xFF };

struct device {
    struct emu_allocation *allocations; /* by address */
    size_t count, room;
    size_t end; /* of the span's part that was given out */
    size_t used, peak;
};

char *emu_arena;
static struct device devices[EMU_MOST_DEVICES];
static unsigned opened;
static __thread int current_device;

size_t emu_arena_bytes(void)
{
    return span * EMU_MOST_DEVICES;
}

int emu_device(void)
{
    return current_device;
}

void emu_set_device(int device)
{
    current_device = device;
}

bool emu_is_device(const void *at)
{
    return emu_arena != NULL && (const char *)at >= emu_arena && (const char *)at < emu_arena + emu_arena_bytes();
}

static struct sigaction before;

/* Names who touched what and ends the process; faults elsewhere are none of ours. */
static void fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (!emu_is_device(info->si_addr)) {
        sigaction(signal, &before, NULL);
        return;
    }
    if (opened == 0)
        emu_mistake("host code touches device memory at %p", info->si_addr);
    else
        emu_mistake("%s: touches device memory at %p, where nothing is allocated", emu_whereabouts(), info->si_addr);
    _Exit(EMU_EXIT);
}

static void prepare(void)
{
    if (emu_arena != NULL)
        return;
    void *arena = mmap(NULL, emu_arena_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) {
        perror("emulated device: no addresses for its memory");
        _Exit(2);
    }
    emu_arena = arena;
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, &before);
}

/* Where the pages of an allocation begin. */
static char *pages_of(const struct emu_allocation *allocation)
{
    return (char *)((uintptr_t)allocation->at & ~(uintptr_t)(PAGE - 1));
}

static void protect(int protection)
{
    for (int d = 0; d < EMU_MOST_DEVICES; d++)
        for (size_t i = 0; i < devices[d].count; i++)
            if (devices[d].allocations[i].alive)
                mprotect(pages_of(&devices[d].allocations[i]), devices[d].allocations[i].pages, protection);
}

void emu_open_memory(void)
{
    if (opened++ == 0)
        protect(PROT_READ | PROT_WRITE);
}

void emu_close_memory(void)
{
    if (--opened == 0)
        protect(PROT_NONE);
}

static size_t taken(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *emu_allocate(size_t bytes)
{
    EMU_LOCKED;
    prepare();
    struct device *device = &devices[current_device];
    size_t capacity = emu_settings()->capacity;
    if (bytes > capacity || taken(bytes) > capacity - device->used)
        return NULL;
    size_t pages = (taken(bytes) + PAGE - 1) & ~(size_t)(PAGE - 1);
    if (pages + PAGE > span - device->end) {
        fprintf(stderr, "emulated device: all addresses are used up; allocate less often\n");
        _Exit(2);
    }
    if (device->count == device->room) {
        device->room = device->room != 0 ? 2 * device->room : 64;
        device->allocations = realloc(device->allocations, device->room * sizeof *device->allocations);
        if (device->allocations == NULL)
            abort();
    }
    char *first = emu_arena + (size_t)current_device * span + device->end + PAGE;
    if (mprotect(first, pages, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    memset(first, POISON, pages);
    if (opened == 0)
        mprotect(first, pages, PROT_NONE);
    device->end += PAGE + pages;
    device->allocations[device->count++] = (struct emu_allocation){
        .at = first + pages - taken(bytes), .bytes = bytes, .pages = pages, .device = current_device, .alive = true};
    device->used += taken(bytes);
    if (device->used > device->peak)
        device->peak = device->used;
    return first + pages - taken(bytes);
}

static struct emu_allocation *find(const void *at)
{
    if (!emu_is_device(at))
        return NULL;
    struct device *device = &devices[(size_t)((const char *)at - emu_arena) / span];
    size_t low = 0, high = device->count; /* the last one that begins at or before `at` lies below high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (device->allocations[middle].at <= (const char *)at)
            low = middle + 1;
        else
            high = middle;
    }
    return low != 0 ? &device->allocations[low - 1] : NULL;
}

const struct emu_allocation *emu_allocation_at(const void *at)
{
    return find(at);
}

bool emu_free(void *at)
{
    EMU_LOCKED;
    struct emu_allocation *allocation = find(at);
    if (allocation == NULL || allocation->at != at || !allocation->alive)
        return false;
    /* Its pages go back to the system, their addresses do not. */
    mmap(pages_of(allocation), allocation->pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
         -1, 0);
    allocation->alive = false;
    devices[allocation->device].used -= taken(allocation->bytes);
    return true;
}

bool emu_in_allocation(const void *at, size_t bytes)
{
    EMU_LOCKED;
    const struct emu_allocation *allocation = find(at);
    return allocation != NULL && allocation->alive && allocation->device == current_device &&
           bytes <= allocation->bytes && (size_t)((const char *)at - allocation->at) <= allocation->bytes - bytes;
}

void emu_memory(size_t *available, size_t *total, size_t *peak)
{
    EMU_LOCKED;
    const struct device *device = &devices[current_device];
    *total = emu_settings()->capacity;
    *available = *total - device->used;
    *peak = device->peak;
}

size_t emu_left(void)
{
    size_t left = 0;
    for (int d = 0; d < EMU_MOST_DEVICES; d++)
        left += devices[d].used;
    return left;
}
