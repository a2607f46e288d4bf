/* embedder.h - the token vectors of a batch of sentences, by every member of a tagger's stack.
 *
 * A member's vector of a token is a pointer to floats, wherever they lie: in the word vectors' table, in the storage
 * that the member wrote (a slice), or in a storage of the sentence's own (a clone). Vectors are never joined. Language
 * models write, and so do word vectors whose table is narrow: a row a token, widened, in a storage of the batch. Rows
 * that are written lie in the back end's memory; rows of tables in the host's, whatever the back end.
 *
 * `boundary`: the language model writes only the states that tokens read, one row a token; a slice then pins nothing
 * else. `all`: it writes the whole hidden-state tensor of a mini-batch, [longest, sentences, H] with its padding, as
 * Flair does; a slice keeps all of it alive. Values are the same to the bit. */
#ifndef RUN_EMBEDDER_H
#define RUN_EMBEDDER_H
#include "model/tagger.h"
#include "tensor/storage.h"

enum gather_mode { GATHER_SLICE, GATHER_CLONE };
enum lm_output { LM_BOUNDARY, LM_ALL };

struct embedder_options {
    enum gather_mode gather;
    enum lm_output lm_output;
};

enum { PIECES_MAX = 2 * STACK_MAX }; /* character embeddings have two */

/* The vectors of a batch. Everything but the storages comes from the arena it was made with. */
struct embedded {
    struct token_sequence *sentences; /* [count] */
    size_t count, tokens;
    struct input_piece pieces[PIECES_MAX]; /* rows: [tokens] */
    size_t piece_member[PIECES_MAX];       /* which member of the stack a piece belongs to */
    size_t piece_count;
    size_t steps;            /* of language models: characters of all sequences */
    struct storage **pinned; /* [pinned_count] what the rows keep alive, one reference each */
    size_t pinned_count;
};

/* Embeds sentences[0..count); those without tokens are left out, and embedded->sentences then holds only the others.
 * account: of this back end, or of the host where that is where the back end's floats lie.
 * arena: for pointers and character ids, about 40 bytes a character. FT_NOMEM, FT_FULL (the account's budget),
 * FT_INPUT. */
ft_status embedder_run(const struct tagger *tagger, struct backend *backend, const struct embedder_options *options,
                       const struct sentence *const *sentences, size_t count, struct storage_account *account,
                       struct arena *arena, struct embedded *embedded, struct ft_error *error);

/* Drops the references. */
void embedded_release(struct embedded *embedded);

/* This member's rows are written: by a language model, or widened from a narrow table. Else they lie in a table of
 * floats, which nobody copies or keeps. */
bool embedder_writes(const struct member *member);

/* Floats a token costs in the rows that are written. */
size_t embedder_written_width(const struct tagger *tagger);

/* Bytes that are written for a batch, before any row is cloned. A model that lower-cases and meets a
 * character whose lower case is longer may write more of `all`. */
size_t embedder_output_bytes(const struct tagger *tagger, enum lm_output lm_output,
                             const struct sentence *const *sentences, size_t count);

#endif
