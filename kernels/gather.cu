/* gather.cu - a warp a row, so that reads and writes are whole lines wherever the rows lie. */
#include "kernels/device.h"
#include "kernels/gather_cuda.h"

/* The warp's share of a row. */
DEVICE void copy_row(float *to, const float *from, size_t width)
{
    for (size_t j = (size_t)blockIdx.y * GATHER_COLUMNS; j < width; j += (size_t)gridDim.y * GATHER_COLUMNS) {
        size_t end = width - j < GATHER_COLUMNS ? width : j + GATHER_COLUMNS;
        for (size_t i = j + threadIdx.x; i < end; i += WARP)
            to[i] = from[i];
    }
}

KERNEL void gather_rows(const float *const *rows, size_t count, size_t width, float *out, size_t out_stride)
{
    size_t r = (size_t)blockIdx.x * GATHER_ROWS + threadIdx.y;
    if (r < count)
        copy_row(out + r * out_stride, rows[r], width);
}
EXPORT_KERNEL(gather_rows)

KERNEL void scatter_rows(float *const *rows, size_t count, size_t width, const float *from, size_t from_stride)
{
    size_t r = (size_t)blockIdx.x * GATHER_ROWS + threadIdx.y;
    if (r < count)
        copy_row(rows[r], from + r * from_stride, width);
}
EXPORT_KERNEL(scatter_rows)
