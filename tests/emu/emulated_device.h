/* emulated_device.h - CUDA's names for kernels that a C++ compiler compiles for the emulated device; kernels/device.h
 * includes it. What is missing here is what our kernels do without. */
#ifndef EMU_EMULATED_DEVICE_H
#define EMU_EMULATED_DEVICE_H
#include "emulator.h"
#include <float.h>
#include <math.h>
#include <string.h>
#include <utility>

#define KERNEL extern "C"
#define DEVICE static inline
#define SHARED(type, name, count) __shared__ type name[count]
#define DYNAMIC_SHARED(type, name) type *name = static_cast<type *>(emu_dynamic_shared())

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ static __attribute__((section("emu_shared")))
#define __constant__ static const

#define threadIdx emu_thread
#define blockIdx emu_block
#define blockDim emu_block_size
#define gridDim emu_grid_size
#define warpSize 32

#define __syncthreads() emu_syncthreads(__FILE__, __LINE__)
#define __syncthreads_count(predicate) ((int)emu_syncthreads_count((predicate) != 0, __FILE__, __LINE__))
#define __syncthreads_or(predicate) (__syncthreads_count(predicate) != 0)
#define __syncthreads_and(predicate) (__syncthreads_count((predicate) == 0) == 0)
#define __syncwarp(...) ((void)emu_warp(emu_mask(__VA_ARGS__), 0, EMU_SYNCWARP, 0, __FILE__, __LINE__))
#define __ballot_sync(mask, predicate) emu_warp((mask), (predicate) ? 1u : 0u, EMU_BALLOT, 0, __FILE__, __LINE__)
#define __any_sync(mask, predicate) (__ballot_sync(mask, predicate) != 0)
#define __all_sync(mask, predicate) (__ballot_sync(mask, !(predicate)) == 0)
#define __shfl_xor_sync(mask, value, ...) emu_shuffle(mask, value, EMU_SHFL_XOR, __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(mask, value, ...) emu_shuffle(mask, value, EMU_SHFL_DOWN, __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(mask, value, ...) emu_shuffle(mask, value, EMU_SHFL_UP, __FILE__, __LINE__, __VA_ARGS__)
#define __shfl_sync(mask, value, ...) emu_shuffle(mask, value, EMU_SHFL_IDX, __FILE__, __LINE__, __VA_ARGS__)
#define __threadfence() ((void)0)
#define __threadfence_block() ((void)0)
#define __trap() __builtin_trap()
#define __ldg(at) (*(at))

/* What is not the kernel's own doing is not checked. */
#define EMU_UNCHECKED __attribute__((no_sanitize("thread")))

static inline unsigned emu_mask(unsigned mask = 0xffffffffu)
{
    return mask;
}

/* Values of 4 and 8 bytes, as the hardware's library has them. */
template <class T>
EMU_UNCHECKED static inline T emu_shuffle(unsigned mask, T value, emu_warp_operation operation, const char *file,
                                          int line, int argument, int width = 32)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles take 4 or 8 bytes");
    uint32_t words[sizeof(T) / 4];
    memcpy(words, &value, sizeof(T));
    for (uint32_t &word : words)
        word = emu_warp(mask, word, operation, (argument & 0xff) | (32 - width) << 8, file, line);
    memcpy(&value, words, sizeof(T));
    return value;
}

/* Atomic operations on whole numbers: nothing comes between, since one thread runs at a time. */
template <class T, class Change> EMU_UNCHECKED static inline T emu_change(T *at, Change change)
{
    static_assert((T)0.5 == 0, "sums of floats depend on their order");
    emu_atomic(at, sizeof(T));
    T old = *at;
    *at = change(old);
    return old;
}
#define EMU_CHANGE(name, change)                                                 \
    template <class T> static inline T name(T *at, decltype(T() + 0) given)      \
    {                                                                            \
        T value = (T)given;                                                      \
        return emu_change(at, [=](T old) EMU_UNCHECKED -> T { return change; }); \
    }
EMU_CHANGE(atomicAdd, old + value)
EMU_CHANGE(atomicSub, old - value)
EMU_CHANGE(atomicMax, old > value ? old : value)
EMU_CHANGE(atomicMin, old < value ? old : value)
EMU_CHANGE(atomicAnd, old &value)
EMU_CHANGE(atomicOr, old | value)
EMU_CHANGE(atomicXor, old ^ value)
EMU_CHANGE(atomicExch, value)
template <class T> static inline T atomicCAS(T *at, decltype(T() + 0) compare, decltype(T() + 0) value)
{
    return emu_change(at, [=](T old) EMU_UNCHECKED -> T { return old == (T)compare ? (T)value : old; });
}

/* Vectors that are loaded and stored at once. */
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct uint3 {
    unsigned x, y, z;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline float2 make_float2(float x, float y)
{
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
static inline int2 make_int2(int x, int y)
{
    return {x, y};
}
static inline int4 make_int4(int x, int y, int z, int w)
{
    return {x, y, z, w};
}
static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}

template <class To, class From> EMU_UNCHECKED static inline To emu_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits of one size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
#define __float_as_int(x) emu_bits<int>((float)(x))
#define __float_as_uint(x) emu_bits<unsigned>((float)(x))
#define __int_as_float(x) emu_bits<float>((int)(x))
#define __uint_as_float(x) emu_bits<float>((unsigned)(x))
#define __double_as_longlong(x) emu_bits<long long>((double)(x))
#define __longlong_as_double(x) emu_bits<double>((long long)(x))

/* Arithmetic with a given rounding, which keeps nvcc from fusing. */
#define __fadd_rn(a, b) ((float)(a) + (float)(b))
#define __fsub_rn(a, b) ((float)(a) - (float)(b))
#define __fmul_rn(a, b) ((float)(a) * (float)(b))
#define __fdiv_rn(a, b) ((float)(a) / (float)(b))
#define __fmaf_rn(a, b, c) fmaf(a, b, c)
#define __fsqrt_rn(a) sqrtf(a)
#define __frcp_rn(a) (1.0f / (float)(a))
#define __dadd_rn(a, b) ((double)(a) + (double)(b))
#define __dmul_rn(a, b) ((double)(a) * (double)(b))
#define __ddiv_rn(a, b) ((double)(a) / (double)(b))
static inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((uint64_t)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    __extension__ typedef unsigned __int128 wide;
    return (unsigned long long)((wide)a * b >> 64);
}
#define __popc(x) __builtin_popcount(x)
#define __popcll(x) __builtin_popcountll(x)
#define __ffs(x) __builtin_ffs(x)
static inline int __clz(int x)
{
    return x == 0 ? 32 : __builtin_clz((unsigned)x);
}

#define EMU_SMALLER_AND_LARGER(type)       \
    static inline type min(type a, type b) \
    {                                      \
        return a < b ? a : b;              \
    }                                      \
    static inline type max(type a, type b) \
    {                                      \
        return a > b ? a : b;              \
    }
EMU_SMALLER_AND_LARGER(int)
EMU_SMALLER_AND_LARGER(unsigned)
EMU_SMALLER_AND_LARGER(long)
EMU_SMALLER_AND_LARGER(unsigned long)
EMU_SMALLER_AND_LARGER(unsigned long long)

/* Half precision (IEEE 754 binary16) in its bits, to nearest even. */
struct __half {
    unsigned short bits;
};
EMU_UNCHECKED static inline float __half2float(__half half)
{
    unsigned sign = (unsigned)(half.bits & 0x8000) << 16, exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
    if (exponent == 31)
        return __uint_as_float(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0)
        return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
    float small = (float)fraction * 0x1p-24f;
    return sign != 0 ? -small : small;
}
EMU_UNCHECKED static inline __half __float2half_rn(float x)
{
    unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return {(unsigned short)(sign | 0x7fffu)};
    if (size >= 0x477ff000u) /* rounds to 65536 or more */
        return {(unsigned short)(sign | 0x7c00u)};
    if (size < 0x38800000u) /* below 2^-14: counted in 2^-24, rounded as whole numbers are */
        return {(unsigned short)(sign | (unsigned)lrintf(fabsf(x) * 0x1p24f))};
    unsigned rounded = size + 0xfffu + (size >> 13 & 1);
    return {(unsigned short)(sign | (rounded - 0x38000000u) >> 13)};
}
#define __float2half(x) __float2half_rn(x)
#define __half_as_ushort(x) ((x).bits)
#define __ushort_as_half(x) (__half{(unsigned short)(x)})

/* Registration: a kernel's name and a function that calls it with arguments given by their addresses. */
template <class... Parameters> struct emu_parameters {
    typedef void (*function)(Parameters...);
    template <size_t... At>
    EMU_UNCHECKED static void call(function kernel, void **arguments, std::index_sequence<At...>)
    {
        kernel(*static_cast<Parameters *>(arguments[At])...);
    }
    EMU_UNCHECKED static void run(void *kernel, void **arguments)
    {
        call(reinterpret_cast<function>(kernel), arguments, std::index_sequence_for<Parameters...>());
    }
};
extern "C" {
extern char __start_emu_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_emu_shared[] __attribute__((weak, visibility("hidden")));
}
template <class... Parameters> EMU_UNCHECKED static bool emu_export(const char *name, void (*kernel)(Parameters...))
{
    static const size_t sizes[] = {sizeof(Parameters)..., 0};
    emu_kernel exported = {name,
                           reinterpret_cast<void *>(kernel),
                           emu_parameters<Parameters...>::run,
                           sizeof...(Parameters),
                           sizes,
                           __start_emu_shared,
                           __stop_emu_shared};
    emu_register_kernel(&exported);
    return true;
}
#define EXPORT_KERNEL(name) static const bool name##_exported __attribute__((unused)) = emu_export(#name, name);

#endif
