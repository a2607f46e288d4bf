/* scene.c - see scene.h. The assertions of the unit tests' scene are answered here: Check itself wants its runner. */
#include "scene.h"
#include "base/philox.h"
#include "fuzz.h"
#include "training_scene.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
    fprintf(stderr, "%s:%d: %s %s\n", file, line, expression, message ? message : "");
    fuzz_broken("an assertion of the scene");
}

struct trainer *scene_new_trainer(void)
{
    static struct training_scene scene;
    struct trainer_options options = scene_options;
    if (!scene.backend) {
        training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
        scratch_release(&scene.scratch); /* what is mapped stays */
    }
    options.update.optimizer = OPTIMIZER_ADAM;
    options.rate = 0.01;
    options.patience = 0;
    options.average = 0.9;
    options.layers = 1;
    options.hidden = 2;
    options.reproject_to = 1;
    return scene_trainer(&scene, &options);
}

enum { ITEMS = 7, CHARS = 4 * 33 };

static ft_status random_split(void *context, size_t epoch, size_t position, struct text_ids *ids,
                              struct ft_error *error)
{
    uint8_t *text = malloc(CHARS);
    (void)context;
    if (!text)
        return ft_nomem(error, "a split");
    for (size_t i = 0; i < CHARS; i++)
        text[i] = (uint8_t)(philox_at(100 * epoch + position, i, philox_stream(PHILOX_WEIGHTS, 77), 0).at[0] % ITEMS);
    *ids = (struct text_ids){text, CHARS, false};
    return FT_OK;
}

struct lm_trainer *scene_new_lm_trainer(void)
{
    static struct text_ids valid;
    static const struct lm_trainer_options options = {
        .shape = {.items = ITEMS, .embedding = 2, .hidden = 3, .layers = 1},
        .batch = 4,
        .sequence_length = 10,
        .max_epochs = 3,
        .valid_chars = 70,
        .update = {.optimizer = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 1},
        .rate = 0.01,
        .factor = 0.25,
        .patience = 0,
        .seed = 3};
    struct ft_error error = {""};
    struct lm_trainer *trainer;
    if (!valid.at)
        random_split(NULL, 99, 0, &valid, &error);
    struct lm_source source = {NULL, 2, random_split, &valid};
    if (lm_trainer_new(&trainer, &options, &source, NULL, fuzz_backend(), &error))
        fuzz_broken(error.text);
    return trainer;
}
