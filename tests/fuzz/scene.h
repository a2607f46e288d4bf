/* scene.h - the training runs whose checkpoints are read by targets and written by make_seeds: a tagger's
 * (tests/unit/training_scene.h) and a language model's, both tiny. */
#ifndef FUZZ_SCENE_H
#define FUZZ_SCENE_H
#include "run/lm_trainer.h"
#include "run/trainer.h"

#define SCENE_IDENTITY "0123456789abcdef"

/* Fresh trainers; what they share lives to the end of the process. */
struct trainer *scene_new_trainer(void);
struct lm_trainer *scene_new_lm_trainer(void);

#endif
