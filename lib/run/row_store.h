/* row_store.h - the token vectors of a corpus during training: computed once, looked up ever after, `--storage
 * none|cpu|gpu`.
 *
 * Asked for some sentences it embeds those that it does not hold (one call of the embedder), keeps the rows that were
 * written (embedder_writes: language models' rows, and rows of narrow word vectors) as the mode says (run/store.h), and
 * writes every token's vector, all members of the stack one behind the other, where it is wanted. Rows of tables (word
 * vectors) stay where they are; pointers to them are kept. Promises: a kept f32 row is bit-equal to a computed one,
 * what is read never depends on mode, gather, earlier reads or how sentences are put together, and kept bytes never
 * pass the budget. It refuses sentences that were not named when it was made. It knows nothing of tags, epochs or
 * networks, and serves one thread.
 *
 * Where the back end's memory is not the host's, rows go from where they are kept to where they are wanted in one
 * gather a piece; those that the host holds are put together there and uploaded once a read. Where that memory ends,
 * gpu falls to cpu in the middle: what was kept there is dropped, and embedded again when it is next asked for.
 *
 * Half precision: every written row is rounded (kernels/half.h) when it is computed, kept or not. A row
 * that half precision does not hold is refused, not cut off: it would change what is learnt without a word. What is
 * kept then is always the rounded copy, one block a batch, so that slices pin nothing and cost what clones cost. It is
 * made in host memory, and stays there: a device does not keep halves. */
#ifndef RUN_ROW_STORE_H
#define RUN_ROW_STORE_H
#include "run/store.h"

enum row_type { ROWS_F32, ROWS_F16 };

struct row_store_options {
    enum storage_mode mode;
    enum gather_mode gather;
    enum lm_output lm_output;
    enum row_type type;   /* of written rows */
    size_t budget;        /* most bytes of kept rows, beside what a batch takes while it is embedded; 0: no bound */
    size_t device_budget; /* the same of a device's memory, for mode gpu; of no meaning where that is the host's */
};

struct row_store;

/* sentences: [count], lent with all they point to, as long as the store is there. tagger: only its members are used.
 *
 * What keeping all of them would take follows from their tokens, before anything is embedded; where slices of whole
 * hidden-state tensors are kept (gpu, slice, all, f32) it depends on the batches too, and the bound for any batches is
 * taken, sentences times the longest one. Where this passes the budget gpu falls back to cpu and cpu to none, with the
 * gather that goes with it by default. On a CPU-only run cpu takes less than gpu only where gpu pins whole tensors, so
 * that clones and rows of `boundary` fall back to none at once.
 *
 * *in_force (may be NULL) receives the mode in force: the one asked for, or what it fell back to. FT_NOMEM. FT_USAGE:
 * halves are to be kept on a device. */
ft_status row_store_new(struct row_store **store, const struct tagger *tagger, struct backend *backend,
                        const struct row_store_options *options, const struct sentence *const *sentences, size_t count,
                        enum storage_mode *in_force, struct ft_error *error);
void row_store_free(struct row_store *store); /* NULL is allowed */

/* Where vectors are wanted. */
struct row_target {
    float *rows;           /* [tokens] of `stride` floats, in the back end's memory */
    size_t stride;         /* the vectors' width, or more: what lies between is left alone */
    const uint32_t *place; /* [tokens] which row is the token's, each once; NULL: in order */
};

/* The vectors of sentences numbers[0..count), whose tokens are numbered through. A number may come more than once.
 *
 * Where memory for keeping runs out nothing more is kept from then on (`stopped` below): what is held stays, the rest
 * is embedded at every read. FT_USAGE: a number is not below the store's count. FT_FAILED: a row does not fit in half
 * precision. FT_NOMEM, FT_INPUT: from embedding. After a failure rows are undefined, the store is as it was. */
ft_status row_store_read(struct row_store *store, const size_t *numbers, size_t count, const struct row_target *to,
                         struct ft_error *error);

/* Drops what is kept in a device's memory and goes on as cpu; for whoever needs that memory for something else. False:
 * there was nothing to drop. */
bool row_store_leave_device(struct row_store *store);

/* Embeds those of the sentences that are not held yet, in one call, so that the language models' lanes stay full. Does
 * nothing where nothing would be kept, where a budget bounds memory, or where whole tensors are wanted, which are a
 * mini-batch's. Vectors do not depend on it. */
ft_status row_store_ahead(struct row_store *store, const size_t *numbers, size_t count, struct ft_error *error);

size_t row_store_width(const struct row_store *store); /* of a token's vector */

/* What it did so far. Bytes are those of written rows; the store's own pointers, 8 bytes a token and piece,
 * are not among them. */
struct row_store_counts {
    size_t read, embedded; /* sentences asked for, and those for which the language models ran */
    size_t kept_bytes;     /* alive, wherever */
    size_t copied_bytes;   /* by clones, moves and roundings that were kept */
    size_t planned_bytes;  /* what all sentences kept would take in the mode in force */
    size_t asked_bytes;    /* the same in the mode asked for */
    bool stopped;          /* memory ran out in the middle: nothing more is kept */
    bool left_device;      /* the device's memory ran out in the middle: gpu became cpu */
};
struct row_store_counts row_store_counts(const struct row_store *store);

#endif
