/* A bias against O: one weight, for as long as it is lent; the choice of the best one; what is said of it. */
#include "harness.h"
#include "numbers.h"
#include "run/o_bias.h"
#include "training_scene.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static struct split_record evaluate(struct trainer *trainer, enum trainer_vector which, double o_bias)
{
    struct split_record record;
    struct ft_error error = {""};
    ck_assert_msg(trainer_evaluate_dev(trainer, which, o_bias, &record, &error) == FT_OK, "%s", error.text);
    return record;
}

static size_t place_of(const struct training_scene *scene, const struct trainer *trainer)
{
    struct ft_error error = {""};
    size_t place;
    ck_assert_int_eq(o_bias_find(&trainer_network(trainer)->parameters, &scene->tags, &place, &error), FT_OK);
    return place;
}

/* Puts O's bias `by` higher. */
static void raise_o(const struct training_scene *scene, struct trainer *trainer, double by)
{
    float *vectors[TRAINER_VECTORS];
    struct ft_error error = {""};
    for (int v = 0; v < TRAINER_VECTORS; v++)
        vectors[v] = scene_vector(trainer, (enum trainer_vector)v);
    float *bias = &vectors[VECTOR_WEIGHTS][place_of(scene, trainer)];
    *bias = o_bias_lowered(*bias, -by);
    ck_assert_msg(trainer_resume(trainer, trainer_state(trainer), (const float *const *)vectors, &error) == FT_OK, "%s",
                  error.text);
    for (int v = 0; v < TRAINER_VECTORS; v++)
        free(vectors[v]);
}

/* One that has learnt what is in dev. */
static struct trainer *taught(const struct training_scene *scene, bool crf)
{
    struct trainer_options options = scene_options;
    options.crf = crf;
    options.max_epochs = 60;
    options.update.optimizer = OPTIMIZER_ADAM;
    options.rate = 0.03;
    struct trainer *trainer = scene_trainer(scene, &options);
    for (int i = 0; i < 160; i++)
        scene_batch(trainer);
    return trainer;
}

START_TEST(the_place_is_that_of_o_in_either_era)
{
    for (int era = 0; era < 2; era++) {
        struct training_scene scene;
        struct trainer_options options = scene_options;
        options.era = (enum flair_era)era;
        training_scene_init(&scene, options.era, true, PRECISION_F32, 1);
        struct trainer *trainer = scene_trainer(&scene, &options);
        const struct parameter *bias = parameters_find(&trainer_network(trainer)->parameters, "linear.bias");
        /* 0.4 has <unk> first */
        ck_assert_uint_eq(place_of(&scene, trainer), bias->offset + (options.era == LIKE_FLAIR_0_4 ? 1 : 0));
        trainer_free(trainer);
        training_scene_release(&scene);
    }
}
END_TEST

START_TEST(tags_without_o_are_refused)
{
    struct tag_set none = {0};
    struct parameters parameters;
    struct network_shape shape = {.width = 3, .tags = 2};
    struct ft_error error = {""};
    size_t place;
    parameters_lay_out(&parameters, &shape);
    ck_assert_int_eq(o_bias_find(&parameters, &none, &place, &error), FT_INPUT);
    ck_assert_str_eq(error.text, "no tag of the corpus is O: there is nothing that --o-bias could lower");
}
END_TEST

START_TEST(a_bias_in_evaluation_is_a_lower_weight_and_leaves_it_as_it_was)
{
    struct training_scene scene;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    struct trainer *trainer = taught(&scene, true);
    float *before = scene_vector(trainer, VECTOR_WEIGHTS);
    struct split_record without = evaluate(trainer, VECTOR_WEIGHTS, 0), with = evaluate(trainer, VECTOR_WEIGHTS, 0.75);
    float *after = scene_vector(trainer, VECTOR_WEIGHTS);
    size_t floats = trainer_network(trainer)->parameters.floats;
    ck_assert_uint_eq(first_difference(after, before, floats), floats);
    ck_assert_double_ne(with.loss, without.loss);
    raise_o(&scene, trainer, -0.75);
    struct split_record lowered = evaluate(trainer, VECTOR_WEIGHTS, 0);
    ck_assert_double_eq(lowered.loss, with.loss);
    ck_assert_double_eq(lowered.f1, with.f1);
    free(before);
    free(after);
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

START_TEST(training_does_not_see_the_bias)
{
    struct training_scene scene;
    float *weights[2];
    double losses[2];
    size_t floats = 0;
    training_scene_init(&scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    for (int run = 0; run < 2; run++) {
        struct trainer_options options = scene_options;
        struct trainer_event event = {0};
        options.o_bias = run ? 2.5 : 0;
        struct trainer *trainer = scene_trainer(&scene, &options);
        while (!trainer_state(trainer)->finished)
            event = scene_batch(trainer);
        losses[run] = event.record.dev.loss;
        weights[run] = scene_vector(trainer, VECTOR_WEIGHTS);
        floats = trainer_network(trainer)->parameters.floats;
        trainer_free(trainer);
    }
    ck_assert_uint_eq(first_difference(weights[1], weights[0], floats), floats);
    ck_assert_double_ne(losses[0], losses[1]);
    free(weights[0]);
    free(weights[1]);
    training_scene_release(&scene);
}
END_TEST

/* O is put so high that nothing is found without a bias. */
START_TEST(the_smallest_bias_of_the_best_f1_is_chosen)
{
    struct training_scene scene;
    struct o_bias_choice choice;
    struct ft_error error = {""};
    training_scene_init(&scene, LIKE_FLAIR_0_15, false, PRECISION_F32, 1);
    struct trainer *trainer = taught(&scene, false);
    for (double by = 0; by < 30 && evaluate(trainer, VECTOR_WEIGHTS, 0).f1 > 0; by++)
        raise_o(&scene, trainer, 1);
    ck_assert_int_eq(o_bias_choose(trainer, VECTOR_WEIGHTS, &choice, &error), FT_OK);
    double best = choice.tries[choice.chosen].dev.f1;
    ck_assert_uint_gt(choice.chosen, 0);
    for (size_t i = 0; i < O_BIAS_TRIES; i++) {
        struct split_record again = evaluate(trainer, VECTOR_WEIGHTS, 0.25 * (double)i);
        ck_assert_double_eq(choice.tries[i].bias, 0.25 * (double)i);
        ck_assert_double_eq(choice.tries[i].dev.f1, again.f1);
        ck_assert(i < choice.chosen ? again.f1 < best : again.f1 <= best);
    }
    trainer_free(trainer);
    training_scene_release(&scene);
}
END_TEST

static struct o_bias_choice some_choice(void)
{
    struct o_bias_choice choice = {.chosen = 2};
    for (size_t i = 0; i < O_BIAS_TRIES; i++) {
        choice.tries[i].bias = 0.25 * (double)i;
        choice.tries[i].dev = (struct split_record){.precision = 0.5, .recall = 0.25, .f1 = 0.125};
    }
    return choice;
}

START_TEST(a_table_comes_behind_a_report_or_is_one)
{
    static const char head[] = "o-bias, by dev: 0.50\n  o-bias  precision  recall      f1\n"
                               "    0.00     0.5000  0.2500  0.1250\n";
    struct o_bias_choice choice = some_choice();
    struct ft_error error = {""};
    char *report = strdup("of test\n"), *alone = NULL;
    ck_assert_int_eq(o_bias_report(&choice, false, &report, &error), FT_OK);
    ck_assert_int_eq(o_bias_report(&choice, false, &alone, &error), FT_OK);
    ck_assert_msg(!strncmp(alone, head, strlen(head)), "%s", alone);
    ck_assert_msg(!strncmp(report, "of test\n\n", 9) && !strcmp(report + 9, alone), "%s", report);
    const char *last = strstr(alone, "    3.00     0.5000  0.2500  0.1250\n");
    ck_assert(last && strlen(last) == 36);
    free(report);
    free(alone);
}
END_TEST

START_TEST(a_json_report_has_the_choice_as_members)
{
    struct o_bias_choice choice = some_choice();
    struct ft_error error = {""};
    static const char *const before[] = {"{\"sentences\":3}\n", NULL};
    for (int i = 0; i < 2; i++) {
        char *report = before[i] ? strdup(before[i]) : NULL;
        ck_assert_int_eq(o_bias_report(&choice, true, &report, &error), FT_OK);
        ck_assert_msg(strchr(report, '\n') == report + strlen(report) - 1, "%s", report);
        cJSON *object = cJSON_Parse(report);
        const cJSON *list = cJSON_GetObjectItem(object, "o_bias_on_dev");
        ck_assert_int_eq(cJSON_HasObjectItem(object, "sentences"), i == 0);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(object, "o_bias")), 0.5);
        ck_assert_int_eq(cJSON_GetArraySize(list), O_BIAS_TRIES);
        const cJSON *last = cJSON_GetArrayItem(list, O_BIAS_TRIES - 1);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(last, "o_bias")), 3);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(last, "precision")), 0.5);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(last, "recall")), 0.25);
        ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(last, "f1")), 0.125);
        cJSON_Delete(object);
        free(report);
    }
}
END_TEST

int main(void)
{
    test_add(the_place_is_that_of_o_in_either_era, NULL);
    test_add(tags_without_o_are_refused, NULL);
    test_add(a_bias_in_evaluation_is_a_lower_weight_and_leaves_it_as_it_was, NULL);
    test_add(training_does_not_see_the_bias, NULL);
    test_add(the_smallest_bias_of_the_best_f1_is_chosen, NULL);
    test_add(a_table_comes_behind_a_report_or_is_one, NULL);
    test_add(a_json_report_has_the_choice_as_members, NULL);
    return test_run("o_bias");
}
