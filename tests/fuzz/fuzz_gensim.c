/* fuzz_gensim.c - a pickle of gensim's KeyedVectors that is a model file by itself. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model(fuzz_file(0, data, size));
    return 0;
}
