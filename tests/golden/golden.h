/* golden.h - what Flair gave, read from a golden case's folder, and what flairtag gives for the same input.
 *
 * A case holds a model, its input, and tags, confidences, spans, token vectors and emissions as Flair computed them.
 * Here they are read, the input is tagged step by step, and the two are compared; failures are Check's and name the
 * case. */
#ifndef GOLDEN_GOLDEN_H
#define GOLDEN_GOLDEN_H
#include "import/model_open.h"
#include "numbers.h"
#include "run/predictor.h"

struct golden_span {
    size_t sentence, first, last; /* from 1 */
    char *type;                   /* lent */
    double score;
};

struct golden {
    char *tags_text, *spans_text;
    char **tokens, **tags; /* [count] */
    double *confidences;   /* [count] */
    size_t count;
    size_t *ends; /* [sentences], number of tokens up to the end of each sentence */
    size_t sentences;
    struct golden_span *spans;
    size_t span_count;
    bool outside_unscored; /* confidences of tokens tagged O are not Flair's (to be set after reading) */
};

/* Files `tags` (token TAB tag TAB confidence) and `spans` (sentence, first, last, type, score) of a folder. */
void golden_read(struct golden *golden, const char *folder, const char *tags, const char *spans);
void golden_release(struct golden *golden);

/* The input of a case and everything that comes of it, kept. */
struct tagged {
    struct window window;
    struct arena arena;
    struct storage_account account, host; /* of the back end's memory, and of the host's where that is another one */
    struct embedded embedded;
    size_t width;       /* of a token vector */
    float *embeddings;  /* [tokens, width] */
    float *emissions;   /* [tokens, tags] */
    uint32_t *tags;     /* [tokens] */
    float *confidences; /* [tokens] */
};

struct backend *golden_backend(size_t threads, size_t lanes, const char *isa);
void golden_open(struct model *model, const char *path, struct backend *backend);

/* Reads a column file and tags it by the steps that the predictor makes: embedder_run, head_run, decode. */
void tagged_run(struct tagged *tagged, const struct tagger *tagger, struct backend *backend, const char *path);
void tagged_release(struct tagged *tagged);

/* Fails unless all of it is the same to the bit. */
void tagged_same(const struct tagged *a, const struct tagged *b, const struct tagger *tagger, const char *what);

/* Tags exact, confidences within `confidence`, spans exact and their scores likewise. Returns the worst difference. */
double golden_check_tags(const struct golden *golden, const struct tagged *tagged, const struct tagger *tagger,
                         double confidence, const char *name);

/* The same for what predictor_run gives of tagged's window; its tags and confidences are tagged's to the bit. */
void golden_check_predictor(const struct golden *golden, const struct tagged *tagged, const struct tagger *tagger,
                            struct backend *backend, double confidence, const char *name);

/* Rows of the listed sentences (from 1) in rows [tokens, width] against a .npy file. Returns the worst difference. */
double golden_check_rows(const char *folder, const char *file, const struct tagged *tagged, const float *rows,
                         size_t width, const size_t *sentences, size_t count, double limit, const char *name);

/* A list of numbers in a case.json: `key` of `object`. The caller frees it. */
size_t *golden_numbers(const char *folder, const char *object, const char *key, size_t *count);

#endif
