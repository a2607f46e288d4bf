/* nearest.c - see nearest.h. */
#include "base/nearest.h"
#include <string.h>

#define LONGEST 63

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_distance(const char *from, const char *to)
{
    size_t rows = strnlen(from, LONGEST), columns = strnlen(to, LONGEST);
    size_t cost[3][LONGEST + 1]; /* the rows i, i - 1 and i - 2 of the table, by i modulo 3 */
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *now = cost[i % 3], *last = cost[(i - 1) % 3], *before = cost[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            now[j] = smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (from[i - 1] != to[j - 1]));
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    return cost[rows % 3][columns];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t length = strlen(nearest->typed), distance = nearest_distance(nearest->typed, name);
    /* A beginning of two letters or more counts as one slip: people abbreviate. */
    if (length >= 2 && distance > 1 && !strncmp(nearest->typed, name, length))
        distance = 1;
    /* One slip in every three letters; past that a guess is more likely noise than help. */
    if (distance * 3 > length + 2)
        return;
    if (!nearest->name || distance < nearest->distance) {
        nearest->name = name;
        nearest->distance = distance;
    }
}
