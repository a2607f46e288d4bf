/* cudart.h - what the files of the drop-in CUDA runtime share. */
#ifndef EMU_CUDART_H
#define EMU_CUDART_H
#include "engine.h"
#include <cuda_runtime_api.h>

/* Remembers the error for cudaGetLastError and returns it. */
cudaError_t cudart_result(cudaError_t result);

/* At the beginning of every call that can fail: returns from it when it is to, or when a kernel that went wrong has
 * left the device behind. `otherwise`: the error of a failure without a code. */
#define CUDART_CALL(otherwise)                             \
    EMU_LOCKED;                                            \
    do {                                                   \
        int code_ = (otherwise);                           \
        if (emu_fails(__func__, &code_))                   \
            return cudart_result((cudaError_t)code_);      \
        if (cudart_device_lost())                          \
            return cudart_result(cudaErrorIllegalAddress); \
    } while (0)

/* A launch was given up: from then on everything fails, as on hardware. */
bool cudart_device_lost(void);
void cudart_lose_device(void);

/* cudart_streams.c. NULL, cudaStreamLegacy and cudaStreamPerThread are the device's default stream. */
void cudart_wait_stream(cudaStream_t stream);
bool cudart_is_capturing(cudaStream_t stream);
/* While a stream is captured, calls that would touch other work are not allowed (but in relaxed captures): true, and
 * the capture is spoilt. */
bool cudart_spoils_capture(void);
void cudart_report_streams_left(void); /* streams, events and graphs that live, as mistakes */

/* cudart_memory.c */
size_t cudart_pinned_left(void); /* bytes */

#endif
