/* every_backend.h - CPU back ends of all threads, lanes and instruction sets, for tests that hold their results
 * together. */
#ifndef TESTS_EVERY_BACKEND_H
#define TESTS_EVERY_BACKEND_H
#include "tensor/cpu.h"

struct backend *backend_new(size_t threads, size_t lanes, const char *isa);

/* Calls `compare` with every back end; it says what it found different, or nothing. */
void with_every_backend(void (*compare)(struct backend *backend, void *argument, const char *name), void *argument);

#endif
