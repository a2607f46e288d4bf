/* lm_scene.h - language models in small, and text to train them on: what tests of their training, scores and samples
 * share. */
#ifndef UNIT_LM_SCENE_H
#define UNIT_LM_SCENE_H
#include "run/lm_trainer.h"

/* Text of random characters with these ids; which one depends on both numbers alone. text_ids_release. */
enum { LM_SCENE_ITEMS = 11 };
void lm_scene_text(size_t epoch, size_t position, struct text_ids *ids);

/* Two splits of such text, changing with the epoch. */
struct lm_source lm_scene_source(const struct text_ids *valid);

/* A model of random weights over "<unk>", LF, blank and the letters a to j, that guesses with some confidence. */
struct small_lm {
    struct lm *lm;
    struct arena arena;
    struct weights weights;
    struct characters *characters;
};
extern const struct lm_shape small_lm_shape; /* two layers and a projection */
void small_lm_init(struct small_lm *small, const struct lm_shape *shape, bool forward, struct backend *backend);
void small_lm_release(struct small_lm *small);

#endif
