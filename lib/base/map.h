/* map.h - byte strings to 32-bit numbers (open addressing, FNV-1a).
 *
 * Keys are borrowed: the caller keeps their bytes alive as long as the map. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    const char *key; /* NULL: free */
    uint32_t bytes, value;
};
struct map {
    struct map_slot *slots;
    size_t capacity, count; /* capacity is 0 or a power of two */
};

uint64_t map_hash(const char *key, size_t bytes);

void map_init(struct map *map);
void map_release(struct map *map);

/* Sets key to value, over any earlier value. False when out of memory. */
bool map_put(struct map *map, const char *key, size_t bytes, uint32_t value);

/* True and *value set (value may be NULL) when the key is there. */
bool map_get(const struct map *map, const char *key, size_t bytes, uint32_t *value);

#endif
