/* predictor.h - windows of sentences to tags, scores and spans.
 *
 * Results do not depend on how sentences are cut into windows, on threads, lanes, storage, gather or instruction set.
 * Where a device's memory ends in the middle, what is kept there moves to the host's, and batches become smaller. */
#ifndef RUN_PREDICTOR_H
#define RUN_PREDICTOR_H
#include "run/memory_plan.h"
#include "text/writer.h"

struct predictor_options {
    enum storage_mode storage;
    enum gather_mode gather;
    enum lm_output lm_output;
    enum score_column scores; /* SCORES_NONE still gives spans their confidence where `span_scores` asks for it */
    bool span_scores;
    size_t nbest;                   /* 0: none */
    size_t max_memory;              /* for embeddings, kept ones and those of a batch, bytes; 0: no bound */
    const struct memory_plan *plan; /* copied; NULL: nothing else is bounded */
};

struct predictor;

ft_status predictor_new(struct predictor **predictor, const struct tagger *tagger, struct backend *backend,
                        const struct predictor_options *options, struct ft_error *error);
void predictor_free(struct predictor *predictor);

/* From here on no embeddings are kept, and those that were are given back. */
void predictor_keep_nothing(struct predictor *predictor);

/* Tags a window. *taggings: [window->count], lent until the next call; a sentence without tokens has an empty one.
 * *kept_less is set true in the call in which the store was full and predictor_storage became a lesser one. FT_NOMEM
 * with file:line when a single sentence does not fit in the plan's limit. */
ft_status predictor_run(struct predictor *predictor, const struct window *window, const struct tagging **taggings,
                        bool *kept_less, struct ft_error *error);

/* What is kept now: gpu falls to cpu where the device's memory ends, all fall to none where the host's does. */
enum storage_mode predictor_storage(const struct predictor *predictor);

/* How much a window should hold where nothing bounds memory: token vectors stay within 192 MiB. */
void predictor_window_size(const struct tagger *tagger, size_t *max_chars, size_t *max_tokens);

/* Of the back end's memory: of everything, where that is the host's. */
const struct storage_account *predictor_account(const struct predictor *predictor);

/* The emissions of one batch, [tokens, tags], for tests and tools: head over embedded pieces. emissions: caller's, in
 * host memory. */
ft_status predictor_emissions(const struct tagger *tagger, struct backend *backend, const struct embedded *embedded,
                              float *emissions, struct ft_error *error);

#endif
