/* Language models where the back end's memory is not the host's: trained, scored and sampled by its operations alone,
 * with the CPU's results to the bit. */
#include "every_backend.h"
#include "fake_device.h"
#include "harness.h"
#include "lm_scene.h"
#include "run/lm_score.h"
#include <stdlib.h>
#include <string.h>

enum { CPU, DEVICE, SIDES };

static void open_sides(struct backend *backends[SIDES])
{
    backends[CPU] = backend_new(1, 0, "auto");
    backends[DEVICE] = fake_device_new(backends[CPU], 0);
}

static void close_sides(struct backend *backends[SIDES])
{
    fake_device_free(backends[DEVICE]);
    backends[CPU]->ops->free(backends[CPU]);
}

static void check_vectors(struct lm_trainer *const trainers[SIDES])
{
    struct ft_error error = {""};
    for (int v = 0; v < LM_TRAINER_VECTORS; v++) {
        size_t floats = lm_trainer_floats(trainers[CPU], (enum lm_trainer_vector)v);
        float *host[SIDES];
        ck_assert_uint_eq(lm_trainer_floats(trainers[DEVICE], (enum lm_trainer_vector)v), floats);
        for (int side = 0; side < SIDES; side++) {
            host[side] = calloc(floats + 1, sizeof **host);
            if (floats)
                ck_assert_int_eq(lm_trainer_read(trainers[side], (enum lm_trainer_vector)v, host[side], &error), FT_OK);
        }
        ck_assert_msg(!memcmp(host[CPU], host[DEVICE], floats * sizeof **host), "vector %d differs", v);
        free(host[CPU]);
        free(host[DEVICE]);
    }
}

static void check_training(const struct lm_trainer_options *options)
{
    struct backend *backends[SIDES];
    struct lm_trainer *trainers[SIDES];
    struct ft_error error = {""};
    struct text_ids valid;
    lm_scene_text(99, 0, &valid);
    struct lm_source source = lm_scene_source(&valid);
    open_sides(backends);
    for (int side = 0; side < SIDES; side++)
        ck_assert_msg(lm_trainer_new(&trainers[side], options, &source, NULL, backends[side], &error) == FT_OK, "%s",
                      error.text);
    while (!lm_trainer_state(trainers[CPU])->finished)
        for (int side = 0; side < SIDES; side++) {
            struct lm_trainer_event event;
            ck_assert_msg(lm_trainer_step(trainers[side], &event, &error) == FT_OK, "%s", error.text);
        }
    check_vectors(trainers);
    for (int side = 0; side < SIDES; side++)
        lm_trainer_free(trainers[side]);
    close_sides(backends);
    text_ids_release(&valid);
}

START_TEST(a_language_model_is_trained_by_operations_alone)
{
    struct lm_trainer_options options = {.shape = {.items = LM_SCENE_ITEMS, .embedding = 5, .hidden = 9, .layers = 2},
                                         .dropout = 0.2,
                                         .batch = 4,
                                         .sequence_length = 10,
                                         .max_epochs = 2,
                                         .valid_chars = 70,
                                         .update = {.clip = 0.25},
                                         .rate = 5,
                                         .factor = 0.25,
                                         .seed = 3};
    check_training(&options);
    options.shape.nout = 4;
    options.dropout = 0;
    options.update = (struct update_rule){OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 1};
    options.rate = 0.01;
    check_training(&options);
}
END_TEST

START_TEST(scores_and_samples_are_the_cpu_s)
{
    static const char text[] = "abc def jj";
    struct backend *backends[SIDES];
    struct ft_error error = {""};
    struct small_lm small;
    uint32_t *ids;
    size_t count;
    double nats[SIDES], of_line[SIDES];
    char *written[SIDES];
    open_sides(backends);
    small_lm_init(&small, &small_lm_shape, true, backends[CPU]);
    ck_assert_int_eq(lm_score_ids(small.lm, text, strlen(text), &ids, &count, &error), FT_OK);
    for (int side = 0; side < SIDES; side++) {
        struct lm_sample_options how = {"abc", 40, 0.8, 5};
        struct lm_line line = {.ids = ids, .count = count};
        ck_assert_msg(lm_score_text(small.lm, backends[side], ids, count, &nats[side], &error) == FT_OK, "%s",
                      error.text);
        ck_assert_msg(lm_score_lines(small.lm, backends[side], &line, 1, &error) == FT_OK, "%s", error.text);
        of_line[side] = line.nats;
        ck_assert_msg(lm_sample(small.lm, backends[side], &how, &written[side], &error) == FT_OK, "%s", error.text);
    }
    ck_assert_double_eq(nats[CPU], nats[DEVICE]);
    ck_assert_double_eq(of_line[CPU], of_line[DEVICE]);
    ck_assert_str_eq(written[CPU], written[DEVICE]);
    free(written[CPU]);
    free(written[DEVICE]);
    free(ids);
    small_lm_release(&small);
    close_sides(backends);
}
END_TEST

int main(void)
{
    test_add(a_language_model_is_trained_by_operations_alone, NULL);
    test_add(scores_and_samples_are_the_cpu_s, NULL);
    return test_run("lm_device");
}
