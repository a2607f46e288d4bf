/* word2vec_write.c - see word2vec_write.h. */
#include "export/word2vec_write.h"
#include <stdlib.h>
#include <string.h>

/* row: [width], to work in. */
static ft_status check(const struct words *words, float *row, size_t *count, struct ft_error *error)
{
    struct bytes text;
    *count = 0;
    words_vector(words, words->count, row);
    for (size_t k = 0; k < words->width; k++)
        if (!(row[k] <= 0 && row[k] >= 0))
            return ft_fail(error, FT_MODEL,
                           "these word vectors have one for unknown words, which word2vec's format cannot hold");
    for (size_t i = 0; i < words->count; i++) {
        if (!words_text(words, i, &text))
            continue;
        if (!text.count || memchr(text.at, ' ', text.count) || memchr(text.at, '\n', text.count))
            return ft_fail(error, FT_MODEL,
                           "word %zu is empty or has a blank inside, which word2vec's format cannot hold", i + 1);
        ++*count;
    }
    return FT_OK;
}

ft_status word2vec_write(const struct words *words, struct output *output, struct ft_error *error)
{
    size_t count = 0;
    struct bytes text;
    float *row = malloc(words->width * sizeof *row);
    ft_status status = row ? check(words, row, &count, error) : ft_nomem(error, "a word vector");
    if (status == FT_OK)
        status = output_format(output, error, "%zu %zu\n", count, words->width);
    for (size_t i = 0; i < words->count && status == FT_OK; i++) {
        if (!words_text(words, i, &text))
            continue;
        status = output_write(output, text.at, text.count, error);
        if (status == FT_OK)
            status = output_write(output, " ", 1, error);
        words_vector(words, i, row);
        if (status == FT_OK)
            status = output_write(output, row, words->width * sizeof *row, error);
        if (status == FT_OK)
            status = output_write(output, "\n", 1, error);
    }
    free(row);
    return status;
}
