/* row_store.h - the token vectors of a corpus during training: computed once, looked up ever after, `--storage
 * none|cpu|gpu`.
 *
 * Asked for some sentences it embeds those that it does not hold (one call of the embedder), keeps their language
 * models' rows as the mode says, and writes every token's vector, all members of the stack one behind the other, where
 * it is wanted. Rows of tables (word vectors) are looked up once and kept as pointers. Promises: a kept f32 row is
 * bit-equal to a computed one, and kept bytes never pass the budget. Before anything is embedded it plans what it will
 * keep: what does not fit falls back gpu -> cpu -> none, by split, and the caller is told so. It refuses sentences that
 * were not named when it was made. It knows nothing of tags, epochs or networks. */
#ifndef RUN_ROW_STORE_H
#define RUN_ROW_STORE_H
#include "run/store.h"

enum row_type { ROWS_F32, ROWS_F16 };

struct row_store_options {
    enum storage_mode mode;
    enum gather_mode gather;
    enum lm_output lm_output;
    enum row_type type; /* of kept rows; with f16 every row is rounded, also in the first epoch */
    size_t budget;      /* most bytes of kept rows; 0: no bound */
};

struct row_store;

/* sentences: [count], lent, as long as the store is there; none is empty. tagger: only its members are used.
 * *fell_back (may be NULL) receives the mode in force when it is not the one asked for. */
ft_status row_store_new(struct row_store **store, const struct tagger *tagger, struct backend *backend,
                        const struct row_store_options *options, const struct sentence *const *sentences, size_t count,
                        enum storage_mode *in_force, struct ft_error *error);
void row_store_free(struct row_store *store); /* NULL is allowed */

/* The vectors of sentences numbers[0..count): token j of sentence i goes to the floats at rows[k], where k counts the
 * tokens of all sentences in order; [width] each. */
ft_status row_store_read(struct row_store *store, const size_t *numbers, size_t count, float *const *rows,
                         struct ft_error *error);

size_t row_store_width(const struct row_store *store); /* of a token's vector */

/* What it did so far. */
struct row_store_counts {
    size_t read, embedded; /* sentences asked for, and those for which the language models ran */
    size_t kept_bytes;     /* alive */
    size_t copied_bytes;   /* by clones and moves */
    size_t planned_bytes;  /* what all sentences kept would take in the mode in force */
};
struct row_store_counts row_store_counts(const struct row_store *store);

#endif
