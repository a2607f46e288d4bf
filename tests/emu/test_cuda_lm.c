/* Language models on the (emulated) device against the CPU back end: the same states in the same rows, and nothing
 * anywhere else, whatever the lanes, the memory, and the way in which kernels are launched. */
#include "cuda/lm.h"
#include "device_backend.h"
#include "device_failures.h"
#include "every_backend.h"
#include "harness.h"
#include "lm_case.h"
#include "numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODELS_MAX = 5 };

/* One call: models, each with its own sequences. */
struct call {
    size_t count;
    struct language_model models[MODELS_MAX];
    struct sequences sequences[MODELS_MAX];
    float *out[MODELS_MAX]; /* the CPU's, [rows + 2, width]: one row before and one behind that nobody wants */
};

static size_t floats_of(const struct call *call, size_t m)
{
    return (call->sequences[m].rows + 2) * call->models[m].lm.width;
}

static void call_add(struct call *call, enum cell_type cell, size_t hidden, size_t layers, size_t nout,
                     size_t sequences, bool long_ones)
{
    size_t m = call->count++;
    language_model_init(&call->models[m], cell, hidden, layers, nout);
    sequences_init(&call->sequences[m], sequences, long_ones);
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    call->out[m] = calloc(floats_of(call, m), sizeof(float));
    for (size_t i = 0; i < floats_of(call, m); i++)
        call->out[m][i] = -7;
    struct lm_pass pass = {&call->models[m].lm.net, call->sequences[m].at, call->sequences[m].count,
                           call->out[m] + call->models[m].lm.width, NULL};
    ck_assert_msg(cpu->ops->lm_encode(cpu, &pass, 1, &error) == FT_OK, "%s", error.text);
    cpu->ops->free(cpu);
}

static void call_release(struct call *call)
{
    for (size_t m = 0; m < call->count; m++) {
        free(call->out[m]);
        sequences_release(&call->sequences[m]);
        language_model_release(&call->models[m]);
    }
}

/* On the device: what it wrote, to be freed; NULL with the error when it failed. */
static ft_status encode(struct backend *cuda, const struct call *call, float **out, struct ft_error *error)
{
    struct lm_pass passes[MODELS_MAX];
    float *device[MODELS_MAX] = {NULL};
    ft_status status = FT_OK;
    for (size_t m = 0; m < call->count; m++) {
        out[m] = calloc(floats_of(call, m), sizeof(float));
        for (size_t i = 0; i < floats_of(call, m); i++)
            out[m][i] = -7;
        device[m] = status == FT_OK ? cuda->ops->new_floats(cuda, floats_of(call, m)) : NULL;
        if (status == FT_OK)
            status = device[m] ? cuda->ops->upload(cuda, device[m], out[m], floats_of(call, m), error)
                               : ft_nomem(error, "rows");
        passes[m] = (struct lm_pass){&call->models[m].lm.net, call->sequences[m].at, call->sequences[m].count,
                                     device[m] ? device[m] + call->models[m].lm.width : NULL, NULL};
    }
    if (status == FT_OK)
        status = cuda->ops->lm_encode(cuda, passes, call->count, error);
    for (size_t m = 0; m < call->count; m++) {
        if (status == FT_OK)
            status = cuda->ops->download(cuda, out[m], device[m], floats_of(call, m), error);
        cuda->ops->free_floats(cuda, device[m]);
    }
    return status;
}

/* within: of the row's largest magnitude. */
static void compare(const struct call *call, float *const *out, double within, const char *name)
{
    for (size_t m = 0; m < call->count; m++) {
        size_t width = call->models[m].lm.width;
        for (size_t r = 0; r < call->sequences[m].rows + 2; r++) {
            const float *expected = call->out[m] + r * width, *got = out[m] + r * width;
            double most = 0;
            for (size_t j = 0; j < width; j++)
                most = fmax(most, fabs((double)expected[j]));
            bool wanted = r && r <= call->sequences[m].rows;
            for (size_t j = 0; j < width; j++)
                EXPECT(distance_of((double)expected[j], (double)got[j]) <= (wanted ? within * most : 0),
                       "%s: model %zu, row %zu, column %zu: %.9g, should be %.9g", name, m, r, j, (double)got[j],
                       (double)expected[j]);
        }
    }
}

static void check_call(struct backend *cuda, const struct call *call, double within, const char *name)
{
    float *out[MODELS_MAX];
    struct ft_error error = {""};
    ck_assert_msg(encode(cuda, call, out, &error) == FT_OK, "%s: %s", name, error.text);
    compare(call, out, within, name);
    for (size_t m = 0; m < call->count; m++)
        free(out[m]);
}

static struct cuda_lm *state_of(struct backend *cuda)
{
    return ((struct cuda_backend *)cuda)->lm.state;
}

static void check_model(enum cell_type cell, size_t hidden, size_t layers, size_t nout, size_t sequences,
                        bool long_ones)
{
    static const size_t lanes[] = {0, 1, 3, 64};
    struct call call = {.count = 0};
    char name[100];
    call_add(&call, cell, hidden, layers, nout, sequences, long_ones);
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        struct cuda_options options = {.lanes = lanes[i]};
        struct backend *cuda = device_backend_new(&options);
        snprintf(name, sizeof name, "cell %d, %zu units, %zu layers, nout %zu, %zu lanes", cell, hidden, layers, nout,
                 lanes[i]);
        check_call(cuda, &call, 1e-5, name);
        check_call(cuda, &call, 1e-5, name); /* graphs, and buffers that have been used */
        cuda->ops->free(cuda);
    }
    call_release(&call);
}

START_TEST(lstm_language_models_give_the_states_of_the_cpu)
{
    random_begin("lstm_language_models_give_the_states_of_the_cpu");
    check_model(CELL_LSTM, 17, 1, 0, 40, false);
    check_model(CELL_LSTM, 150, 1, 0, 12, false);
    check_model(CELL_LSTM, 8, 2, 0, 30, false);
    check_model(CELL_LSTM, 33, LAYERS, NOUT, 20, false);
    check_model(CELL_LSTM, 16, 1, 70, 30, false);
}
END_TEST

START_TEST(gru_language_models_give_the_states_of_the_cpu)
{
    random_begin("gru_language_models_give_the_states_of_the_cpu");
    check_model(CELL_GRU, 17, 1, 0, 40, false);
    check_model(CELL_GRU, 9, LAYERS, 0, 20, false);
    check_model(CELL_GRU, 33, 2, NOUT, 20, false);
}
END_TEST

START_TEST(a_sequence_of_a_thousand_steps_beside_short_ones_is_right)
{
    random_begin("a_sequence_of_a_thousand_steps_beside_short_ones_is_right");
    struct call call = {.count = 0};
    struct cuda_options options = {.lanes = 5};
    call_add(&call, CELL_LSTM, 8, 1, 0, 30, true);
    struct backend *cuda = device_backend_new(&options);
    check_call(cuda, &call, 1e-5, "long");
    ck_assert_uint_gt(state_of(cuda)->launched, 3); /* as graphs: 32 steps each, the first two widths' one by one */
    cuda->ops->free(cuda);
    call_release(&call);
}
END_TEST

START_TEST(models_run_side_by_side_and_one_after_the_other)
{
    random_begin("models_run_side_by_side_and_one_after_the_other");
    struct call call = {.count = 0};
    struct cuda_options options = {.lanes = 16};
    call_add(&call, CELL_LSTM, 17, 1, 0, 20, false);
    call_add(&call, CELL_LSTM, 8, 1, 0, 1, false);
    call_add(&call, CELL_GRU, 12, 2, 0, 30, false);
    call_add(&call, CELL_LSTM, 16, 1, NOUT, 20, false);
    call_add(&call, CELL_LSTM, 10, 1, 0, 25, false); /* more than there are branches */
    struct backend *cuda = device_backend_new(&options);
    check_call(cuda, &call, 1e-5, "five models");
    check_call(cuda, &call, 1e-5, "five models, again");
    cuda->ops->free(cuda);
    call_release(&call);
}
END_TEST

START_TEST(graphs_and_single_launches_give_the_same_bits)
{
    random_begin("graphs_and_single_launches_give_the_same_bits");
    for (size_t nout = 0; nout <= NOUT; nout += NOUT) {
        struct call call = {.count = 0};
        struct cuda_options options = {.lanes = 4};
        float *launched[2][MODELS_MAX];
        struct ft_error error = {""};
        call_add(&call, CELL_LSTM, 12, 2, nout, 60, false);
        struct backend *cuda = device_backend_new(&options);
        check_call(cuda, &call, 1e-5, "the first call");
        for (int i = 0; i < 2; i++) {
            state_of(cuda)->without_graphs = i;
            size_t before = state_of(cuda)->launched;
            ck_assert_msg(encode(cuda, &call, launched[i], &error) == FT_OK, "%s", error.text);
            EXPECT((state_of(cuda)->launched > before) == (!i), "%zu graphs were launched",
                   state_of(cuda)->launched - before);
        }
        size_t at = first_difference(launched[0][0], launched[1][0], floats_of(&call, 0));
        EXPECT(at == floats_of(&call, 0), "nout %zu: number %zu is %a from graphs, %a from launches", nout, at,
               (double)launched[0][0][at], (double)launched[1][0][at]);
        free(launched[0][0]);
        free(launched[1][0]);
        cuda->ops->free(cuda);
        call_release(&call);
    }
}
END_TEST

START_TEST(shared_beginnings_are_stepped_once)
{
    random_begin("shared_beginnings_are_stepped_once");
    struct call call = {.count = 0};
    struct cuda_options options = {.lanes = 6};
    call_add(&call, CELL_LSTM, 8, 1, 0, 100, false);
    struct backend *cuda = device_backend_new(&options), *cpu = backend_new(1, 6, "auto");
    check_call(cuda, &call, 1e-5, "shared");
    float *out = calloc(floats_of(&call, 0), sizeof *out);
    struct ft_error error = {""};
    struct lm_pass pass = {&call.models[0].lm.net, call.sequences[0].at, call.sequences[0].count,
                           out + call.models[0].lm.width, NULL};
    ck_assert_int_eq(cpu->ops->lm_encode(cpu, &pass, 1, &error), FT_OK);
    struct step_counts expected = backend_cpu_steps(cpu), got = state_of(cuda)->steps;
    ck_assert_uint_eq(got.asked, expected.asked);
    ck_assert_uint_eq(got.taken, expected.taken);
    ck_assert_uint_lt(got.taken, got.asked);
    free(out);
    cpu->ops->free(cpu);
    cuda->ops->free(cuda);
    call_release(&call);
}
END_TEST

/* A text in pieces, whose states go on from piece to piece, on a back end of its own memory. */
static void run_pieces(struct backend *backend, const struct language_model *model, const uint32_t *ids,
                       uint32_t length, float *rows, float *last)
{
    static const uint32_t pieces[] = {1, 40, 2, 33, 64};
    size_t floats = lm_state_floats(&model->lm.net), width = model->lm.width;
    struct ft_error error = {""};
    float *states = backend->ops->new_floats(backend, floats), *out = backend->ops->new_floats(backend, length * width);
    uint32_t *steps = calloc(length, sizeof *steps), *row = calloc(length, sizeof *row);
    ck_assert(states && out);
    for (uint32_t at = 0, i = 0; at < length; i++) {
        uint32_t count = pieces[i % 5] < length - at ? pieces[i % 5] : length - at;
        for (uint32_t t = 0; t < count; t++) {
            steps[t] = t;
            row[t] = at + t;
        }
        struct char_sequence sequence = {ids + at, count, count, steps, row};
        struct lm_pass pass = {&model->lm.net, &sequence, 1, out, states};
        ck_assert_msg(backend->ops->lm_encode(backend, &pass, 1, &error) == FT_OK, "%s", error.text);
        at += count;
    }
    ck_assert_int_eq(backend->ops->download(backend, rows, out, length * width, &error), FT_OK);
    ck_assert_int_eq(backend->ops->download(backend, last, states, floats, &error), FT_OK);
    backend->ops->free_floats(backend, states);
    backend->ops->free_floats(backend, out);
    free(steps);
    free(row);
}

static void check_states(enum cell_type cell, size_t hidden, size_t layers, size_t nout, enum cuda_math math,
                         double within)
{
    enum { LENGTH = 300 };
    struct language_model model;
    struct cuda_options options = {.math = math};
    uint32_t ids[LENGTH];
    float *rows[2], *states[2];
    language_model_init(&model, cell, hidden, layers, nout);
    size_t floats = lm_state_floats(&model.lm.net), width = model.lm.width;
    for (uint32_t t = 0; t < LENGTH; t++)
        ids[t] = random_below(ITEMS);
    for (int i = 0; i < 2; i++) {
        struct backend *backend = i ? device_backend_new(&options) : backend_new(1, 0, "auto");
        rows[i] = calloc(LENGTH * width, sizeof *rows[i]);
        states[i] = calloc(floats, sizeof *states[i]);
        run_pieces(backend, &model, ids, LENGTH, rows[i], states[i]);
        backend->ops->free(backend);
    }
    for (size_t j = 0; j < LENGTH * width; j++)
        EXPECT(distance_of((double)rows[0][j], (double)rows[1][j]) < within,
               "row %zu, column %zu: %.9g, should be %.9g", j / width, j % width, (double)rows[1][j],
               (double)rows[0][j]);
    for (size_t k = 0, at = 0; k < layers; k++)
        for (size_t half = 0; half < 2; half++, at += (hidden + 15) / 16 * 16)
            for (size_t u = 0; u < hidden; u++)
                EXPECT(distance_of((double)states[0][at + u], (double)states[1][at + u]) < within,
                       "layer %zu, unit %zu of its %s: %.9g, should be %.9g", k, u, half ? "cells" : "states",
                       (double)states[1][at + u], (double)states[0][at + u]);
    for (int i = 0; i < 2; i++) {
        free(rows[i]);
        free(states[i]);
    }
    language_model_release(&model);
}

START_TEST(states_go_on_from_call_to_call)
{
    random_begin("states_go_on_from_call_to_call");
    check_states(CELL_LSTM, 17, 1, 0, CUDA_MATH_F32, 5e-6);
    check_states(CELL_LSTM, 20, 2, 40, CUDA_MATH_F32, 5e-6);
    check_states(CELL_GRU, 19, 2, 0, CUDA_MATH_F32, 5e-6);
    check_states(CELL_LSTM, 17, 2, 40, CUDA_MATH_F16, 1e-2);
    check_states(CELL_GRU, 17, 1, 0, CUDA_MATH_F16, 1e-2);
}
END_TEST

/* Half precision has 11 bits, TF32 as many: a step's sums are off by no more than some of their last ones. */
START_TEST(coarser_products_give_nearly_the_same_states)
{
    random_begin("coarser_products_give_nearly_the_same_states");
    for (int math = CUDA_MATH_TF32; math <= CUDA_MATH_F16; math++) {
        struct call call = {.count = 0};
        struct cuda_options options = {.lanes = 16, .math = (enum cuda_math)math};
        call_add(&call, CELL_LSTM, 17, 1, 0, 30, false);
        call_add(&call, CELL_LSTM, 12, 3, NOUT, 20, false);
        call_add(&call, CELL_GRU, 12, 2, 0, 20, false);
        struct backend *cuda = device_backend_new(&options);
        check_call(cuda, &call, 2e-2, math == CUDA_MATH_TF32 ? "TF32" : "halves");
        check_call(cuda, &call, 2e-2, math == CUDA_MATH_TF32 ? "TF32, again" : "halves, again");
        cuda->ops->free(cuda);
        call_release(&call);
    }
}
END_TEST

START_TEST(with_less_memory_there_are_fewer_lanes_and_the_same_states)
{
    random_begin("with_less_memory_there_are_fewer_lanes_and_the_same_states");
    struct call call = {.count = 0};
    struct ft_error error = {""};
    size_t most = 0, fewest = 1000, failed = 0;
    call_add(&call, CELL_LSTM, 200, 1, 0, 70, false);
    call_add(&call, CELL_LSTM, 100, 1, 0, 70, false);
    for (size_t memory = (size_t)16 << 20; memory > (size_t)2 << 20; memory = memory * 15 / 16) {
        struct cuda_options options = {.lanes = 64, .memory = memory};
        struct backend *cuda = device_backend_try(&options, &error);
        float *out[MODELS_MAX];
        ft_status status = cuda ? encode(cuda, &call, out, &error) : FT_NOMEM;
        ck_assert(status == FT_OK || status == FT_NOMEM);
        if (status == FT_OK) {
            ck_assert_uint_le(((struct cuda_backend *)cuda)->peak, memory);
            compare(&call, out, 1e-5, "less memory");
            most = state_of(cuda)->lanes > most ? state_of(cuda)->lanes : most;
            fewest = state_of(cuda)->lanes < fewest ? state_of(cuda)->lanes : fewest;
        }
        failed += status != FT_OK;
        for (size_t m = 0; cuda && m < call.count; m++)
            free(out[m]);
        if (cuda)
            cuda->ops->free(cuda);
    }
    ck_assert_uint_eq(most, 64);
    ck_assert_uint_lt(fewest, 64);
    ck_assert_uint_gt(failed, 0);
    call_release(&call);
}
END_TEST

START_TEST(no_sequence_and_an_empty_one_are_done_at_once)
{
    struct language_model model;
    struct cuda_options options = {.lanes = 0};
    struct ft_error error = {""};
    struct char_sequence empty = {0};
    random_begin("no_sequence_and_an_empty_one_are_done_at_once");
    language_model_init(&model, CELL_LSTM, 5, 1, 3);
    struct backend *cuda = device_backend_new(&options);
    for (size_t count = 0; count < 2; count++) {
        struct lm_pass pass = {&model.lm.net, &empty, count, NULL, NULL};
        ck_assert_msg(cuda->ops->lm_encode(cuda, &pass, 1, &error) == FT_OK, "%s", error.text);
    }
    cuda->ops->free(cuda);
    language_model_release(&model);
}
END_TEST

/* Made before the device is used; a scene is played in a process of its own. */
static struct call failing;

static int scene(void)
{
    struct cuda_options options = {.lanes = 8};
    struct ft_error error = {""};
    float *out[2][MODELS_MAX] = {{NULL}};
    ft_status status = FT_NOMEM;
    struct backend *cuda = device_backend_try(&options, &error);
    for (int i = 0; cuda && i < 2; i++) /* the second time with graphs */
        if ((status = encode(cuda, &failing, out[i], &error)) == FT_OK)
            compare(&failing, out[i], 1e-5, "after a failure");
    if (cuda)
        cuda->ops->free(cuda);
    for (int i = 0; i < 2; i++)
        for (size_t m = 0; m < failing.count; m++)
            free(out[i][m]);
    ck_assert(status == FT_OK || *error.text);
    call_release(&failing);
    return status == FT_OK ? SCENE_WELL : SCENE_FAILED;
}

START_TEST(any_call_that_fails_is_told_or_made_up_for)
{
    random_begin("any_call_that_fails_is_told_or_made_up_for");
    call_add(&failing, CELL_LSTM, 8, 1, 0, 6, false);
    call_add(&failing, CELL_LSTM, 6, 2, NOUT, 4, false);
    with_first_failures(scene, 5);
    call_release(&failing);
}
END_TEST

int main(void)
{
    test_add(any_call_that_fails_is_told_or_made_up_for, NULL);
    test_add(lstm_language_models_give_the_states_of_the_cpu, NULL);
    test_add(gru_language_models_give_the_states_of_the_cpu, NULL);
    test_add(a_sequence_of_a_thousand_steps_beside_short_ones_is_right, NULL);
    test_add(models_run_side_by_side_and_one_after_the_other, NULL);
    test_add(graphs_and_single_launches_give_the_same_bits, NULL);
    test_add(shared_beginnings_are_stepped_once, NULL);
    test_add(states_go_on_from_call_to_call, NULL);
    test_add(coarser_products_give_nearly_the_same_states, NULL);
    test_add(with_less_memory_there_are_fewer_lanes_and_the_same_states, NULL);
    test_add(no_sequence_and_an_empty_one_are_done_at_once, NULL);
    return test_run("cuda-lm");
}
