/* trainer.h - training a tagger's head on frozen token vectors, as Flair's ModelTrainer does it: epochs of
 * mini-batches, an evaluation after each, a learning rate that falls on plateaus or along a curve, the best weights
 * kept.
 *
 * One call trains one batch, so that whoever drives it can save, draw progress or stop in between. All of a run's
 * state that is not in its options is in `struct trainer_state` and the vectors of trainer_vectors: written to a
 * checkpoint and put back, the run goes on to the same bits. Randomness comes from the seed and the place alone
 * (base/philox.h). It reads no files and prints nothing. */
#ifndef RUN_TRAINER_H
#define RUN_TRAINER_H
#include "run/epoch_order.h"
#include "run/network.h"
#include "run/row_store.h"
#include "run/run_log.h"
#include "run/schedule.h"
#include "run/tag_set.h"
#include "run/update.h"

enum trainer_schedule {
    TRAIN_PLATEAU, /* schedule.h */
    TRAIN_LINEAR,  /* rate_curve.h, over all batches of max_epochs: factor, min_rate and patience mean nothing */
    TRAIN_COSINE
};

struct trainer_options {
    enum flair_era era;
    size_t hidden, layers; /* layers 0: no BiLSTM */
    bool crf;
    bool reproject;      /* to the width that token vectors have ... */
    size_t reproject_to; /* ... or this one, unless it is 0 */
    struct network_dropout dropout;
    size_t batch, eval_batch, max_epochs;
    struct update_rule update;
    double rate, factor, min_rate;
    long patience, extra_patience;
    enum trainer_schedule schedule;
    double warmup_fraction, floor; /* of a curve: batches until the rate is reached, as a share of all (rounded down);
                                      the last rate, as a share of it */
    double average;                /* decay of a moving average of the weights (update.h); 0: there is none */
    double o_bias;                 /* that weights are evaluated with (o_bias.h) */
    bool shuffle, train_with_dev, monitor_test;
    double empty_left_out; /* share of the sentences without mentions that an epoch does not read */
    size_t extra_epochs;   /* only so many first epochs read the corpus's extra sentences; 0: all do */
    uint64_t seed;
};

/* What a trainer works on; lent, and longer alive than it. */
struct trainer_data {
    const struct corpus *corpus;
    const struct tag_set *tags;
    struct row_store *rows; /* over the sentences that trainer_sentences lists */
};

/* The network that a run trains on token vectors of this width. */
struct network_shape trainer_shape(const struct trainer_options *options, size_t width, const struct tag_set *tags);

/* The sentences whose vectors a run asks for, in the order of the row store's numbers: train, dev, and test where it is
 * monitored. They come from the arena; NULL when out of memory. */
const struct sentence **trainer_sentences(const struct corpus *corpus, const struct trainer_options *options,
                                          struct arena *arena, size_t *count);

/* Plain numbers: a checkpoint holds all of them. */
struct trainer_state {
    size_t epoch;      /* from 1: the one being trained, or the last one when finished */
    size_t batch;      /* of it, trained so far */
    uint64_t step;     /* batches since the beginning */
    double loss;       /* of the epoch so far: the sum of its batches' losses */
    double loss_parts; /* what it is divided by: tokens (0.15), batches (0.4) */
    struct schedule schedule;
    double best_score; /* of dev */
    size_t best_epoch; /* 0: none yet */
    bool finished;
};

struct trainer;

/* FT_INPUT: no sentence to train on; sentences without mentions are to be left out, but tags are labels of tokens. */
ft_status trainer_new(struct trainer **trainer, const struct trainer_options *options, const struct trainer_data *data,
                      struct backend *backend, struct ft_error *error);
void trainer_free(struct trainer *trainer); /* NULL is allowed */

struct trainer_event {
    bool epoch_ended;
    struct epoch_record record;       /* of that epoch; `end` is not set */
    bool is_best;                     /* its weights are the best so far */
    double batch_loss, gradient_norm; /* of the batch; the norm is that before clipping */
};

/* Trains the next batch; after an epoch's last one, evaluates and sets the rate of the next. Nothing happens once the
 * state says `finished`. */
ft_status trainer_batch(struct trainer *trainer, struct trainer_event *event, struct ft_error *error);

const struct trainer_state *trainer_state(const struct trainer *trainer);
const struct network *trainer_network(const struct trainer *trainer);
size_t trainer_batches(const struct trainer *trainer);      /* of the state's epoch */
size_t trainer_batch_tokens(const struct trainer *trainer); /* of the batch trained last */

/* What each epoch reads: numbers of the row store, train's from 0 on, dev's behind them where it is learnt from. */
const struct epoch_order *trainer_epoch_order(const struct trainer *trainer);

/* Where the time of all batches so far went, in seconds. */
struct trainer_seconds {
    double vectors; /* reading token vectors, embedding included */
    struct network_seconds network;
    double update, evaluation; /* evaluation: with its own reading of vectors */
};
struct trainer_seconds trainer_seconds(const struct trainer *trainer);

/* The predictions of the last evaluation of dev, sentence by sentence: tags of the set. NULL before the first. */
const uint32_t *trainer_dev_tags(const struct trainer *trainer);

/* The state's vectors, each of network->parameters.floats: weights, best weights (zeros before the first best), the
 * optimizer's moments, and the weights' average; none has the bias against O in it. They are copied from the device: to
 * host memory of the caller's, or from it. */
enum trainer_vector {
    VECTOR_WEIGHTS,
    VECTOR_BEST,
    VECTOR_MOMENT,
    VECTOR_SECOND_MOMENT,
    VECTOR_AVERAGE,
    TRAINER_VECTORS
};
bool trainer_has_vector(const struct trainer *trainer, enum trainer_vector which);
ft_status trainer_read_vector(const struct trainer *trainer, enum trainer_vector which, float *host,
                              struct ft_error *error);
/* Puts a trainer where another one of the same run was. FT_USAGE: its run never has such numbers. */
ft_status trainer_resume(struct trainer *trainer, const struct trainer_state *state,
                         const float *const vectors[TRAINER_VECTORS], struct ft_error *error);

/* The weights that are evaluated, and that a run results in: the average where there is one. */
enum trainer_vector trainer_result(const struct trainer *trainer);

/* Evaluates dev with weights of the trainer's, O's bias lowered; the state stays as it is, trainer_dev_tags change.
 * FT_INPUT: the bias is not 0, and the tags have no O. */
ft_status trainer_evaluate_dev(struct trainer *trainer, enum trainer_vector which, double o_bias,
                               struct split_record *record, struct ft_error *error);

#endif
