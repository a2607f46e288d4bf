/* exact_exp, exact_log, those for many numbers, and exact_log_sum_exp: right to thirteen digits, and at the edges. */
#include "harness.h"
#include "kernels/exact_math.h"
#include "numbers.h"
#include <float.h>
#include <math.h>

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

/* By vectors and by what is left over of them: every count up to 9. */
START_TEST(many_at_once_are_right_to_thirteen_digits)
{
    random_begin("many_at_once_are_right_to_thirteen_digits");
    for (size_t i = 0; i < 20000; i++) {
        double x[9], got[9];
        size_t count = i % 10;
        for (size_t k = 0; k < count; k++)
            got[k] = x[k] = (double)random_float(i % 2 ? 300 : 1) - (i % 4 == 3 ? 400 : 0);
        exact_exp_each(got, count);
        for (size_t k = 0; k < count; k++) {
            double expected = exp(x[k]);
            EXPECT(distance_of(expected, got[k]) <= 1e-13 * expected, "exp(%.17g) is %.17g, not %.17g", x[k], got[k],
                   expected);
            x[k] = got[k];
        }
        exact_log_each(got, count);
        for (size_t k = 0; k < count; k++) {
            double expected = log(x[k]);
            EXPECT(distance_of(expected, got[k]) <= 1e-13 * fabs(expected), "log(%.17g) is %.17g, not %.17g", x[k],
                   got[k], expected);
        }
    }
}
END_TEST

START_TEST(many_at_once_at_the_edges)
{
    double x[] = {0, -0.0, -745, -746, -1e308, -INFINITY, NAN};
    exact_exp_each(x, 7);
    ck_assert_double_eq(x[0], 1);
    ck_assert_double_eq(x[1], 1);
    ck_assert_double_eq(x[2], DBL_TRUE_MIN);
    for (int i = 3; i < 6; i++)
        ck_assert_double_eq(x[i], 0);
    ck_assert_double_nan(x[6]);
    double y[] = {1, DBL_MIN, DBL_MAX, 0.70710678118654746, 0.70710678118654757};
    exact_log_each(y, 5);
    ck_assert_double_eq(y[0], 0);
    ck_assert_double_eq_tol(y[1], log(DBL_MIN), 1e-10);
    ck_assert_double_eq_tol(y[2], log(DBL_MAX), 1e-10);
    ck_assert_double_eq_tol(y[3], -0.34657359027997270, 1e-15);
    ck_assert_double_eq_tol(y[4], -0.34657359027997259, 1e-15);
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

int main(void)
{
    test_add(exp_and_log_are_right_to_thirteen_digits, NULL);
    test_add(exp_and_log_at_the_edges, NULL);
    test_add(many_at_once_are_right_to_thirteen_digits, NULL);
    test_add(many_at_once_at_the_edges, NULL);
    test_add(log_sum_exp_by_hand, NULL);
    return test_run("exact-math");
}
