/* engine_queue.c - work that waits to be done, in an order that what each piece must follow allows.
 *
 * Eager: at once. Lazy: as late as can be, which is when somebody waits for it, and nothing else with it but what it
 * must follow. Random: pieces that may run now are drawn by the seed; some also while nobody waits. */
#include "engine.h"
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

struct item {
    struct emu_work work;
    emu_ticket *after;
    size_t after_count;
    bool done, needed;
};

static struct item *items; /* those of tickets first, first + 1, ... */
static size_t count, room;
static emu_ticket first = 1;

/* Draws among that many pieces at most that are the next in line. */
enum { WINDOW = 64 };
/* Plain rounding, no flushing of small numbers: whatever the host has set is its own. */
enum { PLAIN_FLOATS = 0x1f80 };

static void *copy(const void *from, size_t bytes)
{
    void *memory = malloc(bytes + 1);
    if (memory == NULL)
        abort();
    if (bytes != 0)
        memcpy(memory, from, bytes);
    return memory;
}

bool emu_queue_done(emu_ticket ticket)
{
    return ticket < first || items[ticket - first].done;
}

static bool may_run(const struct item *item)
{
    for (size_t i = 0; i < item->after_count; i++)
        if (!emu_queue_done(item->after[i]))
            return false;
    return !item->done;
}

static void run(size_t index)
{
    struct emu_work work = items[index].work;
    if (work.function != NULL) {
        int device = emu_device();
        unsigned floats = _mm_getcsr();
        emu_set_device(work.device);
        _mm_setcsr(PLAIN_FLOATS);
        work.function((void *)(uintptr_t)work.argument);
        _mm_setcsr(floats);
        emu_set_device(device);
    }
    free((void *)(uintptr_t)work.argument);
    free(items[index].after);
    items[index].done = true;
}

static void forget_done(void)
{
    size_t done = 0;
    while (done < count && items[done].done)
        done++;
    if (done == 0 || (done < count && done < WINDOW))
        return;
    memmove(items, items + done, (count - done) * sizeof *items);
    count -= done;
    first += done;
}

/* Draws one of those that may run; false when none may. */
static bool run_any(void)
{
    size_t may[WINDOW], found = 0, seen = 0;
    for (size_t i = 0; i < count && seen < WINDOW; i++) {
        seen += !items[i].done;
        if (!items[i].done && may_run(&items[i]))
            may[found++] = i;
    }
    if (found == 0)
        return false;
    run(may[emu_random((uint32_t)found)]);
    return true;
}

emu_ticket emu_queue_add(const struct emu_work *work, const emu_ticket *after, size_t after_count)
{
    if (count == room) {
        room = room != 0 ? 2 * room : 256;
        items = realloc(items, room * sizeof *items);
        if (items == NULL)
            abort();
    }
    struct item *item = &items[count++];
    *item = (struct item){.work = *work, .after = copy(after, after_count * sizeof *after), .after_count = after_count};
    item->work.argument = copy(work->argument, work->bytes);
    emu_ticket ticket = first + count - 1;
    if (emu_settings()->streams == EMU_EAGER) {
        emu_queue_run(ticket);
    } else if (emu_settings()->streams == EMU_ANY && emu_random(4) == 0) {
        emu_open_memory();
        run_any();
        emu_close_memory();
    }
    return ticket;
}

void emu_queue_run(emu_ticket ticket)
{
    if (emu_queue_done(ticket))
        return;
    emu_open_memory();
    size_t wanted = (size_t)(ticket - first);
    if (emu_settings()->streams == EMU_ANY) {
        while (!items[wanted].done && run_any())
            ;
    } else {
        for (size_t i = 0; i < wanted; i++)
            items[i].needed = false;
        items[wanted].needed = true;
        for (size_t i = wanted + 1; i-- > 0;)
            for (size_t k = 0; items[i].needed && !items[i].done && k < items[i].after_count; k++)
                if (items[i].after[k] >= first)
                    items[items[i].after[k] - first].needed = true;
        for (size_t i = 0; i <= wanted; i++)
            if (items[i].needed && !items[i].done)
                run(i);
    }
    emu_close_memory();
    forget_done();
}

void emu_queue_run_all(int device)
{
    for (emu_ticket ticket = first + count; ticket-- > first;)
        if (!emu_queue_done(ticket) && items[ticket - first].work.device == device)
            emu_queue_run(ticket);
}
