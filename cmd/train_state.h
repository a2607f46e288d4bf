/* train_state.h - a training run at work: what train_run.c, which drives it, and train_report.c, which puts it into
 * words, share. */
#ifndef CMD_TRAIN_STATE_H
#define CMD_TRAIN_STATE_H
#include "cmd/machine.h"
#include "cmd/train_options.h"
#include "run/augment.h"
#include "run/o_bias.h"
#include "run/run_folder.h"

struct run {
    const struct train_values *values;
    struct run_folder *folder;
    char identity[RUN_IDENTITY_BYTES];
    struct trainer_options options;
    struct machine machine;
    struct corpus corpus;
    struct augmented copies; /* the last ones of train */
    struct tag_set tags;
    struct stack stack;
    struct row_store *rows;
    enum storage_mode storage; /* in force */
    struct trainer *trainer;
    struct run_log *log;
    struct progress *progress;
    size_t best_saved;         /* the epoch whose weights best-model.safetensors has */
    double saved, epoch_began; /* clock */
    double evaluated;          /* seconds of evaluations so far */
    double o_bias;             /* of the models that are saved */
    bool has_choice;           /* of that bias, by dev */
    bool left_gpu;             /* token vectors are no longer kept in the GPU's memory, and that was said */
    struct o_bias_choice choice;
    struct arena arena;
};

extern const char *const storage_names[]; /* by storage_mode */

/* The first lines of training.log: corpus, embeddings, options. */
ft_status train_log_beginning(const struct run *run, struct ft_error *error);

/* One JSON object on how the model came to be, the caller's; nothing in it depends on machine, place or time. best: it
 * is the best model, not the last one. NULL when out of memory. */
char *train_record(const struct run *run, const struct trainer_state *state, bool best);

#endif
