/* gather.c - rows that lie anywhere, as one matrix: where they lie if they lie evenly, else copied by a kernel. */
#include "kernels/gather_cuda.h"
#include "cuda/gather.h"

enum { LARGEST_GRID_Y = 65535 };

static ft_status launch_rows(struct cuda_backend *cuda, const void *kernel, const float *const *rows, size_t count,
                             size_t width, float *matrix, size_t stride, const char *name, struct ft_error *error)
{
    if (!count || !width)
        return FT_OK;
    void *table = cuda_scratch_upload(cuda, rows, count * sizeof *rows, error);
    if (!table)
        return FT_NOMEM;
    size_t across = (width + GATHER_COLUMNS - 1) / GATHER_COLUMNS;
    dim3 grid = {(unsigned)((count + GATHER_ROWS - 1) / GATHER_ROWS),
                 (unsigned)(across < LARGEST_GRID_Y ? across : LARGEST_GRID_Y), 1};
    return cuda_launch(cuda->stream, kernel, grid, (dim3){32, GATHER_ROWS, 1}, 0,
                       CUDA_ARGUMENTS(&table, &count, &width, &matrix, &stride), name, error);
}

ft_status cuda_gather_rows(struct cuda_backend *cuda, const float *const *rows, size_t count, size_t width, float *out,
                           size_t out_stride, struct ft_error *error)
{
    return launch_rows(cuda, CUDA_KERNEL(gather_rows), rows, count, width, out, out_stride, "gathering rows", error);
}

ft_status cuda_scatter_rows(struct cuda_backend *cuda, float *const *rows, size_t count, size_t width,
                            const float *from, size_t from_stride, struct ft_error *error)
{
    return launch_rows(cuda, CUDA_KERNEL(scatter_rows), (const float *const *)rows, count, width, (float *)from,
                       from_stride, "scattering rows", error);
}

ft_status cuda_gather(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                      size_t out_stride, struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    status = cuda_gather_rows(cuda, rows, count, width, out, out_stride, error);
    cuda_scratch_end(cuda);
    return status;
}

/* The distance between neighbours when it is the same everywhere, rows do not overlap and all lie in one allocation:
 * then they are a matrix. Else 0. */
static size_t even_stride(const struct cuda_backend *cuda, const float *const *rows, size_t count, size_t width)
{
    if (count < 2)
        return width;
    uintptr_t first = (uintptr_t)rows[0], bytes = (uintptr_t)rows[1] - first;
    if (rows[1] < rows[0] || bytes % sizeof(float) || bytes / sizeof(float) < width)
        return 0;
    for (size_t r = 2; r < count; r++)
        if ((uintptr_t)rows[r] != first + r * bytes)
            return 0;
    return cuda_in_one_allocation(cuda, rows[0], (count - 1) * bytes + width * sizeof(float)) ? bytes / sizeof(float)
                                                                                              : 0;
}

ft_status cuda_piece_matrix(struct cuda_backend *cuda, const struct input_piece *piece, size_t first, size_t count,
                            const float **matrix, size_t *stride, struct ft_error *error)
{
    const float *const *rows = piece->rows + first;
    *matrix = count ? rows[0] : NULL;
    if ((*stride = even_stride(cuda, rows, count, piece->width)))
        return FT_OK;
    float *copy = cuda_scratch_take(cuda, count * piece->width * sizeof *copy);
    if (!copy)
        return cuda_nomem(cuda, "rows of input", error);
    *matrix = copy;
    *stride = piece->width;
    return cuda_gather_rows(cuda, rows, count, piece->width, copy, piece->width, error);
}
