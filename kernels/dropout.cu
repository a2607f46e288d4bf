/* dropout.cu - see dropout_cuda.h. A call of Philox tells of four columns. A warp makes the numbers of 128 columns, a
 * call a thread, and hands them over in shared memory, so that neighbouring threads change neighbouring columns. */
#include "base/philox.h"
#include "kernels/device.h"
#include "kernels/dropout_cuda.h"
#include <math.h>

enum { QUARTERS = 4, COLUMNS = WARP * QUARTERS }; /* of a call; of a warp at a time */

struct dropout_row {
    uint64_t seed, sequence, element;
    uint32_t step;
};

DEVICE struct philox_words words_at(const struct dropout_row *row, struct dropout_kind kind, uint64_t element,
                                    size_t four)
{
    return philox_at(row->seed, row->sequence << 44 | element << 20 | four, kind.stream, row->step);
}

/* Makes the numbers of the warp's columns from 4 * `four` of lane 0 on, and applies them to `value`, the column `lane +
 * q * WARP` in value[q]. */
DEVICE void drop(const struct dropout_row *row, struct dropout_kind kind, uint64_t element, size_t four,
                 uint32_t *numbers, float *value)
{
    uint32_t lane = threadIdx.x % WARP;
    struct philox_words words = words_at(row, kind, element, four + lane);
    __syncwarp();
    for (uint32_t q = 0; q < QUARTERS; q++)
        numbers[lane * QUARTERS + q] = words.at[q] >> 8;
    __syncwarp();
    for (uint32_t q = 0; q < QUARTERS; q++)
        value[q] = numbers[lane + q * WARP] < kind.threshold ? 0.0f : value[q] * kind.kept;
}

KERNEL void drop_rows(const uint32_t *sequence, const uint32_t *element, uint64_t seed, uint32_t step,
                      struct dropout_kind word, struct dropout_kind locked, struct dropout_kind plain, size_t width,
                      float *x)
{
    SHARED(uint32_t, shared, DROPOUT_THREADS * QUARTERS);
    uint32_t lane = threadIdx.x % WARP, *numbers = shared + threadIdx.x / WARP * COLUMNS;
    struct dropout_row row = {seed, sequence[blockIdx.x], element[blockIdx.x], step};
    bool dropped = word.threshold && words_at(&row, word, row.element, 0).at[0] >> 8 < word.threshold;
    x += blockIdx.x * width;
    for (size_t first = threadIdx.x / WARP * COLUMNS; first < width; first += blockDim.x / WARP * COLUMNS) {
        float value[QUARTERS];
        for (uint32_t q = 0; q < QUARTERS; q++) {
            size_t column = first + lane + q * WARP;
            value[q] = !dropped && column < width ? x[column] : 0.0f;
        }
        if (locked.threshold && !dropped)
            drop(&row, locked, 0, first / QUARTERS, numbers, value);
        if (plain.threshold && !dropped)
            drop(&row, plain, row.element, first / QUARTERS, numbers, value);
        for (uint32_t q = 0; q < QUARTERS; q++) {
            size_t column = first + lane + q * WARP;
            if (column < width)
                x[column] = value[q];
        }
    }
}
EXPORT_KERNEL(drop_rows)
