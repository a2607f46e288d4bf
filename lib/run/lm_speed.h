/* lm_speed.h - how fast a language model is trained here: a few updates on random characters, timed. */
#ifndef RUN_LM_SPEED_H
#define RUN_LM_SPEED_H
#include "run/lm_trainer.h"

/* seconds: [updates], each of batch * sequence_length characters; one more goes before them. Of the options, those that
 * say when to validate and to end, and the rate, do not matter. FT_NOMEM. */
ft_status lm_speed_measure(const struct lm_trainer_options *options, struct backend *backend, size_t updates,
                           double *seconds, struct ft_error *error);

/* Floating-point operations of training on one character: products alone, two a multiply-add, forward and for the
 * gradients of inputs and of weights (those of h(t-1), of which the first step's stop, too). */
double lm_training_operations(const struct lm_shape *shape);

#endif
