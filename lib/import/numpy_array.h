/* numpy_array.h - numpy's arrays, as pickles and .npy files hold them.
 *
 * Little-endian arrays of plain numbers of up to four dimensions, C or Fortran order; every element lies inside its
 * bytes. The bytes are borrowed. */
#ifndef IMPORT_NUMPY_ARRAY_H
#define IMPORT_NUMPY_ARRAY_H
#include "base/error.h"
#include "import/value.h"
#include "model/description.h"

/* True when the value is an array; false when it is something else, or an array that cannot be read. */
bool numpy_array(const struct value *value, struct tensor *tensor);

/* An int, or a numpy scalar that holds one. */
bool numpy_integer(const struct value *value, int64_t *out);

/* A .npy file in memory (format 1.0 to 3.0). FT_MODEL when it is none. */
ft_status numpy_file(const char *bytes, size_t count, const char *path, struct tensor *tensor, struct ft_error *error);

#endif
