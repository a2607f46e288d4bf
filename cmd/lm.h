/* lm.h - the parts of `flairtag lm`. */
#ifndef CMD_LM_H
#define CMD_LM_H
#include "cmd/machine.h"
#include "run/lm_trainer.h"

enum { LM_UNSAID = -1 };

/* Whether each line is read by itself or all of the text in one go. */
enum lm_context { LM_CONTEXT_LINE, LM_CONTEXT_TEXT };

struct lm_values {
    const char *text; /* a folder, or files, one a line */
    const char *valid, *test;
    int like, direction; /* direction: 0 forward, 1 backward, LM_UNSAID */
    const char *delimiter;
    bool tokenize, flip_case, shuffle;
    const char *dictionary;
    long least;
    double percentile;
    const char *from; /* a model to begin with */
    long hidden, layers, nout, embedding;
    double dropout;
    long batch, sequence_length, max_epochs, max_chars, max_seconds, valid_chars;
    int optimizer, schedule;
    double rate, momentum, decay, clip, factor, floor;
    long patience, warmup_chars, seed;
    const char *output, *run, *resume;
    long checkpoint_seconds;
    bool json;
    int context;
    bool per_line;
    const char *prefix;
    double temperature;
    long characters;
    struct model_values model; /* the machine, too */
};

extern const struct option lm_option_table[];
extern const struct lm_values lm_defaults;

/* Each does its sub-command with the operands behind its name and returns the exit code. said: which options were. */
int lm_train(struct lm_values *values, char **operands, size_t count, const struct command *self, const bool *said);
int lm_score(const struct lm_values *values, char **operands, size_t count);
int lm_write_sample(const struct lm_values *values, char **operands, size_t count);

/* What options and text say together, in whole, of a new run; report_error and false where they contradict each other.
 */
bool lm_check(const struct lm_values *values);

struct lm_trainer_options lm_trainer_options(const struct lm_values *values);
/* delimiter: "\n" and the like have been spelt out. */
struct text_options lm_text_options(const struct lm_values *values);

#endif
