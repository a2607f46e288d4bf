/* fake_device.h - a back end whose memory is not the host's, without a device: the CPU's operations over memory that is
 * closed but while one of them runs.
 *
 * Whoever follows its pointers outside of an operation dies of it (SIGSEGV), and so does an operation that writes
 * behind a block's end or into one that was given back. Every pointer that an operation gets is held against what is
 * allocated: a host pointer fails the test. Results are the CPU's, bit for bit. */
#ifndef TESTS_FAKE_DEVICE_H
#define TESTS_FAKE_DEVICE_H
#include "tensor/training.h"

/* cpu: lent. capacity: bytes; 0: no bound. */
struct backend *fake_device_new(struct backend *cpu, size_t capacity);

/* Fails the test when memory is still allocated. */
void fake_device_free(struct backend *device);

struct fake_memory {
    size_t live, peak; /* bytes */
    size_t refused;    /* allocations that did not fit */
};
struct fake_memory fake_device_memory(const struct backend *device);
void fake_device_set_capacity(struct backend *device, size_t capacity);

#endif
