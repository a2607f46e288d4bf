/* Every kernel set this machine can run gives the scalar set's bits, and those are right to within rounding. */
#include "harness.h"
#include "kernels/exact_math.h"
#include "kernels/linear.h"
#include "kernels/recurrent.h"
#include "numbers.h"
#include "tensor/cpu.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The sets of this machine, then NULL. */
static const struct kernels *const *every_set(void)
{
    static const struct kernels *sets[KERNEL_SETS + 1];
    sets[kernels_available(sets)] = NULL;
    return sets;
}

static const struct kernels *scalar(void)
{
    return kernels_find("scalar");
}

/* Rows that begin at odd places, as tokens' vectors do. */
struct rows {
    float *memory;
    const float **at;
};

static const void *const *pointers(const struct rows *rows)
{
    return (const void *const *)rows->at;
}

static struct rows random_rows(size_t rows, size_t width, float most)
{
    size_t stride = width + random_below(9);
    struct rows made = {random_floats(rows * stride, most), calloc(rows, sizeof *made.at)};
    for (size_t r = 0; r < rows; r++)
        made.at[r] = made.memory + r * stride;
    return made;
}

static void rows_free(struct rows *rows)
{
    free(rows->memory);
    free(rows->at);
}

static void check_multiply(size_t rows, size_t k)
{
    struct rows a = random_rows(rows, k, 2);
    float *w = aligned_floats(k * PANEL), *start = random_floats(rows * PANEL, 1);
    float *expected = aligned_floats(rows * PANEL), *got = aligned_floats(rows * PANEL);
    random_fill(w, k * PANEL, 1);
    memcpy(expected, start, rows * PANEL * sizeof *start);
    scalar()->multiply[PRECISION_F32](expected, rows, pointers(&a), w, k, NULL, 0);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < PANEL; j++) {
            double sum = (double)start[r * PANEL + j], size = fabs(sum);
            for (size_t i = 0; i < k; i++) {
                double product = (double)a.at[r][i] * (double)w[i * PANEL + j];
                sum += product;
                size += fabs(product);
            }
            double limit = (double)(k + 1) * 0.5 * (double)FLT_EPSILON * size, one = (double)expected[r * PANEL + j];
            EXPECT(distance_of(sum, one) <= limit, "%zu rows, k %zu: [%zu, %zu] is %.9g, should be %.9g", rows, k, r, j,
                   one, sum);
        }
    for (const struct kernels *const *set = every_set(); *set; set++) {
        memcpy(got, start, rows * PANEL * sizeof *start);
        size_t next_bytes = random_below(4) ? random_below((uint32_t)(k * PANEL * sizeof *w)) : 0;
        (*set)->multiply[PRECISION_F32](got, rows, pointers(&a), w, k, (const char *)w, next_bytes);
        size_t at = first_difference(expected, got, rows * PANEL);
        EXPECT(at == rows * PANEL, "%s: %zu rows, k %zu: [%zu, %zu] is %a, the scalar set has %a", (*set)->name, rows,
               k, at / PANEL, at % PANEL, (double)got[at], (double)expected[at]);
    }
    rows_free(&a);
    free(w);
    free(start);
    free(expected);
    free(got);
}

START_TEST(products_have_the_same_bits_in_every_set)
{
    random_begin("products_have_the_same_bits_in_every_set");
    for (size_t rows = 1; rows <= 20; rows++)
        for (size_t k = 1; k <= 9; k++)
            check_multiply(rows, k);
    check_multiply(200, 600);
    check_multiply(1, 600);
    check_multiply(200, 1);
    for (int round = 0; round < 25; round++)
        check_multiply(random_between(1, 200), random_between(1, 600));
}
END_TEST

/* Pre-activations, cells and what comes of them, for every set against the scalar one. */
struct gates {
    size_t rows;
    float *z, *cells; /* [rows, 64], [rows, 16] */
    float *c, *h;     /* [rows, 16], of the set run last */
    float **c_at, **h_at;
    const float **next;
};

static struct gates gates_new(size_t rows)
{
    struct gates g = {rows,
                      aligned_floats(rows * PANEL),
                      aligned_floats(rows * BLOCK),
                      aligned_floats(rows * BLOCK),
                      aligned_floats(rows * BLOCK),
                      calloc(rows, sizeof *g.c_at),
                      calloc(rows, sizeof *g.h_at),
                      calloc(rows, sizeof *g.next)};
    for (size_t r = 0; r < rows; r++) {
        g.c_at[r] = g.c + (rows - 1 - r) * BLOCK; /* in any order */
        g.h_at[r] = g.h + r * BLOCK;
        g.next[r] = g.z + random_below((uint32_t)rows) * PANEL;
    }
    return g;
}

static void gates_free(struct gates *g)
{
    free(g->z);
    free(g->cells);
    free(g->c);
    free(g->h);
    free(g->c_at);
    free(g->h_at);
    free(g->next);
}

static void gates_run(struct gates *g, const struct kernels *set, bool lstm)
{
    memset(g->h, 0, g->rows * BLOCK * sizeof *g->h);
    for (size_t r = 0; r < g->rows; r++)
        memcpy(g->c_at[r], g->cells + r * BLOCK, BLOCK * sizeof *g->c);
    (lstm ? set->lstm : set->gru)(g->z, g->rows, g->c_at, g->h_at, g->next);
}

static void check_sets_agree(struct gates *g, bool lstm)
{
    size_t count = g->rows * BLOCK;
    float *c = aligned_floats(count), *h = aligned_floats(count);
    gates_run(g, scalar(), lstm);
    memcpy(c, g->c, count * sizeof *c);
    memcpy(h, g->h, count * sizeof *h);
    for (const struct kernels *const *set = every_set(); *set; set++) {
        gates_run(g, *set, lstm);
        size_t in_c = first_difference(c, g->c, count), in_h = first_difference(h, g->h, count);
        EXPECT(in_c == count, "%s, %s: cell %zu is %a, the scalar set has %a", (*set)->name, lstm ? "lstm" : "gru",
               in_c, (double)g->c[in_c], (double)c[in_c]);
        EXPECT(in_h == count, "%s, %s: state %zu is %a, the scalar set has %a", (*set)->name, lstm ? "lstm" : "gru",
               in_h, (double)g->h[in_h], (double)h[in_h]);
    }
    free(c);
    free(h);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* The worst error of the gates, as a share of 1 + |c|. */
static double worst_error(const struct gates *g, bool lstm)
{
    double worst = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t u = 0; u < BLOCK; u++) {
            const float *z = g->z + r * PANEL + u;
            double before = (double)g->cells[r * BLOCK + u], c, h;
            if (lstm) {
                c = sigmoid(z[BLOCK]) * before + sigmoid(z[0]) * tanh(z[2 * BLOCK]);
                h = sigmoid(z[3 * BLOCK]) * tanh(c);
            } else {
                double n = tanh((double)z[2 * BLOCK] + sigmoid(z[0]) * (double)z[3 * BLOCK]), keep = sigmoid(z[BLOCK]);
                c = h = (1 - keep) * n + keep * before;
            }
            double of_c = distance_of(c, (double)g->c_at[r][u]) / (1 + fabs(before));
            double of_h = distance_of(h, (double)g->h_at[r][u]) / (1 + (lstm ? 0 : fabs(before)));
            worst = fmax(worst, fmax(of_c, of_h));
        }
    return worst;
}

/* About ten roundings of 6e-8 each, and exponentials of rounded arguments. */
#define GATE_LIMIT 1e-6

START_TEST(gates_have_the_same_bits_in_every_set_and_are_right)
{
    random_begin("gates_have_the_same_bits_in_every_set_and_are_right");
    for (int round = 0; round < 60; round++) {
        struct gates g = gates_new(random_between(1, 200));
        float most = (float[]){0.01f, 1, 5, 30, 200}[round % 5];
        random_fill(g.z, g.rows * PANEL, most);
        random_fill(g.cells, g.rows * BLOCK, round % 3 ? 1 : 20);
        for (int lstm = 0; lstm < 2; lstm++) {
            check_sets_agree(&g, lstm);
            double worst = worst_error(&g, lstm);
            double limit = lstm ? GATE_LIMIT : GATE_LIMIT * (1 + (double)most); /* the GRU's n sums two large numbers */
            EXPECT(worst <= limit, "%s of numbers to %g: off by %.3g", lstm ? "lstm" : "gru", (double)most, worst);
        }
        gates_free(&g);
    }
}
END_TEST

/* By hand: i = f = o = sigmoid(0) = 1/2, g = tanh(0) = 0, c = 1: c' = 1/2, h = tanh(1/2) / 2 = 0.2310586.
 * GRU: r = u = 1/2, n = tanh(0 + 0/2) = 0, h = (1 + 0) / 2 = 1/2. */
START_TEST(gates_of_zeros)
{
    for (const struct kernels *const *set = every_set(); *set; set++) {
        struct gates g = gates_new(1);
        memset(g.z, 0, PANEL * sizeof *g.z);
        for (size_t u = 0; u < BLOCK; u++)
            g.cells[u] = 1;
        gates_run(&g, *set, true);
        for (size_t u = 0; u < BLOCK; u++) {
            ck_assert_float_eq(g.c[u], 0.5f);
            ck_assert_float_eq_tol(g.h[u], 0.23105858f, 3e-8f);
        }
        gates_run(&g, *set, false);
        for (size_t u = 0; u < BLOCK; u++)
            ck_assert_float_eq(g.h[u], 0.5f);
        gates_free(&g);
    }
}
END_TEST

/* Every pair of extremes in two gates, and in the cell. */
START_TEST(gates_of_extremes_end_and_are_equal_in_every_set)
{
    static const float extremes[] = {0.0f,          -0.0f,   1e30f,    -1e30f, INFINITY, -INFINITY, NAN,    FLT_MIN,
                                     -FLT_TRUE_MIN, FLT_MAX, -FLT_MAX, 24.95f, -24.95f,  87.4f,     -87.4f, 12.5f};
    enum { COUNT = sizeof extremes / sizeof *extremes };
    ck_assert_uint_eq(COUNT, BLOCK);
    random_begin("gates_of_extremes_end_and_are_equal_in_every_set");
    struct gates g = gates_new((size_t)COUNT * COUNT);
    for (size_t gate = 0; gate < 4; gate++)
        for (size_t other = 0; other < 5; other++) {
            random_fill(g.z, g.rows * PANEL, 3);
            random_fill(g.cells, g.rows * BLOCK, 1);
            for (size_t r = 0; r < g.rows; r++)
                for (size_t u = 0; u < BLOCK; u++) {
                    g.z[(r * 4 + gate) * BLOCK + u] = extremes[(r + u) % COUNT];
                    if (other == 4)
                        g.cells[r * BLOCK + u] = extremes[r / COUNT];
                    else if (other != gate)
                        g.z[(r * 4 + other) * BLOCK + u] = extremes[r / COUNT];
                }
            check_sets_agree(&g, true);
            check_sets_agree(&g, false);
        }
    gates_free(&g);
}
END_TEST

static void check_linear(size_t rows, size_t out, const size_t *widths, size_t piece_count)
{
    struct input_piece pieces[4];
    struct rows inputs[4];
    size_t in = 0;
    for (size_t i = 0; i < piece_count; i++) {
        inputs[i] = random_rows(rows, widths[i], 1);
        pieces[i] = (struct input_piece){inputs[i].at, widths[i]};
        in += widths[i];
    }
    size_t panels = (out + PANEL - 1) / PANEL;
    float *packed = aligned_floats(panels * in * PANEL), *bias = aligned_floats(panels * PANEL);
    float *expected = random_floats(rows * out, 1), *got = random_floats(rows * out, 1);
    float **to = calloc(rows, sizeof *to);
    struct product_scratch scratch;
    struct product_room room = {0};
    ck_assert_int_eq(cpu_scratch_init(&scratch, rows, &room), FT_OK);
    random_fill(packed, panels * in * PANEL, 1);
    random_fill(bias, panels * PANEL, 1);
    struct linear_layer layer = {in, out, panels, {.groups = in, .at = packed}, bias};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < out; j++) {
            float sum = bias[j];
            for (size_t i = 0, k = 0; i < piece_count; i++)
                for (size_t x = 0; x < widths[i]; x++, k++)
                    sum = fmaf(pieces[i].rows[r][x], packed[((j / PANEL) * in + k) * PANEL + j % PANEL], sum);
            expected[r * out + j] = sum;
        }
    for (const struct kernels *const *set = every_set(); *set; set++) {
        for (size_t r = 0; r < rows; r++)
            to[r] = got + r * out;
        linear_forward(*set, &layer, rows, pieces, piece_count, to, &scratch);
        size_t at = first_difference(expected, got, rows * out);
        EXPECT(at == rows * out, "%s: %zu rows, %zu in %zu pieces to %zu: [%zu, %zu] is %a, one chain gives %a",
               (*set)->name, rows, in, piece_count, out, at / out, at % out, (double)got[at], (double)expected[at]);
    }
    for (size_t i = 0; i < piece_count; i++)
        rows_free(&inputs[i]);
    free(packed);
    free(bias);
    free(expected);
    free(got);
    free(to);
    cpu_scratch_release(&scratch);
}

START_TEST(a_linear_layer_is_one_chain_a_number)
{
    random_begin("a_linear_layer_is_one_chain_a_number");
    check_linear(1, 1, (size_t[]){1}, 1);
    check_linear(LINEAR_ROWS, 65, (size_t[]){300, 257}, 2);
    check_linear(5, 64, (size_t[]){256, 512}, 2);
    for (int round = 0; round < 20; round++) {
        size_t widths[4], count = random_between(1, 4);
        for (size_t i = 0; i < count; i++)
            widths[i] = random_between(1, 150);
        check_linear(random_between(1, LINEAR_ROWS), random_between(1, 150), widths, count);
    }
}
END_TEST

/* One step by the definition in recurrent.h: chains of fused multiply-adds, then the scalar gates. */
static void reference_step(const struct recurrent_layer *layer, size_t lanes, const float *const *start,
                           const struct input_piece *pieces, size_t piece_count, float *const *c, float *const *h_out)
{
    float *z = aligned_floats(PANEL);
    for (size_t lane = 0; lane < lanes; lane++)
        for (size_t p = 0; p < layer->panels; p++) {
            const float *w = (const float *)layer->weights.at + p * (layer->in + layer->hidden) * PANEL;
            for (size_t j = 0; j < PANEL; j++) {
                size_t k = 0;
                z[j] = start[lane][p * PANEL + j];
                for (size_t i = 0; i < piece_count; i++)
                    for (size_t x = 0; x < pieces[i].width; x++, k++)
                        z[j] = fmaf(pieces[i].rows[lane][x], w[k * PANEL + j], z[j]);
            }
            float *cell = c[lane] + p * BLOCK, *state = h_out[lane] + p * BLOCK;
            (layer->cell == CELL_LSTM ? scalar()->lstm : scalar()->gru)(z, 1, &cell, &state, &(const float *){z});
        }
    free(z);
}

static void check_step(enum cell_type cell, size_t lanes, size_t hidden, const size_t *widths, size_t piece_count)
{
    struct input_piece pieces[5];
    struct rows inputs[4];
    struct recurrent_layer layer = {.cell = cell, .hidden = hidden, .panels = (hidden + BLOCK - 1) / BLOCK};
    for (size_t i = 0; i < piece_count; i++) {
        inputs[i] = random_rows(lanes, widths[i], 1);
        pieces[i] = (struct input_piece){inputs[i].at, widths[i]};
        layer.in += widths[i];
    }
    size_t padded = layer.panels * BLOCK, weights = layer.panels * (layer.in + hidden) * PANEL;
    float *packed = aligned_floats(weights);
    random_fill(packed, weights, 0.3f);
    layer.weights = (struct packed){.groups = layer.in + hidden, .at = packed};
    struct rows start = random_rows(lanes, layer.panels * PANEL, 1), h_in = random_rows(lanes, padded, 1);
    struct rows cells = random_rows(lanes, padded, 1);
    pieces[piece_count++] = (struct input_piece){h_in.at, hidden};
    float *c[2], *h[2], **c_at[2], **h_at[2];
    for (int i = 0; i < 2; i++) {
        c[i] = aligned_floats(lanes * padded);
        h[i] = aligned_floats(lanes * padded);
        c_at[i] = calloc(lanes, sizeof **c_at);
        h_at[i] = calloc(lanes, sizeof **h_at);
        for (size_t lane = 0; lane < lanes; lane++) {
            c_at[i][lane] = c[i] + lane * padded;
            h_at[i][lane] = h[i] + lane * padded;
            memcpy(c_at[i][lane], cells.at[lane], padded * sizeof(float));
        }
    }
    struct product_scratch scratch;
    struct product_room room = {0};
    ck_assert_int_eq(cpu_scratch_init(&scratch, lanes, &room), FT_OK);
    reference_step(&layer, lanes, start.at, pieces, piece_count, c_at[0], h_at[0]);
    for (const struct kernels *const *set = every_set(); *set; set++) {
        for (size_t lane = 0; lane < lanes; lane++)
            memcpy(c_at[1][lane], cells.at[lane], padded * sizeof(float));
        recurrent_step(*set, &layer, lanes, start.at, pieces, piece_count, c_at[1], h_at[1], &scratch);
        size_t in_c = first_difference(c[0], c[1], lanes * padded), in_h = first_difference(h[0], h[1], lanes * padded);
        EXPECT(in_c == lanes * padded && in_h == lanes * padded, "%s: %zu lanes, %zu units: differs at c %zu, h %zu",
               (*set)->name, lanes, hidden, in_c, in_h);
    }
    for (size_t i = 0; i + 1 < piece_count; i++)
        rows_free(&inputs[i]);
    for (int i = 0; i < 2; i++) {
        free(c[i]);
        free(h[i]);
        free(c_at[i]);
        free(h_at[i]);
    }
    rows_free(&start);
    rows_free(&h_in);
    rows_free(&cells);
    free(packed);
    cpu_scratch_release(&scratch);
}

START_TEST(a_recurrent_step_has_the_same_bits_in_every_set)
{
    random_begin("a_recurrent_step_has_the_same_bits_in_every_set");
    for (int cell = CELL_LSTM; cell <= CELL_GRU; cell++) {
        check_step((enum cell_type)cell, 1, 1, NULL, 0);
        check_step((enum cell_type)cell, 97, 17, (size_t[]){3}, 1);
        check_step((enum cell_type)cell, 6, 300, NULL, 0);
        for (int round = 0; round < 12; round++) {
            size_t widths[4], count = random_below(5);
            for (size_t i = 0; i < count; i++)
                widths[i] = random_between(1, 60);
            check_step((enum cell_type)cell, random_between(1, 100), random_between(1, 70), widths, count);
        }
    }
}
END_TEST

START_TEST(exp_and_log_are_right_to_thirteen_digits)
{
    random_begin("exp_and_log_are_right_to_thirteen_digits");
    for (int i = 0; i < 200000; i++) {
        double x = (double)random_float(700) + (double)random_float(1e-4f), expected = exp(x), got = exact_exp(x);
        EXPECT(distance_of(expected, got) <= 1e-13 * expected, "exact_exp(%.17g) is %.17g, not %.17g", x, got,
               expected);
        x = i % 2 ? exp((double)random_float(700)) : 1 + (double)random_float(0.5f);
        expected = log(x);
        got = exact_log(x);
        EXPECT(distance_of(expected, got) <= 1e-13 * fabs(expected), "exact_log(%.17g) is %.17g, not %.17g", x, got,
               expected);
    }
}
END_TEST

START_TEST(exp_and_log_at_the_edges)
{
    ck_assert_double_eq(exact_exp(0), 1);
    ck_assert_double_eq(exact_exp(-0.0), 1);
    ck_assert_double_eq(exact_exp(-INFINITY), 0);
    ck_assert_double_eq(exact_exp(-1e308), 0);
    ck_assert_double_infinite(exact_exp(INFINITY));
    ck_assert_double_infinite(exact_exp(1e308));
    ck_assert_double_nan(exact_exp(NAN));
    ck_assert_double_eq(exact_log(1), 0);
    ck_assert_double_eq_tol(exact_log(DBL_TRUE_MIN), log(DBL_TRUE_MIN), 1e-10);
    ck_assert_double_eq_tol(exact_log(DBL_MAX), log(DBL_MAX), 1e-10);
}
END_TEST

/* log(e^0 + e^0) = log 2; a number 1000 above the others decides alone; nothing sums to nothing. */
START_TEST(log_sum_exp_by_hand)
{
    ck_assert_double_eq_tol(exact_log_sum_exp((double[]){0, 0}, 2), 0.69314718055994531, 1e-15);
    ck_assert_double_eq(exact_log_sum_exp((double[]){-1000, 5, -1000}, 3), 5);
    ck_assert_double_eq(exact_log_sum_exp((double[]){-1e4, -1e4}, 2), -1e4 + 0.69314718055994531);
    ck_assert_double_eq(exact_log_sum_exp(NULL, 0), -INFINITY);
    ck_assert_double_eq(exact_log_sum_exp((double[]){-INFINITY, -INFINITY}, 2), -INFINITY);
    ck_assert_double_eq(exact_log_sum_exp((double[]){-INFINITY, 3}, 2), 3);
}
END_TEST

START_TEST(sets_are_found_by_name)
{
    const struct kernels *const *all = every_set();
    size_t count = 0;
    for (; all[count]; count++)
        ck_assert_ptr_eq(kernels_find(all[count]->name), all[count]);
    ck_assert_uint_ge(count, 1);
    ck_assert_str_eq(all[count - 1]->name, "scalar");
    ck_assert_ptr_eq(kernels_find("auto"), all[0]);
    ck_assert_ptr_null(kernels_find("sse9"));
    ck_assert_ptr_null(kernels_find(""));
}
END_TEST

int main(void)
{
    test_add(products_have_the_same_bits_in_every_set, NULL);
    test_add(gates_have_the_same_bits_in_every_set_and_are_right, NULL);
    test_add(gates_of_zeros, NULL);
    test_add(gates_of_extremes_end_and_are_equal_in_every_set, NULL);
    test_add(a_linear_layer_is_one_chain_a_number, NULL);
    test_add(a_recurrent_step_has_the_same_bits_in_every_set, NULL);
    test_add(exp_and_log_are_right_to_thirteen_digits, NULL);
    test_add(exp_and_log_at_the_edges, NULL);
    test_add(log_sum_exp_by_hand, NULL);
    test_add(sets_are_found_by_name, NULL);
    return test_run("kernels");
}
