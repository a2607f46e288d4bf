/* fuzz_jsonl.c - JSON Lines. */
#include "reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int on_error = ON_ERROR_FAIL; on_error <= ON_ERROR_REPLACE; on_error++)
        fuzz_read(data, size, (struct reader_options){.format = INPUT_JSONL, .on_error = (enum on_error)on_error});
    return 0;
}
