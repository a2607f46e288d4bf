/* Tensors of every type, stride and alignment against slow readings, one element at a time. */
#include "harness.h"
#include "model/description.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tensor tensor_of(const void *data, enum dtype dtype, int rank, const size_t *shape, const int64_t *stride)
{
    struct tensor tensor = {.data = data, .dtype = dtype, .rank = rank};
    memcpy(tensor.shape, shape, (size_t)rank * sizeof *shape);
    memcpy(tensor.stride, stride, (size_t)rank * sizeof *stride);
    return tensor;
}

static struct tensor vector_of(const void *data, enum dtype dtype, size_t count)
{
    return tensor_of(data, dtype, 1, &count, (int64_t[]){1});
}

START_TEST(types_have_the_sizes_and_names_of_safetensors)
{
    const struct {
        enum dtype dtype;
        size_t bytes;
        const char *name;
    } known[] = {{DTYPE_F32, 4, "F32"}, {DTYPE_F16, 2, "F16"}, {DTYPE_BF16, 2, "BF16"}, {DTYPE_F64, 8, "F64"},
                 {DTYPE_I8, 1, "I8"},   {DTYPE_U8, 1, "U8"},   {DTYPE_BOOL, 1, "BOOL"}, {DTYPE_I16, 2, "I16"},
                 {DTYPE_I32, 4, "I32"}, {DTYPE_I64, 8, "I64"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert_uint_eq(dtype_bytes(known[i].dtype), known[i].bytes);
        ck_assert_str_eq(dtype_name(known[i].dtype), known[i].name);
    }
}
END_TEST

/* IEEE 754-2019 section 3.4 for binary16, by ldexp. */
static double slow_half(unsigned half)
{
    int exponent = (int)(half >> 10 & 31), fraction = (int)(half & 1023);
    double size = exponent == 0    ? ldexp(fraction, -24)
                  : exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                                   : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -size : size;
}

START_TEST(all_half_precision_numbers_are_read)
{
    static uint16_t halves[65536];
    static float out[65536];
    for (size_t i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    struct tensor tensor = vector_of(halves, DTYPE_F16, 65536);
    tensor_to_f32(&tensor, out);
    for (unsigned i = 0; i < 65536; i++) {
        double expected = slow_half(i);
        if (isnan(expected))
            ck_assert_msg(isnan(out[i]), "half %04x gave %g", i, (double)out[i]);
        else
            ck_assert_msg((double)out[i] == expected && !signbit(out[i]) == !signbit(expected),
                          "half %04x gave %a, not %a", i, (double)out[i], expected);
    }
    /* by hand: smallest subnormal, 1, largest, -2 */
    ck_assert(out[1] == 0x1p-24f && out[0x3c00] == 1 && out[0x7bff] == 65504 && out[0xc000] == -2);
}
END_TEST

START_TEST(brain_floats_are_the_upper_half_of_a_float)
{
    const uint16_t from[] = {0x3f80, 0xc000, 0x7f80, 0x0001, 0x8000, 0x4049};
    const float expected[] = {1, -2, INFINITY, 0x1p-133f, -0.0f, 3.140625f};
    float out[6];
    struct tensor tensor = vector_of(from, DTYPE_BF16, 6);
    tensor_to_f32(&tensor, out);
    for (int i = 0; i < 6; i++)
        ck_assert_msg(!memcmp(&out[i], &expected[i], 4), "%d: %a, not %a", i, (double)out[i], (double)expected[i]);
}
END_TEST

START_TEST(other_types_round_to_the_nearest_float)
{
    float out[3];
    const double f64[] = {0.1, -1e300, 16777217.0};
    struct tensor tensor = vector_of(f64, DTYPE_F64, 3);
    tensor_to_f32(&tensor, out);
    ck_assert(out[0] == 0.1f && out[1] == -INFINITY && out[2] == 16777216.0f);
    const int64_t i64[] = {INT64_MIN, 16777219, -1};
    tensor = vector_of(i64, DTYPE_I64, 3);
    tensor_to_f32(&tensor, out);
    ck_assert(out[0] == -0x1p63f && out[1] == 16777220.0f && out[2] == -1);
    const int32_t i32[] = {INT32_MAX, 5, -7};
    tensor = vector_of(i32, DTYPE_I32, 3);
    tensor_to_f32(&tensor, out);
    ck_assert(out[0] == 0x1p31f && out[1] == 5 && out[2] == -7);
    const int16_t i16[] = {-32768, 32767, 3};
    tensor = vector_of(i16, DTYPE_I16, 3);
    tensor_to_f32(&tensor, out);
    ck_assert(out[0] == -32768 && out[1] == 32767 && out[2] == 3);
    const unsigned char small[] = {0x80, 0xff, 1};
    const float signed_values[] = {-128, -1, 1}, unsigned_values[] = {128, 255, 1}, bool_values[] = {1, 1, 1};
    tensor = vector_of(small, DTYPE_I8, 3);
    tensor_to_f32(&tensor, out);
    ck_assert_mem_eq(out, signed_values, sizeof out);
    tensor.dtype = DTYPE_U8;
    tensor_to_f32(&tensor, out);
    ck_assert_mem_eq(out, unsigned_values, sizeof out);
    tensor.dtype = DTYPE_BOOL;
    tensor_to_f32(&tensor, out);
    ck_assert_mem_eq(out, bool_values, sizeof out);
}
END_TEST

START_TEST(a_scalar_is_one_element_and_an_empty_tensor_none)
{
    const float one = 3.5f;
    float out[2] = {-1, -1};
    struct tensor tensor = {.data = &one, .dtype = DTYPE_F32, .rank = 0};
    tensor_to_f32(&tensor, out);
    ck_assert(out[0] == 3.5f && out[1] == -1);
    tensor = tensor_of(&one, DTYPE_F32, 3, (size_t[]){4, 0, 2}, (int64_t[]){0, 2, 1});
    tensor_to_f32(&tensor, out + 1);
    ck_assert(out[1] == -1);
}
END_TEST

/* Views of a buffer at an odd address, with gaps, permuted dimensions, negative and zero strides. */
START_TEST(views_of_any_stride_and_alignment_equal_a_slow_reading)
{
    unsigned seed = 20240607;
    char *buffer = malloc(3 + 8 * 4096);
    for (size_t i = 0; i < 8 * 4096; i++)
        buffer[3 + i] = (char)(rand_r(&seed) & 0x3f); /* keeps every float type finite and free of nan */
    const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_F64, DTYPE_I32, DTYPE_I8};
    for (int round = 0; round < 4000; round++) {
        struct tensor tensor = {.dtype = dtypes[round % 5], .rank = (int)(rand_r(&seed) % 5)};
        int64_t lowest = 0, highest = 0, packed = 1;
        size_t count = 1;
        for (int d = tensor.rank; d-- > 0;) {
            tensor.shape[d] = 1 + rand_r(&seed) % 5;
            int kind = (int)(rand_r(&seed) % 4);
            tensor.stride[d] = kind < 2 ? packed : (int64_t)(rand_r(&seed) % 60) - 20;
            packed *= (int64_t)tensor.shape[d];
            count *= tensor.shape[d];
            int64_t reach = tensor.stride[d] * (int64_t)(tensor.shape[d] - 1);
            *(reach < 0 ? &lowest : &highest) += reach;
        }
        ck_assert(highest - lowest < 4096);
        size_t size = dtype_bytes(tensor.dtype);
        const char *base = buffer + 3 - lowest * (int64_t)size;
        tensor.data = base;
        float *out = malloc(count * sizeof *out);
        tensor_to_f32(&tensor, out);
        for (size_t i = 0; i < count; i++) {
            int64_t offset = 0;
            size_t rest = i;
            for (int d = tensor.rank; d-- > 0; rest /= tensor.shape[d])
                offset += (int64_t)(rest % tensor.shape[d]) * tensor.stride[d];
            float expected;
            struct tensor one = {.data = base + offset * (int64_t)size, .dtype = tensor.dtype, .rank = 0};
            tensor_to_f32(&one, &expected);
            ck_assert_msg(!memcmp(&out[i], &expected, 4), "seed 20240607, round %d: element %zu is %a, not %a", round,
                          i, (double)out[i], (double)expected);
        }
        free(out);
    }
    free(buffer);
}
END_TEST

int main(void)
{
    test_add(types_have_the_sizes_and_names_of_safetensors, NULL);
    test_add(all_half_precision_numbers_are_read, NULL);
    test_add(brain_floats_are_the_upper_half_of_a_float, NULL);
    test_add(other_types_round_to_the_nearest_float, NULL);
    test_add(a_scalar_is_one_element_and_an_empty_tensor_none, NULL);
    test_add(views_of_any_stride_and_alignment_equal_a_slow_reading, NULL);
    return test_run("description");
}
