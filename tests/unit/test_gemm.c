/* Products in tiles: right for every shape and layout, each element in one tile; and the thread's own state around
 * them. */
#include "harness.h"
#include "kernels/denormals.h"
#include "kernels/gemm.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

/* A matrix in more memory than it needs, as it lies. */
static float *matrix(size_t rows, size_t stride)
{
    return random_floats(rows * stride, 1);
}

static struct gemm_term term_new(size_t rows, size_t columns, size_t inner, bool a_transposed, bool b_transposed)
{
    struct gemm_term term = {.a_transposed = a_transposed, .b_transposed = b_transposed, .inner = inner};
    term.a_stride = (a_transposed ? rows : inner) + random_below(5) + 1;
    term.b_stride = (b_transposed ? inner : columns) + random_below(5) + 1;
    term.a = matrix(a_transposed ? inner : rows, term.a_stride);
    term.b = matrix(b_transposed ? columns : inner, term.b_stride);
    return term;
}

/* limit: what the roundings of a float32 sum of these terms can come to, in any order. */
static double expected_at(const struct gemm *g, size_t r, size_t j, double *limit)
{
    double sum = 0, size = 0, count = 0;
    for (int i = 0; i < 2; i++) {
        double start = g->start[i] ? (double)g->start[i][j] : 0;
        sum += start;
        size += fabs(start);
        count++;
    }
    for (size_t i = 0; i < g->terms; i++)
        for (size_t k = 0; k < g->term[i].inner; k++) {
            const struct gemm_term *t = &g->term[i];
            double product = (double)(t->a_transposed ? t->a[k * t->a_stride + r] : t->a[r * t->a_stride + k]) *
                             (double)(t->b_transposed ? t->b[j * t->b_stride + k] : t->b[k * t->b_stride + j]);
            sum += product;
            size += fabs(product);
            count++;
        }
    *limit = count * size * 0x1p-24;
    return sum;
}

/* Computes the tiles from the last to the first, into memory whose margins must stay. `every`: how many elements are
 * compared. */
static void check_product(struct gemm *g, size_t every)
{
    g->c_stride = g->columns + 3;
    float *c = aligned_floats(g->rows * g->c_stride + 1);
    for (size_t i = 0; i < g->rows * g->c_stride; i++)
        c[i] = NAN; /* must not be read */
    g->c = c;
    for (size_t tile = gemm_tiles(g); tile-- > 0;)
        ck_assert_int_eq(gemm_tile(g, tile), FT_OK);
    for (size_t r = 0; r < g->rows; r++)
        for (size_t j = 0; j < g->c_stride; j++) {
            double limit, got = (double)c[r * g->c_stride + j];
            if (j >= g->columns)
                EXPECT(isnan(got), "%zu x %zu: margin of row %zu", g->rows, g->columns, r);
            else
                EXPECT(!isnan(got), "%zu x %zu: row %zu, column %zu is in no tile", g->rows, g->columns, r, j);
            if (j >= g->columns || (r * g->columns + j) % every)
                continue;
            double expected = expected_at(g, r, j, &limit);
            EXPECT(fabs(expected - got) <= limit, "%zu x %zu: row %zu, column %zu is %g, not %g", g->rows, g->columns,
                   r, j, got, expected);
        }
    free(c);
}

static void check_shape(size_t rows, size_t columns, size_t inner, int layout, size_t every)
{
    struct gemm g = {.rows = rows, .columns = columns, .terms = 1 + (size_t)(layout & 1)};
    float *start[2] = {random_floats(columns, 1), random_floats(columns, 1)};
    for (int i = 0; i < 2; i++)
        g.start[i] = layout >> (4 + i) & 1 ? start[i] : NULL;
    for (size_t i = 0; i < g.terms; i++)
        g.term[i] = term_new(rows, columns, i ? inner / 2 : inner, layout & 2, layout & 4);
    check_product(&g, every);
    for (size_t i = 0; i < g.terms; i++) {
        free((float *)g.term[i].a);
        free((float *)g.term[i].b);
    }
    free(start[0]);
    free(start[1]);
}

START_TEST(products_of_every_layout_are_right)
{
    static const size_t sizes[] = {1, 2, 3, 5, 16, 17, 33, 100};
    random_begin("products_of_every_layout_are_right");
    int before = gemm_thread_begin();
    for (int layout = 0; layout < 64; layout++)
        for (int i = 0; i < 20; i++)
            check_shape(sizes[random_below(8)], sizes[random_below(8)], sizes[random_below(8)], layout, 1);
    gemm_thread_end(before);
}
END_TEST

START_TEST(large_products_are_cut_into_tiles_that_meet)
{
    random_begin("large_products_are_cut_into_tiles_that_meet");
    int before = gemm_thread_begin();
    for (int layout = 0; layout < 8; layout++) {
        check_shape(random_between(500, 700), random_between(1000, 1200), 130, layout, 97);
        check_shape(random_between(1000, 1200), random_between(500, 700), 130, layout, 97);
        check_shape(2100, 60, 100, layout, 97);
    }
    struct gemm g = {.rows = 550, .columns = 1024, .terms = 1, .term = {{.inner = 100}}};
    ck_assert_uint_ge(gemm_tiles(&g), 2);
    gemm_thread_end(before);
}
END_TEST

START_TEST(products_of_nothing)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, c[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    struct gemm none = {.rows = 0, .columns = 3, .c = c, .c_stride = 3, .terms = 1, .term = {{.inner = 2}}};
    ck_assert_uint_eq(gemm_tiles(&none), 0);
    struct gemm empty = {.rows = 2, .columns = 3, .c = c, .c_stride = 3, .terms = 1};
    empty.term[0] = (struct gemm_term){.a = x, .b = x, .a_stride = 2, .b_stride = 3, .a_transposed = true};
    ck_assert_uint_eq(gemm_tiles(&empty), 1);
    ck_assert_int_eq(gemm_tile(&empty, 0), FT_OK);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(c[i], 0);
}
END_TEST

/* By hand: columns 1 + 4 + 7 and 2 + 5 + 8; what lies beside is not counted. */
START_TEST(column_sums_by_hand)
{
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float sums[3] = {NAN, NAN, 5};
    column_sums(x, 3, 3, 2, sums);
    ck_assert_float_eq(sums[0], 12);
    ck_assert_float_eq(sums[1], 15);
    ck_assert_float_eq(sums[2], 5);
    column_sums(x, 3, 0, 2, sums);
    ck_assert_float_eq(sums[0], 0);
}
END_TEST

/* Four rows are taken at a time, but the sum is that of one chain. */
START_TEST(column_sums_are_chains_in_ascending_order)
{
    enum { COLUMNS = 37, STRIDE = 40, MOST = 11 };
    random_begin("column_sums_are_chains_in_ascending_order");
    float *x = random_floats(MOST * STRIDE, 1), sums[COLUMNS];
    for (size_t rows = 0; rows <= MOST; rows++) {
        column_sums(x, STRIDE, rows, COLUMNS, sums);
        for (size_t j = 0; j < COLUMNS; j++) {
            float expected = 0;
            for (size_t r = 0; r < rows; r++)
                expected += x[r * STRIDE + j];
            ck_assert_float_eq(sums[j], expected);
        }
    }
    free(x);
}
END_TEST

START_TEST(a_thread_gets_its_own_settings_back)
{
    int threads = gemm_thread_begin();
    ck_assert_int_eq(gemm_thread_begin(), 1);
    gemm_thread_end(threads);
    ck_assert_int_eq(gemm_thread_begin(), threads);
    gemm_thread_end(threads);
#if defined(__x86_64__) || defined(__aarch64__)
    volatile float small = 1e-38f, half = 0.5f, result;
    unsigned long before = denormals_flush();
    result = small * half;
    denormals_restore(before);
    ck_assert_float_eq(result, 0);
    result = small * half;
    ck_assert_float_gt(result, 0);
#endif
}
END_TEST

int main(void)
{
    test_add(products_of_every_layout_are_right, NULL);
    test_add(large_products_are_cut_into_tiles_that_meet, NULL);
    test_add(products_of_nothing, NULL);
    test_add(column_sums_by_hand, NULL);
    test_add(column_sums_are_chains_in_ascending_order, NULL);
    test_add(a_thread_gets_its_own_settings_back, NULL);
    return test_run("gemm");
}
