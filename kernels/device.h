/* device.h - what a file of kernels is written in: CUDA where nvcc compiles it, the emulated device of tests/emu where
 * a C++ compiler does.
 *
 * A kernel is `KERNEL void name(...)`, an extern "C" function without templates or inline PTX, whose prototype stands
 * in the C header of its file behind KERNEL_PROTOTYPE. Behind its body stands EXPORT_KERNEL(name). Pointers it takes
 * are the device's. Beside CUDA's own names (threadIdx, __syncthreads, __shfl_xor_sync, __ballot_sync ...) there are:
 *
 *   DEVICE                       a function for kernels
 *   SHARED(type, name, count)    an array in shared memory, inside a kernel
 *   DYNAMIC_SHARED(type, name)   `name` points to the shared memory that the launch gave */
#ifndef KERNELS_DEVICE_H
#define KERNELS_DEVICE_H
#include "kernels/device_prototype.h"
#ifdef __CUDACC__
#include <cuda_runtime.h>
#include <stddef.h>
#include <stdint.h>
#define KERNEL extern "C" __global__
#define DEVICE static __device__ __forceinline__
#define SHARED(type, name, count) __shared__ type name[count]
#define DYNAMIC_SHARED(type, name)                                  \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    type *name = reinterpret_cast<type *>(dynamic_shared)
#define EXPORT_KERNEL(name)
#else
#include "emulated_device.h"
#endif

enum { WARP = 32 };
#define WHOLE_WARP 0xffffffffu

#endif
