/* store.c - see store.h. */
#include "run/store.h"
#include <stdlib.h>
#include <string.h>

enum gather_mode store_default_gather(enum storage_mode mode)
{
    return mode == STORAGE_GPU ? GATHER_CLONE : GATHER_SLICE;
}

void store_init(struct store *store, enum storage_mode mode, struct storage_account *account,
                struct storage_account *host)
{
    *store = (struct store){.mode = mode, .account = account, .host = host};
}

void store_release(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        storage_drop(store->kept[i]);
    free(store->kept);
    store_init(store, store->mode, store->account, store->host);
}

static bool make_room(struct store *store, size_t more)
{
    if (store->capacity - store->count >= more)
        return true;
    size_t capacity = 2 * (store->count + more);
    struct storage **grown = realloc(store->kept, capacity * sizeof *grown);
    if (!grown)
        return false;
    store->kept = grown;
    store->capacity = capacity;
    return true;
}

ft_status store_keep(struct store *store, struct storage *storage, struct ft_error *error)
{
    if (!make_room(store, 1)) {
        storage_drop(storage);
        return ft_nomem(error, "the embedding store");
    }
    store->kept[store->count++] = storage;
    return FT_OK;
}

static bool is_written(const struct tagger *tagger, const struct embedded *embedded, size_t piece)
{
    return embedder_writes(&tagger->members[embedded->piece_member[piece]]);
}

static void copy_rows(const struct tagger *tagger, const struct embedded *embedded, struct storage *host)
{
    size_t column = 0;
    for (size_t p = 0; p < embedded->piece_count; p++) {
        size_t width = embedded->pieces[p].width;
        if (!is_written(tagger, embedded, p))
            continue;
        for (size_t t = 0; t < embedded->tokens; t++)
            memcpy(host->data + t * host->width + column, embedded->pieces[p].rows[t], width * sizeof(float));
        column += width;
    }
}

/* Rows first .. first + count - 1 of the device's. block: [count, width] of its memory; NULL: each goes by itself. */
static ft_status download_some(struct backend *backend, const struct tagger *tagger, const struct embedded *embedded,
                               size_t first, size_t count, float *block, struct storage *host, struct ft_error *error)
{
    const struct backend_ops *ops = backend->ops;
    float *to = host->data + first * host->width;
    size_t column = 0;
    ft_status status = FT_OK;
    for (size_t p = 0; status == FT_OK && p < embedded->piece_count; p++) {
        const struct input_piece *piece = &embedded->pieces[p];
        const float *const *rows = piece->rows + first;
        if (!is_written(tagger, embedded, p))
            continue;
        if (block)
            status = ops->gather(backend, rows, count, piece->width, block + column, host->width, error);
        for (size_t t = 0; !block && status == FT_OK && t < count; t++)
            status = ops->download(backend, to + t * host->width + column, rows[t], piece->width, error);
        column += piece->width;
    }
    return status == FT_OK && block ? ops->download(backend, to, block, count * host->width, error) : status;
}

/* A few at a time: beside the batch there may be little room, or none. */
static ft_status download_rows(struct backend *backend, const struct tagger *tagger, const struct embedded *embedded,
                               struct storage *host, struct ft_error *error)
{
    enum { ROWS = 512 };
    size_t most = embedded->tokens < ROWS ? embedded->tokens : ROWS;
    float *block = backend->ops->new_floats(backend, most * host->width + 1);
    ft_status status = FT_OK;
    for (size_t first = 0, count; status == FT_OK && first < embedded->tokens; first += count) {
        count = embedded->tokens - first < most ? embedded->tokens - first : most;
        status = download_some(backend, tagger, embedded, first, count, block, host, error);
    }
    backend->ops->free_floats(backend, block);
    return status;
}

ft_status store_to_host(const struct store *store, const struct tagger *tagger, struct embedded *embedded,
                        struct ft_error *error)
{
    size_t column = 0;
    struct storage *host;
    ft_status status = storage_new(&host, store->host, embedded->tokens, embedder_written_width(tagger), error);
    if (status != FT_OK)
        return status;
    if (storage_on_host(store->account))
        copy_rows(tagger, embedded, host);
    else
        status = download_rows(store->account->backend, tagger, embedded, host, error);
    if (status != FT_OK) {
        storage_drop(host);
        return status;
    }
    for (size_t p = 0; p < embedded->piece_count; p++) {
        const float **rows = (const float **)embedded->pieces[p].rows;
        if (!is_written(tagger, embedded, p))
            continue;
        for (size_t t = 0; t < embedded->tokens; t++)
            rows[t] = host->data + t * host->width + column;
        column += embedded->pieces[p].width;
    }
    store->host->copied_bytes += storage_bytes(host);
    embedded_release(embedded);
    embedded->pinned[embedded->pinned_count++] = host;
    return FT_OK;
}

ft_status store_leave_device(struct store *store, struct ft_error *error)
{
    struct backend *backend = store->account->backend;
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < store->count; i++) {
        struct storage *from = store->kept[i], *to;
        status = storage_new(&to, store->host, from->rows, from->width, error);
        if (status != FT_OK)
            break;
        status = backend->ops->download(backend, to->data, from->data, from->rows * from->width, error);
        store->host->copied_bytes += storage_bytes(to);
        store->kept[i] = to;
        storage_drop(from);
    }
    store->mode = STORAGE_CPU;
    if (status != FT_OK)
        store_release(store);
    if (status != FT_OK)
        store->mode = STORAGE_NONE;
    return status;
}

ft_status store_put(struct store *store, const struct tagger *tagger, struct embedded *embedded, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (store->mode != STORAGE_NONE && embedded->tokens && !make_room(store, embedded->pinned_count + 1))
        status = ft_nomem(error, "the embedding store");
    else if (store->mode == STORAGE_CPU && embedded->tokens)
        status = store_to_host(store, tagger, embedded, error);
    if (status == FT_OK && store->mode != STORAGE_NONE && embedded->tokens)
        for (size_t i = 0; i < embedded->pinned_count; i++)
            store->kept[store->count++] = storage_reference(embedded->pinned[i]);
    if (status == FT_OK && store->mode != STORAGE_NONE)
        store->rows += embedded->tokens;
    embedded_release(embedded);
    return status;
}
