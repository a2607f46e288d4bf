/* checks_sectors.c - how well accesses to device memory coalesce ($EMU_SECTORS=1).
 *
 * A request is what the lanes of a warp do together at one place in the code: the k-th access of each of its threads
 * there. It costs as many sectors of 32 bytes as its lanes touch. Their mean is the same in every run and on every
 * machine: 4 for floats side by side, 32 for a stride of 32 bytes or more. */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 32, MOST_PLACES = 1024, MOST_SECTORS = 2 * EMU_LANES, REQUESTS = 1 << 16 };

static struct {
    const void *code;
    const char *kernel;
    uint64_t requests, sectors, accesses;
} places[MOST_PLACES];
static uint32_t nth[MOST_PLACES][EMU_MOST_THREADS]; /* accesses of each thread of this block so far */

/* Those of this block, by open addressing. */
static struct request {
    uint32_t place, warp, nth, count; /* count: sectors; 0 when it is free */
    uint64_t sectors[MOST_SECTORS];
} * requests;
static uint32_t used[REQUESTS / 2], used_count;

static uint32_t place_of(const void *code)
{
    uint32_t place = (uint32_t)((uintptr_t)code * 0x9E3779B97F4A7C15u >> 54) % MOST_PLACES;
    while (places[place].code != NULL && places[place].code != code)
        place = (place + 1) % MOST_PLACES;
    places[place].code = code;
    places[place].kernel = emu_running.launch->kernel->name;
    return place;
}

static struct request *request_of(uint32_t place, uint32_t warp, uint32_t number)
{
    uint64_t key = ((uint64_t)place << 40 | (uint64_t)warp << 32 | number) * 0x9E3779B97F4A7C15u;
    uint32_t index = (uint32_t)(key >> 48) % REQUESTS;
    for (;; index = (index + 1) % REQUESTS) {
        struct request *request = &requests[index];
        if (request->count == 0) {
            used[used_count++] = index;
            *request = (struct request){.place = place, .warp = warp, .nth = number};
            return request;
        }
        if (request->place == place && request->warp == warp && request->nth == number)
            return request;
    }
}

void emu_sectors_access(const void *code, const char *at, size_t bytes)
{
    if (requests == NULL && (requests = calloc(REQUESTS, sizeof *requests)) == NULL)
        abort();
    if (used_count >= REQUESTS / 2)
        return; /* a block that does more is counted by its beginning */
    uint32_t place = place_of(code);
    struct request *request = request_of(place, emu_running.thread / EMU_LANES, nth[place][emu_running.thread]++);
    places[place].accesses++;
    uint64_t last = (uint64_t)(at + bytes - 1 - emu_arena) / SECTOR;
    for (uint64_t sector = (uint64_t)(at - emu_arena) / SECTOR; sector <= last; sector++) {
        uint32_t i = 0;
        while (i < request->count && request->sectors[i] != sector)
            i++;
        if (i == request->count && i < MOST_SECTORS)
            request->sectors[request->count++] = sector;
    }
}

void emu_sectors_end_block(void)
{
    if (used_count == 0)
        return;
    for (uint32_t i = 0; i < used_count; i++) {
        struct request *request = &requests[used[i]];
        places[request->place].requests++;
        places[request->place].sectors += request->count;
        memset(nth[request->place], 0, sizeof nth[0]);
        request->count = 0;
    }
    used_count = 0;
}

void emu_sectors_report(void *file)
{
    bool any = false;
    for (uint32_t i = 0; i < MOST_PLACES; i++) {
        if (places[i].requests == 0)
            continue;
        char source[256];
        fprintf(
            file,
            "%s\n    {\"at\": \"%s\", \"kernel\": \"%s\", \"accesses\": %llu, \"requests\": %llu, \"sectors\": %llu}",
            any ? "," : "", emu_source_of(places[i].code, source, sizeof source), places[i].kernel,
            (unsigned long long)places[i].accesses, (unsigned long long)places[i].requests,
            (unsigned long long)places[i].sectors);
        any = true;
    }
}
