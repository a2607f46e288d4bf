/* text_dictionary.c - see text_dictionary.h. */
#include "run/text_dictionary.h"
#include "base/utf8.h"
#include "import/flair_dictionary.h"
#include "import/model_open.h"
#include <stdlib.h>
#include <string.h>

struct counted {
    uint32_t c;
    uint64_t count;
    bool wanted; /* however rare */
};

static int most_frequent_first(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->c < b->c ? -1 : a->c > b->c;
}

static bool is_marker(uint32_t c, const char *delimiter)
{
    uint32_t d;
    for (size_t at = 0, length; (length = utf8_decode(delimiter + at, strlen(delimiter + at), &d)); at += length)
        if (d == c)
            return true;
    return c == ' ';
}

static bool add_item(struct bytes *items, size_t *count, const char *text, size_t bytes, struct arena *arena)
{
    char *copy = arena_copy(arena, text, bytes);
    items[(*count)++] = (struct bytes){copy, bytes};
    return copy;
}

ft_status text_dictionary_make(const uint64_t *counts, const struct text_dictionary_rule *rule, const char *delimiter,
                               struct arena *arena, struct bytes **items, size_t *count, double *known,
                               struct ft_error *error)
{
    size_t different = 0;
    uint64_t all = 0, taken = 0;
    for (uint32_t c = 0; c < UNICODE_COUNT; c++) {
        different += counts[c] > 0 || is_marker(c, delimiter);
        all += counts[c];
    }
    if (!all)
        return ft_fail(error, FT_INPUT, "there is no text to make a dictionary of");
    struct counted *list = malloc((different + 1) * sizeof *list);
    *items = arena_array(arena, different + 1, sizeof **items);
    *count = different = 0;
    if (!list || !*items || !add_item(*items, count, "<unk>", 5, arena)) {
        free(list);
        return ft_nomem(error, "the character dictionary");
    }
    for (uint32_t c = 0; c < UNICODE_COUNT; c++)
        if (counts[c] || is_marker(c, delimiter))
            list[different++] = (struct counted){c, counts[c], is_marker(c, delimiter)};
    qsort(list, different, sizeof *list, most_frequent_first);
    bool whole = true;
    for (size_t i = 0; i < different; i++) {
        bool enough = (double)taken >= rule->percentile * (double)all && rule->percentile < 1;
        char text[4];
        if (!list[i].wanted && (enough || list[i].count < rule->least))
            continue;
        taken += list[i].count;
        whole &= add_item(*items, count, text, utf8_encode(list[i].c, text), arena);
    }
    free(list);
    *known = (double)taken / (double)all;
    if (!whole)
        return ft_nomem(error, "the character dictionary");
    if (*count > TEXT_DICTIONARY_MOST)
        return ft_fail(error, FT_INPUT, "the text has %zu different characters; a model reads no more than %d",
                       *count - 1, TEXT_DICTIONARY_MOST - 1);
    return FT_OK;
}

ft_status text_dictionary_open(const char *path, bool forward, struct backend *backend, struct arena *arena,
                               struct bytes **items, size_t *count, struct ft_error *error)
{
    struct model model = {0};
    struct ft_error why;
    ft_status status = flair_dictionary_open(path, arena, items, count, &why);
    if (status == FT_OK || status == FT_NOMEM || status == FT_INPUT) {
        *error = why;
    } else {
        status = model_open(path, backend, &model, error);
        const struct lm *lm = status == FT_OK ? model_language_model(&model, forward) : NULL;
        if (status == FT_OK && !lm)
            status = ft_fail(error, FT_MODEL, "%s: holds no %s language model", path, forward ? "forward" : "backward");
        *count = lm ? lm->characters.count : 0;
        *items = arena_array(arena, *count, sizeof **items);
        for (size_t i = 0; status == FT_OK && *items && i < *count; i++) {
            const struct bytes *item = &lm->characters.items[i];
            (*items)[i] = (struct bytes){arena_copy(arena, item->at, item->count), item->count};
            if (!(*items)[i].at)
                status = ft_nomem(error, "the character dictionary");
        }
        if (status == FT_OK && !*items)
            status = ft_nomem(error, "the character dictionary");
        model_close(&model);
    }
    if (status == FT_OK && *count > TEXT_DICTIONARY_MOST)
        status = ft_fail(error, FT_MODEL, "%s: a dictionary of %zu characters; a model reads no more than %d", path,
                         *count, TEXT_DICTIONARY_MOST);
    return status;
}
