/* store.c - see store.h. */
#include "run/store.h"
#include <stdlib.h>
#include <string.h>

enum gather_mode store_default_gather(enum storage_mode mode)
{
    return mode == STORAGE_GPU ? GATHER_CLONE : GATHER_SLICE;
}

void store_init(struct store *store, enum storage_mode mode, struct storage_account *account)
{
    *store = (struct store){.mode = mode, .account = account};
}

void store_release(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        storage_drop(store->kept[i]);
    free(store->kept);
    store_init(store, store->mode, store->account);
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

/* One host storage for the whole batch, [tokens, width of the written pieces]. */
static ft_status move_to_host(struct store *store, const struct tagger *tagger, const struct embedded *embedded,
                              struct ft_error *error)
{
    size_t width = embedder_written_width(tagger);
    struct storage *host;
    ft_status status = storage_new(&host, store->account, embedded->tokens, width, error);
    if (status != FT_OK)
        return status;
    size_t column = 0;
    for (size_t p = 0; p < embedded->piece_count; p++) {
        if (!embedder_writes(&tagger->members[embedded->piece_member[p]]))
            continue;
        const float **rows = (const float **)embedded->pieces[p].rows;
        size_t piece_width = embedded->pieces[p].width;
        for (size_t t = 0; t < embedded->tokens; t++) {
            float *to = host->data + t * width + column;
            rows[t] = memcpy(to, rows[t], piece_width * sizeof *to);
        }
        column += piece_width;
    }
    store->account->copied_bytes += storage_bytes(host);
    store->kept[store->count++] = host;
    return FT_OK;
}

ft_status store_put(struct store *store, const struct tagger *tagger, struct embedded *embedded, struct ft_error *error)
{
    ft_status status = FT_OK;
    if (store->mode != STORAGE_NONE && embedded->tokens && !make_room(store, embedded->pinned_count + 1))
        status = ft_nomem(error, "the embedding store");
    else if (store->mode == STORAGE_CPU && embedded->tokens)
        status = move_to_host(store, tagger, embedded, error);
    else if (store->mode == STORAGE_GPU && embedded->tokens)
        for (size_t i = 0; i < embedded->pinned_count; i++)
            store->kept[store->count++] = storage_reference(embedded->pinned[i]);
    if (status == FT_OK && store->mode != STORAGE_NONE)
        store->rows += embedded->tokens;
    embedded_release(embedded);
    return status;
}
