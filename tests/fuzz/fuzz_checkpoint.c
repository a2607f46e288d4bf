/* fuzz_checkpoint.c - the checkpoint of a tagger's training run: read into a fresh trainer, which trains a batch where
 * it was taken. The run is that of scene.h. */
#include "fuzz.h"
#include "run/checkpoint.h"
#include "scene.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate_safetensors(data, size, most, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(0, data, size);
    struct run_log_marks marks;
    struct ft_error error = {""};
    ft_status status = checkpoint_marks(path, SCENE_IDENTITY, &marks, &error);
    fuzz_check(status, &error);
    struct trainer *trainer = scene_new_trainer();
    status = checkpoint_resume(path, SCENE_IDENTITY, trainer, &error);
    fuzz_check(status, &error);
    FUZZ_HOLDS(status == FT_OK || status == FT_INPUT || status == FT_NOMEM, "a status that is none of a checkpoint's");
    struct trainer_event event;
    if (status == FT_OK)
        fuzz_check(trainer_batch(trainer, &event, &error), &error);
    trainer_free(trainer);
    return 0;
}
