/* library_case.h - what tests of the drop-in cuBLAS and cuDNN share. */
#ifndef EMU_LIBRARY_CASE_H
#define EMU_LIBRARY_CASE_H
#include <stdbool.h>
#include <stddef.h>

/* Copies to and from memory of the device; freed by cudaFree and free. Copying back waits for all streams. */
void *device_copy(const void *host, size_t bytes);
float *host_floats(const float *device, size_t count);

/* How a process ends that calls `scene`: its exit status. The emulated device's is MISTAKE_STATUS after a mistake. The
 * test itself may not have used the device before. */
enum { MISTAKE_STATUS = 86 };
int exit_status_of(void (*scene)(void));

/* The same with EMU_FAIL set to `failure`. */
int exit_status_with_failure(void (*scene)(void), const char *failure);

#endif
