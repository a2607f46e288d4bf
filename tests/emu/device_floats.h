/* device_floats.h - floats on a back end's side, and how they are held against the CPU's: what tests of the device's
 * operations share. */
#ifndef EMU_DEVICE_FLOATS_H
#define EMU_DEVICE_FLOATS_H
#include "tensor/backend.h"

/* A copy on the back end's side, the caller's. */
float *device_floats_put(struct backend *backend, const float *host, size_t count);

/* A copy on the host, the caller's. */
float *device_floats_get(struct backend *backend, const float *there, size_t count);

/* Rows of `width` floats agree within `limit` of the largest magnitude of their row. */
void device_floats_close(const char *what, const float *got, const float *expected, size_t rows, size_t width,
                         double limit);

#endif
