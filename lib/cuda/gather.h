/* gather.h - gather inside an operation: the pointers' table goes into its scratch, the work into the stream. */
#ifndef CUDA_GATHER_H
#define CUDA_GATHER_H
#include "cuda/cuda.h"

/* out + r * out_stride receives the `width` floats at rows[r]. rows: host array of device pointers. */
ft_status cuda_gather_rows(struct cuda_backend *cuda, const float *const *rows, size_t count, size_t width, float *out,
                           size_t out_stride, struct ft_error *error);

/* rows[r] receives the `width` floats at from + r * from_stride. */
ft_status cuda_scatter_rows(struct cuda_backend *cuda, float *const *rows, size_t count, size_t width,
                            const float *from, size_t from_stride, struct ft_error *error);

#endif
