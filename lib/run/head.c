/* head.c - see head.h. */
#include "run/head.h"
#include <stdlib.h>
#include <string.h>

void head_init(struct head *head, const struct tagger *tagger, struct backend *backend)
{
    *head = (struct head){.tagger = tagger, .backend = backend};
}

void head_release(struct head *head)
{
    for (size_t b = 0; b < HEAD_BLOCKS; b++) {
        head->backend->ops->free_floats(head->backend, head->blocks[b].floats);
        head->blocks[b] = (struct head_block){0};
    }
}

/* At least so many floats; NULL when out of memory. */
static float *block(struct head *head, size_t which, size_t floats)
{
    struct head_block *at = &head->blocks[which];
    if (at->floats && at->room >= floats)
        return at->floats;
    head->backend->ops->free_floats(head->backend, at->floats);
    at->floats = head->backend->ops->new_floats(head->backend, floats + 1);
    at->room = at->floats ? floats : 0;
    return at->floats;
}

static bool is_of_table(const struct head *head, const struct embedded *embedded, size_t piece)
{
    return !embedder_writes(&head->tagger->members[embedded->piece_member[piece]]);
}

/* The rows of the host's tables as rows of the device's; the others stay as they are. to: [pieces] pointers, rows:
 * [pieces of tables * tokens] pointers. */
static ft_status bring_tables(struct head *head, const struct embedded *embedded, struct input_piece *to,
                              const float **rows, struct ft_error *error)
{
    size_t tokens = embedded->tokens, width = 0;
    for (size_t p = 0; p < embedded->piece_count; p++)
        width += is_of_table(head, embedded, p) ? embedded->pieces[p].width : 0;
    memcpy(to, embedded->pieces, embedded->piece_count * sizeof *to);
    if (!width)
        return FT_OK;
    float *host = malloc((tokens * width + 1) * sizeof *host), *at = host;
    float *device = block(head, HEAD_TABLE_ROWS, tokens * width);
    for (size_t p = 0; host && device && p < embedded->piece_count; p++) {
        if (!is_of_table(head, embedded, p))
            continue;
        for (size_t t = 0; t < tokens; t++, at += to[p].width) {
            memcpy(at, embedded->pieces[p].rows[t], to[p].width * sizeof *at);
            rows[t] = device + (at - host);
        }
        to[p].rows = rows;
        rows += tokens;
    }
    ft_status status = host && device ? head->backend->ops->upload(head->backend, device, host, tokens * width, error)
                                      : ft_nomem(error, "token vectors");
    free(host);
    return status;
}

/* The output of a layer as the one piece that the next reads. */
static void join(const float *floats, size_t width, size_t tokens, const float **rows, struct input_piece *pieces,
                 size_t *count)
{
    for (size_t t = 0; t < tokens; t++)
        rows[t] = floats + t * width;
    pieces[0] = (struct input_piece){rows, width};
    *count = 1;
}

ft_status head_run(struct head *head, const struct embedded *embedded, const float **out, struct ft_error *error)
{
    const struct tagger *tagger = head->tagger;
    struct backend *backend = head->backend;
    const struct backend_ops *ops = backend->ops;
    size_t tokens = embedded->tokens, piece_count = embedded->piece_count;
    size_t lists = ops->on_host ? 1 : 1 + piece_count;
    struct input_piece pieces[PIECES_MAX];
    const float **rows = malloc((lists * tokens + 1) * sizeof *rows);
    float *to;
    ft_status status = rows ? FT_OK : ft_nomem(error, "emissions");
    if (ops->on_host)
        memcpy(pieces, embedded->pieces, sizeof pieces);
    else if (status == FT_OK)
        status = bring_tables(head, embedded, pieces, rows + tokens, error);
    if (status == FT_OK && tagger->has_reprojection) {
        size_t width = tagger->reprojection.out;
        to = block(head, HEAD_REPROJECTED, tokens * width);
        status = to ? ops->linear(backend, &tagger->reprojection, pieces, piece_count, tokens, to, error)
                    : ft_nomem(error, "reprojected token vectors");
        join(to, width, to ? tokens : 0, rows, pieces, &piece_count);
    }
    if (status == FT_OK && tagger->has_rnn) {
        size_t width = 2 * tagger->rnn.layer[0][0].hidden;
        to = block(head, HEAD_STATES, tokens * width);
        status = to ? ops->birnn(backend, &tagger->rnn, embedded->sentences, embedded->count, pieces, piece_count,
                                 tokens, to, error)
                    : ft_nomem(error, "hidden states");
        join(to, width, to ? tokens : 0, rows, pieces, &piece_count);
    }
    if (status == FT_OK) {
        *out = to = block(head, HEAD_EMISSIONS, tokens * tagger->crf.tags);
        status = to ? ops->linear(backend, &tagger->linear, pieces, piece_count, tokens, to, error)
                    : ft_nomem(error, "emissions");
    }
    free(rows);
    return status;
}

size_t head_token_bytes(const struct tagger *tagger)
{
    size_t floats = tagger->crf.tags;
    for (size_t m = 0; m < tagger->member_count; m++)
        floats += embedder_writes(&tagger->members[m]) ? 0 : tagger->members[m].width;
    if (tagger->has_reprojection)
        floats += tagger->reprojection.out;
    if (tagger->has_rnn)
        floats += 2 * tagger->rnn.layer[0][0].hidden;
    return floats * sizeof(float);
}
