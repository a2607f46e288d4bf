/* emulator.h - the emulated CUDA device, as its parts see each other: kernels compiled by a C++ compiler, the drop-in
 * runtime, cuBLAS and cuDNN. It is test code and never installed.
 *
 * Device memory is an arena of its own which nobody but kernels and the libraries' work may touch: it is closed while
 * host code runs. A kernel's threads are fibers. What a launch or a library call does waits in its stream's queue until
 * something forces it, in an order that streams and events allow. */
#ifndef EMU_EMULATOR_H
#define EMU_EMULATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

struct emu_dim {
    unsigned x, y, z;
};

/* The thread that runs; emulated_device.h calls them threadIdx, blockIdx, blockDim and gridDim. */
extern struct emu_dim emu_thread, emu_block, emu_block_size, emu_grid_size;

/* What kernels call. file, line: of the source, for messages. */
enum emu_warp_operation { EMU_SYNCWARP, EMU_SHFL_XOR, EMU_SHFL_DOWN, EMU_SHFL_UP, EMU_SHFL_IDX, EMU_BALLOT };
void emu_syncthreads(const char *file, int line);
unsigned emu_syncthreads_count(bool predicate, const char *file, int line); /* threads whose predicate holds */
/* argument: lanes to shift by, or the lane; with segments of fewer than 32 lanes plus (32 - width) << 8. Ballot: value
 * is the predicate. */
uint32_t emu_warp(unsigned mask, uint32_t value, enum emu_warp_operation operation, int argument, const char *file,
                  int line);
void *emu_dynamic_shared(void);
void emu_atomic(void *at, size_t bytes); /* before an atomic access */

/* A kernel by its name. run: calls it with the arguments of cudaLaunchKernel. sizes: [count] bytes of each argument.
 * shared, shared_end: where the shared arrays of its library lie. */
struct emu_kernel {
    const char *name;
    void *function;
    void (*run)(void *function, void **arguments);
    size_t count;
    const size_t *sizes;
    char *shared, *shared_end;
};
void emu_register_kernel(const struct emu_kernel *kernel); /* copied; the strings and sizes are lent for good */
const struct emu_kernel *emu_find_kernel(const char *name);

/* Memory of the device at hand (emu_device). */
void *emu_allocate(size_t bytes);                     /* NULL: the device's capacity is used up */
bool emu_free(void *at);                              /* false: nothing that was allocated */
bool emu_in_allocation(const void *at, size_t bytes); /* all of it lies in one allocation that is alive */
bool emu_is_device(const void *at);
void emu_memory(size_t *available, size_t *total, size_t *peak);
int emu_device(void);
/* Inside work only: it reads or writes these bytes. A mistake unless all of them lie in one allocation of its device
 * that is alive; false then: the work must leave them alone. what: the call's name. */
bool emu_touch(const char *what, const void *at, size_t bytes, bool write);

/* Work in a stream's order: function(copy of the `bytes` at argument), with device memory open. stream: a cudaStream_t.
 * A stream that is being captured takes it into its graph instead. */
void emu_enqueue(void *stream, void (*function)(void *argument), const void *argument, size_t bytes);

/* Counts a mistake of the program under test and tells it on stderr; the process then exits 86 in the end. */
void emu_mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called once at the beginning of every call that can fail. True when this call of `function` is the one that EMU_FAIL
 * (FUNCTION:NTH[:CODE]) names, or the one that EMU_FAIL_ANY (NTH, of all such calls) does; it then returns *code, which
 * is left as it was where EMU_FAIL names no code: put the usual one there before. The first of either is 1. */
bool emu_fails(const char *function, int *code);

/* What calls did, for the report: GEMMs of the libraries add to it. flops: two a multiply-add; bytes: read and written
 * at least once. */
void emu_count(const char *what, double flops, double bytes);

#ifdef __cplusplus
}
#endif
#endif
