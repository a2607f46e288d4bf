/* A matrix the other way round: every element, and nothing beside it. */
#include "harness.h"
#include "kernels/transpose.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

static void check(size_t rows, size_t columns, size_t from_stride, size_t to_stride)
{
    float *from = random_floats(rows * from_stride + 1, 1), *to = random_floats(columns * to_stride + 1, 1);
    for (size_t i = 0; i < columns * to_stride; i++)
        to[i] = NAN;
    transpose(from, from_stride, rows, columns, to, to_stride);
    for (size_t c = 0; c < columns; c++)
        for (size_t r = 0; r < to_stride; r++) {
            float expected = r < rows ? from[r * from_stride + c] : NAN;
            EXPECT(same_float(to[c * to_stride + r], expected), "%zu x %zu: row %zu, column %zu", rows, columns, r, c);
        }
    free(from);
    free(to);
}

START_TEST(every_element_changes_places_and_margins_stay)
{
    static const size_t sizes[] = {0, 1, 3, 4, 15, 16, 17, 32, 50};
    random_begin("every_element_changes_places_and_margins_stay");
    for (size_t r = 0; r < sizeof sizes / sizeof *sizes; r++)
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++)
            check(sizes[r], sizes[c], sizes[c] + random_below(5), sizes[r] + random_below(5));
}
END_TEST

int main(void)
{
    test_add(every_element_changes_places_and_margins_stay, NULL);
    return test_run("transpose");
}
