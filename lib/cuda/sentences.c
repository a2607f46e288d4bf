/* sentences.c - see sentences.h. */
#include "cuda/sentences.h"

size_t cuda_rows_of(const struct token_sequence *sentences, size_t count, bool *whole)
{
    size_t end = 0, covered = 0;
    for (size_t i = 0; i < count; i++) {
        covered += sentences[i].count;
        if (sentences[i].count && sentences[i].first + sentences[i].count > end)
            end = sentences[i].first + sentences[i].count;
    }
    *whole = covered == end;
    return end;
}

unsigned cuda_tag_threads(size_t tags)
{
    return tags < CRF_THREADS ? (unsigned)(tags + 31) / 32 * 32 : CRF_THREADS;
}

ft_status cuda_check_tags(const struct crf *crf, struct ft_error *error)
{
    if (crf->tags <= CRF_MOST_TAGS)
        return FT_OK;
    return ft_fail(error, FT_USAGE, "the CRF has %zu tags, more than the %d that fit on the device (use --device cpu)",
                   crf->tags, CRF_MOST_TAGS);
}
