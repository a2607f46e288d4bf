/* store.h - what stays of the token vectors when their batch is done: `--storage none|cpu|gpu`.
 *
 * none: nothing. cpu: the rows are moved to host memory, one copy. gpu: they stay where the gather left them, by
 * reference, so that a slice keeps all of its storage alive. On a CPU-only run both lie in host memory. The store knows
 * nothing of text or models; when a budget would be passed, that of the host's account for cpu, it keeps nothing of
 * that batch and says so by FT_FULL. */
#ifndef RUN_STORE_H
#define RUN_STORE_H
#include "run/embedder.h"

enum storage_mode { STORAGE_NONE, STORAGE_CPU, STORAGE_GPU };

struct store {
    enum storage_mode mode;
    struct storage_account *account; /* of the batches */
    struct storage_account *host;    /* of rows that are moved */
    struct storage **kept;           /* one reference each */
    size_t count, capacity;
    size_t rows; /* token rows kept */
};

/* host: an account of host memory; that of the batches where it is one. Both are lent. */
void store_init(struct store *store, enum storage_mode mode, struct storage_account *account,
                struct storage_account *host);
void store_release(struct store *store);

/* Keeps what the mode asks for of a batch and releases it. Rows of tables are never kept. Behind it the batch's pieces
 * point to where the rows are kept. FT_FULL, FT_NOMEM: nothing was kept. */
ft_status store_put(struct store *store, const struct tagger *tagger, struct embedded *embedded,
                    struct ft_error *error);

/* Moves the batch's written rows to host memory, of one storage [tokens, width of them all], and drops what held them.
 * The batch's pieces then point there, and it holds a reference. FT_FULL, FT_NOMEM: nothing happened. */
ft_status store_to_host(const struct store *store, const struct tagger *tagger, struct embedded *embedded,
                        struct ft_error *error);

/* Moves what gpu keeps to host memory, storage by storage, and goes on as cpu. Pointers to what was kept are no longer
 * good. FT_FULL, FT_NOMEM: nothing is kept any more, in no mode. */
ft_status store_leave_device(struct store *store, struct ft_error *error);

/* Keeps a storage that the caller made; takes its reference over, also where it fails. FT_NOMEM. */
ft_status store_keep(struct store *store, struct storage *storage, struct ft_error *error);

/* The default gather of a storage mode: clones for gpu, slices else. */
enum gather_mode store_default_gather(enum storage_mode mode);

#endif
