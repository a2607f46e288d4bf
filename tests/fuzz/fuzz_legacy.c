/* fuzz_legacy.c - torch's legacy container: a stream of pickles and the storages behind it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model(fuzz_file(0, data, size));
    return 0;
}
