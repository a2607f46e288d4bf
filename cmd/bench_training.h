/* bench_training.h - training a head on a corpus and its token vectors, as benchmarks do it. */
#ifndef CMD_BENCH_TRAINING_H
#define CMD_BENCH_TRAINING_H
#include "cmd/bench.h"
#include "run/stack.h"
#include "run/trainer.h"

struct bench_training {
    const struct bench_values *values;
    const struct machine *machine;
    struct model model; /* the embeddings are one of three: a model's, a random model's, word vectors alone */
    struct random_model *random;
    struct stack stack;
    const struct tagger *tagger; /* of one of them */
    char words[4096];            /* their path */
    struct corpus corpus;
    struct tag_set tags;
    const struct sentence **asked;         /* [asked_count], whose vectors are asked for */
    size_t asked_count, tokens, sentences; /* trained in an epoch */
    struct row_store *rows;
    struct trainer *trainer;
    enum storage_mode storage; /* in force */
    struct arena arena;
};

/* Corpus and embeddings; closed after any status. */
ft_status bench_training_open(struct bench_training *training, const struct bench_values *values,
                              const struct machine *machine, struct ft_error *error);
void bench_training_close(struct bench_training *training);

/* A run on that device, from its first epoch; ended after any status. */
ft_status bench_training_begin(struct bench_training *training, struct backend *device, enum storage_mode storage,
                               struct ft_error *error);
ft_status bench_training_epoch(struct bench_training *training, struct ft_error *error);
void bench_training_end(struct bench_training *training);

#endif
