/* fuzz_words.c - word vectors: GloVe's text, word2vec's text and binary, plain or gz, as `model_open` tells them apart
 * and as they are when nothing else is asked. */
#include "fuzz.h"
#include "import/word_vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(0, data, size);
    struct model_source *source = NULL;
    struct ft_error error = {""};
    fuzz_model(path);
    ft_status status = word_vectors_open(path, &source, &error);
    fuzz_check(status, &error);
    if (status == FT_OK)
        word_vectors_close(source);
    return 0;
}
