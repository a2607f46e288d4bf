/* Layers in training on CUDA, by cuDNN and by kernels of our own, against the CPU: LSTMs of one and two directions over
 * packed sequences, linear layers, and tables. */
#include "device_backend.h"
#include "device_failures.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include "training_case.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t uneven[] = {7, 5, 5, 2, 1, 1}, one_word[] = {1}, one_sentence[] = {9}, equal[] = {4, 4, 4, 4, 4};
#define LENGTHS(of) (sizeof of / sizeof *of), of

/* in, hidden, directions, reverse, init, lengths */
static const struct case_shape shapes[] = {
    {1, 1, 1, false, false, LENGTHS(one_word)},     {3, 5, 1, false, false, LENGTHS(uneven)},
    {3, 5, 1, true, false, LENGTHS(uneven)},        {2, 16, 2, false, false, LENGTHS(uneven)},
    {4, 3, 2, true, true, LENGTHS(uneven)},         {4, 7, 2, false, true, LENGTHS(uneven)},
    {5, 18, 1, false, true, LENGTHS(uneven)},       {1, 17, 1, true, true, LENGTHS(one_sentence)},
    {6, 4, 2, false, false, LENGTHS(one_word)},     {2, 7, 1, false, true, LENGTHS(equal)},
    {7, 2, 2, false, false, LENGTHS(one_sentence)}, {33, 65, 2, false, false, LENGTHS(uneven)},
    {5, 140, 1, false, true, LENGTHS(uneven)},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

enum { MOST_FLOATS = 64 };

/* Floats on a back end's side, all given back at once. `failed` stays set. */
struct floats {
    struct backend *backend;
    float *list[MOST_FLOATS];
    size_t count;
    bool failed;
};

static float *take(struct floats *floats, size_t count, const float *host, float otherwise)
{
    struct ft_error error;
    struct backend *backend = floats->backend;
    float *there = backend->ops->new_floats(backend, count), *filled = NULL;
    if (!host && (filled = malloc(count * sizeof *filled)))
        for (size_t i = 0; i < count; i++)
            filled[i] = otherwise;
    if (there)
        floats->list[floats->count++] = there;
    floats->failed |= !there || backend->ops->upload(backend, there, host ? host : filled, count, &error) != FT_OK;
    free(filled);
    return there;
}

/* Not what a result may be, so that nothing passes that was left as it was. */
static float *unset(struct floats *floats, size_t count)
{
    return take(floats, count, NULL, NAN);
}

static void floats_release(struct floats *floats)
{
    while (floats->count)
        floats->backend->ops->free_floats(floats->backend, floats->list[--floats->count]);
}

/* A case on a back end. Beside each direction's states lie `gap` floats that nobody may touch. */
struct run {
    const struct training_case *c;
    struct floats floats;
    size_t stride, gap;
    float *x, *out, *dout, *dx;
    struct lstm_weights weights[2], gradients[2];
    struct lstm_pass passes[2];
};

static struct lstm_weights device_weights(struct floats *floats, const struct plain_layer *plain, bool empty)
{
    size_t gates = 4 * plain->hidden, in = plain->in, hidden = plain->hidden;
    return (struct lstm_weights){in,
                                 hidden,
                                 take(floats, gates * in, empty ? NULL : plain->w_ih, NAN),
                                 take(floats, gates * hidden, empty ? NULL : plain->w_hh, NAN),
                                 take(floats, gates, empty ? NULL : plain->b_ih, NAN),
                                 take(floats, gates, empty ? NULL : plain->b_hh, NAN)};
}

/* False when out of memory; run_release then, too. */
static bool run_init(struct run *run, struct backend *backend, const struct training_case *c, size_t gap, bool want_dx)
{
    size_t hidden = c->shape.hidden, rows = c->batch.rows, count = c->shape.directions,
           states = c->shape.sequences * hidden, part = hidden + gap;
    *run = (struct run){.c = c, .floats = {.backend = backend}, .stride = count * part, .gap = gap};
    float *dout = calloc(rows * run->stride, sizeof *dout);
    for (size_t r = 0; r < rows; r++)
        for (size_t d = 0; d < count; d++)
            memcpy(dout + r * run->stride + d * part, c->dout + (r * count + d) * hidden, hidden * sizeof *dout);
    struct floats *floats = &run->floats;
    run->x = take(floats, rows * c->shape.in, c->x, 0);
    run->dout = take(floats, rows * run->stride, dout, 0);
    run->out = take(floats, rows * run->stride, NULL, 9.0f);
    run->dx = want_dx ? unset(floats, rows * c->shape.in) : NULL;
    free(dout);
    for (size_t d = 0; d < count; d++) {
        run->weights[d] = device_weights(floats, &c->plain[d], false);
        run->gradients[d] = device_weights(floats, &c->plain[d], true);
        run->passes[d] = (struct lstm_pass){.weights = &run->weights[d],
                                            .reverse = c->shape.reverse != (d == 1),
                                            .h0 = c->h0[d] ? take(floats, states, c->h0[d], 0) : NULL,
                                            .c0 = c->c0[d] ? take(floats, states, c->c0[d], 0) : NULL,
                                            .gates = unset(floats, rows * 4 * hidden),
                                            .cells = unset(floats, rows * hidden),
                                            .out = run->out ? run->out + d * part : NULL,
                                            .out_stride = run->stride,
                                            .h_last = unset(floats, states),
                                            .c_last = unset(floats, states)};
    }
    return !floats->failed;
}

static void run_release(struct run *run)
{
    floats_release(&run->floats);
}

static ft_status forward(struct run *run, struct ft_error *error)
{
    struct backend *backend = run->floats.backend;
    return backend->ops->training->lstm_forward(backend, &run->c->batch, run->passes, run->c->shape.directions, run->x,
                                                error);
}

static ft_status backward(struct run *run, struct ft_error *error)
{
    struct backend *backend = run->floats.backend;
    return backend->ops->training->lstm_backward(backend, &run->c->batch, run->passes, run->c->shape.directions, run->x,
                                                 run->dout, run->dx, run->gradients, error);
}

static void run_both(struct run *run)
{
    struct ft_error error = {""};
    ck_assert_msg(forward(run, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(backward(run, &error) == FT_OK, "%s", error.text);
}

/* Holds two runs together: `rows` of a vector of each, whose differences may be so much of the row's largest value, or
 * of 0.01 where all are smaller: what is left of larger ones. limit 0: the same bits. */
static void check(const char *what, const struct run *got, const struct run *expected, const float *a, const float *b,
                  size_t rows, size_t width, double limit)
{
    float *left = device_floats_get(got->floats.backend, a, rows * width);
    float *right = device_floats_get(expected->floats.backend, b, rows * width);
    for (size_t r = 0; r < rows; r++) {
        const float *l = left + r * width, *e = right + r * width;
        double largest = 0.01;
        for (size_t k = 0; k < width; k++)
            largest = fmax(largest, fabs((double)e[k]));
        for (size_t k = 0; k < width; k++)
            EXPECT(limit > 0 ? distance_of((double)l[k], (double)e[k]) <= limit * largest : same_float(l[k], e[k]),
                   "%s: row %zu, column %zu: %.9g, not %.9g (the largest: %.9g)", what, r, k, (double)l[k],
                   (double)e[k], largest);
    }
    free(left);
    free(right);
}

#define LIMIT 1e-5

static void check_run(const struct run *got, const struct run *expected, double limit)
{
    const struct case_shape *shape = &got->c->shape;
    char what[128];
    check("out", got, expected, got->out, expected->out, got->c->batch.rows, got->stride, limit);
    if (got->dx)
        check("dx", got, expected, got->dx, expected->dx, 1, got->c->batch.rows * shape->in, limit);
    for (size_t d = 0; d < shape->directions; d++) {
        const struct lstm_pass *a = &got->passes[d], *b = &expected->passes[d];
        check("h_last", got, expected, a->h_last, b->h_last, shape->sequences, shape->hidden, limit);
        check("c_last", got, expected, a->c_last, b->c_last, shape->sequences, shape->hidden, limit);
        for (size_t i = 0; i < LSTM_TENSORS; i++) {
            snprintf(what, sizeof what, "in %zu, hidden %zu, %zu directions, gap %zu: gradient %zu of direction %zu",
                     shape->in, shape->hidden, shape->directions, got->gap, i, d);
            check(what, got, expected, lstm_tensor(&got->gradients[d], i), lstm_tensor(&expected->gradients[d], i), 1,
                  lstm_tensor_count(&got->gradients[d], i), limit);
        }
    }
}

/* Shapes first to end - 1; from SHAPES on again with a gap. */
static void check_lstms(bool native, enum cuda_math math, size_t first, size_t end, double limit)
{
    struct backend *cpu = backend_new(1, 0, "auto");
    struct backend *cuda = device_backend_new(&(struct cuda_options){.native = native, .math = math});
    for (size_t i = first; i < end; i++) {
        struct training_case c;
        struct run expected, got;
        size_t gap = i < SHAPES ? 0 : 3;
        training_case_init(&c, &shapes[i % SHAPES]);
        ck_assert(run_init(&expected, cpu, &c, gap, i % 3 > 0));
        ck_assert(run_init(&got, cuda, &c, gap, i % 3 > 0));
        run_both(&expected);
        run_both(&got);
        check_run(&got, &expected, limit);
        run_release(&expected);
        run_release(&got);
        training_case_release(&c);
    }
    cuda->ops->free(cuda);
    cpu->ops->free(cpu);
}

START_TEST(lstms_by_own_kernels_agree_with_the_cpu)
{
    random_begin("lstms_by_own_kernels_agree_with_the_cpu");
    check_lstms(true, CUDA_MATH_F32, 0, 2 * SHAPES, LIMIT);
}
END_TEST

START_TEST(lstms_by_cudnn_agree_with_the_cpu)
{
    random_begin("lstms_by_cudnn_agree_with_the_cpu");
    check_lstms(false, CUDA_MATH_F32, 0, 2 * SHAPES, LIMIT);
}
END_TEST

/* TF32 has 10 bits behind the point: a product is off by up to 2^-10, and states go from step to step. */
START_TEST(only_tf32_makes_training_coarser)
{
    random_begin("only_tf32_makes_training_coarser");
    for (int native = 0; native < 2; native++) {
        check_lstms(native, CUDA_MATH_F16, SHAPES - 2, SHAPES, LIMIT);
        check_lstms(native, CUDA_MATH_TF32, SHAPES - 2, SHAPES, 0x1p-6);
    }
}
END_TEST

START_TEST(the_same_call_gives_the_same_bits)
{
    random_begin("the_same_call_gives_the_same_bits");
    for (int native = 0; native < 2; native++) {
        struct training_case c;
        struct run first, again;
        struct backend *cuda = device_backend_new(&(struct cuda_options){.native = native});
        training_case_init(&c, &(struct case_shape){11, 40, 2, false, true, LENGTHS(uneven)});
        ck_assert(run_init(&first, cuda, &c, 0, true));
        run_both(&first);
        for (int round = 0; round < 3; round++) {
            ck_assert(run_init(&again, cuda, &c, 0, true));
            run_both(&again);
            check_run(&again, &first, 0);
            run_release(&again);
        }
        run_release(&first);
        training_case_release(&c);
        cuda->ops->free(cuda);
    }
}
END_TEST

/* More of them than there is reserve space for. */
START_TEST(layers_whose_reserve_has_gone_compute_it_again)
{
    enum { LAYERS = 19 };
    random_begin("layers_whose_reserve_has_gone_compute_it_again");
    struct backend *cpu = backend_new(1, 0, "auto"), *cuda = device_backend_new(&(struct cuda_options){0});
    struct training_case c[LAYERS];
    struct run expected[LAYERS], got[LAYERS];
    struct ft_error error = {""};
    for (size_t i = 0; i < LAYERS; i++) {
        training_case_init(&c[i], &shapes[3 + 2 * (i % 2)]);
        ck_assert(run_init(&expected[i], cpu, &c[i], 0, true) && run_init(&got[i], cuda, &c[i], 0, true));
        ck_assert_int_eq(forward(&expected[i], &error), FT_OK);
        ck_assert_msg(forward(&got[i], &error) == FT_OK, "%s", error.text);
    }
    for (size_t i = LAYERS; i-- > 0;) {
        ck_assert_int_eq(backward(&expected[i], &error), FT_OK);
        ck_assert_msg(backward(&got[i], &error) == FT_OK, "%s", error.text);
        check_run(&got[i], &expected[i], LIMIT);
        run_release(&expected[i]);
        run_release(&got[i]);
        training_case_release(&c[i]);
    }
    cuda->ops->free(cuda);
    cpu->ops->free(cpu);
}
END_TEST

static size_t free_memory(void)
{
    struct cuda_device_info info;
    struct ft_error error = {""};
    ck_assert_msg(device_plugin()->describe(0, &info, &error) == FT_OK, "%s", error.text);
    return info.available;
}

START_TEST(what_a_layer_keeps_goes_with_its_gates)
{
    random_begin("what_a_layer_keeps_goes_with_its_gates");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    size_t before = 0;
    for (int round = 0; round < 3; round++) {
        struct training_case c;
        struct run run;
        training_case_init(&c, &(struct case_shape){11, 40, 2, false, true, LENGTHS(uneven)});
        ck_assert(run_init(&run, cuda, &c, 0, true));
        run_both(&run);
        run_release(&run);
        training_case_release(&c);
        if (!before)
            before = free_memory();
        ck_assert_uint_eq(free_memory(), before);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* rows, in, out */
static const size_t linear_shapes[][3] = {{1, 1, 1}, {5, 3, 7}, {40, 17, 9}, {2, 33, 1}, {13, 1, 30}, {70, 65, 129}};

START_TEST(linear_layers_agree_with_the_cpu)
{
    random_begin("linear_layers_agree_with_the_cpu");
    struct backend *backends[] = {backend_new(1, 0, "auto"),
                                  device_backend_new(&(struct cuda_options){.native = true})};
    struct ft_error error = {""};
    for (size_t i = 0; i < sizeof linear_shapes / sizeof *linear_shapes; i++)
        for (int want_dx = 0; want_dx < 2; want_dx++) {
            size_t rows = linear_shapes[i][0], in = linear_shapes[i][1], out = linear_shapes[i][2];
            size_t counts[4] = {rows * out, rows * in, in * out, out};
            float *w = random_floats(in * out, 1), *b = random_floats(out, 1), *x = random_floats(rows * in, 1),
                  *dy = random_floats(rows * out, 1), *results[2][4] = {{NULL}};
            for (int k = 0; k < 2; k++) {
                struct backend *backend = backends[k];
                const struct training_ops *ops = backend->ops->training;
                struct floats floats = {.backend = backend};
                struct linear_weights layer = {in, out, take(&floats, in * out, w, 0), take(&floats, out, b, 0)};
                struct linear_weights gradients = {in, out, unset(&floats, in * out), unset(&floats, out)};
                float *there = take(&floats, rows * in, x, 0), *dthere = take(&floats, rows * out, dy, 0),
                      *y = unset(&floats, rows * out), *dx = want_dx ? unset(&floats, rows * in) : NULL;
                ck_assert(!floats.failed);
                ck_assert_msg(ops->linear_forward(backend, &layer, rows, there, y, &error) == FT_OK, "%s", error.text);
                ck_assert_msg(ops->linear_backward(backend, &layer, rows, there, dthere, dx, &gradients, &error) ==
                                  FT_OK,
                              "%s", error.text);
                const float *all[4] = {y, dx, gradients.w, gradients.b};
                for (size_t v = 0; v < 4; v++)
                    if (all[v])
                        results[k][v] = device_floats_get(backend, all[v], counts[v]);
                ck_assert_msg(ops->linear_backward(backend, &layer, 0, there, dthere, dx, &gradients, &error) == FT_OK,
                              "%s", error.text);
                float *none = device_floats_get(backend, gradients.w, in * out);
                for (size_t e = 0; e < in * out; e++)
                    EXPECT(none[e] == 0, "of no rows: %g", (double)none[e]);
                free(none);
                floats_release(&floats);
            }
            for (size_t v = 0; v < 4; v++) {
                static const char *const names[] = {"y", "dx", "dw", "db"};
                if (results[0][v])
                    device_floats_close(names[v], results[1][v], results[0][v], 1, counts[v], LIMIT);
                free(results[0][v]);
                free(results[1][v]);
            }
            free(w);
            free(b);
            free(x);
            free(dy);
        }
    for (int k = 0; k < 2; k++)
        backends[k]->ops->free(backends[k]);
}
END_TEST

START_TEST(a_table_s_rows_and_gradients_are_the_cpu_s_to_the_bit)
{
    static const size_t widths[] = {1, 31, 32, 33, 300};
    enum { ITEMS = 7, ROWS = 211 };
    random_begin("a_table_s_rows_and_gradients_are_the_cpu_s_to_the_bit");
    struct backend *backends[] = {backend_new(1, 0, "auto"),
                                  device_backend_new(&(struct cuda_options){.native = true})};
    struct ft_error error = {""};
    uint32_t ids[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        ids[r] = random_below(ITEMS - 1); /* nobody asks for the last one */
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (size_t rows = 0; rows <= ROWS; rows += rows < 2 ? 1 : ROWS - 2) {
            size_t width = widths[i];
            float *table = random_floats(ITEMS * width, 1), *dout = random_floats(ROWS * width, 1), *results[2][2];
            for (int k = 0; k < 2; k++) {
                struct backend *backend = backends[k];
                const struct training_ops *ops = backend->ops->training;
                struct floats floats = {.backend = backend};
                float *there = take(&floats, ITEMS * width, table, 0), *out = take(&floats, ROWS * width, NULL, 9),
                      *dthere = take(&floats, ROWS * width, dout, 0), *gradient = unset(&floats, ITEMS * width);
                ck_assert(!floats.failed);
                ck_assert_msg(ops->lookup_forward(backend, there, ids, rows, width, out, &error) == FT_OK, "%s",
                              error.text);
                ck_assert_msg(ops->lookup_backward(backend, ids, rows, dthere, ITEMS, width, gradient, &error) == FT_OK,
                              "%s", error.text);
                results[k][0] = device_floats_get(backend, out, ROWS * width);
                results[k][1] = device_floats_get(backend, gradient, ITEMS * width);
                floats_release(&floats);
            }
            ck_assert_int_eq(memcmp(results[0][0], results[1][0], ROWS * width * sizeof(float)), 0);
            ck_assert_int_eq(memcmp(results[0][1], results[1][1], ITEMS * width * sizeof(float)), 0);
            for (int k = 0; k < 2; k++) {
                free(results[k][0]);
                free(results[k][1]);
            }
            free(table);
            free(dout);
        }
    for (int k = 0; k < 2; k++)
        backends[k]->ops->free(backends[k]);
}
END_TEST

/* A layer and a table, from opening the device to the end of the process: the status of what failed, or FT_OK. */
static ft_status scene(bool native)
{
    static const uint32_t ids[] = {2, 0, 2, 1};
    struct training_case c;
    struct run run = {.c = NULL};
    struct backend *cuda = NULL;
    struct ft_error error = {""};
    training_case_init(&c, &(struct case_shape){3, 5, 2, false, true, LENGTHS(uneven)});
    ft_status status = device_plugin()->open(&(struct cuda_options){.native = native}, &cuda, &error);
    if (status == FT_OK)
        status = run_init(&run, cuda, &c, 0, true) ? FT_OK : FT_NOMEM;
    if (status == FT_OK)
        status = forward(&run, &error);
    if (status == FT_OK)
        status = backward(&run, &error);
    if (status == FT_OK)
        status = cuda->ops->training->lookup_forward(cuda, run.x, ids, 4, 2, run.dx, &error);
    if (status == FT_OK)
        status = cuda->ops->training->lookup_backward(cuda, ids, 4, run.dout, 3, 2, run.dx, &error);
    if (run.c)
        run_release(&run);
    if (cuda)
        cuda->ops->free(cuda);
    training_case_release(&c);
    return status;
}

static int native_scene(void)
{
    return scene(true) == FT_OK ? SCENE_WELL : SCENE_FAILED;
}

static int cudnn_scene(void)
{
    return scene(false) == FT_OK ? SCENE_WELL : SCENE_FAILED;
}

START_TEST(every_call_may_fail_and_nothing_leaks)
{
    random_begin("every_call_may_fail_and_nothing_leaks");
    with_every_failure(native_scene, 40);
    with_every_failure(cudnn_scene, 40);
}
END_TEST

int main(void)
{
    test_add(lstms_by_own_kernels_agree_with_the_cpu, NULL);
    test_add(lstms_by_cudnn_agree_with_the_cpu, NULL);
    test_add(only_tf32_makes_training_coarser, NULL);
    test_add(the_same_call_gives_the_same_bits, NULL);
    test_add(layers_whose_reserve_has_gone_compute_it_again, NULL);
    test_add(what_a_layer_keeps_goes_with_its_gates, NULL);
    test_add(linear_layers_agree_with_the_cpu, NULL);
    test_add(a_table_s_rows_and_gradients_are_the_cpu_s_to_the_bit, NULL);
    test_add(every_call_may_fail_and_nothing_leaks, NULL);
    return test_run("cuda_training");
}
