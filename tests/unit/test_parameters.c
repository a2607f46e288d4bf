/* The weights of a head: their names and shapes, where they lie, and how they begin. */
#include "harness.h"
#include "numbers.h"
#include "run/parameters.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct network_shape full = {
    .width = 12, .reprojection = 9, .hidden = 5, .layers = 2, .tags = 7, .start = 5, .stop = 6, .crf = true};

struct expected {
    const char *name;
    size_t rows, columns;
};

static void check_layout(const struct network_shape *shape, const struct expected *expected, size_t count)
{
    struct parameters parameters;
    parameters_lay_out(&parameters, shape);
    ck_assert_uint_eq(parameters.count, count);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        const struct parameter *got = &parameters.list[i];
        ck_assert_str_eq(got->name, expected[i].name);
        ck_assert_msg(got->rows == expected[i].rows && got->columns == expected[i].columns, "%s: %zu x %zu", got->name,
                      got->rows, got->columns);
        ck_assert_msg(got->offset >= end && got->offset % 16 == 0, "%s lies at %zu", got->name, got->offset);
        ck_assert_ptr_eq(parameters_find(&parameters, got->name), got);
        end = got->offset + got->rows * got->columns;
    }
    ck_assert_uint_ge(parameters.floats, end);
    ck_assert_uint_lt(parameters.floats, end + 16);
}

START_TEST(names_and_shapes_are_those_of_flair_in_its_order)
{
    static const struct expected all[] = {{"embedding2nn.weight", 9, 12},
                                          {"embedding2nn.bias", 9, 1},
                                          {"rnn.weight_ih_l0", 20, 9},
                                          {"rnn.weight_hh_l0", 20, 5},
                                          {"rnn.bias_ih_l0", 20, 1},
                                          {"rnn.bias_hh_l0", 20, 1},
                                          {"rnn.weight_ih_l0_reverse", 20, 9},
                                          {"rnn.weight_hh_l0_reverse", 20, 5},
                                          {"rnn.bias_ih_l0_reverse", 20, 1},
                                          {"rnn.bias_hh_l0_reverse", 20, 1},
                                          {"rnn.weight_ih_l1", 20, 10},
                                          {"rnn.weight_hh_l1", 20, 5},
                                          {"rnn.bias_ih_l1", 20, 1},
                                          {"rnn.bias_hh_l1", 20, 1},
                                          {"rnn.weight_ih_l1_reverse", 20, 10},
                                          {"rnn.weight_hh_l1_reverse", 20, 5},
                                          {"rnn.bias_ih_l1_reverse", 20, 1},
                                          {"rnn.bias_hh_l1_reverse", 20, 1},
                                          {"linear.weight", 7, 10},
                                          {"linear.bias", 7, 1},
                                          {"transitions", 7, 7}};
    check_layout(&full, all, sizeof all / sizeof *all);
}
END_TEST

START_TEST(parts_that_are_not_there_take_no_room)
{
    static const struct expected bare[] = {{"linear.weight", 7, 12}, {"linear.bias", 7, 1}};
    static const struct expected projected[] = {
        {"embedding2nn.weight", 9, 12}, {"embedding2nn.bias", 9, 1}, {"linear.weight", 7, 9}, {"linear.bias", 7, 1}};
    struct network_shape shape = full;
    shape.layers = 0;
    shape.crf = false;
    check_layout(&shape, projected, 4);
    shape.reprojection = 0;
    check_layout(&shape, bare, 2);
    struct parameters parameters;
    parameters_lay_out(&parameters, &shape);
    ck_assert_ptr_null(parameters_find(&parameters, "transitions"));
    shape = full;
    shape.layers = BIRNN_LAYERS; /* the most there can be */
    parameters_lay_out(&parameters, &shape);
    ck_assert_uint_eq(parameters.count, PARAMETERS_MAX);
}
END_TEST

/* Drawn numbers fill their range: 99 % of it is met by the largest of 2,000, surely. */
static void check_uniform(const struct parameter *parameter, const float *drawn, double bound)
{
    double most = 0, sum = 0;
    size_t count = parameter->rows * parameter->columns;
    for (size_t i = 0; i < count; i++) {
        double value = (double)drawn[parameter->offset + i];
        EXPECT(fabs(value) <= bound, "%s[%zu] is %g, beyond %g", parameter->name, i, value, bound);
        most = fmax(most, fabs(value));
        sum += value;
    }
    ck_assert_msg(count < 2000 || most > 0.99 * bound, "%s: largest %g, bound %g", parameter->name, most, bound);
    ck_assert_msg(count < 2000 || fabs(sum / (double)count) < 0.1 * bound, "%s: mean %g", parameter->name,
                  sum / (double)count);
}

START_TEST(first_weights_are_uniform_within_the_bounds_of_pytorch)
{
    struct network_shape shape = {
        .width = 100, .reprojection = 60, .hidden = 40, .layers = 2, .tags = 30, .crf = true, .start = 28, .stop = 29};
    struct parameters parameters;
    parameters_lay_out(&parameters, &shape);
    float *drawn = malloc(parameters.floats * sizeof *drawn);
    parameters_draw(&parameters, &shape, 3, drawn);
    for (size_t i = 0; i + 1 < parameters.count; i++) {
        const char *name = parameters.list[i].name;
        double inputs = !strncmp(name, "rnn.", 4) ? 40 : !strncmp(name, "linear", 6) ? 80 : 100;
        check_uniform(&parameters.list[i], drawn, (1 + 1e-6) / sqrt(inputs));
    }
    size_t used = 0; /* gaps are zeros: they are part of every norm */
    for (size_t i = 0; i < parameters.count; i++) {
        for (; used < parameters.list[i].offset; used++)
            ck_assert_float_eq(drawn[used], 0);
        used += parameters.list[i].rows * parameters.list[i].columns;
    }
    for (; used < parameters.floats; used++)
        ck_assert_float_eq(drawn[used], 0);
    free(drawn);
}
END_TEST

START_TEST(transitions_are_normal_but_for_those_that_cannot_be)
{
    struct network_shape shape = {.width = 4, .tags = 60, .start = 3, .stop = 17, .crf = true};
    struct parameters parameters;
    parameters_lay_out(&parameters, &shape);
    float *drawn = malloc(parameters.floats * sizeof *drawn);
    parameters_draw(&parameters, &shape, 8, drawn);
    const float *transitions = drawn + parameters_find(&parameters, "transitions")->offset;
    double sum = 0, squares = 0, count = 0;
    for (size_t to = 0; to < 60; to++)
        for (size_t from = 0; from < 60; from++) {
            double value = (double)transitions[to * 60 + from];
            if (to == 3 || from == 17) {
                EXPECT(value == -10000, "from %zu to %zu: %g", from, to, value);
                continue;
            }
            EXPECT(fabs(value) < 6, "from %zu to %zu: %g", from, to, value);
            sum += value;
            squares += value * value;
            count++;
        }
    ck_assert_msg(fabs(sum / count) < 0.1, "mean %g", sum / count); /* 6 standard errors */
    ck_assert_msg(fabs(squares / count - 1) < 0.15, "variance %g", squares / count);
    free(drawn);
}
END_TEST

START_TEST(a_seed_gives_the_same_weights_and_another_one_others)
{
    struct parameters parameters;
    parameters_lay_out(&parameters, &full);
    size_t floats = parameters.floats;
    float *drawn[3];
    for (size_t i = 0; i < 3; i++) {
        drawn[i] = random_floats(floats, 1);
        parameters_draw(&parameters, &full, i == 2 ? 6 : 5, drawn[i]);
    }
    ck_assert_uint_eq(first_difference(drawn[0], drawn[1], floats), floats);
    for (size_t i = 0; i < parameters.count; i++) {
        const struct parameter *a = &parameters.list[i];
        size_t count = a->rows * a->columns;
        ck_assert_msg(first_difference(drawn[0] + a->offset, drawn[2] + a->offset, count) < count, "%s", a->name);
        for (size_t k = 0; k < i; k++) { /* nor are two tensors alike */
            const struct parameter *b = &parameters.list[k];
            ck_assert_msg(fabs((double)drawn[0][a->offset] / (double)drawn[0][b->offset] - 1) > 1e-6, "%s and %s",
                          a->name, b->name);
        }
    }
    for (size_t i = 0; i < 3; i++)
        free(drawn[i]);
}
END_TEST

int main(void)
{
    test_add(names_and_shapes_are_those_of_flair_in_its_order, NULL);
    test_add(parts_that_are_not_there_take_no_room, NULL);
    test_add(first_weights_are_uniform_within_the_bounds_of_pytorch, NULL);
    test_add(transitions_are_normal_but_for_those_that_cannot_be, NULL);
    test_add(a_seed_gives_the_same_weights_and_another_one_others, NULL);
    return test_run("parameters");
}
