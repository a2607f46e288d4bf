/* Rates along a curve, against values worked out by hand, alone and in a training run. */
#include "harness.h"
#include "numbers.h"
#include "run/rate_curve.h"
#include "training_scene.h"
#include <math.h>

static void check_rate(const struct rate_curve *curve, double done, double update, double expected)
{
    double got = rate_curve_at(curve, done, update);
    EXPECT(fabs(got - expected) <= 1e-15, "at %g: %.17g, not %.17g", done, got, expected);
}

START_TEST(a_line_rises_and_falls_to_its_floor)
{
    /* two updates up, eight down from 0.2 to 0.02: after the n-th of the eight 0.2 - n * 0.18 / 8 */
    struct rate_curve curve = {RATE_LINEAR, 0.2, 2, 10, 0.1};
    static const double expected[] = {0.1, 0.2, 0.2, 0.1775, 0.155, 0.1325, 0.11, 0.0875, 0.065, 0.0425, 0.02, 0.02};
    for (int i = 0; i < 12; i++)
        check_rate(&curve, i, 1, expected[i]);
}
END_TEST

START_TEST(a_cosine_falls_by_its_quarters)
{
    struct rate_curve curve = {RATE_COSINE, 1, 0, 4, 0};
    double edge = sqrt(0.5) / 2; /* cos(pi / 4) / 2 */
    check_rate(&curve, 0, 1, 1);
    check_rate(&curve, 1, 1, 0.5 + edge);
    check_rate(&curve, 2, 1, 0.5);
    check_rate(&curve, 3, 1, 0.5 - edge);
    check_rate(&curve, 4, 1, 0);
    curve.floor = 0.5;
    check_rate(&curve, 2, 1, 0.75);
    check_rate(&curve, 99, 1, 0.5);
}
END_TEST

START_TEST(a_warm_up_is_measured_in_the_units_of_its_user)
{
    struct rate_curve curve = {RATE_COSINE, 2, 100, 500, 0.1};
    check_rate(&curve, 0, 40, 0.8);
    check_rate(&curve, 40, 40, 1.6);
    check_rate(&curve, 80, 40, 2); /* reaches beyond its end */
    check_rate(&curve, 300, 40, 1.1);
    curve.warmup = curve.all = 4; /* nothing else */
    check_rate(&curve, 0, 1, 0.5);
    check_rate(&curve, 3, 1, 2);
}
END_TEST

/* Three epochs of four batches. 0.3 of them is a warm-up of 3 batches; the line falls from 0.1 by 0.1 / 9 a batch. */
START_TEST(a_run_has_a_rate_for_each_batch_and_ends_with_its_last_epoch)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.schedule = TRAIN_LINEAR;
    options.warmup_fraction = 0.3;
    options.min_rate = 1; /* of plateaus alone, as are: */
    options.patience = 0;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    for (int dev = 0; dev < 2; dev++) {
        options.train_with_dev = dev; /* 14 sentences: five batches an epoch, four to rise */
        struct trainer *trainer = scene_trainer(&scene, &options);
        size_t batches = 3 * trainer_batches(trainer), rising = dev ? 4 : 3;
        ck_assert_uint_eq(batches, dev ? 15 : 12);
        for (size_t i = 0; i < batches; i++) {
            ck_assert(!trainer_state(trainer)->finished);
            struct trainer_event event = scene_batch(trainer);
            double expected = i < rising ? 0.1 * (double)(i + 1) / (double)rising
                                         : 0.1 * (double)(batches - i) / (double)(batches - rising);
            ck_assert_double_eq_tol(trainer_state(trainer)->schedule.rate, expected, 1e-15);
            ck_assert_int_eq(event.epoch_ended, (i + 1) % (batches / 3) == 0);
            if (event.epoch_ended)
                ck_assert_double_eq_tol(event.record.rate, expected, 1e-15);
        }
        ck_assert(trainer_state(trainer)->finished);
        trainer_free(trainer);
    }
    training_scene_release(&scene);
}
END_TEST

int main(void)
{
    test_add(a_line_rises_and_falls_to_its_floor, NULL);
    test_add(a_cosine_falls_by_its_quarters, NULL);
    test_add(a_warm_up_is_measured_in_the_units_of_its_user, NULL);
    test_add(a_run_has_a_rate_for_each_batch_and_ends_with_its_last_epoch, NULL);
    return test_run("rate_curve");
}
