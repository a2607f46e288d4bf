/* training_scene.h - a training run in small: model files with random weights, a corpus of a few sentences, and a
 * trainer on them. Its files lie in a folder under /tmp that goes with the scene. */
#ifndef UNIT_TRAINING_SCENE_H
#define UNIT_TRAINING_SCENE_H
#include "run/augment.h"
#include "run/stack.h"
#include "run/trainer.h"

enum { SCRATCH_FILES = 16, SCRATCH_PATH = 96 };

struct scratch {
    char folder[40];
    char files[SCRATCH_FILES][SCRATCH_PATH];
    size_t count;
};

void scratch_init(struct scratch *scratch);
/* The path of a file in it, which need not be there; removed at the end if it is. */
const char *scratch_file(struct scratch *scratch, const char *name);
void scratch_release(struct scratch *scratch); /* fails where other files are left */

void write_text(const char *path, const char *text);

/* Model files: a tagger of words "w0" to "w999" and two language models of 4 units in a precision; one of its language
 * models (member 1 is forward, 2 backward); its words. */
void write_tagger_file(const char *path, enum precision precision, struct backend *backend);
void write_lm_file(const char *path, size_t member, struct backend *backend);
void write_words_file(const char *path, struct backend *backend);

/* Words, forward and backward model of a tagger's file. */
void open_tagger_stack(struct stack *stack, const char *path, struct backend *backend);

/* Small, quick to train, with dropouts of all kinds. */
extern const struct trainer_options scene_options;

struct training_scene {
    struct scratch scratch;
    struct backend *backend;
    struct stack stack;
    struct corpus corpus;
    struct tag_set tags;
    struct row_store *rows;
    struct arena arena;
};

/* The corpus (train 11, dev 3, test 3 sentences) is read as the era does; uses_crf decides on its tag set. */
void training_scene_init(struct training_scene *scene, enum flair_era era, bool uses_crf, enum precision precision,
                         size_t threads);
/* Appends copies to train, and asks for token vectors of all sentences anew. */
void training_scene_augment(struct training_scene *scene, const struct augment_options *options);
void training_scene_release(struct training_scene *scene);

/* The caller frees it. */
struct trainer *scene_trainer(const struct training_scene *scene, const struct trainer_options *options);

/* The next batch, which must succeed. */
struct trainer_event scene_batch(struct trainer *trainer);

/* A vector of the trainer's state, [floats of its parameters]; the caller frees it. NULL where there is none. */
float *scene_vector(const struct trainer *trainer, enum trainer_vector which);

#endif
