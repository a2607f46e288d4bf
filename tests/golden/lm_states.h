/* lm_states.h - hidden states and logits of a language model against those that Flair gave. */
#ifndef GOLDEN_LM_STATES_H
#define GOLDEN_LM_STATES_H
#include "model/lm.h"
#include "tensor/backend.h"

/* The hidden state behind every character of a case's strings. Returns the worst difference; `name` is for messages. */
double golden_check_states(const struct lm *lm, struct backend *backend, const char *folder, const char *name);

/* Logits of what follows each of the first 64 characters of a case's text, or of its reverse, without delimiter. */
double golden_check_logits(const struct lm *lm, struct backend *backend, const char *folder, const char *name);

#endif
