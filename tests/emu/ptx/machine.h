/* machine.h - what the C that translate.py makes of PTX stands on: PTX's arithmetic on C's types, and where addresses
 * of shared memory lie.
 *
 * Correctly rounded operations are exact. The approximate ones (.approx) are the host's functions rounded to float,
 * more accurate than a device's, within what PTX's manual (9.7.3 to 9.7.5) allows. */
#ifndef EMU_PTX_MACHINE_H
#define EMU_PTX_MACHINE_H
#include "tests/emu/emulator.h"
#include <math.h>
#include <string.h>

#define PTX static inline __attribute__((always_inline, unused))
#define UNCHECKED __attribute__((no_sanitize("thread")))

PTX float ptx_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Any NaN that arithmetic makes is this one on the device. */
PTX uint32_t ptx_f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value != value ? 0x7fffffffu : bits;
}

PTX double ptx_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

PTX uint64_t ptx_f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Denormal numbers become zeros of their sign. */
PTX float ptx_flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0.f, x) : x;
}

PTX float ptx_saturate(float x)
{
    return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f;
}

/* a * b + c rounded downwards. The product is exact in double; what its sum with c loses decides where that sum is a
 * float. */
PTX float ptx_fma_down(float a, float b, float c)
{
    double product = (double)a * b, sum = product + c, from_c = sum - product;
    double lost = (product - (sum - from_c)) + (c - from_c);
    float nearest = (float)sum;
    return nearest > sum || (nearest == sum && lost < 0) ? nextafterf(nearest, -INFINITY) : nearest;
}

/* Of the upper half of x, into the upper half of the result. */
PTX double ptx_rough_reciprocal(double x)
{
    double result = ptx_double(ptx_f64_bits(1.0 / ptx_double(ptx_f64_bits(x) & ~0xffffffffull)) & ~0xffffffffull);
    return fabs(result) < 0x1p-1022 ? copysign(0.0, result) : result;
}

/* Shared memory's addresses have 32 bits: static arrays come first, dynamic memory begins at PTX_DYNAMIC. An address
 * of neither stays what it is, so that checks refuse it. */
#define PTX_DYNAMIC 0x40000000u
extern char __start_emu_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_emu_shared[] __attribute__((weak, visibility("hidden")));

PTX char *ptx_shared(uint32_t address)
{
    if (address >= PTX_DYNAMIC && address < 2 * PTX_DYNAMIC)
        return (char *)emu_dynamic_shared() + (address - PTX_DYNAMIC);
    if (address < (size_t)(__stop_emu_shared - __start_emu_shared))
        return __start_emu_shared + address;
    return (char *)(uintptr_t)address;
}

PTX uint32_t ptx_shared_address(const char *array)
{
    return (uint32_t)(array - __start_emu_shared);
}

/* Where an access goes: what a load or a store takes at once. */
#define PTX_VECTOR(name, type, count) typedef type name __attribute__((vector_size(count * sizeof(type))));
PTX_VECTOR(ptx_v2_16, uint16_t, 2)
PTX_VECTOR(ptx_v4_16, uint16_t, 4)
PTX_VECTOR(ptx_v2_32, uint32_t, 2)
PTX_VECTOR(ptx_v4_32, uint32_t, 4)
PTX_VECTOR(ptx_v2_64, uint64_t, 2)

#endif
