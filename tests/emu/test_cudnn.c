/* test_cudnn.c - the drop-in cuDNN's RNNs: forward against a plain implementation in double precision, gradients
 * against its central differences and against the CPU's training operations, and what it notices. */
#include "every_backend.h"
#include "harness.h"
#include "library_case.h"
#include "numbers.h"
#include "rnn_case.h"
#include "training_case.h"
#include <cuda_runtime_api.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int uneven[] = {6, 4, 4, 1}, mixed[] = {2, 5, 1, 5, 3}, one_sentence[] = {5}, one_word[] = {1};
#define LENGTHS(of) (sizeof of / sizeof *of), of
#define PACKED CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED
#define BY_STEP CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED
#define BY_SEQUENCE CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED

/* cell, in, hidden, layers, directions, bias, layout, initial, final, lengths */
static const struct rnn_case_shape shapes[] = {
    {CELL_LSTM, 1, 1, 1, 1, CUDNN_RNN_DOUBLE_BIAS, PACKED, false, false, LENGTHS(one_word)},
    {CELL_LSTM, 3, 5, 1, 1, CUDNN_RNN_DOUBLE_BIAS, PACKED, false, false, LENGTHS(uneven)},
    {CELL_LSTM, 4, 3, 1, 2, CUDNN_RNN_DOUBLE_BIAS, PACKED, true, true, LENGTHS(uneven)},
    {CELL_LSTM, 2, 7, 2, 2, CUDNN_RNN_DOUBLE_BIAS, BY_STEP, true, true, LENGTHS(mixed)},
    {CELL_LSTM, 5, 2, 3, 1, CUDNN_RNN_SINGLE_INP_BIAS, BY_SEQUENCE, false, true, LENGTHS(mixed)},
    {CELL_LSTM, 3, 4, 1, 2, CUDNN_RNN_NO_BIAS, PACKED, true, false, LENGTHS(one_sentence)},
    {CELL_GRU, 3, 5, 1, 1, CUDNN_RNN_DOUBLE_BIAS, PACKED, false, false, LENGTHS(uneven)},
    {CELL_GRU, 4, 3, 2, 2, CUDNN_RNN_DOUBLE_BIAS, BY_SEQUENCE, true, true, LENGTHS(mixed)},
    {CELL_GRU, 2, 6, 2, 1, CUDNN_RNN_SINGLE_REC_BIAS, PACKED, true, true, LENGTHS(uneven)},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void expect_close(const char *what, size_t shape, const float *device, const double *expected, size_t count,
                         double tolerance)
{
    float *got = host_floats(device, count);
    for (size_t i = 0; i < count; i++)
        EXPECT(distance_of(expected[i], (double)got[i]) <= tolerance, "shape %zu: %s, element %zu: %g, not %g", shape,
               what, i, (double)got[i], expected[i]);
    free(got);
}

static void expect_outputs(const struct rnn_case *c, const struct rnn_run *run, size_t shape, double tolerance)
{
    float *y = host_floats(run->y, c->rows * c->width);
    bool *covered = calloc(c->rows, sizeof *covered);
    for (size_t t = 0, row; t < c->steps; t++)
        for (size_t s = 0; s < c->shape.batch; s++) {
            if (!rnn_case_row(c, t, s, &row))
                continue;
            covered[row] = true;
            for (size_t i = row * c->width; i < (row + 1) * c->width; i++)
                EXPECT(distance_of(c->y[i], (double)y[i]) <= tolerance, "shape %zu: y %zu: %g, not %g", shape, i,
                       (double)y[i], c->y[i]);
        }
    for (size_t i = 0; i < c->rows * c->width; i++)
        EXPECT(covered[i / c->width] || y[i] == -7, "shape %zu: padding %zu is %g", shape, i, (double)y[i]);
    free(covered);
    free(y);
    expect_close("hy", shape, run->hy, c->hy, c->states, tolerance);
    if (run->cy)
        expect_close("cy", shape, run->cy, c->cy, c->states, tolerance);
}

START_TEST(forward_agrees_with_a_plain_implementation)
{
    random_begin("cudnn forward");
    for (size_t i = 0; i < SHAPES; i++)
        for (int training = 0; training < 2; training++) {
            struct rnn_case c;
            struct rnn_run run;
            rnn_case_init(&c, &shapes[i]);
            rnn_run_init(&run, &c, CUDNN_FMA_MATH);
            rnn_case_loss(&c);
            ck_assert_int_eq(rnn_run_forward(&run, training), CUDNN_STATUS_SUCCESS);
            expect_outputs(&c, &run, i, 1e-6);
            rnn_run_release(&run);
            rnn_case_release(&c);
        }
}
END_TEST

/* The loss's derivative by *at. */
static double difference(struct rnn_case *c, float *at)
{
    float value = *at, up = value + 0x1p-9f, down = value - 0x1p-9f;
    *at = up;
    double above = rnn_case_loss(c);
    *at = down;
    double below = rnn_case_loss(c);
    *at = value;
    return (above - below) / ((double)up - (double)down);
}

static void expect_gradient(struct rnn_case *c, const char *what, size_t shape, float *host, const float *device,
                            size_t count, double scale)
{
    float *got = host_floats(device, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(host[i])) /* padding */
            continue;
        double want = scale * difference(c, host + i);
        EXPECT(distance_of(want, (double)got[i]) <= 1e-4 * (1 + fabs(want)), "shape %zu: %s, element %zu: %g, not %g",
               shape, what, i, (double)got[i], want);
    }
    free(got);
}

/* Called twice, which adds up; what lies between parameters stays 0. */
START_TEST(gradients_agree_with_central_differences)
{
    random_begin("cudnn gradients");
    for (size_t i = 0; i < SHAPES; i++) {
        struct rnn_case c;
        struct rnn_run run;
        rnn_case_init(&c, &shapes[i]);
        rnn_run_init(&run, &c, CUDNN_FMA_MATH);
        ck_assert_int_eq(rnn_run_forward(&run, true), CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(rnn_run_data(&run), CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(rnn_run_weights(&run), CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(rnn_run_weights(&run), CUDNN_STATUS_SUCCESS);
        expect_gradient(&c, "dx", i, c.x, run.dx, c.rows * c.shape.in, 1);
        if (c.hx)
            expect_gradient(&c, "dhx", i, c.hx, run.dhx, c.states, 1);
        if (run.cx)
            expect_gradient(&c, "dcx", i, c.cx, run.dcx, c.states, 1);
        double sum = 0;
        size_t count;
        for (size_t p = 0; p < c.shape.layers * c.shape.directions; p++)
            for (enum rnn_tensor tensor = 0; tensor < RNN_TENSORS; tensor++)
                for (size_t gate = 0; gate < gate_count(c.shape.cell); gate++) {
                    float *at = rnn_run_parameter(&run, run.gradients, &c, p, tensor, gate, &count);
                    if (!at)
                        continue;
                    expect_gradient(&c, "a parameter", i, rnn_case_parameter(&c, p, tensor, gate), at, count, 2);
                    float *host = host_floats(at, count);
                    for (size_t k = 0; k < count; k++)
                        sum += fabs((double)host[k]);
                    free(host);
                }
        float *all = host_floats(run.gradients, run.weight_bytes / sizeof(float));
        for (size_t k = 0; k < run.weight_bytes / sizeof(float); k++)
            sum -= fabs((double)all[k]);
        free(all);
        ck_assert_double_eq_tol(sum, 0, 1e-6);
        rnn_run_release(&run);
        rnn_case_release(&c);
    }
}
END_TEST

/* The weights and data of one case as another's: both have the packed layout's rows and PyTorch's tensors. */
static void take_over(struct rnn_case *to, const struct training_case *from)
{
    size_t hidden = from->shape.hidden, count = from->shape.sequences * hidden;
    for (size_t d = 0; d < from->shape.directions; d++) {
        struct plain_layer *plain = &to->plain[d];
        memcpy(plain->w_ih, from->plain[d].w_ih, 4 * hidden * plain->in * sizeof(float));
        memcpy(plain->w_hh, from->plain[d].w_hh, 4 * hidden * hidden * sizeof(float));
        memcpy(plain->b_ih, from->plain[d].b_ih, 4 * hidden * sizeof(float));
        memcpy(plain->b_hh, from->plain[d].b_hh, 4 * hidden * sizeof(float));
        if (to->hx) {
            memcpy(to->hx + d * count, from->h0[d], count * sizeof(float));
            memcpy(to->cx + d * count, from->c0[d], count * sizeof(float));
        }
    }
    memcpy(to->x, from->x, to->rows * to->shape.in * sizeof(float));
    memcpy(to->dy, from->dout, to->rows * to->width * sizeof(float));
}

static void expect_floats(const char *what, size_t shape, const float *device, const float *expected, size_t count)
{
    float *got = host_floats(device, count);
    for (size_t i = 0; i < count; i++)
        EXPECT(distance_of((double)expected[i], (double)got[i]) <= 2e-5 * (1 + fabs((double)expected[i])),
               "shape %zu: %s, element %zu: %.9g, not %.9g", shape, what, i, (double)got[i], (double)expected[i]);
    free(got);
}

START_TEST(lstms_agree_with_training_on_the_cpu)
{
    random_begin("cudnn against cpu");
    static const uint32_t several[] = {7, 5, 5, 2, 1, 1}, two[] = {9, 3};
    static const struct case_shape cases[] = {
        {33, 30, 2, false, false, LENGTHS(several)},
        {20, 53, 1, false, true, LENGTHS(two)},
    };
    struct backend *backend = backend_new(1, 0, "auto");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct training_case cpu;
        struct rnn_case c;
        struct rnn_run run;
        int lengths[6];
        for (size_t s = 0; s < cases[i].sequences; s++)
            lengths[s] = (int)cases[i].lengths[s];
        training_case_init(&cpu, &cases[i]);
        struct training_result expected = training_result_new(backend, &cpu, true);
        rnn_case_init(&c, &(struct rnn_case_shape){CELL_LSTM, cases[i].in, cases[i].hidden, 1, cases[i].directions,
                                                   CUDNN_RNN_DOUBLE_BIAS, PACKED, cases[i].init, false,
                                                   cases[i].sequences, lengths});
        take_over(&c, &cpu);
        rnn_run_init(&run, &c, CUDNN_FMA_MATH);
        ck_assert_int_eq(rnn_run_forward(&run, true), CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(rnn_run_data(&run), CUDNN_STATUS_SUCCESS);
        ck_assert_int_eq(rnn_run_weights(&run), CUDNN_STATUS_SUCCESS);
        expect_floats("y", i, run.y, expected.out, c.rows * c.width);
        expect_floats("dx", i, run.dx, expected.dx, c.rows * c.shape.in);
        for (size_t d = 0; d < cases[i].directions; d++) {
            expect_floats("hy", i, run.hy + d * c.shape.batch * c.shape.hidden, expected.h_last[d],
                          c.shape.batch * c.shape.hidden);
            for (enum rnn_tensor tensor = 0; tensor < RNN_TENSORS; tensor++)
                for (size_t gate = 0; gate < 4; gate++) {
                    size_t count;
                    float *at = rnn_run_parameter(&run, run.gradients, &c, d, tensor, gate, &count);
                    expect_floats("a gradient", i, at, lstm_tensor(&expected.gradients[d], tensor) + gate * count,
                                  count);
                }
        }
        rnn_run_release(&run);
        rnn_case_release(&c);
        training_result_free(backend, &expected, cases[i].directions);
        training_case_release(&cpu);
    }
    backend->ops->free(backend);
}
END_TEST

/* By TF32 a sum's terms are off by up to 2^-11 each; that is seen, and is not more. */
START_TEST(default_math_rounds_and_fma_math_does_not)
{
    random_begin("cudnn math");
    struct rnn_case c;
    struct rnn_run run;
    rnn_case_init(&c, &shapes[3]);
    rnn_case_loss(&c);
    rnn_run_init(&run, &c, CUDNN_DEFAULT_MATH);
    ck_assert_int_eq(rnn_run_forward(&run, false), CUDNN_STATUS_SUCCESS);
    expect_outputs(&c, &run, 3, 5e-3);
    float *hy = host_floats(run.hy, c.states);
    double most = 0;
    for (size_t i = 0; i < c.states; i++)
        most = fmax(most, distance_of((double)hy[i], c.hy[i]));
    ck_assert_double_gt(most, 1e-5);
    free(hy);
    rnn_run_release(&run);
    rnn_case_release(&c);
}
END_TEST

/* Scenes that end in a mistake, or in a status other than success (exit status 1). */
static void scene(size_t shape, void (*play)(struct rnn_run *run, struct rnn_case *c))
{
    struct rnn_case c;
    struct rnn_run run;
    rnn_case_init(&c, &shapes[shape]);
    rnn_run_init(&run, &c, CUDNN_FMA_MATH);
    play(&run, &c);
    cudaDeviceSynchronize();
    rnn_run_release(&run);
    rnn_case_release(&c);
}
#define SCENE(name)                                                   \
    static void play_##name(struct rnn_run *run, struct rnn_case *c); \
    static void name(void)                                            \
    {                                                                 \
        scene(1, play_##name);                                        \
    }                                                                 \
    static void play_##name(struct rnn_run *run, struct rnn_case *c)

static void expect_success(cudnnStatus_t status)
{
    if (status)
        _exit(1);
}

static void expect_failure(cudnnStatus_t status, cudnnStatus_t expected)
{
    if (status != expected)
        _exit(1);
}

SCENE(all_is_well)
{
    (void)c;
    expect_success(rnn_run_forward(run, true));
    expect_success(rnn_run_data(run));
    expect_success(rnn_run_weights(run));
}

SCENE(weights_before_data)
{
    (void)c;
    expect_success(rnn_run_forward(run, true));
    expect_success(rnn_run_weights(run));
}

SCENE(data_twice)
{
    (void)c;
    expect_success(rnn_run_forward(run, true));
    expect_success(rnn_run_data(run));
    expect_success(rnn_run_data(run));
}

SCENE(data_without_forward)
{
    (void)c;
    expect_success(rnn_run_forward(run, false));
    expect_success(rnn_run_data(run));
}

SCENE(a_changed_reserve_space)
{
    (void)c;
    expect_success(rnn_run_forward(run, true));
    cudaDeviceSynchronize();
    cudaMemset((char *)run->reserve + run->reserve_bytes - 4, 1, 1);
    expect_success(rnn_run_data(run));
}

SCENE(outputs_that_changed)
{
    expect_success(rnn_run_forward(run, true));
    cudaDeviceSynchronize();
    cudaMemset(run->y, 0, c->rows * c->width * sizeof(float));
    expect_success(rnn_run_data(run));
}

SCENE(weights_that_changed)
{
    (void)c;
    expect_success(rnn_run_forward(run, true));
    cudaDeviceSynchronize();
    cudaMemset(run->weights, 0, run->weight_bytes);
    expect_success(rnn_run_data(run));
}

SCENE(too_small_a_work_space)
{
    (void)c;
    run->work_bytes--;
    expect_failure(rnn_run_forward(run, true), CUDNN_STATUS_BAD_PARAM);
}

SCENE(outputs_that_are_too_short)
{
    (void)c;
    float *y = run->y;
    run->y = y + 1;
    expect_failure(rnn_run_forward(run, true), CUDNN_STATUS_EXECUTION_FAILED);
    run->y = y;
}

SCENE(input_on_the_host)
{
    float *x = run->x;
    run->x = c->x;
    expect_failure(rnn_run_forward(run, true), CUDNN_STATUS_EXECUTION_FAILED);
    run->x = x;
}

SCENE(final_states_over_initial_ones)
{
    (void)c;
    float *hx = run->hx;
    run->hx = run->hy;
    expect_failure(rnn_run_forward(run, true), CUDNN_STATUS_EXECUTION_FAILED);
    run->hx = hx;
}

SCENE(a_descriptor_that_is_left)
{
    cudnnRNNDescriptor_t rnn;
    (void)run, (void)c;
    expect_success(cudnnCreateRNNDescriptor(&rnn));
}

SCENE(a_destroyed_descriptor)
{
    cudnnRNNDescriptor_t rnn;
    size_t bytes;
    (void)c;
    expect_success(cudnnCreateRNNDescriptor(&rnn));
    expect_success(cudnnDestroyRNNDescriptor(rnn));
    expect_failure(cudnnGetRNNWeightSpaceSize(run->handle, rnn, &bytes), CUDNN_STATUS_BAD_PARAM);
}

START_TEST(mistakes_are_noticed)
{
    static const struct {
        const char *name;
        void (*scene)(void);
    } scenes[] = {
#define NAMED(scene) {#scene, scene}
        NAMED(weights_before_data),       NAMED(data_twice),
        NAMED(data_without_forward),      NAMED(a_changed_reserve_space),
        NAMED(outputs_that_changed),      NAMED(weights_that_changed),
        NAMED(too_small_a_work_space),    NAMED(outputs_that_are_too_short),
        NAMED(input_on_the_host),         NAMED(final_states_over_initial_ones),
        NAMED(a_descriptor_that_is_left), NAMED(a_destroyed_descriptor),
#undef NAMED
    };
    ck_assert_int_eq(exit_status_of(all_is_well), 0);
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        int status = exit_status_of(scenes[i].scene);
        ck_assert_msg(status == MISTAKE_STATUS, "%s: exit status %d", scenes[i].name, status);
    }
}
END_TEST

/* Accepted by the descriptor, as on the device, and refused when it is run: no mistake, since only hardware tells. */
static void play_an_empty_sequence(struct rnn_run *run, struct rnn_case *c)
{
    const int lengths[] = {2, 5, 0, 5, 3};
    expect_success(
        cudnnSetRNNDataDescriptor(run->x_data, CUDNN_DATA_FLOAT, BY_STEP, 5, 5, (int)c->shape.in, lengths, NULL));
    expect_success(
        cudnnSetRNNDataDescriptor(run->y_data, CUDNN_DATA_FLOAT, BY_STEP, 5, 5, (int)c->width, lengths, NULL));
    expect_failure(rnn_run_forward(run, false), CUDNN_STATUS_EXECUTION_FAILED);
}

static void an_empty_sequence(void)
{
    scene(3, play_an_empty_sequence);
}

START_TEST(empty_sequences_fail_when_they_are_run)
{
    ck_assert_int_eq(exit_status_of(an_empty_sequence), 0);
}
END_TEST

/* Which call was made to fail is told by the scene's exit status. */
static void a_failing_call(void)
{
    struct rnn_case c;
    rnn_case_init(&c, &shapes[1]);
    cudnnHandle_t handle = NULL;
    if (cudnnCreate(&handle))
        exit(10);
    cudnnDestroy(handle);
    struct rnn_run run;
    rnn_run_init(&run, &c, CUDNN_FMA_MATH);
    int status = rnn_run_forward(&run, true) ? 11 : rnn_run_data(&run) ? 12 : rnn_run_weights(&run) == 4002 ? 13 : 0;
    rnn_run_release(&run);
    rnn_case_release(&c);
    exit(status);
}

START_TEST(calls_can_be_made_to_fail)
{
    ck_assert_int_eq(exit_status_with_failure(a_failing_call, "cudnnCreate:1"), 10);
    ck_assert_int_eq(exit_status_with_failure(a_failing_call, "cudnnRNNForward:1"), 11);
    ck_assert_int_eq(exit_status_with_failure(a_failing_call, "cudnnRNNBackwardData_v8:1"), 12);
    ck_assert_int_eq(exit_status_with_failure(a_failing_call, "cudnnRNNBackwardWeights_v8:1:4002"), 13);
    ck_assert_int_eq(exit_status_with_failure(a_failing_call, "cudnnRNNForward:2"), 0);
}
END_TEST

int main(void)
{
    test_add(forward_agrees_with_a_plain_implementation, NULL);
    test_add(gradients_agree_with_central_differences, NULL);
    test_add(lstms_agree_with_training_on_the_cpu, NULL);
    test_add(default_math_rounds_and_fma_math_does_not, NULL);
    test_add(mistakes_are_noticed, NULL);
    test_add(empty_sequences_fail_when_they_are_run, NULL);
    test_add(calls_can_be_made_to_fail, NULL);
    return test_run("emulated cudnn");
}
