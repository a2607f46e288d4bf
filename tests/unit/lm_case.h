/* lm_case.h - character language models with random weights, plain and made ready, and sequences for them: what tests
 * of lm_encode share. */
#ifndef UNIT_LM_CASE_H
#define UNIT_LM_CASE_H
#include "model/lm.h"
#include "plain_layer.h"

enum { ITEMS = 30, WIDTH = 5, LAYERS = 3, NOUT = 9 };
struct language_model {
    struct plain_layer layer[LAYERS];
    size_t layers, nout;
    float *encoder, *proj_weight, *proj_bias; /* [ITEMS, WIDTH], [nout, hidden], [nout] */
    struct bytes items[ITEMS];
    char names[ITEMS];
    struct arena arena;
    struct weights weights;
    struct lm lm;
};
void language_model_init(struct language_model *m, enum cell_type cell, size_t hidden, size_t layers, size_t nout);
void language_model_release(struct language_model *m);

/* Sequences of odd lengths that want some of their states, some of them more than once. Most of the later ones begin
 * like an earlier one, and most of those want the same of its states; some are that sequence again. */
struct sequences {
    struct char_sequence *at;
    size_t count, rows;
    struct arena arena;
};
void sequences_init(struct sequences *s, size_t count, bool long_ones); /* long: up to 1000 steps */
void sequences_release(struct sequences *s);

#endif
