/* memory.cu - see seeded.h: accesses to device memory, right as far as their arguments are. */
#include "kernels/device.h"
#include "tests/emu/seeded/seeded.h"

DEVICE size_t element(void)
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

KERNEL void count_up(float *at, size_t count)
{
    if (element() < count)
        at[element()] = (float)element();
}
EXPORT_KERNEL(count_up)

KERNEL void copy_one(const float *from, long long from_index, float *to, long long to_index)
{
    to[to_index] = from[from_index];
}
EXPORT_KERNEL(copy_one)

KERNEL void copy_four(const float *from, float *to)
{
    *reinterpret_cast<float4 *>(to) = *reinterpret_cast<const float4 *>(from);
}
EXPORT_KERNEL(copy_four)

KERNEL void read_at_byte(const char *from, size_t byte, float *to)
{
    *to = *reinterpret_cast<const float *>(from + byte);
}
EXPORT_KERNEL(read_at_byte)

KERNEL void gather_stride(const float *from, size_t count, size_t stride, float *to)
{
    if (element() < count)
        to[element()] = from[element() * stride];
}
EXPORT_KERNEL(gather_stride)

KERNEL void multiply_add(float *at, size_t count, float by, float plus)
{
    if (element() < count)
        at[element()] = at[element()] * by + plus;
}
EXPORT_KERNEL(multiply_add)

KERNEL void add_up(const float *a, const float *b, size_t count, float *to)
{
    if (element() < count)
        to[element()] = a[element()] + b[element()];
}
EXPORT_KERNEL(add_up)
