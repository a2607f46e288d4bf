/* storage.c - see storage.h. */
#include "tensor/storage.h"
#include "tensor/backend.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

size_t storage_bytes(const struct storage *storage)
{
    return storage->rows * storage->width * sizeof(float);
}

bool storage_on_host(const struct storage_account *account)
{
    return !account->backend || account->backend->ops->on_host;
}

/* Large blocks have pages of their own, which go back to the system when dropped: windows of many sizes would tear up
 * the heap. */
enum { LARGE = 1 << 18 };

static void *block_new(const struct storage_account *account, size_t bytes)
{
    if (!storage_on_host(account))
        return account->backend->ops->new_floats(account->backend, bytes / sizeof(float));
    if (bytes < LARGE) {
        void *block = aligned_alloc(64, bytes / 64 * 64 + 64);
        return block ? memset(block, 0, bytes) : NULL;
    }
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

static void block_free(const struct storage_account *account, void *block, size_t bytes)
{
    if (!storage_on_host(account))
        account->backend->ops->free_floats(account->backend, block);
    else if (bytes < LARGE)
        free(block);
    else if (block)
        munmap(block, bytes);
}

ft_status storage_new(struct storage **storage, struct storage_account *account, size_t rows, size_t width,
                      struct ft_error *error)
{
    if (width && rows > SIZE_MAX / 2 / sizeof(float) / width)
        return ft_nomem(error, "token embeddings");
    size_t bytes = rows * width * sizeof(float);
    if (account->budget && bytes > account->budget - account->live_bytes)
        return ft_fail(error, FT_FULL, "token embeddings of %zu bytes do not fit in the %zu allowed", bytes,
                       account->budget);
    struct storage *made = malloc(sizeof *made);
    void *data = block_new(account, bytes);
    if (!made || !data) {
        free(made);
        block_free(account, data, bytes);
        return ft_nomem(error, "token embeddings");
    }
    *made = (struct storage){data, rows, width, 1, account};
    account->live_bytes += bytes;
    if (account->live_bytes > account->peak_bytes)
        account->peak_bytes = account->live_bytes;
    *storage = made;
    return FT_OK;
}

struct storage *storage_reference(struct storage *storage)
{
    storage->references++;
    return storage;
}

void storage_drop(struct storage *storage)
{
    if (!storage || --storage->references)
        return;
    size_t bytes = storage_bytes(storage);
    storage->account->live_bytes -= bytes;
    block_free(storage->account, storage->data, bytes);
    free(storage);
}
