/* memory_plan.h - how much memory a run takes, in bytes, before it begins: what fits in a bound and what does not.
 *
 * Everything counts: the program, its threads and their lanes, the model (a mapped file whole, since any of its pages
 * may come to lie in memory), the window that the reader fills, the batch that is tagged, and kept embeddings. Without
 * a bound the plan is the usual window and all lanes. With one, windows and lanes are made smaller until all fits; a
 * bound that the smallest window does not fit in is refused. What a batch takes follows from its sentences, so that a
 * batch is only begun where it fits. Results do not depend on a plan. */
#ifndef RUN_MEMORY_PLAN_H
#define RUN_MEMORY_PLAN_H
#include "run/store.h"

/* What shall be run. */
struct memory_request {
    const struct tagger *tagger;
    size_t model_bytes; /* memory_of_tagger */
    size_t threads, lanes;
    enum storage_mode storage;
    enum gather_mode gather;
    enum lm_output lm_output;
    bool marginals; /* of every tag */
    size_t nbest;
    size_t limit; /* bytes; 0: none */
};

struct memory_plan {
    struct memory_request request;
    size_t max_chars, max_tokens; /* of a window */
    size_t window;                /* bytes that its sentences may take; 0: no bound */
    size_t line;                  /* longest line, and longest sentence in lines; 0: no bound */
    size_t lanes;                 /* of a thread */
    size_t fork_bytes;            /* of a language model, for states of sentences that begin alike */
    size_t fixed;                 /* bytes: program, model, threads, lanes, shared states */
    size_t needed;                /* fixed, and a full window with its batch */
    size_t kept;                  /* what is left for kept embeddings; 0 without a bound or storage */
    size_t budget;                /* for a storage account: kept rows and those of a batch; 0: no bound */
};

/* Bytes of a device's memory: the model's layers as floats, and a full window's batch. */
size_t memory_on_device(const struct memory_plan *plan);

/* Makes windows smaller until they fit in a device's memory; false where the smallest does not, and the plan is for
 * it. */
bool memory_plan_fit_device(struct memory_plan *plan, size_t available);

/* What a batch consists of. */
struct batch_size {
    size_t sentences, tokens;
    size_t chars, bytes; /* of the tokens; chars with one more a token */
    size_t longest_tokens, longest_chars;
};

/* Bytes that a tagger holds. file_bytes: of its file, mapped as long as it is open. */
size_t memory_of_tagger(const struct tagger *tagger, size_t file_bytes);

/* FT_NOMEM: the limit is too little; the message says what is needed. */
ft_status memory_plan_init(struct memory_plan *plan, const struct memory_request *request, struct ft_error *error);

/* What embedding, tagging and describing a batch takes. */
size_t memory_of_batch(const struct memory_plan *plan, const struct batch_size *size);

/* How many of the sentences, from the first on, go into the next batch: as many as max_tokens and the limit allow, at
 * most `most`. held: bytes that windows and results hold already. 0: the first alone does not fit. */
size_t memory_plan_take(const struct memory_plan *plan, const struct sentence *const *sentences, size_t count,
                        size_t most, size_t held);

/* The message for a sentence that does not fit, with its place. FT_NOMEM. */
ft_status memory_plan_refuse(const struct memory_plan *plan, const struct sentence *sentence, size_t held,
                             struct ft_error *error);

/* "62.1 MiB" */
enum { MEMORY_TEXT = 24 };
const char *memory_text(size_t bytes, char text[MEMORY_TEXT]);

#endif
