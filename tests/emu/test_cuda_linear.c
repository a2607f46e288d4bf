/* Linear layers and gathered rows on CUDA against the CPU: odd sizes, inputs in pieces wherever they lie, weights of
 * every precision. */
#include "device_rows.h"
#include "every_backend.h"
#include "harness.h"
#include "model/quantise.h"
#include "model/unpack.h"
#include <stdio.h>

enum { MOST_PIECES = 3 };

struct linear_shape {
    size_t rows, out, pieces, widths[MOST_PIECES];
};
static const struct linear_shape shapes[] = {
    {1, 1, 1, {1}},     {0, 5, 1, {3}},        {7, 65, 2, {31, 2}},      {33, 64, 3, {1, 17, 40}},
    {100, 3, 1, {129}}, {2, 130, 2, {64, 64}}, {193, 19, 3, {5, 70, 1}}, {1, 20, 3, {600, 1, 3}},
};

struct linear_case {
    struct weights room, restored;
    struct linear_layer layer, plain; /* plain: the same weights as float32, for the CPU */
};

static void linear_case_init(struct linear_case *c, const struct linear_shape *shape, enum precision precision)
{
    struct ft_error error = {""};
    size_t in = 0;
    for (size_t i = 0; i < shape->pieces; i++)
        in += shape->widths[i];
    float *w = random_floats(shape->out * in, 1), *b = random_floats(shape->out, 1);
    const float *restored, *bias;
    weights_init(&c->room);
    weights_init(&c->restored);
    ck_assert(pack_linear(&c->room, w, b, in, shape->out, &c->layer));
    ck_assert_int_eq(quantise_matrix(&c->layer.weights, c->layer.panels, precision, shape->widths, shape->pieces,
                                     &c->room, 1, &error),
                     FT_OK);
    ck_assert_int_eq(unpack_linear(&c->restored, &c->layer, &restored, &bias, &error), FT_OK);
    ck_assert(pack_linear(&c->room, restored, bias, in, shape->out, &c->plain));
    free(w);
    free(b);
}

static void check_linear(struct backend *cuda, struct backend *cpu, const struct linear_shape *shape,
                         enum precision precision, enum arrangement arrangement, double limit)
{
    struct linear_case c;
    struct device_rows rows[MOST_PIECES];
    struct input_piece on_cpu[MOST_PIECES], on_gpu[MOST_PIECES];
    struct ft_error error = {""};
    char name[200];
    size_t numbers = shape->rows * shape->out;
    linear_case_init(&c, shape, precision);
    for (size_t i = 0; i < shape->pieces; i++) {
        device_rows_init(&rows[i], cuda, shape->rows, shape->widths[i], arrangement);
        on_cpu[i] = rows[i].cpu;
        on_gpu[i] = rows[i].gpu;
    }
    float *expected = calloc(numbers + 1, sizeof *expected), *out = device_rows_unset(cuda, numbers + 1);
    ck_assert_int_eq(cpu->ops->linear(cpu, &c.plain, on_cpu, shape->pieces, shape->rows, expected, &error), FT_OK);
    ck_assert_msg(cuda->ops->linear(cuda, &c.layer, on_gpu, shape->pieces, shape->rows, out, &error) == FT_OK, "%s",
                  error.text);
    float *got = device_floats_get(cuda, out, numbers + 1);
    snprintf(name, sizeof name, "%zu rows of %zu from %zu pieces, %s, %s", shape->rows, shape->out, shape->pieces,
             precision_names[precision], arrangement_names[arrangement]);
    device_rows_close(name, got, expected, shape->rows, shape->out, limit, sqrt((double)c.layer.in));
    EXPECT(got[numbers] != got[numbers], "%s: the number behind the last row was written", name);
    cuda->ops->forget(cuda); /* the next case may lie at the same address */
    cuda->ops->free_floats(cuda, out);
    for (size_t i = 0; i < shape->pieces; i++)
        device_rows_release(&rows[i]);
    weights_release(&c.room);
    weights_release(&c.restored);
    free(expected);
    free(got);
}

static void check_every_shape(enum cuda_math math, double limit)
{
    struct backend *cuda = device_backend_new(&(struct cuda_options){.math = math, .native = true}),
                   *cpu = backend_new(1, 0, "auto");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int arrangement = 0; arrangement < ARRANGEMENTS; arrangement++)
            for (int precision = 0; precision < (arrangement == EVEN ? PRECISIONS : 1); precision++)
                check_linear(cuda, cpu, &shapes[i], (enum precision)precision, (enum arrangement)arrangement, limit);
    cpu->ops->free(cpu);
    cuda->ops->free(cuda);
}

START_TEST(linear_layers_agree_with_the_cpu)
{
    random_begin("linear_layers_agree_with_the_cpu");
    check_every_shape(CUDA_MATH_F32, 2e-6);
}
END_TEST

/* Inputs and weights in [-1, 1] are off by 2^-11 of themselves at most: a sum of n products by some sqrt(n) 2^-12. */
START_TEST(linear_layers_in_coarser_math_agree_within_its_rounding)
{
    random_begin("linear_layers_in_coarser_math_agree_within_its_rounding");
    check_every_shape(CUDA_MATH_TF32, 2e-3);
    check_every_shape(CUDA_MATH_F16, 2e-3);
}
END_TEST

/* Weights that float32 holds and halves do not: products in tf32 and f16 must differ from those in f32. */
START_TEST(coarser_math_is_really_used)
{
    struct ft_error error = {""};
    const float w[] = {1 + 1.0f / 4096, 3}, x[] = {1 + 1.0f / 8192, 0};
    static const float expected[] = {(1 + 1.0f / 4096) * (1 + 1.0f / 8192), 1, 1};
    for (int math = CUDA_MATH_F32; math <= CUDA_MATH_F16; math++) {
        struct backend *cuda = device_backend_new(&(struct cuda_options){.math = (enum cuda_math)math, .native = true});
        struct weights room;
        struct linear_layer layer;
        weights_init(&room);
        ck_assert(pack_linear(&room, w, NULL, 2, 1, &layer));
        float *there = device_floats_put(cuda, x, 2), *out = device_rows_unset(cuda, 1);
        const float *row = there;
        struct input_piece piece = {&row, 2};
        ck_assert_msg(cuda->ops->linear(cuda, &layer, &piece, 1, 1, out, &error) == FT_OK, "%s", error.text);
        float *got = device_floats_get(cuda, out, 1);
        EXPECT(*got == expected[math], "math %d gives %.9g", math, (double)*got);
        free(got);
        cuda->ops->free_floats(cuda, there);
        cuda->ops->free_floats(cuda, out);
        cuda->ops->free(cuda);
        weights_release(&room);
    }
}
END_TEST

START_TEST(gathered_rows_are_copies_and_leave_the_rest_alone)
{
    static const size_t counts[] = {0, 1, 7, 8, 9, 50}, widths[] = {1, 31, 32, 33, 511, 1300}, gaps[] = {0, 1, 37};
    random_begin("gathered_rows_are_copies_and_leave_the_rest_alone");
    struct backend *cuda = device_backend_new(&(struct cuda_options){.native = true});
    for (size_t i = 0; i < 6 * 6 * 3; i++) {
        size_t count = counts[i % 6], width = widths[i / 6 % 6], stride = width + gaps[i / 36];
        struct ft_error error = {""};
        struct device_rows rows;
        device_rows_init(&rows, cuda, count, width, (enum arrangement)(i % ARRANGEMENTS));
        float *out = device_rows_unset(cuda, count * stride + 1);
        ck_assert_msg(cuda->ops->gather(cuda, rows.device, count, width, out, stride, &error) == FT_OK, "%s",
                      error.text);
        float *got = device_floats_get(cuda, out, count * stride + 1);
        for (size_t k = 0; k <= count * stride; k++) {
            bool inside = k < count * stride && k % stride < width;
            float expected = inside ? rows.host[k / stride * width + k % stride] : NAN;
            EXPECT(same_float(got[k], expected), "%zu rows of %zu, %zu apart: number %zu is %g", count, width, stride,
                   k, (double)got[k]);
        }
        free(got);
        cuda->ops->free_floats(cuda, out);
        device_rows_release(&rows);
    }
    cuda->ops->free(cuda);
}
END_TEST

int main(void)
{
    test_add(linear_layers_agree_with_the_cpu, NULL);
    test_add(linear_layers_in_coarser_math_agree_within_its_rounding, NULL);
    test_add(coarser_math_is_really_used, NULL);
    test_add(gathered_rows_are_copies_and_leave_the_rest_alone, NULL);
    return test_run("cuda_linear");
}
