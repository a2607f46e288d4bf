/* sort.c - see sort.h. Heapsort (Williams 1964): the largest item is swapped to the end, again and again. */
#include "base/sort.h"

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char held = a[i];
        a[i] = b[i];
        b[i] = held;
    }
}

/* Lets item `at` sink until no child of it is larger. */
static void sink(char *items, size_t at, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(items + child * size, items + (child + 1) * size) < 0)
            child++;
        if (compare(items + at * size, items + child * size) >= 0)
            return;
        swap(items + at * size, items + child * size, size);
    }
}

void sort_in_place(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t i = count / 2; i-- > 0;)
        sink(items, i, count, size, compare);
    for (size_t left = count; left-- > 1;) {
        swap(items, (char *)items + left * size, size);
        sink(items, 0, left, size, compare);
    }
}
