/* The moving average of a run's weights: its numbers, and that it is what is evaluated and kept. */
#include "harness.h"
#include "numbers.h"
#include "training_scene.h"
#include <math.h>
#include <stdlib.h>

enum { STEPS = 20 };

static struct trainer_options averaging(double decay)
{
    struct trainer_options options = scene_options;
    options.update.optimizer = OPTIMIZER_ADAM;
    options.rate = 0.03;
    options.max_epochs = STEPS / 4; /* epochs have four batches */
    options.average = decay;
    return options;
}

static size_t floats_of(const struct trainer *trainer)
{
    return trainer_network(trainer)->parameters.floats;
}

START_TEST(the_average_is_that_of_its_formula)
{
    static const double decays[] = {0.5, 0.99}; /* in force from step 8 on; never in so few steps */
    struct training_scene scene;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 2);
    for (int d = 0; d < 2; d++) {
        struct trainer_options options = averaging(decays[d]);
        struct trainer *trainer = scene_trainer(&scene, &options);
        size_t floats = floats_of(trainer);
        float *first = scene_vector(trainer, VECTOR_WEIGHTS);
        double *expected = malloc(floats * sizeof *expected), most = 0, moved = 0;
        for (size_t i = 0; i < floats; i++)
            expected[i] = (double)first[i];
        for (int step = 1; step <= STEPS; step++) {
            scene_batch(trainer);
            float *weights = scene_vector(trainer, VECTOR_WEIGHTS), *average = scene_vector(trainer, VECTOR_AVERAGE);
            double keep = fmin(decays[d], (1.0 + step) / (10.0 + step));
            for (size_t i = 0; i < floats; i++) {
                expected[i] = keep * expected[i] + (1 - keep) * (double)weights[i];
                most = fmax(most, fabs((double)average[i] - expected[i]) / fmax(1, fabs(expected[i])));
                moved = fmax(moved, fabs((double)average[i] - (double)weights[i]));
            }
            free(weights);
            free(average);
        }
        ck_assert(trainer_state(trainer)->finished);
        ck_assert_msg(most < 1e-6, "decay %g: the average is %g off", decays[d], most);
        ck_assert_msg(moved > 1e-2, "decay %g: the average is the weights", decays[d]);
        free(first);
        free(expected);
        trainer_free(trainer);
    }
    training_scene_release(&scene);
}
END_TEST

START_TEST(the_average_is_what_is_evaluated_and_kept)
{
    struct training_scene scene;
    struct trainer_options options = averaging(0.9);
    struct ft_error error = {""};
    options.max_epochs = 30;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = scene_trainer(&scene, &options);
    size_t bests = 0;
    ck_assert_int_eq(trainer_result(trainer), VECTOR_AVERAGE);
    while (!trainer_state(trainer)->finished) {
        struct trainer_event event = scene_batch(trainer);
        struct split_record average, weights;
        if (!event.epoch_ended)
            continue;
        ck_assert_int_eq(trainer_evaluate_dev(trainer, VECTOR_WEIGHTS, 0, &weights, &error), FT_OK);
        ck_assert_int_eq(trainer_evaluate_dev(trainer, VECTOR_AVERAGE, 0, &average, &error), FT_OK);
        ck_assert_double_eq(event.record.dev.loss, average.loss);
        ck_assert_double_eq(event.record.dev.f1, average.f1);
        ck_assert_double_ne(event.record.dev.loss, weights.loss);
        if (!event.is_best)
            continue;
        float *best = scene_vector(trainer, VECTOR_BEST), *kept = scene_vector(trainer, VECTOR_AVERAGE);
        ck_assert_uint_eq(first_difference(best, kept, floats_of(trainer)), floats_of(trainer));
        bests++;
        free(best);
        free(kept);
    }
    ck_assert_msg(bests, "nothing is learnt");
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

START_TEST(what_is_learnt_does_not_depend_on_the_average_nor_the_average_on_threads)
{
    float *weights[4], *averages[4];
    size_t floats = 0;
    for (size_t run = 0; run < 4; run++) {
        struct training_scene scene;
        struct trainer_options options = averaging(run ? 0.9 : 0);
        options.schedule = TRAIN_COSINE;
        training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, run ? run : 1);
        struct trainer *trainer = scene_trainer(&scene, &options);
        floats = floats_of(trainer);
        while (!trainer_state(trainer)->finished)
            scene_batch(trainer);
        weights[run] = scene_vector(trainer, VECTOR_WEIGHTS);
        averages[run] = scene_vector(trainer, VECTOR_AVERAGE);
        ck_assert_int_eq(trainer_result(trainer), run ? VECTOR_AVERAGE : VECTOR_WEIGHTS);
        trainer_free(trainer);
        training_scene_release(&scene);
    }
    ck_assert_ptr_null(averages[0]);
    for (size_t run = 1; run < 4; run++) {
        ck_assert_uint_eq(first_difference(weights[run], weights[0], floats), floats);
        ck_assert_uint_eq(first_difference(averages[run], averages[1], floats), floats);
    }
    for (size_t run = 0; run < 4; run++) {
        free(weights[run]);
        free(averages[run]);
    }
}
END_TEST

int main(void)
{
    test_add(the_average_is_that_of_its_formula, NULL);
    test_add(the_average_is_what_is_evaluated_and_kept, NULL);
    test_add(what_is_learnt_does_not_depend_on_the_average_nor_the_average_on_threads, NULL);
    return test_run("average");
}
