/* fuzz_text.c - plain text with its splitting into sentences and words, tokens split at blanks, and a format that is
 * guessed. */
#include "reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read(data, size, (struct reader_options){.format = INPUT_TEXT, .on_error = ON_ERROR_REPLACE});
    fuzz_read(data, size, (struct reader_options){.format = INPUT_TEXT, .encoding = ENCODING_LATIN1});
    fuzz_read(data, size, (struct reader_options){.format = INPUT_TOKENS, .on_error = ON_ERROR_SKIP});
    fuzz_read(data, size, (struct reader_options){.format = INPUT_GUESS});
    return 0;
}
