/* storage.h - blocks of rows that the back end writes, counted references, and what they cost.
 *
 * A slice is a pointer to a row plus a reference to its storage: it copies nothing, and it keeps the whole storage
 * alive. A clone is a row copied into a storage of its own. The account counts both, so that the price of either can be
 * shown. Storages lie in the memory of the account's back end: where that is not the host's, only its operations may
 * follow pointers into them. References are counted without locks: storages are taken and given back by one thread. */
#ifndef TENSOR_STORAGE_H
#define TENSOR_STORAGE_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct backend;

struct storage_account {
    struct backend *backend;       /* whose memory storages take, longer alive than they; NULL: the host's */
    size_t live_bytes, peak_bytes; /* of all storages together */
    size_t copied_bytes;           /* by clones and by moves to the host */
    size_t budget;                 /* live_bytes may not pass it; 0: none */
};

struct storage {
    float *data; /* rows * width floats, zeroed, aligned to 64 bytes */
    size_t rows, width;
    size_t references;
    struct storage_account *account;
};

/* Whether the account's storages lie in host memory. */
bool storage_on_host(const struct storage_account *account);

/* One reference, the caller's. FT_FULL past the account's budget, FT_NOMEM. */
ft_status storage_new(struct storage **storage, struct storage_account *account, size_t rows, size_t width,
                      struct ft_error *error);
struct storage *storage_reference(struct storage *storage);
void storage_drop(struct storage *storage); /* NULL is allowed */
size_t storage_bytes(const struct storage *storage);

#endif
