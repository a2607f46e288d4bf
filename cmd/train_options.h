/* train_options.h - the options of `flairtag train`, and what the library is told by them. */
#ifndef CMD_TRAIN_OPTIONS_H
#define CMD_TRAIN_OPTIONS_H
#include "cmd/model_options.h"
#include "cmd/storage_options.h"
#include "run/augment.h"
#include "run/stack.h"
#include "run/trainer.h"

struct train_values {
    const char *folder; /* the operand: where the corpus lies */
    const char *files[SPLITS];
    long token_column, tag_column;
    const char *extra, *extra_labels; /* files with commas between them; rules; NULL: none */
    long extra_epochs;
    int like, scheme;
    const char *words, *lm_forward, *lm_backward; /* files with commas between them, "none", or NULL: the default's */
    long hidden, layers, reproject_to;
    bool crf, reproject;
    double dropout, word_dropout, locked_dropout, rnn_dropout;
    long batch, eval_batch, max_epochs /* 0: the schedule's own */, patience, extra_patience, seed;
    double lower_copies, replaced_copies, keep_empty; /* shares */
    int optimizer;
    double rate; /* NAN: the optimizer's own */
    double momentum, decay, factor, min_rate, clip;
    int schedule;
    double warmup_fraction, floor; /* NAN: the schedule's own */
    double average;
    const char *o_bias; /* a number or "auto"; NULL: 0 */
    bool shuffle, train_with_dev, monitor_test;
    struct storage_values storage;
    int row_type;
    size_t max_memory;
    struct model_values machine; /* threads, lanes, isa */
    const char *output, *resume;
    long checkpoint_seconds;
    bool write_weights, json;
};

extern const struct option train_option_table[];
extern const struct train_values train_defaults;

/* What follows from other options where nothing was said: rates, epochs and size of evaluation batches. */
void train_settle(struct train_values *values);

/* False, with an error reported, where options contradict each other. */
bool train_check(const struct train_values *values);

/* False, with an error reported, where something was said that the schedule does not have. said: of
 * options_parse_noting. */
bool train_check_said(const struct train_values *values, const bool *said);

/* Whether a bias against O is to be chosen at the end. */
bool train_chooses_o_bias(const struct train_values *values);

struct trainer_options train_trainer_options(const struct train_values *values);
struct corpus_options train_corpus_options(const struct train_values *values);
struct augment_options train_augment_options(const struct train_values *values);

/* Names of embeddings to whole paths, "a,b" each by itself; NULL becomes the default model's. The list comes from the
 * arena. FT_MODEL: one cannot be found. */
ft_status train_find_models(const char **list, struct arena *arena, struct ft_error *error);

/* The parts of the stack: words, then forward, then backward models. parts: [STACK_MAX]; their paths come from the
 * arena. */
ft_status train_stack_parts(const struct train_values *values, struct arena *arena, struct stack_part *parts,
                            size_t *count, struct ft_error *error);

#endif
