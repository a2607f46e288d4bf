/* Unpacking is the inverse of packing: the same bits in float32, within half a step of integers; and the packed weights
 * are left as they were. */
#include "harness.h"
#include "kernel_cases.h"
#include "model/unpack.h"
#include "numbers.h"
#include "plain_layer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct ft_error error;
static struct weights packing, unpacking;

static void begin(void)
{
    weights_init(&packing);
    weights_init(&unpacking);
}

static void end(void)
{
    weights_release(&packing);
    weights_release(&unpacking);
}

#define OK(call) ck_assert_msg((call) == FT_OK, "%s: %s", #call, error.text)

static void expect_equal(const float *got, const float *wanted, size_t count, const char *what)
{
    size_t first = first_difference(got, wanted, count);
    EXPECT(first == count, "%s: number %zu of %zu is another", what, first, count);
}

/* Half a step, and the roundings of the factor and of the products. */
static void expect_near(const float *got, const float *wanted, size_t rows, size_t columns, enum precision precision,
                        const char *what)
{
    /* int16's steps are larger than 1/32767 of the largest weight where sums could overflow: by sqrt(columns) / 1.4 */
    double steps = precision == PRECISION_INT16 ? 32767 / fmax(1, sqrt((double)columns)) : weight_limit(precision);
    for (size_t r = 0; r < rows; r++) {
        double most = 0, limit;
        for (size_t k = 0; k < columns; k++)
            most = fmax(most, fabs((double)wanted[r * columns + k]));
        limit = most * (0.5 / steps + 1e-6);
        for (size_t k = 0; k < columns; k++)
            EXPECT(distance_of((double)got[r * columns + k], (double)wanted[r * columns + k]) <= limit,
                   "%s: row %zu, column %zu: %g is not near %g", what, r, k, (double)got[r * columns + k],
                   (double)wanted[r * columns + k]);
    }
}

static struct recurrent_layer pack(const struct plain_layer *plain)
{
    struct gate_part parts[2] = {{plain->w_ih, plain->in, false}, {plain->w_hh, plain->hidden, true}};
    struct recurrent_layer layer = {
        .cell = plain->cell, .in = plain->in, .hidden = plain->hidden, .panels = (plain->hidden + BLOCK - 1) / BLOCK};
    layer.weights.groups = plain->in + plain->hidden;
    layer.weights.at = pack_gates(&packing, plain->cell, plain->hidden, parts, 2, 1);
    layer.bias = pack_gate_bias(&packing, plain->cell, plain->hidden, plain->b_ih, plain->b_hh);
    return layer;
}

static void check_layer(enum cell_type cell, size_t in, size_t hidden)
{
    begin();
    struct plain_layer plain = plain_layer_new(cell, in, hidden);
    struct recurrent_layer layer = pack(&plain);
    struct unpacked_layer got;
    size_t gates = gate_count(cell) * hidden;
    OK(unpack_recurrent(&unpacking, &layer, NULL, &got, &error));
    ck_assert_uint_eq(got.rows, gates);
    ck_assert_uint_eq(got.in, in);
    ck_assert_uint_eq(got.hidden, hidden);
    expect_equal(got.w_ih, plain.w_ih, gates * in, "w_ih");
    expect_equal(got.w_hh, plain.w_hh, gates * hidden, "w_hh");
    float *again = pack_gate_bias(&packing, cell, hidden, got.b_ih, got.b_hh);
    expect_equal(again, layer.bias, layer.panels * PANEL, "the bias, packed again");
    for (size_t i = 0; cell == CELL_LSTM && i < gates; i++)
        EXPECT(same_float(got.b_hh[i], 0), "b_hh[%zu] is %g", i, (double)got.b_hh[i]);
    plain_layer_free(&plain);
    end();
}

START_TEST(recurrent_layers_of_any_size_come_back_to_the_bit)
{
    static const size_t sizes[] = {1, 3, 15, 16, 17, 33, 64};
    random_begin("unpack");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum cell_type cell = CELL_LSTM; cell <= CELL_GRU; cell++)
            check_layer(cell, random_between(1, 70), sizes[i]);
}
END_TEST

START_TEST(an_input_that_lies_apart_comes_back_to_the_bit)
{
    enum { EMBEDDING = 11, HIDDEN = 21 };
    begin();
    for (enum cell_type cell = CELL_LSTM; cell <= CELL_GRU; cell++) {
        struct plain_layer plain = plain_layer_new(cell, EMBEDDING, HIDDEN);
        struct gate_part parts[2] = {{plain.w_ih, EMBEDDING, false}, {plain.w_hh, HIDDEN, true}};
        struct recurrent_layer layer = {.cell = cell, .hidden = HIDDEN, .panels = 2, .weights = {.groups = HIDDEN}};
        layer.weights.at = pack_gates(&packing, cell, HIDDEN, parts + 1, 1, 1);
        layer.bias = pack_gate_bias(&packing, cell, HIDDEN, plain.b_ih, plain.b_hh);
        struct linear_layer input = {
            .in = EMBEDDING,
            .out = 2 * PANEL,
            .panels = 2,
            .weights = {.groups = EMBEDDING, .at = pack_gates(&packing, cell, HIDDEN, parts, 1, 1)},
            .bias = layer.bias};
        struct unpacked_layer got;
        OK(unpack_recurrent(&unpacking, &layer, &input, &got, &error));
        ck_assert_uint_eq(got.in, EMBEDDING);
        expect_equal(got.w_ih, plain.w_ih, got.rows * EMBEDDING, "w_ih");
        expect_equal(got.w_hh, plain.w_hh, got.rows * HIDDEN, "w_hh");
        plain_layer_free(&plain);
    }
    end();
}
END_TEST

START_TEST(linear_layers_of_any_size_come_back_to_the_bit)
{
    static const size_t sizes[] = {1, 63, 64, 65, 130};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin();
        size_t out = sizes[i], in = random_between(1, 90);
        float *w = random_floats(out * in, 1), *bias = random_floats(out, 1);
        const float *got, *got_bias;
        struct linear_layer layer;
        ck_assert(pack_linear(&packing, w, bias, in, out, &layer));
        OK(unpack_linear(&unpacking, &layer, &got, &got_bias, &error));
        expect_equal(got, w, out * in, "w");
        expect_equal(got_bias, bias, out, "bias");
        free(w);
        free(bias);
        end();
    }
}
END_TEST

START_TEST(integers_come_back_within_half_a_step)
{
    static const size_t hidden[] = {5, 16, 35};
    for (enum precision precision = PRECISION_INT16; precision < PRECISIONS; precision++)
        for (size_t i = 0; i < 3; i++)
            for (enum cell_type cell = CELL_LSTM; cell <= CELL_GRU; cell++) {
                begin();
                struct plain_layer plain = plain_layer_new(cell, 13, hidden[i]);
                struct recurrent_layer layer = pack(&plain);
                size_t widths[2] = {13, hidden[i]}, blocks = packing.count;
                layer.weights = packed_from(layer.weights.at, layer.panels, precision, widths, 2, &packing);
                struct packed before = layer.weights;
                ck_assert_uint_gt(packing.count, blocks);
                blocks = packing.count;
                struct unpacked_layer got;
                OK(unpack_recurrent(&unpacking, &layer, NULL, &got, &error));
                ck_assert(!memcmp(&before, &layer.weights, sizeof before));
                ck_assert_uint_eq(packing.count, blocks);
                expect_near(got.w_ih, plain.w_ih, got.rows, 13, precision, "w_ih");
                expect_near(got.w_hh, plain.w_hh, got.rows, hidden[i], precision, "w_hh");
                ck_assert_uint_lt(first_difference(got.w_hh, plain.w_hh, got.rows * hidden[i]), got.rows * hidden[i]);
                plain_layer_free(&plain);
                end();
            }
}
END_TEST

int main(void)
{
    test_add(recurrent_layers_of_any_size_come_back_to_the_bit, NULL);
    test_add(an_input_that_lies_apart_comes_back_to_the_bit, NULL);
    test_add(linear_layers_of_any_size_come_back_to_the_bit, NULL);
    test_add(integers_come_back_within_half_a_step, NULL);
    return test_run("unpack");
}
