/* embedding.h - what tests of embeddings share: models, sentences from words, and batches. */
#ifndef UNIT_EMBEDDING_H
#define UNIT_EMBEDDING_H
#include "import/model_open.h"
#include "run/predictor.h"

enum { SENTENCES_MAX = 64 };

/* Sentences written as words between blanks; "" has no tokens. */
struct sentences {
    struct arena arena;
    struct sentence at[SENTENCES_MAX];
    const struct sentence *pointers[SENTENCES_MAX];
    size_t count, tokens;
};
void sentences_init(struct sentences *sentences, const char *const *texts, size_t count);
void sentences_release(struct sentences *sentences);

/* One batch, embedded. */
struct batch_run {
    struct storage_account account;
    struct arena arena;
    struct embedded embedded;
    ft_status status;
};
/* budget: 0 for none. The status is kept, not checked. */
void batch_run(struct batch_run *run, const struct tagger *tagger, struct backend *backend, enum gather_mode gather,
               enum lm_output lm_output, const struct sentences *sentences, size_t budget);
void batch_run_release(struct batch_run *run); /* fails when a storage is still alive */

/* All vectors, [tokens, tagger->width]; the caller frees them. */
float *batch_vectors(const struct batch_run *run, const struct tagger *tagger);

struct backend *test_backend(void);
void open_model(struct model *model, struct backend *backend, const char *path);

extern const char *const gather_names[2], *const lm_output_names[2], *const storage_names[3];

/* Models of the golden cases: characters and words; two language models and words. */
#define CHARACTER_MODEL "tests/golden/tagger/v0.15.1-zip-made-chars-word-crf/model.pt"
#define ONE_HOT_MODEL "tests/golden/tagger/v0.15.1-zip-made-onehot-fw-gru2-softmax/model.pt"
#define NESTED_MODEL "tests/golden/tagger/v0.15.1-zip-made-nested-pos-crf/model.pt"

#endif
