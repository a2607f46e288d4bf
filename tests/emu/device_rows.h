/* device_rows.h - rows of floats on a back end's side in every arrangement that an operation may meet. */
#ifndef EMU_DEVICE_ROWS_H
#define EMU_DEVICE_ROWS_H
#include "device_backend.h"
#include "device_floats.h"
#include "numbers.h"
#include "kernels/product.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* EVEN: one behind the other. SPACED: with a gap of three floats. SHUFFLED: in one allocation, in no order.
 * APART: an allocation each. */
enum arrangement { EVEN, SPACED, SHUFFLED, APART, ARRANGEMENTS };
static const char *const arrangement_names[] = {"even", "spaced", "shuffled", "apart"};

/* A piece of every row, on the host for the CPU and on the device. */
struct device_rows {
    struct backend *backend;
    size_t count, width;
    enum arrangement arrangement;
    float *host;           /* [count, width] */
    const float **on_host; /* [count] */
    float **on_device;     /* [count], all or their allocations' first */
    const float **device;  /* [count] */
    struct input_piece cpu, gpu;
};

/* Floats of the back end's, none of which is what a result may be. */
static inline float *device_rows_unset(struct backend *backend, size_t count)
{
    float *host = malloc((count ? count : 1) * sizeof *host);
    for (size_t i = 0; i < count; i++)
        host[i] = NAN;
    float *there = device_floats_put(backend, host, count);
    free(host);
    return there;
}

static inline void device_rows_init(struct device_rows *rows, struct backend *backend, size_t count, size_t width,
                                    enum arrangement arrangement)
{
    size_t stride = width + (arrangement == SPACED ? 3 : 0), room = count ? count : 1;
    *rows = (struct device_rows){.backend = backend, .count = count, .width = width, .arrangement = arrangement};
    rows->host = random_floats(room * width, 1);
    rows->on_host = calloc(room, sizeof *rows->on_host);
    rows->on_device = calloc(room, sizeof *rows->on_device);
    rows->device = calloc(room, sizeof *rows->device);
    size_t *place = calloc(room, sizeof *place);
    for (size_t r = 0; r < count; r++) {
        rows->on_host[r] = rows->host + r * width;
        place[r] = r;
    }
    for (size_t r = count; arrangement == SHUFFLED && r-- > 1;) {
        size_t other = random_below((uint32_t)r + 1), was = place[r];
        place[r] = place[other];
        place[other] = was;
    }
    float *whole = calloc(room * stride, sizeof *whole);
    for (size_t r = 0; r < count; r++)
        memcpy(whole + place[r] * stride, rows->on_host[r], width * sizeof *whole);
    if (arrangement != APART)
        rows->on_device[0] = device_floats_put(backend, whole, room * stride);
    for (size_t r = 0; r < count; r++) {
        if (arrangement == APART)
            rows->on_device[r] = device_floats_put(backend, rows->on_host[r], width);
        rows->device[r] = arrangement == APART ? rows->on_device[r] : rows->on_device[0] + place[r] * stride;
    }
    rows->cpu = (struct input_piece){rows->on_host, width};
    rows->gpu = (struct input_piece){rows->device, width};
    free(whole);
    free(place);
}

static inline void device_rows_release(struct device_rows *rows)
{
    for (size_t r = 0; r < rows->count || r < 1; r++)
        rows->backend->ops->free_floats(rows->backend, rows->on_device[r]);
    free(rows->host);
    free(rows->on_host);
    free(rows->on_device);
    free(rows->device);
}

/* Rows of `width` floats agree within `limit` of the largest magnitude of their row, or of `least` where all of a row
 * is nearer to zero (what it is the difference of is not). */
static inline void device_rows_close(const char *what, const float *got, const float *expected, size_t rows,
                                     size_t width, double limit, double least)
{
    for (size_t r = 0; r < rows; r++, got += width, expected += width) {
        double largest = least;
        for (size_t k = 0; k < width; k++)
            largest = fmax(largest, fabs((double)expected[k]));
        for (size_t k = 0; k < width; k++)
            EXPECT(distance_of((double)got[k], (double)expected[k]) <= limit * largest,
                   "%s: row %zu, column %zu: %.9g, on the CPU %.9g", what, r, k, (double)got[k], (double)expected[k]);
    }
}

#endif
