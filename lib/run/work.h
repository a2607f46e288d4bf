/* work.h - the operations that tagging takes, counted from the layers' shapes and apart by precision: what benchmarks
 * divide by.
 *
 * Two operations a fused multiply-add. The first layer of a language model is a table and counts its recurrent product
 * alone (8 H^2 for an LSTM); gates are not counted, padding does not exist. */
#ifndef RUN_WORK_H
#define RUN_WORK_H
#include "model/tagger.h"
#include "run/parameters.h"

struct tagger_work {
    double per_character[PRECISIONS]; /* of a sentence, its two markers included, all language models together */
    double per_token[PRECISIONS]; /* projections of the language models and the head, as it is run (folded or not) */
};
struct tagger_work tagger_work(const struct tagger *tagger);

/* Operations of `characters` characters and `tokens` tokens, by precision. */
struct operations {
    double at[PRECISIONS];
};
struct operations work_operations(const struct tagger_work *work, double characters, double tokens);
double work_total(const struct operations *operations);

/* Operations that training takes for so many tokens: the products of linear and LSTM layers, forward and for the
 * gradients of weights and inputs (of inputs only where something is trained below them), and forward alone. A
 * recurrent product counts once less than a sentence has tokens: its first state is zero. Not counted are dropout,
 * gates, CRF, and the update of the weights. */
double work_training(const struct network_shape *shape, double tokens, double sentences);
double work_inference(const struct network_shape *shape, double tokens, double sentences);

#endif
