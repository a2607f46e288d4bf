/* lm_trainer.h - training a character language model, as Flair's LanguageModelTrainer does it: B streams of a split,
 * m characters an update, a validation after each split, the best weights kept.
 *
 * One call makes one update, so that whoever drives it can save, draw progress or stop in between. All of a run's state
 * that is not in its options is in `struct lm_trainer_state` and the vectors of lm_trainer_vectors: written to a
 * checkpoint and put back, the run goes on to the same bits. It reads no files and prints nothing. */
#ifndef RUN_LM_TRAINER_H
#define RUN_LM_TRAINER_H
#include "run/lm_network.h"
#include "run/schedule.h"
#include "run/text_corpus.h"
#include "run/update.h"

enum lm_schedule {
    LM_PLATEAU, /* PyTorch's ReduceLROnPlateau on the validation loss, patience counted in validations */
    LM_COSINE   /* linear to `rate` over the first warmup_chars, then along a cosine to floor * rate at max_chars */
};

struct lm_trainer_options {
    struct lm_shape shape;
    double dropout;
    size_t batch, sequence_length;
    size_t max_epochs;
    uint64_t max_chars;   /* training ends with the update that reaches so many; 0: no bound */
    uint64_t valid_chars; /* also validate after so many characters within a split; 0: only behind it */
    struct update_rule update;
    double rate;
    enum lm_schedule schedule;
    double factor;
    long patience;
    uint64_t warmup_chars;
    double floor;
    uint64_t seed;
};

/* Where its characters come from; lent, and longer alive than the trainer. */
struct lm_source {
    void *context;
    size_t splits; /* of an epoch */
    /* The ids of the split that an epoch (from 1) visits at `position`; the same ones whenever it is asked. */
    ft_status (*split)(void *context, size_t epoch, size_t position, struct text_ids *ids, struct ft_error *error);
    const struct text_ids *valid;
};

/* Plain numbers: a checkpoint holds all of them. */
struct lm_trainer_state {
    size_t epoch;       /* from 1 */
    size_t position;    /* of the split within it, from 0 */
    size_t row;         /* of the split's streams, trained so far */
    uint64_t step;      /* updates since the beginning */
    uint64_t chars;     /* predicted since the beginning */
    uint64_t validated; /* chars at the last validation */
    double loss, parts; /* since then: sum of losses times characters, and characters */
    struct schedule schedule;
    double best_loss;    /* of validations; meaningless while best_chars is 0 */
    uint64_t best_chars; /* where it was; 0: none yet */
    bool finished;
};

/* What a text is worth to a model. */
struct lm_evaluation {
    double loss;  /* as Flair reports it: the sum of losses a stream by the number of its characters, nats */
    double bits;  /* a predicted character: the sum by the number of predictions */
    size_t chars; /* predicted */
};

/* Reads the text in the network's streams, `steps` characters a call. FT_INPUT: it is too short for two characters a
 * stream. */
ft_status lm_evaluate(struct lm_network *network, const struct text_ids *ids, size_t steps,
                      struct lm_evaluation *evaluation, struct ft_error *error);

struct lm_trainer;

/* first: host, [parameters' floats], the weights to begin with; NULL: fresh ones. */
ft_status lm_trainer_new(struct lm_trainer **trainer, const struct lm_trainer_options *options,
                         const struct lm_source *source, const float *first, struct backend *backend,
                         struct ft_error *error);
void lm_trainer_free(struct lm_trainer *trainer); /* NULL is allowed */

struct lm_trainer_event {
    size_t chars;                     /* predicted by this update */
    double loss, gradient_norm, rate; /* of it, before clipping; the rate it was made with */
    bool split_ended;
    size_t epoch, split; /* what was trained, both from 1 */
    bool validated;
    struct lm_evaluation valid;
    double train_bits; /* mean since the validation before */
    bool is_best;      /* the weights now are the best so far */
};

/* The next update, and what follows it. Nothing happens once the state says `finished`. FT_FAILED: the loss is no
 * number any more. */
ft_status lm_trainer_step(struct lm_trainer *trainer, struct lm_trainer_event *event, struct ft_error *error);

const struct lm_trainer_state *lm_trainer_state(const struct lm_trainer *trainer);
struct lm_network *lm_trainer_network(struct lm_trainer *trainer);
double lm_trainer_rate(const struct lm_trainer *trainer); /* of the next update */

/* The state's vectors, copied from the device to host memory of the caller's, or from it. */
enum lm_trainer_vector { LM_WEIGHTS, LM_BEST, LM_MOMENT, LM_SECOND_MOMENT, LM_HIDDEN_STATES, LM_TRAINER_VECTORS };
size_t lm_trainer_floats(const struct lm_trainer *trainer, enum lm_trainer_vector which); /* 0: there is none */
ft_status lm_trainer_read(const struct lm_trainer *trainer, enum lm_trainer_vector which, float *host,
                          struct ft_error *error);
ft_status lm_trainer_resume(struct lm_trainer *trainer, const struct lm_trainer_state *state,
                            const float *const vectors[LM_TRAINER_VECTORS], struct ft_error *error);

#endif
