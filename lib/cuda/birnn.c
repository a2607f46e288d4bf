/* birnn.c - the tagger's bidirectional layers: sentences in groups that fit into the device's memory. */
#include "cuda/birnn.h"
#include "base/arena.h"
#include "base/sort.h"
#include <string.h>

/* A group keeps all gates of its rows: at H = 256, 16 KiB a token, so that this is a window of some 16,000 tokens. */
enum { LARGEST_GROUP = 256 << 20 };

struct length {
    size_t tokens, sentence; /* which of the group's */
};

static int longest_first(const void *left, const void *right)
{
    const struct length *a = left, *b = right;
    if (a->tokens != b->tokens)
        return a->tokens > b->tokens ? -1 : 1;
    return a->sentence < b->sentence ? -1 : a->sentence > b->sentence;
}

/* How many sentences from the first on make a group of at most `most` rows; one in any case. */
static size_t group_size(const struct token_sequence *sentences, size_t count, size_t most)
{
    size_t taken = 0, rows = 0;
    while (taken < count && (!rows || rows + sentences[taken].count <= most))
        rows += sentences[taken++].count;
    return taken;
}

/* Lives in the arena. FT_NOMEM. */
static ft_status group_init(struct birnn_group *group, const struct token_sequence *sentences, size_t count,
                            const struct input_piece *pieces, size_t piece_count, struct arena *arena,
                            struct ft_error *error)
{
    struct length *order = arena_array(arena, count, sizeof *order);
    uint32_t *lengths = arena_array(arena, count, sizeof *lengths), *first = arena_array(arena, count, sizeof *first);
    uint32_t *tokens = arena_array(arena, count, sizeof *tokens);
    uint32_t *rows_of = arena_array(arena, count, sizeof *rows_of);
    struct input_piece *own = arena_array(arena, piece_count, sizeof *own);
    if (!order || !lengths || !first || !tokens || !rows_of || !own)
        return ft_nomem(error, "a group of sentences");
    for (size_t i = 0; i < count; i++) {
        rows_of[i] = (uint32_t)group->rows;
        group->rows += sentences[i].count;
        if (sentences[i].count)
            order[group->sentences++] = (struct length){sentences[i].count, i};
    }
    sort_in_place(order, group->sentences, sizeof *order, longest_first);
    for (size_t s = 0; s < group->sentences; s++) {
        lengths[s] = (uint32_t)order[s].tokens;
        first[s] = rows_of[order[s].sentence];
        tokens[s] = (uint32_t)sentences[order[s].sentence].first;
    }
    group->steps = group->sentences ? lengths[0] : 0;
    uint32_t *active = arena_array(arena, group->steps, sizeof *active);
    if (!active)
        return ft_nomem(error, "a group of sentences");
    for (size_t s = 0, step = group->steps; step--;) {
        while (s < group->sentences && lengths[s] > step)
            s++;
        active[step] = (uint32_t)s;
    }
    for (size_t p = 0; p < piece_count; p++) {
        const float **rows = arena_array(arena, group->rows, sizeof *rows);
        if (!rows)
            return ft_nomem(error, "a group of sentences");
        own[p] = (struct input_piece){rows, pieces[p].width};
        for (size_t i = 0; i < count; i++)
            memcpy(rows + rows_of[i], pieces[p].rows + sentences[i].first, sentences[i].count * sizeof *rows);
    }
    group->lengths = lengths;
    group->first_row = first;
    group->first_token = tokens;
    group->active = active;
    group->pieces = own;
    group->piece_count = piece_count;
    return FT_OK;
}

/* All sentences, at most `most` rows at a time, or fewer when that does not fit. */
static ft_status run_groups(struct cuda_backend *cuda, const struct birnn *net, const struct token_sequence *sentences,
                            size_t count, const struct input_piece *pieces, size_t piece_count, size_t most,
                            bool native, float *out, struct ft_error *error)
{
    struct arena arena;
    ft_status status = FT_OK;
    arena_init(&arena);
    for (size_t done = 0, taken; status == FT_OK && done < count; done += taken) {
        struct birnn_group group = {.out = out};
        arena_clear(&arena);
        taken = group_size(sentences + done, count - done, most);
        status = group_init(&group, sentences + done, taken, pieces, piece_count, &arena, error);
        if (status != FT_OK || !group.rows)
            continue;
        if ((status = cuda_scratch_begin(cuda, error)) != FT_OK)
            break;
        status = (native ? birnn_native : birnn_cudnn)(cuda, net, &group, error);
        cuda_scratch_end(cuda);
        if (status == FT_NOMEM && group.sentences > 1) { /* a smaller group may fit */
            most = group.rows / 2;
            taken = 0;
            status = FT_OK;
        }
    }
    arena_release(&arena);
    return status;
}

ft_status cuda_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                     size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                     struct ft_error *error)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    /* a GRU is rare and a step of it the same work; halves are made by our own products */
    bool native = !cuda->dnn || net->layer[0][0].cell == CELL_GRU || cuda->options.math == CUDA_MATH_F16;
    size_t row_bytes = native ? birnn_native_row_bytes(net) : birnn_cudnn_row_bytes(net);
    size_t bytes = cuda->budget / 4 < LARGEST_GROUP ? cuda->budget / 4 : LARGEST_GROUP;
    if (tokens > UINT32_MAX)
        return ft_fail(error, FT_NOMEM, "%zu tokens at a time are too many for the device", tokens);
    ft_status status = cuda_scratch_begin(cuda, error);
    if (status != FT_OK)
        return status;
    /* weights first: they stay, and must not have to wait for scratch to be given back */
    status = (native ? birnn_native_upload : birnn_cudnn_upload)(cuda, net, error);
    if (status == FT_OK)
        status =
            run_groups(cuda, net, sentences, count, pieces, piece_count, bytes / row_bytes + 1, native, out, error);
    cuda_scratch_end(cuda);
    return status;
}
