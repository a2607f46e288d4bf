/* character_words.c - see character_words.h. */
#include "run/character_words.h"
#include "base/map.h"
#include "base/utf8.h"
#include <stdlib.h>

struct place {
    uint32_t length, token;
};

/* Longest first; equal lengths stay in order. */
static int by_length(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->length != y->length)
        return x->length < y->length ? 1 : -1;
    return x->token < y->token ? -1 : 1;
}

ft_status character_words(const struct lm *lm, bool backward, const struct sentence *sentence, size_t first,
                          const float *states, struct arena *arena, struct char_sequence *sequences, const float **rows,
                          struct ft_error *error)
{
    size_t count = sentence->count;
    const uint32_t **ids = arena_array(arena, count, sizeof *ids);
    struct place *sorted = arena_array(arena, count, sizeof *sorted);
    uint32_t *steps = arena_array(arena, count, sizeof *steps), *lengths = arena_array(arena, count, sizeof *lengths);
    uint32_t *targets = arena_array(arena, count, sizeof *targets);
    if (!ids || !sorted || !steps || !lengths || !targets)
        return ft_nomem(error, "character embeddings");
    for (size_t j = 0; j < count; j++) {
        const struct token *token = &sentence->tokens[j];
        uint32_t *word = arena_array(arena, token->chars + 1, sizeof *word), length = 0, c;
        if (!word)
            return ft_nomem(error, "character embeddings");
        for (size_t at = 0, bytes; at < token->bytes && (bytes = utf8_decode(token->text + at, token->bytes - at, &c));
             at += bytes)
            word[length++] = characters_id(&lm->characters, c);
        if (!length)
            length = 1; /* an empty token reads character 0 */
        ids[j] = word;
        targets[j] = (uint32_t)(first + j);
        sorted[j] = (struct place){lengths[j] = length, (uint32_t)j};
        steps[j] = backward ? 0 : length - 1;
        sequences[first + j] = (struct char_sequence){word, length, 1, &steps[j], &targets[j]};
        if (backward)
            sequences[first + j].ids += length - 1, sequences[first + j].length = 1;
    }
    qsort(sorted, count, sizeof *sorted, by_length);
    struct map last; /* of each word, the last place in the sentence */
    map_init(&last);
    bool ok = true;
    for (size_t j = 0; j < count; j++)
        ok &= map_put(&last, (const char *)ids[j], lengths[j] * sizeof **ids, (uint32_t)j);
    for (size_t j = 0; ok && j < count; j++)
        rows[first + j] = states + (first + sorted[j].token) * lm->width;
    for (size_t j = 0; ok && j < count; j++) {
        uint32_t token = sorted[j].token, place = 0;
        map_get(&last, (const char *)ids[token], lengths[token] * sizeof **ids, &place);
        rows[first + place] = states + (first + token) * lm->width;
    }
    map_release(&last);
    return ok ? FT_OK : ft_nomem(error, "character embeddings");
}
