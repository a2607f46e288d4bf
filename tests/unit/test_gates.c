/* The gates of LSTM and GRU, in training too: every kernel set gives the scalar set's bits, and those are right to
 * within rounding. */
#include "harness.h"
#include "kernel_cases.h"
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    gates_run(g, scalar_set(), lstm);
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

/* What a step of training keeps, and what its backward pass makes of it; gates lie 3 further apart than they need. */
enum { TRAINED_STRIDE = 3 * BLOCK + 3 };
struct trained {
    float gates[4 * TRAINED_STRIDE], c[3 * BLOCK], h[3 * BLOCK], backward[4 * TRAINED_STRIDE], dc[3 * BLOCK];
};

/* Three blocks of one row. */
static struct trained train_gates(const struct kernels *set, const struct trained *start, const float *z,
                                  const float *before, const float *dout, const float *dnext)
{
    struct trained t = *start;
    float *gates[3], *c[3], *h[3];
    const float *cells[3];
    for (size_t b = 0; b < 3; b++) {
        gates[b] = t.gates + b * BLOCK;
        cells[b] = before + b * BLOCK;
        c[b] = t.c + b * BLOCK;
        h[b] = t.h + b * BLOCK;
    }
    set->lstm_keep(z, 3, TRAINED_STRIDE, gates, cells, c, h);
    memcpy(t.backward, t.gates, sizeof t.gates);
    set->lstm_back(3 * BLOCK, TRAINED_STRIDE, t.backward, before, t.c, dout, dnext, t.dc);
    return t;
}

START_TEST(training_gates_have_the_same_bits_in_every_set)
{
    static const float extremes[] = {0.0f, -0.0f, 1e30f, -1e30f, INFINITY, -INFINITY, NAN, FLT_TRUE_MIN, 25, -25, 88};
    random_begin("training_gates_have_the_same_bits_in_every_set");
    for (int round = 0; round < 500; round++) {
        struct trained start;
        float z[3 * PANEL], others[3][3 * BLOCK];
        random_fill((float *)&start, sizeof start / sizeof(float), 4);
        random_fill(z, 3 * PANEL, 4);
        random_fill(others[0], 9 * BLOCK, 2);
        for (int i = 0; round % 2 && i < 20; i++) {
            z[random_below(3 * PANEL)] = extremes[random_below(11)];
            start.gates[random_below(4 * TRAINED_STRIDE)] = extremes[random_below(11)];
        }
        struct trained expected = train_gates(scalar_set(), &start, z, others[0], others[1], others[2]);
        for (const struct kernels *const *set = every_set(); *set; set++) {
            struct trained got = train_gates(*set, &start, z, others[0], others[1], others[2]);
            size_t count = sizeof got / sizeof(float),
                   at = first_difference((const float *)&expected, (const float *)&got, count);
            EXPECT(at == count, "%s: number %zu is %a, the scalar set has %a", (*set)->name, at,
                   (double)((const float *)&got)[at], (double)((const float *)&expected)[at]);
        }
    }
}
END_TEST

/* By hand, from pre-activations 0 = 1 - 1 and a cell of 1: i = f = o = 1/2, g = 0, c = 1/2, h = tanh(1/2) / 2.
 * Backward, dh = 3/4 + 1/4 and dc = 0: dc = (1 - tanh(1/2)^2) / 2 = 0.39322387, di = dc g / 4 = 0, df = dc / 4, dg = dc
 * / 2, do = tanh(1/2) / 4, and dc / 2 goes on to the step before. */
START_TEST(training_gates_by_hand)
{
    for (const struct kernels *const *set = every_set(); *set; set++) {
        struct trained start = {0};
        float z[3 * PANEL], before[3 * BLOCK], dout[3 * BLOCK], dnext[3 * BLOCK];
        for (size_t i = 0; i < 3 * PANEL; i++)
            z[i] = 1;
        for (size_t i = 0; i < 4 * TRAINED_STRIDE; i++)
            start.gates[i] = -1;
        for (size_t i = 0; i < 3 * BLOCK; i++) {
            before[i] = 1;
            dout[i] = 0.75f;
            dnext[i] = 0.25f;
        }
        struct trained t = train_gates(*set, &start, z, before, dout, dnext);
        static const float kept[] = {0.5f, 0.5f, 0, 0.5f}, back[] = {0, 0.09830597f, 0.19661193f, 0.11552929f};
        for (size_t u = 0; u < 3 * BLOCK; u++) {
            for (size_t g = 0; g < 4; g++) {
                ck_assert_float_eq_tol(t.gates[g * TRAINED_STRIDE + u], kept[g], 1e-7f);
                ck_assert_float_eq_tol(t.backward[g * TRAINED_STRIDE + u], back[g], 1e-7f);
            }
            ck_assert_float_eq_tol(t.c[u], 0.5f, 1e-7f);
            ck_assert_float_eq_tol(t.h[u], 0.23105858f, 1e-7f);
            ck_assert_float_eq_tol(t.dc[u], 0.19661193f, 1e-7f);
        }
        for (size_t g = 0; g < 4; g++)
            for (size_t i = 3 * BLOCK; i < TRAINED_STRIDE; i++)
                ck_assert_float_eq(t.gates[g * TRAINED_STRIDE + i], -1);
    }
}
END_TEST

int main(void)
{
    test_add(gates_have_the_same_bits_in_every_set_and_are_right, NULL);
    test_add(gates_of_zeros, NULL);
    test_add(gates_of_extremes_end_and_are_equal_in_every_set, NULL);
    test_add(training_gates_have_the_same_bits_in_every_set, NULL);
    test_add(training_gates_by_hand, NULL);
    return test_run("gates");
}
