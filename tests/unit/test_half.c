/* Half precision: every half by its definition, and every float between two of them. */
#include "harness.h"
#include "kernels/half.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

enum { HALVES = 0x7c00 }; /* finite ones without a sign, in ascending order */

/* sign:1 exponent:5 fraction:10, bias 15 (IEEE 754, 3.4). */
static double value_of(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

START_TEST(every_half_is_widened_exactly_and_rounded_back_to_itself)
{
    uint16_t *halves = malloc(2 * HALVES * sizeof *halves), *back = malloc(2 * HALVES * sizeof *back);
    float *wide = malloc(2 * HALVES * sizeof *wide);
    for (int i = 0; i < 2 * HALVES; i++)
        halves[i] = (uint16_t)(i < HALVES ? i : 0x8000 | (i - HALVES));
    half_widen(wide, halves, 2 * HALVES);
    ck_assert(half_round(back, wide, 2 * HALVES));
    for (int i = 0; i < 2 * HALVES; i++) {
        EXPECT(same_float(wide[i], (float)value_of(halves[i])), "half %x is %a", halves[i], wide[i]);
        EXPECT(back[i] == halves[i], "half %x, there and back, is %x", halves[i], back[i]);
    }
    free(halves);
    free(back);
    free(wide);
}
END_TEST

/* The middle of two neighbours is a float; it goes to the even one, its own neighbours to the nearer half. */
START_TEST(floats_between_two_halves_go_to_the_nearest_and_ties_to_the_even_one)
{
    for (int sign = 0; sign < 2; sign++)
        for (int i = 0; i + 1 < HALVES; i++) {
            uint16_t low = (uint16_t)(i | sign << 15), high = (uint16_t)(low + 1), got[3];
            float middle = (float)((value_of(low) + value_of(high)) / 2), end = (float)value_of(high);
            float values[3] = {nextafterf(middle, 0), middle, nextafterf(middle, end)};
            uint16_t expected[3] = {low, i % 2 ? high : low, high};
            ck_assert(half_round(got, values, 3));
            for (int k = 0; k < 3; k++)
                EXPECT(got[k] == expected[k], "%a becomes %x, should be %x", values[k], got[k], expected[k]);
        }
}
END_TEST

START_TEST(what_half_precision_does_not_hold_is_refused)
{
    const float refused[] = {65520, -65520, 1e30f, INFINITY, -INFINITY, NAN};
    const float held[] = {nextafterf(65520, 0), -nextafterf(65520, 0), 0x1p-149f, -0.0f};
    const uint16_t expected[] = {0x7bff, 0xfbff, 0, 0x8000};
    uint16_t got[37];
    ck_assert(half_round(got, held, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_msg(got[i] == expected[i], "%a becomes %x, should be %x", held[i], got[i], expected[i]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (size_t count = 1; count <= 37; count++)
            for (size_t place = 0; place < count; place++) {
                float values[37] = {0};
                values[place] = refused[i];
                EXPECT(!half_round(got, values, count), "%a at %zu of %zu is not refused", refused[i], place, count);
            }
}
END_TEST

int main(void)
{
    test_add(every_half_is_widened_exactly_and_rounded_back_to_itself, NULL);
    test_add(floats_between_two_halves_go_to_the_nearest_and_ties_to_the_even_one, NULL);
    test_add(what_half_precision_does_not_hold_is_refused, NULL);
    return test_run("half");
}
