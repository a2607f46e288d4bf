/* sort.h - sorting in place, in steps that grow as n log n whatever the order is.
 *
 * What the C library's qsort is for; but that takes memory and asks the system how much there is, and models of
 * strangers are opened without either. Equal items end in any order. */
#ifndef BASE_SORT_H
#define BASE_SORT_H
#include <stddef.h>

/* items: [count], `size` bytes each. compare: as qsort wants it. */
void sort_in_place(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
