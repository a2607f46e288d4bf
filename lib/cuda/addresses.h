/* addresses.h - addresses to numbers: what is kept for a layer, the copy of a matrix.
 *
 * Open addressing; removing leaves no marks behind, so that it may go on for as long as the process lives. NULL is no
 * address. */
#ifndef CUDA_ADDRESSES_H
#define CUDA_ADDRESSES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_slot {
    const void *address; /* NULL: free */
    uintptr_t value;
};
struct addresses { /* zero at first */
    struct address_slot *slots;
    size_t capacity, count; /* capacity is 0 or a power of two */
};
void addresses_release(struct addresses *addresses);

/* Over any earlier value. False when out of memory. */
bool addresses_put(struct addresses *addresses, const void *address, uintptr_t value);
/* False when it is not there. value may be NULL. */
bool addresses_get(const struct addresses *addresses, const void *address, uintptr_t *value);
/* The same, and it is gone then. */
bool addresses_take(struct addresses *addresses, const void *address, uintptr_t *value);

#endif
