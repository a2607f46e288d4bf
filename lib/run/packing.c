/* packing.c - see packing.h. */
#include "run/packing.h"

ft_status packing_init(struct packing *packing, const size_t *lengths, size_t count, struct arena *arena,
                       struct ft_error *error)
{
    size_t rows = 0, longest = 0;
    for (size_t i = 0; i < count; i++) {
        rows += lengths[i];
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    if (rows > UINT32_MAX)
        return ft_fail(error, FT_NOMEM, "a batch of %zu tokens is too large", rows);
    uint32_t *active = arena_array(arena, longest, sizeof *active), *first = arena_array(arena, longest, sizeof *first);
    uint32_t *sequence = arena_array(arena, rows, sizeof *sequence), *step = arena_array(arena, rows, sizeof *step);
    uint32_t *row = arena_array(arena, rows, sizeof *row), *token = arena_array(arena, rows, sizeof *token);
    uint32_t *rank = arena_array(arena, count, sizeof *rank), *place = arena_array(arena, longest + 2, sizeof *place);
    struct token_sequence *sentences = arena_array(arena, count, sizeof *sentences);
    if (!active || !first || !sequence || !step || !row || !token || !rank || !place || !sentences)
        return ft_nomem(error, "a batch");
    /* counting sort by descending length: place[l] is the rank of the first sequence of length l */
    for (size_t i = 0; i < count; i++)
        place[lengths[i]]++;
    uint32_t longer = 0;
    for (size_t l = longest; l > 0; l--) {
        uint32_t equal = place[l];
        place[l] = longer;
        longer += equal;
        active[l - 1] = longer;
    }
    for (size_t i = 0, at = 0; i < count; at += lengths[i++]) {
        rank[i] = place[lengths[i]]++;
        sentences[i] = (struct token_sequence){at, lengths[i]};
    }
    for (size_t t = 0, at = 0; t < longest; at += active[t++])
        first[t] = (uint32_t)at;
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < lengths[i]; t++) {
            uint32_t here = first[t] + rank[i], from = (uint32_t)(sentences[i].first + t);
            row[from] = here;
            token[here] = from;
            sequence[here] = rank[i];
            step[here] = (uint32_t)t;
        }
    packing->batch = (struct packed_batch){count, longest, rows, active, first, sequence, step};
    packing->sentences = sentences;
    packing->row = row;
    packing->token = token;
    return FT_OK;
}
