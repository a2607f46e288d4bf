/* device_prototype.h - a kernel's prototype, read by the C code that launches it (cudaLaunchKernel takes its address)
 * and by nvcc, to whom it must be a kernel. */
#ifndef KERNELS_DEVICE_PROTOTYPE_H
#define KERNELS_DEVICE_PROTOTYPE_H
#ifdef __cplusplus
#define KERNEL_LINKAGE extern "C"
#else
#define KERNEL_LINKAGE extern
#endif
#ifdef __CUDACC__
#define KERNEL_PROTOTYPE KERNEL_LINKAGE __global__
#else
#define KERNEL_PROTOTYPE KERNEL_LINKAGE
#endif
#endif
