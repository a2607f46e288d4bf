/* fuzz_npy.c - the .npy file beside a gensim file. */
#include "fuzz.h"
#include "import/numpy_array.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tensor tensor;
    struct ft_error error = {""};
    ft_status status = numpy_file((const char *)data, size, "x.npy", &tensor, &error);
    fuzz_check(status, &error);
    if (status == FT_OK) {
        size_t last = 0;
        for (int d = 0; d < tensor.rank; d++)
            last += tensor.shape[d] ? (tensor.shape[d] - 1) * (size_t)tensor.stride[d] : 0;
        const uint8_t *begin = tensor.data, *end = begin + (last + 1) * dtype_bytes(tensor.dtype);
        bool empty = false;
        for (int d = 0; d < tensor.rank; d++)
            empty |= !tensor.shape[d];
        FUZZ_HOLDS(begin >= data && (empty || end <= data + size), "an element outside of the file");
    }
    return 0;
}
