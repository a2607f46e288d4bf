/* numpy_array.c - see numpy_array.h. An array is pickled as _reconstruct(ndarray, (0,), b"b") with the state
 * (version, shape, dtype, is_fortran, bytes), or by protocol 5 as _frombuffer(bytes, dtype, shape, order); a dtype as
 * dtype("f4", ...) with the state (version, "<", ...). */
#include "import/numpy_array.h"
#include "import/torch_file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "f4", "<f4", "|b1". */
static bool parse_type(const char *text, size_t count, enum dtype *dtype)
{
    static const struct {
        char name[3];
        enum dtype dtype;
    } types[] = {{"f4", DTYPE_F32}, {"f8", DTYPE_F64}, {"f2", DTYPE_F16}, {"i8", DTYPE_I64}, {"i4", DTYPE_I32},
                 {"i2", DTYPE_I16}, {"i1", DTYPE_I8},  {"u1", DTYPE_U8},  {"b1", DTYPE_BOOL}};
    if (count == 3 && (text[0] == '<' || text[0] == '|' || text[0] == '=')) {
        text++;
        count--;
    }
    for (size_t i = 0; count == 2 && i < sizeof types / sizeof *types; i++)
        if (!memcmp(types[i].name, text, 2)) {
            *dtype = types[i].dtype;
            return true;
        }
    return false;
}

static bool read_dtype(const struct value *value, enum dtype *dtype)
{
    struct value name = value_argument(value, 0);
    if (!value_made_by(value, "numpy.dtype") || name.kind != VALUE_STR || !parse_type(name.as.text, name.count, dtype))
        return false;
    struct value order = value_at(&value->as.object->state, 1);
    return !value_is_str(&order, ">");
}

static bool view(struct tensor *tensor, const struct value *shape, const struct value *dtype, bool fortran,
                 const char *bytes, size_t count)
{
    enum dtype type;
    size_t sizes[4];
    int64_t strides[4], step = 1;
    if (!read_dtype(dtype, &type) || shape->kind != VALUE_TUPLE || value_count(shape) > 4)
        return false;
    int rank = (int)value_count(shape);
    for (int i = 0; i < rank; i++) {
        struct value size = value_at(shape, (size_t)i);
        if (!value_size(&size, count, &sizes[i]))
            return false;
    }
    for (int i = 0; i < rank; i++) {
        strides[i] = step;
        if (sizes[i] && step > INT64_MAX / 2 / (int64_t)sizes[i])
            return false;
        step *= (int64_t)sizes[i];
    }
    return torch_view(tensor, bytes, count / dtype_bytes(type), type, 0, rank, sizes, fortran ? strides : NULL);
}

static bool is_numpy(const struct value *value, const char *module_end, const char *name)
{
    if (value->kind != VALUE_OBJECT || strncmp(value->as.object->class_path, "numpy.", 6))
        return false;
    char old_path[80], new_path[80];
    snprintf(old_path, sizeof old_path, "numpy.core.%s.%s", module_end, name);
    snprintf(new_path, sizeof new_path, "numpy._core.%s.%s", module_end, name);
    return value_made_by(value, old_path) || value_made_by(value, new_path);
}

bool numpy_array(const struct value *value, struct tensor *tensor)
{
    if (is_numpy(value, "numeric", "_frombuffer")) {
        struct value bytes = value_argument(value, 0), dtype = value_argument(value, 1),
                     shape = value_argument(value, 2), order = value_argument(value, 3);
        return bytes.kind == VALUE_BYTES &&
               view(tensor, &shape, &dtype, value_is_str(&order, "F"), bytes.as.text, bytes.count);
    }
    if (!is_numpy(value, "multiarray", "_reconstruct"))
        return false;
    const struct value *state = &value->as.object->state;
    struct value shape = value_at(state, 1), dtype = value_at(state, 2), fortran = value_at(state, 3),
                 bytes = value_at(state, 4);
    return bytes.kind == VALUE_BYTES && view(tensor, &shape, &dtype, value_truth(&fortran), bytes.as.text, bytes.count);
}

bool numpy_integer(const struct value *value, int64_t *out)
{
    if (value->kind == VALUE_INT) {
        *out = value->as.integer;
        return true;
    }
    if (!is_numpy(value, "multiarray", "scalar"))
        return false;
    struct value dtype = value_argument(value, 0), bytes = value_argument(value, 1);
    enum dtype type;
    if (!read_dtype(&dtype, &type) || bytes.kind != VALUE_BYTES || bytes.count != dtype_bytes(type))
        return false;
    if (type == DTYPE_I64)
        memcpy(out, bytes.as.text, sizeof *out);
    else if (type == DTYPE_I32) {
        int32_t narrow;
        memcpy(&narrow, bytes.as.text, sizeof narrow);
        *out = narrow;
    } else
        return false;
    return true;
}

/* The header is a Python dict in text: {'descr': '<f4', 'fortran_order': False, 'shape': (400000, 100), }. Returns what
 * follows 'key': or NULL. */
static const char *header_entry(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

static bool parse_shape(const char *at, size_t *shape, int *rank)
{
    *rank = 0;
    if (!at || *at++ != '(')
        return false;
    while (*at && *at != ')') {
        char *end;
        unsigned long long number = strtoull(at, &end, 10);
        if (end == at || *rank == 4)
            return false;
        shape[(*rank)++] = (size_t)number;
        for (at = end; *at == ',' || *at == ' ';)
            at++;
    }
    return *at == ')';
}

ft_status numpy_file(const char *bytes, size_t count, const char *path, struct tensor *tensor, struct ft_error *error)
{
    if (count < 12 || memcmp(bytes, "\x93NUMPY", 6))
        return ft_fail(error, FT_MODEL, "%s: not a .npy file", path);
    const unsigned char *at = (const unsigned char *)bytes;
    size_t size_bytes = at[6] == 1 ? 2 : 4, length = 0;
    for (size_t i = 0; i < size_bytes; i++)
        length |= (size_t)at[8 + i] << (8 * i);
    size_t start = 8 + size_bytes;
    char header[4096];
    if (length >= sizeof header || length > count - start)
        return ft_fail(error, FT_MODEL, "%s: damaged .npy file: its header is longer than the file", path);
    memcpy(header, bytes + start, length);
    header[length] = '\0';
    start += length;
    const char *type = header_entry(header, "'descr'"), *order = header_entry(header, "'fortran_order'");
    enum dtype dtype;
    size_t shape[4];
    int rank;
    if (!type || !order || *type != '\'' || strlen(type) < 5 || type[4] != '\'' || !parse_type(type + 1, 3, &dtype) ||
        !parse_shape(header_entry(header, "'shape'"), shape, &rank))
        return ft_fail(error, FT_MODEL, "%s: a .npy file of a kind that cannot be read", path);
    int64_t strides[4], step = 1;
    for (int i = 0; i < rank; i++) {
        strides[i] = step;
        if (shape[i] > count || (shape[i] && step > INT64_MAX / 2 / (int64_t)shape[i]))
            return ft_fail(error, FT_MODEL, "%s: damaged .npy file: its shape is larger than the file", path);
        step *= (int64_t)shape[i];
    }
    if (!torch_view(tensor, bytes + start, (count - start) / dtype_bytes(dtype), dtype, 0, rank, shape,
                    !strncmp(order, "True", 4) ? strides : NULL))
        return ft_fail(error, FT_MODEL, "%s: damaged .npy file: its shape is larger than the file", path);
    return FT_OK;
}
