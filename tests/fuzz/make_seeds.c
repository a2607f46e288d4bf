/* make_seeds.c - writes the seeds that are checkpoints, into the folders of seeds; make_seeds.py writes the others. */
#include "fuzz.h"
#include "run/checkpoint.h"
#include "run/lm_checkpoint.h"
#include "scene.h"
#include <stdio.h>

static const char *folder;

static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void holds(ft_status status, const struct ft_error *error)
{
    if (status)
        fuzz_broken(error->text);
}

/* A checkpoint in the middle of the second epoch. */
static void write_checkpoints(void)
{
    static const struct run_log_marks marks = {123456789012, 345, 67};
    static const struct lm_log_marks lm_marks = {123, 456789, 10};
    struct ft_error error = {""};
    struct trainer *trainer = scene_new_trainer();
    struct lm_trainer *lm_trainer = scene_new_lm_trainer();
    for (int i = 0; i < 6; i++) {
        struct trainer_event event;
        struct lm_trainer_event lm_event;
        holds(trainer_batch(trainer, &event, &error), &error);
        holds(lm_trainer_step(lm_trainer, &lm_event, &error), &error);
    }
    holds(checkpoint_write(in_folder("checkpoint/middle"), trainer, &marks, SCENE_IDENTITY, &error), &error);
    holds(lm_checkpoint_write(in_folder("lm_checkpoint/middle"), lm_trainer, &lm_marks, SCENE_IDENTITY, &error),
          &error);
    trainer_free(trainer);
    lm_trainer_free(lm_trainer);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    write_checkpoints();
    return 0;
}
