/* description.c - see description.h. Reads tensors of any element type, stride and alignment as float32. The machine is
 * little-endian, as the files are; rounding to float32 is to nearest, ties to even. */
#include "model/description.h"
#include <string.h>

static const struct {
    size_t bytes;
    const char *name;
} types[] = {
    [DTYPE_F32] = {4, "F32"}, [DTYPE_F16] = {2, "F16"}, [DTYPE_BF16] = {2, "BF16"}, [DTYPE_F64] = {8, "F64"},
    [DTYPE_I8] = {1, "I8"},   [DTYPE_U8] = {1, "U8"},   [DTYPE_BOOL] = {1, "BOOL"}, [DTYPE_I16] = {2, "I16"},
    [DTYPE_I32] = {4, "I32"}, [DTYPE_I64] = {8, "I64"},
};

size_t dtype_bytes(enum dtype type)
{
    return types[type].bytes;
}

const char *dtype_name(enum dtype type)
{
    return types[type].name;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact */
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31) /* infinity and nan */
        return float_of_bits(sign | 0x7f800000 | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* `count` elements, `step` bytes apart. Each loop loads through memcpy: the data may lie at any address. */
#define CONVERT(type, expression)                    \
    for (size_t i = 0; i < count; i++, at += step) { \
        type value;                                  \
        memcpy(&value, at, sizeof value);            \
        out[i] = expression;                         \
    }                                                \
    break

static void convert_run(enum dtype dtype, const char *at, ptrdiff_t step, size_t count, float *out)
{
    switch (dtype) {
    case DTYPE_F32:
        if (step == (ptrdiff_t)sizeof *out) {
            memcpy(out, at, count * sizeof *out);
            break;
        }
        CONVERT(float, value);
    case DTYPE_F16: CONVERT(uint16_t, half_to_float(value));
    case DTYPE_BF16: CONVERT(uint16_t, float_of_bits((uint32_t)value << 16));
    case DTYPE_F64: CONVERT(double, (float)value);
    case DTYPE_I8: CONVERT(int8_t, (float)value);
    case DTYPE_U8: CONVERT(uint8_t, (float)value);
    case DTYPE_BOOL: CONVERT(uint8_t, value ? 1.0f : 0.0f);
    case DTYPE_I16: CONVERT(int16_t, (float)value);
    case DTYPE_I32: CONVERT(int32_t, (float)value);
    case DTYPE_I64: CONVERT(int64_t, (float)value);
    }
}

void tensor_to_f32(const struct tensor *tensor, float *out)
{
    size_t size = dtype_bytes(tensor->dtype);
    size_t count = 1, run = 1;
    int outer = tensor->rank; /* dimensions in front of the longest contiguous run */
    for (int d = tensor->rank; d-- > 0;) {
        if (outer == d + 1 && (tensor->stride[d] == (int64_t)run || tensor->shape[d] == 1)) {
            run *= tensor->shape[d];
            outer = d;
        }
        count *= tensor->shape[d];
    }
    if (!count)
        return;
    ptrdiff_t step = (ptrdiff_t)size;
    if (run == 1 && outer > 0) { /* a transposed view: the last strided dimension is the run */
        outer--;
        run = tensor->shape[outer];
        step = (ptrdiff_t)(tensor->stride[outer] * (int64_t)size);
    }
    size_t index[4] = {0};
    for (size_t done = 0; done < count; done += run) {
        int64_t offset = 0;
        for (int d = 0; d < outer; d++)
            offset += (int64_t)index[d] * tensor->stride[d];
        convert_run(tensor->dtype, (const char *)tensor->data + offset * (int64_t)size, step, run, out + done);
        for (int d = outer; d-- > 0 && ++index[d] == tensor->shape[d];)
            index[d] = 0;
    }
}

bool tensor_is_matrix(const struct tensor *tensor, size_t rows, size_t columns)
{
    return tensor->data && tensor->rank == 2 && tensor->shape[0] == rows && tensor->shape[1] == columns;
}

bool tensor_is_vector(const struct tensor *tensor, size_t length)
{
    return tensor->data && tensor->rank == 1 && tensor->shape[0] == length;
}
