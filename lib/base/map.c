/* map.c - see map.h. */
#include "base/map.h"
#include <stdlib.h>
#include <string.h>

uint64_t map_hash(const char *key, size_t bytes)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a, 64 bits */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)key[i]) * 1099511628211u;
    return hash;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_release(struct map *map)
{
    free(map->slots);
    map_init(map);
}

static struct map_slot *find(struct map_slot *slots, size_t capacity, const char *key, size_t bytes)
{
    size_t at = map_hash(key, bytes) & (capacity - 1);
    while (slots[at].key && (slots[at].bytes != bytes || memcmp(slots[at].key, key, bytes)))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 64;
    struct map_slot *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key)
            *find(slots, capacity, map->slots[i].key, map->slots[i].bytes) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

bool map_put(struct map *map, const char *key, size_t bytes, uint32_t value)
{
    if (bytes > UINT32_MAX || (map->count * 2 >= map->capacity && !grow(map)))
        return false;
    struct map_slot *slot = find(map->slots, map->capacity, key, bytes);
    if (!slot->key) {
        slot->key = key;
        slot->bytes = (uint32_t)bytes;
        map->count++;
    }
    slot->value = value;
    return true;
}

bool map_get(const struct map *map, const char *key, size_t bytes, uint32_t *value)
{
    if (!map->capacity)
        return false;
    const struct map_slot *slot = find(map->slots, map->capacity, key, bytes);
    if (slot->key && value)
        *value = slot->value;
    return slot->key;
}
