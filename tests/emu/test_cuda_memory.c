/* The CUDA back end's memory: what is counted against the budget, copies of any size, what is kept of layers, and
 * several devices in one process. */
#include "cuda/cuda.h"
#include "device_backend.h"
#include "device_floats.h"
#include "harness.h"
#include "model/quantise.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct ft_error error;
#define OK(call) ck_assert_msg((call) == FT_OK, "%s: %s", #call, error.text)

static const struct cuda_backend *inside(const struct backend *backend)
{
    return (const struct cuda_backend *)backend;
}

START_TEST(memory_is_counted_and_stays_inside_the_budget)
{
    enum { MEBIBYTE = 1 << 20, FLOATS = MEBIBYTE / 4 };
    struct backend *backend = device_backend_new(&(struct cuda_options){.memory = 8 * MEBIBYTE, .native = true});
    const struct cuda_backend *cuda = inside(backend);
    size_t before = cuda->allocated;
    float *floats[8];
    size_t count = 0;
    ck_assert_uint_eq(cuda->budget, 8 * MEBIBYTE);
    ck_assert_uint_le(before, MEBIBYTE);
    while (count < 8 && (floats[count] = backend->ops->new_floats(backend, FLOATS)))
        count++;
    ck_assert_uint_eq(count, 7);
    ck_assert_uint_eq(cuda->allocated, before + 7 * MEBIBYTE);
    ck_assert_ptr_null(backend->ops->new_floats(backend, SIZE_MAX / 4));
    backend->ops->free_floats(backend, floats[3]);
    backend->ops->free_floats(backend, NULL);
    ck_assert_uint_eq(cuda->allocated, before + 6 * MEBIBYTE);
    floats[3] = backend->ops->new_floats(backend, 100);
    ck_assert_ptr_nonnull(floats[3]);
    ck_assert_uint_eq(cuda->allocated, before + 6 * MEBIBYTE + 512); /* 256 bytes are the least */
    ck_assert_uint_eq(cuda->peak, before + 7 * MEBIBYTE);
    while (count)
        backend->ops->free_floats(backend, floats[--count]);
    ck_assert_uint_eq(cuda->allocated, before);
    backend->ops->free(backend);
}
END_TEST

START_TEST(copies_of_any_size_come_back)
{
    static const size_t counts[] = {0, 1, 3, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 5 << 18, 1300001};
    random_begin("copies_of_any_size_come_back");
    struct backend *backend = device_backend_new(&(struct cuda_options){.native = true});
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        size_t count = counts[i];
        float *host = random_floats(count + 1, 1), *once = malloc((count + 1) * sizeof *once);
        float *there = backend->ops->new_floats(backend, count + 1),
              *got = device_floats_get(backend, there, count + 1);
        for (size_t k = 0; k <= count; k++)
            EXPECT(got[k] == 0, "new float %zu is not zero", k);
        free(got);
        memcpy(once, host, count * sizeof *once);
        OK(backend->ops->upload(backend, there, once, count, &error));
        memset(once, 0xff, count * sizeof *once); /* the copy must not look at it any more */
        got = device_floats_get(backend, there, count + 1);
        size_t at = first_difference(got, host, count);
        EXPECT(at == count, "%zu floats: number %zu is %g, not %g", count, at, (double)got[at], (double)host[at]);
        EXPECT(got[count] == 0, "%zu floats: the number behind them was written", count);
        backend->ops->free_floats(backend, there);
        free(got);
        free(once);
        free(host);
    }
    backend->ops->free(backend);
}
END_TEST

/* Copies that follow each other share pinned memory. */
START_TEST(many_copies_in_a_row_do_not_overwrite_each_other)
{
    enum { COPIES = 40, COUNT = 50021 };
    random_begin("many_copies_in_a_row_do_not_overwrite_each_other");
    struct backend *backend = device_backend_new(&(struct cuda_options){.native = true});
    float *there[COPIES], *host = calloc(COUNT, sizeof *host);
    for (int i = 0; i < COPIES; i++) {
        there[i] = backend->ops->new_floats(backend, COUNT);
        for (size_t k = 0; k < COUNT; k++)
            host[k] = (float)i;
        OK(backend->ops->upload(backend, there[i], host, COUNT, &error));
    }
    for (int i = 0; i < COPIES; i++) {
        float *got = device_floats_get(backend, there[i], COUNT);
        for (size_t k = 0; k < COUNT; k++)
            EXPECT(got[k] == (float)i, "copy %d: number %zu is %g", i, k, (double)got[k]);
        free(got);
        backend->ops->free_floats(backend, there[i]);
    }
    free(host);
    backend->ops->free(backend);
}
END_TEST

/* A layer of one output: y = the sum of the inputs times `weight`. */
enum { IN = 600 };
static void layer_init(struct weights *room, struct linear_layer *layer, float weight)
{
    float w[IN];
    weights_init(room);
    for (size_t k = 0; k < IN; k++)
        w[k] = weight;
    ck_assert(pack_linear(room, w, NULL, IN, 1, layer));
}

/* The layer's output for `rows` rows that lie one by one, of ones. */
static float run_layer(struct backend *backend, const struct linear_layer *layer, float *ones, float *out, size_t count)
{
    const float **rows = calloc(count, sizeof *rows);
    struct input_piece piece = {rows, IN};
    for (size_t r = 0; r < count; r++)
        rows[r] = ones;
    OK(backend->ops->linear(backend, layer, &piece, 1, count, out, &error));
    float *got = device_floats_get(backend, out, count), last = got[count - 1];
    free(got);
    free(rows);
    return last;
}

START_TEST(a_layer_is_uploaded_once_and_anew_when_it_has_changed)
{
    for (int math = CUDA_MATH_F32; math <= CUDA_MATH_F16; math++) {
        struct backend *backend =
            device_backend_new(&(struct cuda_options){.math = (enum cuda_math)math, .native = true});
        const struct cuda_backend *cuda = inside(backend);
        struct weights room, other_room;
        struct linear_layer layer, other;
        float host[IN];
        static const size_t width = IN;
        for (size_t k = 0; k < IN; k++)
            host[k] = 1;
        layer_init(&room, &layer, 0.25f);
        layer_init(&other_room, &other, 0.5f);
        float *ones = device_floats_put(backend, host, IN), *out = backend->ops->new_floats(backend, 1);
        size_t without = cuda->allocated;
        ck_assert_float_eq(run_layer(backend, &layer, ones, out, 1), 150);
        size_t with = cuda->allocated, uploaded = cuda->uploaded;
        ck_assert_uint_gt(with, without);
        ck_assert_float_eq(run_layer(backend, &layer, ones, out, 1), 150);
        ck_assert_uint_eq(cuda->allocated, with);
        ck_assert_uint_eq(cuda->uploaded, uploaded);
        layer = other; /* at the address of the first */
        ck_assert_float_eq(run_layer(backend, &layer, ones, out, 1), 300);
        ck_assert_uint_eq(cuda->allocated, with);
        OK(quantise_matrix(&layer.weights, layer.panels, PRECISION_INT8, &width, 1, &other_room, 1, &error));
        ck_assert_float_eq_tol(run_layer(backend, &layer, ones, out, 1), 300, 1e-3f);
        ck_assert_uint_eq(cuda->allocated, with);
        backend->ops->forget(backend);
        ck_assert_float_eq_tol(run_layer(backend, &layer, ones, out, 1), 300, 1e-3f);
        ck_assert_uint_eq(cuda->allocated, with);
        backend->ops->free_floats(backend, ones);
        backend->ops->free_floats(backend, out);
        backend->ops->free(backend);
        weights_release(&room);
        weights_release(&other_room);
    }
}
END_TEST

START_TEST(scratch_gives_way_to_memory_that_stays)
{
    enum { BUDGET = 16 << 20, ROWS = 2000 }; /* gathered rows take 4.8 MB */
    struct backend *backend = device_backend_new(&(struct cuda_options){.memory = BUDGET, .native = true});
    const struct cuda_backend *cuda = inside(backend);
    struct weights room;
    struct linear_layer layer;
    float host[IN];
    for (size_t k = 0; k < IN; k++)
        host[k] = 1;
    layer_init(&room, &layer, 0.25f);
    float *ones = device_floats_put(backend, host, IN), *out = backend->ops->new_floats(backend, ROWS);
    size_t before = cuda->allocated;
    ck_assert_float_eq(run_layer(backend, &layer, ones, out, ROWS), 150);
    ck_assert_uint_gt(cuda->allocated, before + (4 << 20));
    float *large = backend->ops->new_floats(backend, (BUDGET - before - (1 << 20)) / sizeof(float));
    ck_assert_ptr_nonnull(large);
    ck_assert_uint_le(cuda->allocated, BUDGET);
    const float *rows[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        rows[r] = ones;
    struct input_piece piece = {rows, IN};
    ck_assert_int_eq(backend->ops->linear(backend, &layer, &piece, 1, ROWS, out, &error), FT_NOMEM);
    ck_assert_msg(strstr(error.text, "out of memory of device 0"), "%s", error.text);
    backend->ops->free_floats(backend, large);
    ck_assert_float_eq(run_layer(backend, &layer, ones, out, ROWS), 150); /* nothing else has changed */
    backend->ops->free_floats(backend, ones);
    backend->ops->free_floats(backend, out);
    backend->ops->free(backend);
    weights_release(&room);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_named)
{
    size_t count = 0;
    OK(device_plugin()->devices(&count, &error));
    ck_assert_ptr_null(device_backend_try(&(struct cuda_options){.device = (int)count}, &error));
    ck_assert_msg(strncmp(error.text, "no device ", 10) == 0, "%s", error.text);
    ck_assert_ptr_null(device_backend_try(&(struct cuda_options){.device = -1}, &error));
}
END_TEST

START_TEST(back_ends_on_two_devices_take_turns)
{
    struct backend *backends[2];
    struct weights room;
    struct linear_layer layer;
    float host[IN], *ones[2], *out[2];
    size_t count = 0;
    setenv("EMU_DEVICES", "2", 1);
    OK(device_plugin()->devices(&count, &error));
    ck_assert_uint_eq(count, 2);
    for (size_t k = 0; k < IN; k++)
        host[k] = 1;
    layer_init(&room, &layer, 0.25f);
    for (int d = 0; d < 2; d++)
        backends[d] = device_backend_new(&(struct cuda_options){.device = d});
    for (int d = 0; d < 2; d++) {
        ones[d] = device_floats_put(backends[d], host, IN);
        out[d] = backends[d]->ops->new_floats(backends[d], 3);
    }
    for (int turn = 0; turn < 4; turn++)
        ck_assert_float_eq(run_layer(backends[turn % 2], &layer, ones[turn % 2], out[turn % 2], 3), 150);
    for (int d = 0; d < 2; d++) {
        backends[d]->ops->free_floats(backends[d], ones[d]);
        backends[d]->ops->free_floats(backends[d], out[d]);
        backends[d]->ops->free(backends[d]);
    }
    weights_release(&room);
}
END_TEST

int main(void)
{
    test_add(memory_is_counted_and_stays_inside_the_budget, NULL);
    test_add(copies_of_any_size_come_back, NULL);
    test_add(many_copies_in_a_row_do_not_overwrite_each_other, NULL);
    test_add(a_layer_is_uploaded_once_and_anew_when_it_has_changed, NULL);
    test_add(scratch_gives_way_to_memory_that_stays, NULL);
    test_add(a_device_that_is_not_there_is_named, NULL);
    test_add(back_ends_on_two_devices_take_turns, NULL);
    return test_run("cuda_memory");
}
