/* seeded.h - small kernels with a mistake in each, which an argument puts in or leaves out: what the emulated device is
 * tried on. A thread handles one element unless it says otherwise. */
#ifndef EMU_SEEDED_H
#define EMU_SEEDED_H
#include "kernels/device_prototype.h"
#include <stddef.h>

enum { SEEDED_THREADS = 64 }; /* of a block, where a kernel has shared memory of its own */

/* memory.cu */

/* at[i] = i for i below count, which may be more than there are. */
KERNEL_PROTOTYPE void count_up(float *at, size_t count);
/* One thread: to[to_index] = from[from_index]. */
KERNEL_PROTOTYPE void copy_one(const float *from, long long from_index, float *to, long long to_index);
/* One thread: copies four floats at once, which 16 must divide the addresses for. */
KERNEL_PROTOTYPE void copy_four(const float *from, float *to);
/* One thread: a float at any address. */
KERNEL_PROTOTYPE void read_at_byte(const char *from, size_t byte, float *to);
/* to[i] = from[i * stride] for i below count. */
KERNEL_PROTOTYPE void gather_stride(const float *from, size_t count, size_t stride, float *to);
/* at[i] = at[i] * by + plus for i below count. */
KERNEL_PROTOTYPE void multiply_add(float *at, size_t count, float by, float plus);
/* to[i] = a[i] + b[i] for i below count. */
KERNEL_PROTOTYPE void add_up(const float *a, const float *b, size_t count, float *to);

/* shared.cu: a block each */

/* to[i] = shared memory, which is written before when `written`. */
KERNEL_PROTOTYPE void read_shared(float *to, int written);
/* Backwards by way of dynamic shared memory of `room` floats; blockDim.x are used. */
KERNEL_PROTOTYPE void reverse_dynamic(float *at);
/* The same in shared memory of its own; a barrier stands between writing and reading when `barrier`. */
KERNEL_PROTOTYPE void reverse_block(float *at, int barrier);
/* One thread: writes 1 at an index of SEEDED_THREADS floats and reads another into to[0]. */
KERNEL_PROTOTYPE void write_shared_at(float *to, unsigned index, unsigned read_index);
/* to[0] = the sum, in a tree whose rounds a barrier parts when `barrier`. */
KERNEL_PROTOTYPE void sum_block(const float *from, float *to, int barrier);
/* Both halves of the block wait: in one barrier when `together`, each in one of its own otherwise. */
KERNEL_PROTOTYPE void wait_in_halves(float *to, int together);
/* Thread 0 waits for its warp (when `lonely`) while the others wait for the block. */
KERNEL_PROTOTYPE void wait_for_ever(float *to, int lonely);

/* grid.cu */

/* Each block counts its threads into to[0], atomically when `atomic`. */
KERNEL_PROTOTYPE void count_threads(unsigned *to, int atomic);
/* to[i] = from[i + 1] for i below count: in place it is a race. */
KERNEL_PROTOTYPE void shift_down(const float *from, size_t count, float *to);

/* warps.cu */

/* Each warp backwards by way of shared memory; __syncwarp stands between writing and reading when `barrier`. */
KERNEL_PROTOTYPE void reverse_warps(float *at, int barrier);
/* The same with half a warp in place of a warp. */
KERNEL_PROTOTYPE void reverse_half_warps(float *at, int barrier);
/* at[i] = the sum over the warp of i, by shuffles of all lanes; of those the block has when `fitted`. */
KERNEL_PROTOTYPE void sum_warps(float *at, int fitted);
/* One warp, of which the first half works: at[i] = at[i + 1] within segments of `width`, the last of each as it was. */
KERNEL_PROTOTYPE void shift_half_warp(float *at, int width);
/* One warp: lane 0 names a mask without itself when `other`. */
KERNEL_PROTOTYPE void vote(unsigned *to, int other);

#endif
