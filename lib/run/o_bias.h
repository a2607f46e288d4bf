/* o_bias.h - a bias against the tag O: what is subtracted from O's emission when a tagger is used, so that it finds
 * more at the cost of precision.
 *
 * In a linear layer that is the same as a lower bias of O, so nothing but that one weight changes in a model. Training
 * goes on without: it would learn to take the bias back. Here are the place of that weight, the weight lowered for
 * as long as a split is evaluated, and the choice of a bias by dev. */
#ifndef RUN_O_BIAS_H
#define RUN_O_BIAS_H
#include "run/trainer.h"

/* The place of O's bias in the block of all parameters. FT_INPUT: the tags have no O. */
ft_status o_bias_find(const struct parameters *parameters, const struct tag_set *tags, size_t *place,
                      struct ft_error *error);

/* Takes `by` off the device's weight and gives what it was; o_bias_restore puts that back. FT_NOMEM. */
ft_status o_bias_lower(struct backend *backend, float *weight, double by, float *was, struct ft_error *error);
ft_status o_bias_restore(struct backend *backend, float *weight, float was, struct ft_error *error);

/* What o_bias_lower makes of a weight. */
float o_bias_lowered(float weight, double by);

enum { O_BIAS_TRIES = 13 }; /* 0, 0.25 ... 3 */

struct o_bias_choice {
    struct {
        double bias;
        struct split_record dev;
    } tries[O_BIAS_TRIES];
    size_t chosen; /* the smallest one with the best F1 */
};

/* Evaluates dev with weights of the trainer's and each bias. FT_INPUT: the tags have no O. */
ft_status o_bias_choose(struct trainer *trainer, enum trainer_vector which, struct o_bias_choice *choice,
                        struct ft_error *error);

/* Adds the choice to a report, in place: a table behind a text, or members "o_bias" and "o_bias_on_dev" of a JSON
 * object. *report: the caller's, freed where another one takes its place; NULL: there is none yet. FT_NOMEM. */
ft_status o_bias_report(const struct o_bias_choice *choice, bool json, char **report, struct ft_error *error);

#endif
