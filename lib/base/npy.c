/* npy.c - see npy.h. The format: "\x93NUMPY", two bytes of version, the header's length (2 bytes, from version 2 on 4),
 * a Python dictionary as text, filled up with blanks to a LF. */
#include "base/npy.h"
#include "base/input.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_BYTES = 10 }; /* magic, version, length in version 1 */
static const char magic[] = "\x93NUMPY";

void npy_header(size_t rows, size_t width, char header[NPY_HEADER_BYTES])
{
    memset(header, ' ', NPY_HEADER_BYTES);
    memcpy(header, magic, 6);
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)(NPY_HEADER_BYTES - PREFIX_BYTES);
    header[9] = 0;
    char text[NPY_HEADER_BYTES - PREFIX_BYTES]; /* two numbers of 20 digits leave 15 bytes free */
    int bytes =
        snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, width);
    memcpy(header + PREFIX_BYTES, text, (size_t)bytes);
    header[NPY_HEADER_BYTES - 1] = '\n';
}

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, const char *text)
{
    size_t bytes = strlen(text);
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
    if ((size_t)(cursor->end - cursor->at) < bytes || memcmp(cursor->at, text, bytes))
        return false;
    cursor->at += bytes;
    return true;
}

static bool read_size(struct cursor *cursor, size_t *value)
{
    take(cursor, ""); /* blanks */
    const char *start = cursor->at;
    *value = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (size_t)(*cursor->at - '0'), value))
            return false;
    return cursor->at > start;
}

/* "(3, 4)", "(3,)" or "()" */
static bool read_shape(struct cursor *cursor, struct npy *array)
{
    array->count = 1;
    if (!take(cursor, "("))
        return false;
    while (!take(cursor, ")")) {
        size_t size;
        if (array->rank == NPY_MAX_RANK || !read_size(cursor, &size) ||
            __builtin_mul_overflow(array->count, size, &array->count))
            return false;
        array->shape[array->rank++] = size;
        if (!take(cursor, ","))
            return take(cursor, ")");
    }
    return true;
}

static bool read_dictionary(struct cursor *cursor, struct npy *array)
{
    bool type = false, order = false, shape = false;
    if (!take(cursor, "{"))
        return false;
    while (!take(cursor, "}")) {
        if (!type && take(cursor, "'descr':")) {
            array->type = take(cursor, "'<f4'") ? NPY_F32 : NPY_I32;
            if (array->type == NPY_I32 && !take(cursor, "'<i4'"))
                return false;
            type = true;
        } else if (!order && take(cursor, "'fortran_order':") && take(cursor, "False")) {
            order = true;
        } else if (!shape && take(cursor, "'shape':") && read_shape(cursor, array)) {
            shape = true;
        } else {
            return false;
        }
        if (!take(cursor, ",") && (cursor->at == cursor->end || *cursor->at != '}'))
            return false;
    }
    return type && order && shape;
}

/* Fills in the array and says where its data starts. */
static bool read_header(const char *bytes, size_t count, struct npy *array, size_t *start)
{
    if (count < PREFIX_BYTES + 2 || memcmp(bytes, magic, 6) || bytes[6] < 1 || bytes[6] > 3)
        return false;
    const unsigned char *length = (const unsigned char *)bytes + 8;
    *start = PREFIX_BYTES + (length[0] | (size_t)length[1] << 8);
    if (bytes[6] > 1)
        *start += 2 + ((size_t)length[2] << 16 | (size_t)length[3] << 24);
    struct cursor cursor = {bytes + PREFIX_BYTES + (bytes[6] > 1 ? 2 : 0), bytes + *start};
    return *start <= count && read_dictionary(&cursor, array);
}

ft_status npy_read(const char *path, struct npy *array, struct ft_error *error)
{
    char *bytes;
    size_t count, start = 0, needed;
    *array = (struct npy){0};
    ft_status status = input_slurp(path, &bytes, &count, error);
    if (status != FT_OK)
        return status;
    if (!read_header(bytes, count, array, &start))
        status = ft_fail(error, FT_INPUT, "%s: not a .npy file of float32 or int32 numbers in C order", path);
    else if (__builtin_mul_overflow(array->count, sizeof(float), &needed) || needed != count - start)
        status =
            ft_fail(error, FT_INPUT, "%s: %zu bytes of numbers do not fill the array's shape", path, count - start);
    if (status != FT_OK) {
        free(bytes);
        *array = (struct npy){0};
        return status;
    }
    array->data = memmove(bytes, bytes + start, count - start); /* to the front, where it is aligned */
    return FT_OK;
}

void npy_release(struct npy *array)
{
    free(array->data);
    *array = (struct npy){0};
}
