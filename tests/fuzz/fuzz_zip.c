/* fuzz_zip.c - zip containers of torch, whole: the directory, entries, checksums. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model(fuzz_file(0, data, size));
    return 0;
}
