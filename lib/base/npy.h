/* npy.h - numpy's .npy files: the header of a float32 matrix to write, and small arrays to read.
 *
 * The header has one size whatever the shape, so a program that learns its number of rows last can write it again in
 * place. The reader takes what numpy.save writes for float32 and int32, little-endian and in C order (versions 1 to 3
 * of the format); anything else is refused. It holds the whole array. */
#ifndef BASE_NPY_H
#define BASE_NPY_H
#include "base/error.h"
#include <stddef.h>

enum { NPY_HEADER_BYTES = 128, NPY_MAX_RANK = 4 };

/* The header of a float32 matrix [rows, width]; its rows * width little-endian numbers follow, row by row. */
void npy_header(size_t rows, size_t width, char header[NPY_HEADER_BYTES]);

enum npy_type { NPY_F32, NPY_I32 };

struct npy {
    enum npy_type type;
    int rank;
    size_t shape[NPY_MAX_RANK], count; /* count: of all elements */
    void *data;                        /* float or int32_t [count] */
};

/* FT_INPUT: unreadable, no such array, or a size that does not match the shape. On failure there is nothing to release.
 * */
ft_status npy_read(const char *path, struct npy *array, struct ft_error *error);
void npy_release(struct npy *array);

#endif
