/* fuzz_conllu.c - CoNLL-U. */
#include "reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int on_error = ON_ERROR_FAIL; on_error <= ON_ERROR_REPLACE; on_error++)
        fuzz_read(
            data, size,
            (struct reader_options){.format = INPUT_CONLLU, .on_error = (enum on_error)on_error, .tag_column = 4});
    return 0;
}
