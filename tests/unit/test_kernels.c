/* The kernel sets there are: found by name, complete, and each with a peak to measure. */
#include "harness.h"
#include "kernel_cases.h"
#include "numbers.h"
#include <math.h>

START_TEST(sets_are_found_by_name)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = kernels_available(sets);
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, KERNEL_SETS);
    for (size_t i = 0; i < count; i++)
        ck_assert_ptr_eq(kernels_find(sets[i]->name), sets[i]);
    ck_assert_str_eq(sets[count - 1]->name, "scalar");
    ck_assert_ptr_eq(kernels_find("auto"), sets[0]);
    ck_assert_ptr_null(kernels_find("sse9"));
    ck_assert_ptr_null(kernels_find(""));
}
END_TEST

START_TEST(sets_are_complete)
{
    for (const struct kernels *const *set = every_set(); *set; set++) {
        EXPECT((unsigned)(*set)->fastest < PRECISIONS, "%s: fastest is %d", (*set)->name, (*set)->fastest);
        EXPECT((*set)->largest && (*set)->restore && (*set)->lstm && (*set)->gru, "%s lacks a kernel", (*set)->name);
        EXPECT(!(*set)->quantise[PRECISION_F32], "%s quantises float32", (*set)->name);
        for (int p = 0; p < PRECISIONS; p++)
            EXPECT((*set)->multiply[p] && (*set)->peak[p] && (p == PRECISION_F32 || (*set)->quantise[p]),
                   "%s lacks a kernel of precision %d", (*set)->name, p);
    }
}
END_TEST

/* Operations grow with the rounds, and the loop may not have been left out. */
START_TEST(peaks_count_their_operations)
{
    for (const struct kernels *const *set = every_set(); *set; set++)
        for (int p = 0; p < PRECISIONS; p++) {
            float sink = 0.5f;
            double none = (*set)->peak[p](0, &sink), one = (*set)->peak[p](1, &sink);
            sink = 0.5f;
            double many = (*set)->peak[p](1000, &sink);
            EXPECT(same_float((float)none, 0) && one > 0 && isfinite(many) && distance_of(many, 1000 * one) <= 0,
                   "%s, precision %d: %g operations in no round, %g in one, %g in 1000", (*set)->name, p, none, one,
                   many);
        }
}
END_TEST

int main(void)
{
    test_add(sets_are_found_by_name, NULL);
    test_add(sets_are_complete, NULL);
    test_add(peaks_count_their_operations, NULL);
    return test_run("kernels");
}
