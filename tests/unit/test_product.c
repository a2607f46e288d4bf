/* Products of rows with packed weights, linear layers and recurrent steps: in every precision each number is what
 * kernels/product.h and tensor/layers.h define, to the bit and in every set, and near what the weights were before they
 * were quantised. */
#include "harness.h"
#include "kernel_cases.h"
#include "kernels/linear.h"
#include "kernels/recurrent.h"
#include "numbers.h"
#include "plain_layer.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 5 };

/* Some pieces of rows, and weights that fit them. */
struct product_case {
    size_t rows, panels, pieces, in;
    struct input_piece piece[PIECES];
    size_t widths[PIECES];
    struct rows inputs[PIECES];
    float *w; /* float32, [panels, in, PANEL] */
    struct weights memory;
    struct packed packed;
    struct product_scratch scratch;
};

static void case_init(struct product_case *c, enum precision precision, size_t rows, size_t panels,
                      const size_t *widths, size_t pieces)
{
    *c = (struct product_case){.rows = rows, .panels = panels, .pieces = pieces};
    for (size_t i = 0; i < pieces; i++) {
        c->widths[i] = widths[i];
        c->in += widths[i];
        c->inputs[i] = random_rows(rows, widths[i], (float[]){1, 30, 1e-4f}[random_below(3)]);
        c->piece[i] = (struct input_piece){c->inputs[i].at, widths[i]};
    }
    size_t numbers = panels * c->in * PANEL;
    c->w = aligned_floats(numbers);
    random_fill(c->w, numbers, 0.3f);
    weights_init(&c->memory);
    c->packed = packed_from(c->w, panels, precision, c->widths, pieces, &c->memory);
    struct product_room room = {0};
    product_room(&room, &c->packed);
    ck_assert_int_eq(cpu_scratch_init(&c->scratch, rows, &room), FT_OK);
}

static void case_release(struct product_case *c)
{
    for (size_t i = 0; i < c->pieces; i++)
        rows_free(&c->inputs[i]);
    free(c->w);
    weights_release(&c->memory);
    cpu_scratch_release(&c->scratch);
}

/* What a row of a piece is multiplied by before it is rounded, by the definition in product.h. */
static float factor_of(enum precision precision, const float *x, size_t width)
{
    float most = 0, chains[16] = {0}, squares = 0;
    for (size_t k = 0; k < width; k++) {
        most = fmaxf(most, fabsf(x[k]));
        chains[k % 16] = fmaf(x[k], x[k], chains[k % 16]);
    }
    for (int i = 0; i < 16; i++)
        squares += chains[i];
    if (most < 1e-30f)
        return 0;
    if (precision != PRECISION_INT16)
        return 127 / most;
    bool exact = squares > 1e-30f && squares < FLT_MAX;
    float length = exact ? sqrtf(squares) : most * sqrtf((float)width);
    return fminf(32767 / most, (46300.0f - 0.5f * sqrtf((float)width)) / length);
}

/* start + x W^T of one row and column, by the definition. */
static float defined(const struct product_case *c, size_t row, size_t column, float z)
{
    const struct packed *packed = &c->packed;
    size_t panel = column / PANEL, place = column % PANEL, group = 0;
    for (size_t i = 0; i < c->pieces; i++) {
        const float *x = c->piece[i].rows[row];
        size_t width = c->widths[i];
        if (packed->precision == PRECISION_F32) {
            for (size_t k = 0; k < width; k++)
                z = fmaf(x[k], (float)packed_at(packed, panel, group, k, place), z);
        } else {
            float limit = (float)row_limit(packed->precision), factor = factor_of(packed->precision, x, width);
            double squares = 0;
            int64_t sum = 0;
            for (size_t k = 0; k < width; k++) {
                float q = fmaxf(-limit, fminf(limit, rintf(x[k] * factor)));
                sum += (int64_t)q * (int64_t)packed_at(packed, panel, group, k, place);
                squares += (double)q * (double)q;
            }
            EXPECT(packed->precision != PRECISION_INT16 || squares < 0x1p31, "a row's length is %g", sqrt(squares));
            float scale = packed->scale[(i * c->panels + panel) * PANEL + place];
            z = fmaf(scale * (factor > 0 ? 1 / factor : 0), (float)sum, z);
        }
        group += group_count(packed->precision, width);
    }
    return z;
}

/* The product of the weights as they were, and how far at most a quantised one may be from it: half a step of rows,
 * half a step of weights, and rounding. */
static double exact(const struct product_case *c, size_t row, size_t column, double z, double *limit)
{
    size_t panel = column / PANEL, place = column % PANEL;
    const float *w = c->w + panel * c->in * PANEL + place;
    double rounding = 6e-8 * (double)(c->in + 4);
    *limit = rounding * fabs(z);
    for (size_t i = 0; i < c->pieces; i++) {
        const float *x = c->piece[i].rows[row];
        double of_row = 0, of_weight = 0;
        if (c->packed.precision != PRECISION_F32) {
            float factor = factor_of(c->packed.precision, x, c->widths[i]);
            of_row = factor > 0 ? 0.51 / (double)factor : 1e-30;
            of_weight = 0.51 * (double)c->packed.scale[(i * c->panels + panel) * PANEL + place];
        }
        for (size_t k = 0; k < c->widths[i]; k++, w += PANEL) {
            double number = fabs((double)x[k]), weight = fabs((double)*w);
            z += (double)x[k] * (double)*w;
            *limit += number * of_weight + weight * of_row + of_row * of_weight + rounding * number * weight;
        }
    }
    return z;
}

static void check_product(enum precision precision, size_t rows, size_t out, const size_t *widths, size_t pieces)
{
    struct product_case c;
    size_t panels = (out + PANEL - 1) / PANEL;
    case_init(&c, precision, rows, panels, widths, pieces);
    float *bias = aligned_floats(panels * PANEL), *expected = random_floats(rows * out, 1);
    float *got = random_floats(rows * out, 1), **to = calloc(rows, sizeof *to);
    random_fill(bias, panels * PANEL, 1);
    struct linear_layer layer = {c.in, out, panels, c.packed, bias};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < out; j++) {
            double limit, right = exact(&c, r, j, (double)bias[j], &limit);
            float one = expected[r * out + j] = defined(&c, r, j, bias[j]);
            EXPECT(distance_of(right, (double)one) <= limit,
                   "precision %d, %zu inputs: [%zu, %zu] is %.9g, should be %.9g within %.2g", precision, c.in, r, j,
                   (double)one, right, limit);
        }
    for (const struct kernels *const *set = every_set(); *set; set++) {
        for (size_t r = 0; r < rows; r++)
            to[r] = got + r * out;
        linear_forward(*set, &layer, rows, c.piece, pieces, to, &c.scratch);
        size_t at = first_difference(expected, got, rows * out);
        EXPECT(at == rows * out,
               "%s, precision %d: %zu rows, %zu in %zu pieces to %zu: [%zu, %zu] is %a, by definition %a", (*set)->name,
               precision, rows, c.in, pieces, out, at / out, at % out, (double)got[at], (double)expected[at]);
    }
    free(bias);
    free(expected);
    free(got);
    free(to);
    case_release(&c);
}

/* Pieces of more than a chunk of weights among them. */
START_TEST(a_linear_layer_is_its_definition)
{
    random_begin("a_linear_layer_is_its_definition");
    for (int p = 0; p < PRECISIONS; p++) {
        enum precision precision = (enum precision)p;
        check_product(precision, 1, 1, (size_t[]){1}, 1);
        check_product(precision, LINEAR_ROWS, 65, (size_t[]){300, 257}, 2);
        check_product(precision, 5, 64, (size_t[]){256, 512}, 2);
        check_product(precision, 7, 3, (size_t[]){4099, 2, 2049}, 3);
        for (int round = 0; round < 12; round++) {
            size_t widths[PIECES], count = random_between(1, PIECES);
            for (size_t i = 0; i < count; i++)
                widths[i] = random_between(1, 120);
            check_product(precision, random_between(1, LINEAR_ROWS), random_between(1, 150), widths, count);
        }
    }
}
END_TEST

/* Rows of zeros and of numbers whose reciprocals leave float's range count as nothing; large ones keep their place. */
START_TEST(rows_of_any_size_are_their_definition)
{
    static const float sizes[] = {0, 1e-45f, 1e-38f, 2e-38f, 1e-36f, 1e-25f, 1, 1e25f};
    enum { ROWS = sizeof sizes / sizeof *sizes, WIDTH = 21, OUT = 64 };
    random_begin("rows_of_any_size_are_their_definition");
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        struct product_case c;
        float bias[PANEL] = {0}, got[ROWS * OUT], *to[ROWS];
        case_init(&c, (enum precision)p, ROWS, 1, (size_t[]){WIDTH}, 1);
        for (size_t r = 0; r < ROWS; r++) {
            float *row = (float *)c.inputs[0].at[r];
            for (size_t k = 0; k < WIDTH; k++)
                row[k] = k % 3 ? 0 : k == 3 ? sizes[r] : random_float(sizes[r]);
            to[r] = got + r * OUT;
        }
        struct linear_layer layer = {WIDTH, OUT, 1, c.packed, bias};
        for (const struct kernels *const *set = every_set(); *set; set++) {
            linear_forward(*set, &layer, ROWS, c.piece, 1, to, &c.scratch);
            for (size_t r = 0; r < ROWS; r++)
                for (size_t j = 0; j < OUT; j++) {
                    double limit, right = exact(&c, r, j, 0, &limit);
                    EXPECT(distance_of(right, (double)to[r][j]) <= limit + 1e-29,
                           "%s, precision %d: [%g, %zu] is %g, should be %g", (*set)->name, p, (double)sizes[r], j,
                           (double)to[r][j], right);
                    EXPECT(same_float(to[r][j], defined(&c, r, j, 0)), "%s, precision %d: [%g, %zu] is %a",
                           (*set)->name, p, (double)sizes[r], j, (double)to[r][j]);
                }
        }
        case_release(&c);
    }
}
END_TEST

static float **pointers_to(float *states, size_t lanes, size_t padded)
{
    float **at = calloc(lanes, sizeof *at);
    for (size_t lane = 0; lane < lanes; lane++)
        at[lane] = states + lane * padded;
    return at;
}

/* One step by the definition in recurrent.h: the product by its own, then the scalar gates. */
static void check_step(enum precision precision, enum cell_type cell, size_t lanes, size_t hidden, const size_t *inputs,
                       size_t input_count)
{
    struct product_case c;
    size_t widths[PIECES], panels = (hidden + BLOCK - 1) / BLOCK, padded = panels * BLOCK, numbers = lanes * padded;
    for (size_t i = 0; i < input_count; i++)
        widths[i] = inputs[i];
    widths[input_count] = hidden;
    case_init(&c, precision, lanes, panels, widths, input_count + 1);
    struct recurrent_layer layer = {
        .cell = cell, .in = c.in - hidden, .hidden = hidden, .panels = panels, .weights = c.packed};
    struct rows start = random_rows(lanes, panels * PANEL, 1);
    float *before = random_floats(numbers, 1), *z = aligned_floats(PANEL);
    float *cells = random_floats(numbers, 1), *states = random_floats(numbers, 1);
    float *got_cells = random_floats(numbers, 1), *got_states = random_floats(numbers, 1);
    float **c_at = pointers_to(got_cells, lanes, padded), **h_at = pointers_to(got_states, lanes, padded);
    memcpy(cells, before, numbers * sizeof *cells);
    for (size_t lane = 0; lane < lanes; lane++)
        for (size_t p = 0; p < panels; p++) {
            float *of_cell = cells + lane * padded + p * BLOCK, *of_state = states + lane * padded + p * BLOCK;
            for (size_t j = 0; j < PANEL; j++)
                z[j] = defined(&c, lane, p * PANEL + j, start.at[lane][p * PANEL + j]);
            (cell == CELL_LSTM ? scalar_set()->lstm : scalar_set()->gru)(z, 1, &of_cell, &of_state,
                                                                         &(const float *){z});
        }
    for (const struct kernels *const *set = every_set(); *set; set++) {
        size_t middle = panels / 2; /* in two parts, the later one first */
        memcpy(got_cells, before, numbers * sizeof *got_cells);
        recurrent_step(*set, &layer, lanes, start.at, c.piece, c.pieces, c_at, h_at, middle, panels, &c.scratch);
        recurrent_step(*set, &layer, lanes, start.at, c.piece, c.pieces, c_at, h_at, 0, middle, &c.scratch);
        size_t in_c = first_difference(cells, got_cells, numbers), in_h = first_difference(states, got_states, numbers);
        EXPECT(in_c == numbers && in_h == numbers, "%s, precision %d: %zu lanes, %zu units: differs at c %zu, h %zu",
               (*set)->name, precision, lanes, hidden, in_c, in_h);
    }
    rows_free(&start);
    free(before);
    free(z);
    free(cells);
    free(states);
    free(got_cells);
    free(got_states);
    free(c_at);
    free(h_at);
    case_release(&c);
}

START_TEST(a_recurrent_step_has_the_same_bits_in_every_set)
{
    random_begin("a_recurrent_step_has_the_same_bits_in_every_set");
    for (int which = 0; which < 2 * PRECISIONS; which++) {
        enum precision precision = (enum precision)(which / 2);
        enum cell_type cell = which % 2 ? CELL_GRU : CELL_LSTM;
        check_step(precision, cell, 1, 1, NULL, 0);
        check_step(precision, cell, 97, 17, (size_t[]){3}, 1);
        check_step(precision, cell, 6, 300, NULL, 0);
        for (int round = 0; round < 8; round++) {
            size_t widths[PIECES], count = random_below(PIECES);
            for (size_t i = 0; i < count; i++)
                widths[i] = random_between(1, 60);
            check_step(precision, cell, random_between(1, 100), random_between(1, 70), widths, count);
        }
    }
}
END_TEST

/* Layers as PyTorch lays them out, packed, quantised and stepped, against double precision: a gate's slope is 1 at
 * most, so that a step is off by little more than its products are. */
static void check_plain(enum precision precision, enum cell_type cell, double limit)
{
    enum { IN = 37, HIDDEN = 45, LANES = 9, PADDED = 48 };
    static const size_t widths[] = {IN, HIDDEN};
    struct plain_layer plain = plain_layer_new(cell, IN, HIDDEN);
    struct gate_part parts[2] = {{plain.w_ih, IN, false}, {plain.w_hh, HIDDEN, true}};
    struct weights memory;
    weights_init(&memory);
    float *w = pack_gates(&memory, cell, HIDDEN, parts, 2, 1);
    const float *bias = pack_gate_bias(&memory, cell, HIDDEN, plain.b_ih, plain.b_hh), *start[LANES];
    struct recurrent_layer layer = {.cell = cell, .in = IN, .hidden = HIDDEN, .panels = PADDED / BLOCK};
    layer.weights = packed_from(w, layer.panels, precision, widths, 2, &memory);
    struct rows x = random_rows(LANES, IN, 1), h = random_rows(LANES, PADDED, 1);
    float *cells = random_floats((size_t)LANES * PADDED, 1), *states = random_floats((size_t)LANES * PADDED, 1);
    double of_x[IN], of_h[LANES][HIDDEN], of_c[LANES][HIDDEN];
    for (size_t lane = 0; lane < LANES; lane++) {
        start[lane] = bias;
        for (size_t k = 0; k < IN; k++)
            of_x[k] = (double)x.at[lane][k];
        for (size_t u = 0; u < HIDDEN; u++) {
            of_h[lane][u] = (double)h.at[lane][u];
            if (cell == CELL_GRU) /* its cell is the state */
                cells[lane * PADDED + u] = h.at[lane][u];
            of_c[lane][u] = (double)cells[lane * PADDED + u];
        }
        plain_step(&plain, of_x, of_h[lane], of_c[lane]);
    }
    float **c_at = pointers_to(cells, LANES, PADDED), **h_at = pointers_to(states, LANES, PADDED);
    struct input_piece pieces[] = {{x.at, IN}, {h.at, HIDDEN}};
    struct product_scratch scratch;
    struct product_room room = {0};
    product_room(&room, &layer.weights);
    ck_assert_int_eq(cpu_scratch_init(&scratch, LANES, &room), FT_OK);
    recurrent_step(kernels_find("auto"), &layer, LANES, start, pieces, 2, c_at, h_at, 0, layer.panels, &scratch);
    for (size_t lane = 0; lane < LANES; lane++)
        for (size_t u = 0; u < HIDDEN; u++)
            EXPECT(distance_of(of_h[lane][u], (double)h_at[lane][u]) <= limit,
                   "precision %d: lane %zu, unit %zu is %.7g, should be %.7g", precision, lane, u,
                   (double)h_at[lane][u], of_h[lane][u]);
    cpu_scratch_release(&scratch);
    rows_free(&x);
    rows_free(&h);
    free(cells);
    free(states);
    free(c_at);
    free(h_at);
    weights_release(&memory);
    plain_layer_free(&plain);
}

START_TEST(quantised_layers_step_near_those_they_are_made_from)
{
    static const double limits[PRECISIONS] = {2e-6, 1e-3, 0.04, 0.06};
    random_begin("quantised_layers_step_near_those_they_are_made_from");
    for (int round = 0; round < 10; round++)
        for (int p = 0; p < PRECISIONS; p++) {
            check_plain((enum precision)p, CELL_LSTM, limits[p]);
            check_plain((enum precision)p, CELL_GRU, limits[p]);
        }
}
END_TEST

int main(void)
{
    test_add(a_linear_layer_is_its_definition, NULL);
    test_add(rows_of_any_size_are_their_definition, NULL);
    test_add(a_recurrent_step_has_the_same_bits_in_every_set, NULL);
    test_add(quantised_layers_step_near_those_they_are_made_from, NULL);
    return test_run("product");
}
