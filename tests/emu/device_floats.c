/* device_floats.c - see device_floats.h. */
#include "device_floats.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>

float *device_floats_put(struct backend *backend, const float *host, size_t count)
{
    struct ft_error error = {""};
    float *there = backend->ops->new_floats(backend, count);
    ck_assert_ptr_nonnull(there);
    ck_assert_msg(backend->ops->upload(backend, there, host, count, &error) == FT_OK, "%s", error.text);
    return there;
}

float *device_floats_get(struct backend *backend, const float *there, size_t count)
{
    struct ft_error error = {""};
    float *host = malloc((count ? count : 1) * sizeof *host);
    ck_assert_ptr_nonnull(host);
    ck_assert_msg(backend->ops->download(backend, host, there, count, &error) == FT_OK, "%s", error.text);
    return host;
}

void device_floats_close(const char *what, const float *got, const float *expected, size_t rows, size_t width,
                         double limit)
{
    for (size_t r = 0; r < rows; r++, got += width, expected += width) {
        double largest = 0;
        for (size_t k = 0; k < width; k++)
            largest = fmax(largest, fabs((double)expected[k]));
        for (size_t k = 0; k < width; k++)
            EXPECT(distance_of((double)got[k], (double)expected[k]) <= limit * largest,
                   "%s: row %zu, column %zu: %.9g, on the CPU %.9g (the largest: %.9g)", what, r, k, (double)got[k],
                   (double)expected[k], largest);
    }
}
