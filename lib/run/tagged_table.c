/* tagged_table.c - see tagged_table.h. */
#include "run/tagged_table.h"
#include "base/number_text.h"
#include "text/spans.h"
#include <string.h>

/* True when some tag has a prefix of the span schemes: else tags are labels of single tokens. */
static bool are_spans(const char *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tags[i][0] && strchr("BIES", tags[i][0]) && tags[i][1] == '-')
            return true;
    return false;
}

static const char *const *as_bio(const char *const *tags, size_t count, struct arena *arena)
{
    size_t spans;
    if (!are_spans(tags, count))
        return tags;
    const struct span *found = spans_from_tags(SPANS_FLAIR_NEW, tags, NULL, count, arena, &spans);
    return found ? (const char *const *)scheme_tags(SCHEME_BIO, found, spans, count, arena) : NULL;
}

ft_status tagged_table_sentence(struct output *output, enum flair_era era, const struct sentence *sentence,
                                const char *const *gold, const char *const *predicted, const double *scores,
                                struct arena *arena, struct ft_error *error)
{
    bool old = era == LIKE_FLAIR_0_4;
    if (!old) {
        gold = as_bio(gold, sentence->count, arena);
        predicted = as_bio(predicted, sentence->count, arena);
        if (!gold || !predicted)
            return ft_nomem(error, "a sentence's tags");
    }
    ft_status status = FT_OK;
    for (size_t t = 0; status == FT_OK && t < sentence->count; t++) {
        char score[NUMBER_TEXT_BYTES] = "";
        if (old)
            number_shortest(score, scores[t]);
        status = output_format(output, error, "%s %s %s%s%s\n", sentence->tokens[t].text, gold[t], predicted[t],
                               old ? " " : "", score);
    }
    return status == FT_OK ? output_text(output, "\n", error) : status;
}
