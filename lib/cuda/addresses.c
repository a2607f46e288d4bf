/* addresses.c - see addresses.h. */
#include "cuda/addresses.h"
#include <stdlib.h>

void addresses_release(struct addresses *addresses)
{
    free(addresses->slots);
    *addresses = (struct addresses){0};
}

/* Fibonacci hashing: neighbours of 256 bytes spread over the whole table. */
static size_t home_of(const struct addresses *addresses, const void *address)
{
    uint64_t hash = (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> 20) & (addresses->capacity - 1);
}

/* The slot that holds the address, or the free one where it would go. */
static struct address_slot *find(const struct addresses *addresses, const void *address)
{
    size_t i = home_of(addresses, address);
    while (addresses->slots[i].address && addresses->slots[i].address != address)
        i = (i + 1) & (addresses->capacity - 1);
    return &addresses->slots[i];
}

static bool grow(struct addresses *addresses)
{
    struct addresses larger = {.capacity = addresses->capacity ? addresses->capacity * 2 : 64,
                               .count = addresses->count};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < addresses->capacity; i++)
        if (addresses->slots[i].address)
            *find(&larger, addresses->slots[i].address) = addresses->slots[i];
    free(addresses->slots);
    *addresses = larger;
    return true;
}

bool addresses_put(struct addresses *addresses, const void *address, uintptr_t value)
{
    if (addresses->count >= addresses->capacity / 2 && !grow(addresses))
        return false;
    struct address_slot *slot = find(addresses, address);
    addresses->count += !slot->address;
    *slot = (struct address_slot){address, value};
    return true;
}

bool addresses_get(const struct addresses *addresses, const void *address, uintptr_t *value)
{
    if (!addresses->count)
        return false;
    const struct address_slot *slot = find(addresses, address);
    if (slot->address && value)
        *value = slot->value;
    return slot->address != NULL;
}

bool addresses_take(struct addresses *addresses, const void *address, uintptr_t *value)
{
    if (!addresses_get(addresses, address, value))
        return false;
    size_t mask = addresses->capacity - 1, hole = (size_t)(find(addresses, address) - addresses->slots);
    /* whoever stands behind the hole and may not be reached past it moves into it */
    for (size_t i = (hole + 1) & mask; addresses->slots[i].address; i = (i + 1) & mask) {
        size_t home = home_of(addresses, addresses->slots[i].address);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            addresses->slots[hole] = addresses->slots[i];
            hole = i;
        }
    }
    addresses->slots[hole] = (struct address_slot){0};
    addresses->count--;
    return true;
}
