/* cublas.h - what the files of the drop-in libcublas.so.13 share.
 *
 * It has the functions of cuBLAS that a tagger needs, with cuBLAS's documented meaning (column-major, leading
 * dimensions), and computes on the host in the order of the handle's stream. It promises to notice what the real
 * library leaves to chance: operands outside their allocations, output over input, a workspace that is used for
 * something else (it is scribbled on). It refuses what it has no arithmetic for: CUBLAS_STATUS_NOT_SUPPORTED, and a
 * mistake. */
#ifndef EMU_CUBLAS_H
#define EMU_CUBLAS_H
#include "emulator.h"
#include "operands.h"
#include "product.h"
#include <cublas_v2.h>

struct cublasContext {
    int device;
    cudaStream_t stream;
    cublasMath_t math;
    cublasPointerMode_t pointer_mode;
    void *workspace; /* NULL: the library's own */
    size_t workspace_bytes;
};

/* What each call begins with: NOT_INITIALIZED without a handle, a mistake where it is none or of another device, the
 * failure that was asked for, or success. `call` without a suffix. */
cublasStatus_t context_begin(const char *call, cublasHandle_t context, cublasStatus_t failure);

/* INVALID_VALUE, and a mistake that says why. */
__attribute__((format(printf, 2, 3))) cublasStatus_t context_refuse(const char *call, const char *format, ...);

/* A factor as the pointer mode has it: read at once from the host, or when the work is done from the device. */
struct factor {
    float value;
    const float *device; /* NULL: value */
};
cublasStatus_t factor_init(struct factor *factor, const char *call, const char *name, cublasHandle_t context,
                           const float *at);
float factor_value(const struct factor *factor);

/* How the operands of a single precision product are rounded; not at all where that is no handle. */
enum product_rounding context_rounding(cublasHandle_t context);

#endif
