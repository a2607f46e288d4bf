/* random_model.h - a tagger of given size with random weights, for measurements and tests: two character language
 * models of 275 characters, word vectors, a BiLSTM of 256 units and a CRF over WNUT-17's six types in BIOES. Weights
 * are uniform in
 * +-1/sqrt(units), from a fixed seed: the same on every machine. */
#ifndef RUN_RANDOM_MODEL_H
#define RUN_RANDOM_MODEL_H
#include "model/tagger.h"

struct random_model;

/* words: looked up beside the language models, lent; NULL: 1,000 random ones of 100 columns. */
ft_status random_model_new(struct random_model **model, size_t hidden, struct words *words, struct backend *backend,
                           struct ft_error *error);
struct tagger *random_model_tagger(struct random_model *model);
void random_model_free(struct random_model *model); /* NULL is allowed */

#endif
