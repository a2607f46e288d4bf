/* nearest.h - which of the known names a mistyped one was meant to be. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H
#include <stddef.h>

/* Letters to insert, delete, replace, or swap with their neighbour, to get from one word to the other (optimal string
 * alignment; words past 63 bytes are cut). */
size_t nearest_distance(const char *from, const char *to);

/* Keeps the best of the names offered one after the other; the first wins a tie. Start with {.typed = ...}. */
struct nearest {
    const char *typed;
    const char *name; /* NULL while nothing is near enough */
    size_t distance;
};
void nearest_offer(struct nearest *nearest, const char *name);

#endif
