/* training_scene.c - see training_scene.h. */
#include "training_scene.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include "run/random_model.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scratch_init(struct scratch *scratch)
{
    *scratch = (struct scratch){.folder = "/tmp/flairtag-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(scratch->folder));
}

const char *scratch_file(struct scratch *scratch, const char *name)
{
    char path[SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/%s", scratch->folder, name);
    for (size_t i = 0; i < scratch->count; i++)
        if (!strcmp(scratch->files[i], path))
            return scratch->files[i];
    ck_assert_uint_lt(scratch->count, SCRATCH_FILES);
    return strcpy(scratch->files[scratch->count++], path);
}

void scratch_release(struct scratch *scratch)
{
    for (size_t i = 0; i < scratch->count; i++)
        unlink(scratch->files[i]);
    ck_assert_msg(!rmdir(scratch->folder), "files are left in %s", scratch->folder);
}

void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

enum { UNITS = 4 };

static struct random_model *model_new(struct backend *backend)
{
    struct random_model *model;
    struct ft_error error = {""};
    ck_assert_msg(random_model_new(&model, UNITS, NULL, backend, &error) == FT_OK, "%s", error.text);
    return model;
}

static struct output *file_new(const char *path)
{
    struct output *output;
    struct ft_error error = {""};
    ck_assert_msg(output_open(&output, path, &error) == FT_OK, "%s", error.text);
    return output;
}

static void file_end(struct output *output, ft_status status)
{
    struct ft_error error = {""};
    ck_assert_int_eq(status, FT_OK);
    ck_assert_msg(output_close(output, &error) == FT_OK, "%s", error.text);
}

void write_tagger_file(const char *path, enum precision precision, struct backend *backend)
{
    struct random_model *model = model_new(backend);
    struct ft_error error = {""};
    ck_assert_int_eq(tagger_set_precision(random_model_tagger(model), precision, 1, &error), FT_OK);
    struct output *output = file_new(path);
    file_end(output, tagger_save(random_model_tagger(model), output, &error));
    random_model_free(model);
}

void write_lm_file(const char *path, size_t member, struct backend *backend)
{
    struct random_model *model = model_new(backend);
    struct ft_error error = {""};
    struct output *output = file_new(path);
    file_end(output, lm_save(&random_model_tagger(model)->members[member].lm, output, &error));
    random_model_free(model);
}

void write_words_file(const char *path, struct backend *backend)
{
    struct random_model *model = model_new(backend);
    struct ft_error error = {""};
    struct output *output = file_new(path);
    file_end(output, words_save(random_model_tagger(model)->members[0].words, output, &error));
    random_model_free(model);
}

void open_tagger_stack(struct stack *stack, const char *path, struct backend *backend)
{
    const struct stack_part parts[] = {{STACK_WORDS, path}, {STACK_FORWARD, path}, {STACK_BACKWARD, path}};
    struct ft_error error = {""};
    ck_assert_msg(stack_open(stack, parts, 3, backend, &error) == FT_OK, "%s", error.text);
}

const struct trainer_options scene_options = {.era = LIKE_FLAIR_0_15,
                                              .hidden = 5,
                                              .layers = 2,
                                              .crf = true,
                                              .reproject_to = 6,
                                              .dropout = {0.1f, 0.05f, 0.2f, 0.3f},
                                              .batch = 3,
                                              .eval_batch = 2,
                                              .max_epochs = 3,
                                              .update = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 5},
                                              .rate = 0.1,
                                              .factor = 0.5,
                                              .min_rate = 1e-4,
                                              .patience = 3,
                                              .shuffle = true,
                                              .seed = 1};

/* Persons are w1 to w5, places w11 to w15. */
static const char train[] =
    "w1 B-PER\nw2 I-PER\nsaw O\nw11 B-LOC\n\nw12 B-LOC\nis O\nlarge O\n\n"
    "w3 B-PER\n\nthe O\nw30 O\nof O\nw13 B-LOC\nw14 I-LOC\nw15 I-LOC\nand O\nw4 B-PER\n\n"
    "nothing O\nhere O\n\nw5 B-PER\nw1 I-PER\n\nin O\nw15 B-LOC\n, O\nw2 B-PER\nslept O\n. O\n\n"
    "w40 O\nw41 O\nw42 O\n\nw14 B-LOC\nw11 I-LOC\n\nnear O\nw12 B-LOC\n\nw4 B-PER\nwalks O\n\n";
static const char dev[] = "w5 B-PER\nsaw O\nw13 B-LOC\n\nw2 B-PER\nw3 I-PER\n\nin O\nw12 B-LOC\nw13 I-LOC\n. O\n\n";
static const char test[] = "w1 B-PER\nis O\nin O\nw15 B-LOC\n\nw11 B-LOC\n\nw44 O\nw2 B-PER\n\n";

/* How many sentences there are vectors of. */
static size_t open_rows(struct training_scene *scene)
{
    struct ft_error error = {""};
    struct trainer_options all = {.monitor_test = true};
    struct row_store_options keeping = {.mode = STORAGE_CPU};
    size_t count;
    const struct sentence **sentences = trainer_sentences(&scene->corpus, &all, &scene->arena, &count);
    ck_assert_msg(row_store_new(&scene->rows, scene->stack.tagger, scene->backend, &keeping, sentences, count, NULL,
                                &error) == FT_OK,
                  "%s", error.text);
    return count;
}

void training_scene_init(struct training_scene *scene, enum flair_era era, bool uses_crf, enum precision precision,
                         size_t threads)
{
    struct ft_error error = {""};
    struct cpu_options cpu = {threads, 0, "auto"};
    *scene = (struct training_scene){0};
    scratch_init(&scene->scratch);
    arena_init(&scene->arena);
    ck_assert_msg(backend_cpu_new(&scene->backend, &cpu, &error) == FT_OK, "%s", error.text);
    const char *model = scratch_file(&scene->scratch, "embeddings.safetensors");
    write_tagger_file(model, precision, scene->backend);
    open_tagger_stack(&scene->stack, model, scene->backend);
    struct corpus_options reading = {.files = {scratch_file(&scene->scratch, "train"),
                                               scratch_file(&scene->scratch, "dev"),
                                               scratch_file(&scene->scratch, "test")},
                                     .era = era,
                                     .scheme = SCHEME_BIOES};
    write_text(reading.files[SPLIT_TRAIN], train);
    write_text(reading.files[SPLIT_DEV], dev);
    write_text(reading.files[SPLIT_TEST], test);
    ck_assert_msg(corpus_open(&scene->corpus, &reading, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(tag_set_init(&scene->tags, &scene->corpus, era, SCHEME_BIOES, uses_crf, &error) == FT_OK, "%s",
                  error.text);
    ck_assert_uint_eq(open_rows(scene), 17);
}

void training_scene_augment(struct training_scene *scene, const struct augment_options *options)
{
    struct ft_error error = {""};
    struct augmented made;
    ck_assert_msg(augment_train(&scene->corpus, options, &made, &error) == FT_OK, "%s", error.text);
    row_store_free(scene->rows);
    ck_assert_uint_eq(open_rows(scene), 17 + made.lowered + made.replaced);
}

void training_scene_release(struct training_scene *scene)
{
    row_store_free(scene->rows);
    tag_set_release(&scene->tags);
    corpus_release(&scene->corpus);
    stack_close(&scene->stack);
    scene->backend->ops->free(scene->backend);
    arena_release(&scene->arena);
    scratch_release(&scene->scratch);
}

struct trainer *scene_trainer(const struct training_scene *scene, const struct trainer_options *options)
{
    struct trainer *trainer;
    struct trainer_data data = {&scene->corpus, &scene->tags, scene->rows};
    struct ft_error error = {""};
    ck_assert_msg(trainer_new(&trainer, options, &data, scene->backend, &error) == FT_OK, "%s", error.text);
    return trainer;
}

struct trainer_event scene_batch(struct trainer *trainer)
{
    struct trainer_event event;
    struct ft_error error = {""};
    ck_assert_msg(trainer_batch(trainer, &event, &error) == FT_OK, "%s", error.text);
    return event;
}

float *scene_vector(const struct trainer *trainer, enum trainer_vector which)
{
    struct ft_error error = {""};
    if (!trainer_has_vector(trainer, which))
        return NULL;
    float *vector = malloc(trainer_network(trainer)->parameters.floats * sizeof *vector);
    ck_assert_ptr_nonnull(vector);
    ck_assert_msg(trainer_read_vector(trainer, which, vector, &error) == FT_OK, "%s", error.text);
    return vector;
}
