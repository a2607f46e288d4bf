/* A tagger's bidirectional layers on CUDA, by cuDNN and by kernels of our own, against the CPU: LSTM and GRU, one to
 * three layers, initial states, sentences of any lengths, inputs wherever they lie. */
#include "device_failures.h"
#include "device_rows.h"
#include "every_backend.h"
#include "harness.h"
#include "model/quantise.h"
#include "model/unpack.h"
#include "plain_layer.h"
#include <math.h>
#include <stdio.h>

enum { MOST_LAYERS = 3, MOST_SENTENCES = 12, PIECES = 2 };

struct birnn_shape {
    enum cell_type cell;
    size_t hidden, layers;
    bool init;
    size_t sentences, lengths[MOST_SENTENCES];
    enum arrangement arrangement;
    enum precision precision;
};
static const struct birnn_shape shapes[] = {
    {CELL_LSTM, 1, 1, false, 1, {1}, EVEN, PRECISION_F32},
    {CELL_LSTM, 17, 1, false, 8, {1, 2, 40, 0, 5, 5, 0, 3}, EVEN, PRECISION_F32},
    {CELL_LSTM, 16, 2, true, 8, {3, 1, 0, 9, 2, 2, 1, 7}, SPACED, PRECISION_F32},
    {CELL_LSTM, 9, 3, false, 3, {4, 11, 6}, SHUFFLED, PRECISION_F32},
    {CELL_LSTM, 33, 1, true, 12, {1, 1, 1, 1, 2, 1, 1, 3, 1, 1, 1, 1}, APART, PRECISION_F32},
    {CELL_LSTM, 20, 2, false, 4, {6, 1, 3, 2}, EVEN, PRECISION_INT16},
    {CELL_LSTM, 20, 1, false, 4, {6, 1, 3, 2}, EVEN, PRECISION_INT8},
    {CELL_LSTM, 6, 1, false, 3, {0, 0, 0}, EVEN, PRECISION_F32},
    {CELL_GRU, 1, 1, false, 1, {3}, EVEN, PRECISION_F32},
    {CELL_GRU, 17, 2, true, 6, {5, 0, 1, 12, 3, 1}, SHUFFLED, PRECISION_F32},
    {CELL_GRU, 12, 1, false, 4, {6, 1, 3, 2}, SPACED, PRECISION_INT8},
};
static const size_t widths[PIECES] = {7, 12};

struct birnn_case {
    const struct birnn_shape *shape;
    struct weights room, restored;
    struct birnn net, plain; /* plain: the same weights as float32, for the CPU */
    size_t segments[MOST_LAYERS][PIECES + 1];
    struct token_sequence sentences[MOST_SENTENCES];
    size_t tokens;
    struct device_rows rows[PIECES];
    struct input_piece cpu[PIECES], gpu[PIECES];
};

/* A layer from PyTorch's matrices. */
static struct recurrent_layer pack_layer(struct weights *room, enum cell_type cell, size_t in, size_t hidden,
                                         const struct unpacked_layer *from)
{
    struct gate_part parts[2] = {{from->w_ih, in, false}, {from->w_hh, hidden, true}};
    struct recurrent_layer layer = {.cell = cell,
                                    .in = in,
                                    .hidden = hidden,
                                    .panels = (hidden + BLOCK - 1) / BLOCK,
                                    .weights = {.groups = in + hidden}};
    layer.weights.at = pack_gates(room, cell, hidden, parts, 2, 1);
    layer.bias = pack_gate_bias(room, cell, hidden, from->b_ih, from->b_hh);
    ck_assert(layer.weights.at && layer.bias);
    return layer;
}

static void layer_init(struct birnn_case *c, size_t k, int d)
{
    const struct birnn_shape *shape = c->shape;
    struct ft_error error = {""};
    size_t hidden = shape->hidden, in = k ? 2 * hidden : widths[0] + widths[1], segments = 0;
    struct plain_layer random = plain_layer_new(shape->cell, in, hidden);
    struct unpacked_layer matrices = {0, in, hidden, random.w_ih, random.w_hh, random.b_ih, random.b_hh};
    struct recurrent_layer *layer = &c->net.layer[k][d], *plain = &c->plain.layer[k][d];
    for (int i = 0; i < (k ? 1 : PIECES); i++)
        c->segments[k][segments++] = k ? in : widths[i];
    c->segments[k][segments++] = hidden;
    *layer = pack_layer(&c->room, shape->cell, in, hidden, &matrices);
    ck_assert_int_eq(quantise_matrix(&layer->weights, layer->panels, shape->precision, c->segments[k], segments,
                                     &c->room, 1, &error),
                     FT_OK);
    ck_assert_int_eq(unpack_recurrent(&c->restored, layer, NULL, &matrices, &error), FT_OK);
    *plain = pack_layer(&c->room, shape->cell, in, hidden, &matrices);
    for (int state = 0; shape->init && state < 2; state++) {
        float *values = random_floats(hidden, 1);
        const float **at = state ? &layer->init_c : &layer->init_h;
        *at = pack_state(&c->room, hidden, values);
        free(values);
    }
    if (shape->init && d == 1 && k == 1) /* one state of one direction alone */
        layer->init_h = NULL;
    if (shape->cell == CELL_GRU) /* has one state, which the CPU looks for in either place */
        layer->init_c = layer->init_h;
    plain->init_h = layer->init_h;
    plain->init_c = layer->init_c;
    plain_layer_free(&random);
}

/* Layers and sentences; rows come from birnn_case_init. */
static void birnn_case_begin(struct birnn_case *c, const struct birnn_shape *shape)
{
    *c = (struct birnn_case){.shape = shape, .net.layers = shape->layers, .plain.layers = shape->layers};
    weights_init(&c->room);
    weights_init(&c->restored);
    for (size_t k = 0; k < shape->layers; k++)
        for (int d = 0; d < 2; d++)
            layer_init(c, k, d);
    for (size_t i = 0; i < shape->sentences; i++) {
        c->sentences[i] = (struct token_sequence){c->tokens, shape->lengths[i]};
        c->tokens += shape->lengths[i];
    }
}

static void birnn_case_init(struct birnn_case *c, const struct birnn_shape *shape, struct backend *cuda)
{
    birnn_case_begin(c, shape);
    for (int i = 0; i < PIECES; i++) {
        device_rows_init(&c->rows[i], cuda, c->tokens, widths[i], shape->arrangement);
        c->cpu[i] = c->rows[i].cpu;
        c->gpu[i] = c->rows[i].gpu;
    }
}

static void birnn_case_release(struct birnn_case *c)
{
    for (int i = 0; i < PIECES; i++)
        device_rows_release(&c->rows[i]);
    weights_release(&c->room);
    weights_release(&c->restored);
}

static float *run_cuda(struct backend *cuda, const struct birnn_case *c)
{
    struct ft_error error = {""};
    size_t numbers = c->tokens * 2 * c->shape->hidden;
    float *out = device_rows_unset(cuda, numbers + 1);
    ck_assert_msg(cuda->ops->birnn(cuda, &c->net, c->sentences, c->shape->sentences, c->gpu, PIECES, c->tokens, out,
                                   &error) == FT_OK,
                  "%s", error.text);
    float *got = device_floats_get(cuda, out, numbers + 1);
    EXPECT(got[numbers] != got[numbers], "the number behind the last row was written");
    cuda->ops->free_floats(cuda, out);
    return got;
}

static float *run_cpu(const struct birnn_case *c)
{
    struct ft_error error = {""};
    struct backend *cpu = backend_new(1, 0, "auto");
    float *expected = calloc(c->tokens * 2 * c->shape->hidden + 1, sizeof *expected);
    ck_assert_int_eq(
        cpu->ops->birnn(cpu, &c->plain, c->sentences, c->shape->sentences, c->cpu, PIECES, c->tokens, expected, &error),
        FT_OK);
    cpu->ops->free(cpu);
    return expected;
}

static void check_every_shape(const struct cuda_options *options, double limit)
{
    struct backend *cuda = device_backend_new(options);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct birnn_case c;
        char name[100];
        birnn_case_init(&c, &shapes[i], cuda);
        float *expected = run_cpu(&c), *got = run_cuda(cuda, &c);
        snprintf(name, sizeof name, "shape %zu, math %d%s", i, options->math, options->native ? ", native" : "");
        device_rows_close(name, got, expected, c.tokens, 2 * shapes[i].hidden, limit, 0.1);
        cuda->ops->forget(cuda);
        birnn_case_release(&c);
        free(expected);
        free(got);
    }
    cuda->ops->free(cuda);
}

START_TEST(layers_by_own_kernels_agree_with_the_cpu)
{
    random_begin("layers_by_own_kernels_agree_with_the_cpu");
    check_every_shape(&(struct cuda_options){.native = true}, 1e-5);
}
END_TEST

START_TEST(layers_by_cudnn_agree_with_the_cpu)
{
    random_begin("layers_by_cudnn_agree_with_the_cpu");
    check_every_shape(&(struct cuda_options){.native = false}, 1e-5);
}
END_TEST

START_TEST(layers_in_coarser_math_agree_within_its_rounding)
{
    random_begin("layers_in_coarser_math_agree_within_its_rounding");
    for (int math = CUDA_MATH_TF32; math <= CUDA_MATH_F16; math++)
        for (int native = 0; native < 2; native++)
            check_every_shape(&(struct cuda_options){.math = (enum cuda_math)math, .native = native}, 2e-2);
}
END_TEST

/* A budget in which the sentences do not fit at once: they are taken in groups, with the same results. */
START_TEST(sentences_that_do_not_fit_at_once_are_taken_in_groups)
{
    struct birnn_shape shape = {CELL_LSTM, 64, 1, true, MOST_SENTENCES, {0}, EVEN, PRECISION_F32};
    random_begin("sentences_that_do_not_fit_at_once_are_taken_in_groups");
    for (size_t i = 0; i < MOST_SENTENCES; i++)
        shape.lengths[i] = 1 + random_below(60);
    for (int native = 0; native < 2; native++) {
        struct backend *small = device_backend_new(&(struct cuda_options){.native = native, .memory = 1400 << 10});
        struct birnn_case c;
        birnn_case_init(&c, &shape, small);
        float *expected = run_cpu(&c), *grouped = run_cuda(small, &c);
        device_rows_close("groups", grouped, expected, c.tokens, 2 * shape.hidden, 1e-5, 0.1);
        birnn_case_release(&c);
        free(expected);
        free(grouped);
        small->ops->free(small);
    }
}
END_TEST

START_TEST(a_call_without_tokens_writes_nothing)
{
    struct birnn_case c;
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    random_begin("a_call_without_tokens_writes_nothing");
    birnn_case_init(&c, &shapes[7], cuda);
    free(run_cuda(cuda, &c));
    birnn_case_release(&c);
    cuda->ops->free(cuda);
}
END_TEST

/* A network over sentences, twice, and its result gathered, without assertions; ends with FT_OK, FT_NOMEM, or
 * FT_FAILED when a result is wrong. c: begun; expected: what the CPU gives for inputs that are all 1/2. */
static ft_status scene(struct birnn_case *c, const struct cuda_options *options, const float *expected)
{
    struct ft_error error = {""};
    struct backend *cuda = device_backend_try(options, &error);
    if (!cuda)
        return FT_NOMEM;
    const struct backend_ops *ops = cuda->ops;
    size_t width = 2 * c->shape->hidden, numbers = c->tokens * width, in = widths[0] + widths[1];
    float *host = calloc(numbers + c->tokens * in, sizeof *host);
    const float **rows = calloc(3 * c->tokens, sizeof *rows);
    float *x = ops->new_floats(cuda, c->tokens * in), *out = ops->new_floats(cuda, numbers);
    float *copy = ops->new_floats(cuda, numbers);
    struct input_piece pieces[PIECES] = {{rows, widths[0]}, {rows + c->tokens, widths[1]}};
    ft_status status = x && out && copy ? FT_OK : FT_NOMEM;
    for (size_t i = 0; i < c->tokens * in; i++)
        host[i] = 0.5f;
    for (size_t t = 0; status == FT_OK && t < c->tokens;
         t++) { /* from the last to the first, so that they are gathered */
        rows[t] = x + (c->tokens - 1 - t) * in;
        rows[c->tokens + t] = rows[t] + widths[0];
        rows[2 * c->tokens + t] = out + t * width;
    }
    if (status == FT_OK)
        status = ops->upload(cuda, x, host, c->tokens * in, &error);
    for (int i = 0; status == FT_OK && i < 2; i++)
        status = ops->birnn(cuda, &c->net, c->sentences, c->shape->sentences, pieces, PIECES, c->tokens, out, &error);
    if (status == FT_OK)
        status = ops->gather(cuda, rows + 2 * c->tokens, c->tokens, width, copy, width, &error);
    if (status == FT_OK)
        status = ops->download(cuda, host, copy, numbers, &error);
    double limit = options->math == CUDA_MATH_F32 ? 1e-5 : 2e-2;
    for (size_t i = 0; status == FT_OK && i < numbers; i++)
        if (!(fabs((double)host[i] - (double)expected[i]) <= limit))
            status = FT_FAILED;
    if (status == FT_NOMEM && !*error.text && x && out && copy)
        status = FT_FAILED; /* an operation that fails says why */
    ops->free_floats(cuda, x);
    ops->free_floats(cuda, out);
    ops->free_floats(cuda, copy);
    ops->free(cuda);
    free(host);
    free(rows);
    return status;
}

/* What plays in processes of their own. */
static struct birnn_case *failing;
static const struct cuda_options *failing_way;
static const float *failing_expected;

static int failing_scene(void)
{
    ft_status status = scene(failing, failing_way, failing_expected);
    return status == FT_OK ? SCENE_WELL : status == FT_NOMEM ? SCENE_FAILED : -1;
}

/* Some failures are made good (a smaller group, less scratch) or matter to nobody (those of calls that free). */
START_TEST(every_call_may_fail_and_nothing_leaks)
{
    static const struct cuda_options ways[] = {{.native = true}, {0}, {.math = CUDA_MATH_F16}};
    static const struct birnn_shape shape = {CELL_LSTM, 5, 2, true, 4, {2, 0, 3, 1}, EVEN, PRECISION_F32};
    random_begin("every_call_may_fail_and_nothing_leaks");
    struct birnn_case c;
    birnn_case_begin(&c, &shape);
    for (int i = 0; i < PIECES; i++) { /* for the CPU: every row is the same */
        float *row = malloc(widths[i] * sizeof *row);
        const float **rows = calloc(c.tokens, sizeof *rows);
        for (size_t k = 0; k < widths[i]; k++)
            row[k] = 0.5f;
        for (size_t t = 0; t < c.tokens; t++)
            rows[t] = row;
        c.cpu[i] = (struct input_piece){rows, widths[i]};
    }
    float *expected = run_cpu(&c);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        failing = &c;
        failing_way = &ways[way];
        failing_expected = expected;
        with_every_failure(failing_scene, 25);
    }
    for (int i = 0; i < PIECES; i++) {
        free((float *)c.cpu[i].rows[0]);
        free((void *)c.cpu[i].rows);
    }
    free(expected);
    weights_release(&c.room);
    weights_release(&c.restored);
}
END_TEST

int main(void)
{
    test_add(layers_by_own_kernels_agree_with_the_cpu, NULL);
    test_add(layers_by_cudnn_agree_with_the_cpu, NULL);
    test_add(layers_in_coarser_math_agree_within_its_rounding, NULL);
    test_add(sentences_that_do_not_fit_at_once_are_taken_in_groups, NULL);
    test_add(a_call_without_tokens_writes_nothing, NULL);
    test_add(every_call_may_fail_and_nothing_leaks, NULL);
    return test_run("cuda_birnn");
}
