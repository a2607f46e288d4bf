/* storage.c - see storage.h. */
#include "tensor/storage.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

size_t storage_bytes(const struct storage *storage)
{
    return storage->rows * storage->width * sizeof(float);
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
    /* pages of their own, given back to the system when dropped: windows of many sizes would tear up the heap */
    void *data = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!made || data == MAP_FAILED) {
        free(made);
        if (data != MAP_FAILED)
            munmap(data, bytes ? bytes : 1);
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
    munmap(storage->data, bytes ? bytes : 1);
    free(storage);
}
