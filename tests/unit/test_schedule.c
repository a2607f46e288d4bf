/* test_schedule.c - learning rates of both eras: every annealing golden, and what lies around a step. */
#include "harness.h"
#include "base/input.h"
#include "run/schedule.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "no number '%s'", name);
    return item->valuedouble;
}

/* expected: [rate, bad epochs, best] after each step. */
static void check_sequence(const cJSON *sequence, const cJSON *expected, enum flair_era era, int which)
{
    struct schedule schedule;
    bool higher = !strcmp(cJSON_GetObjectItem(sequence, "mode")->valuestring, "max");
    schedule_init(&schedule, era, higher, number(sequence, "lr"), number(sequence, "factor"),
                  (long)number(sequence, "patience"), (long)number(sequence, "extra"));
    const cJSON *metric, *auxiliary = cJSON_GetObjectItem(sequence, "aux");
    const cJSON *aux = cJSON_IsArray(auxiliary) ? auxiliary->child : NULL, *after = expected->child;
    int step = 0;
    cJSON_ArrayForEach(metric, cJSON_GetObjectItem(sequence, "metric"))
    {
        schedule_step(&schedule, metric->valuedouble, aux ? &aux->valuedouble : NULL);
        double rate = cJSON_GetArrayItem(after, 0)->valuedouble, best = cJSON_GetArrayItem(after, 2)->valuedouble;
        long bad = (long)cJSON_GetArrayItem(after, 1)->valuedouble;
        ck_assert_msg(schedule.rate == rate, "sequence %d, step %d: rate %.17g, expected %.17g", which, step,
                      schedule.rate, rate);
        ck_assert_msg(schedule.bad_epochs == bad, "sequence %d, step %d: %ld bad epochs, expected %ld", which, step,
                      schedule.bad_epochs, bad);
        ck_assert_msg(schedule.best == best, "sequence %d, step %d: best %.17g, expected %.17g", which, step,
                      schedule.best, best);
        after = after->next;
        aux = aux ? aux->next : NULL;
        step++;
    }
    ck_assert_ptr_null(after);
    ck_assert_int_ge(step, 10);
}

START_TEST(every_golden_sequence_gives_the_rates_of_its_version)
{
    static const struct {
        const char *version;
        enum flair_era era;
    } versions[] = {{"0.4.4", LIKE_FLAIR_0_4}, {"0.15.1", LIKE_FLAIR_0_15}};
    char *json;
    size_t bytes;
    ck_assert_int_eq(input_slurp(shared_path("golden/anneal/sequences.json"), &json, &bytes, NULL), FT_OK);
    cJSON *golden = cJSON_Parse(json);
    ck_assert_ptr_nonnull(golden);
    for (int v = 0; v < 2; v++) {
        const cJSON *sequence = cJSON_GetObjectItem(golden, "sequences")->child;
        const cJSON *expected = cJSON_GetObjectItem(golden, versions[v].version)->child;
        int count = 0;
        for (; sequence && expected; sequence = sequence->next, expected = expected->next)
            check_sequence(sequence, expected, versions[v].era, count++);
        ck_assert_int_eq(count, 15);
    }
    cJSON_Delete(golden);
    free(json);
}
END_TEST

/* Columns of loss.tsv by name; the file's numbers are rounded to four decimals, which 0.4.4 does with its scores. */
static void check_run(const char *folder, enum flair_era era, long patience, bool reports_bad_epochs)
{
    char *text;
    size_t bytes;
    const char *path = shared_path(folder);
    ck_assert_int_eq(input_slurp(path, &text, &bytes, NULL), FT_OK);
    int epoch_bad = -1, epoch_rate = -1, dev_f1 = -1, dev_loss = -1, epochs = 0;
    struct schedule schedule;
    schedule_init(&schedule, era, true, 0.1, 0.5, patience, 0);
    char *rest, *cell_rest;
    for (char *row = strtok_r(text, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
        double values[16] = {0};
        bool header = !strncmp(row, "EPOCH", 5);
        int column = 0;
        for (char *cell = strtok_r(row, "\t", &cell_rest); cell; cell = strtok_r(NULL, "\t", &cell_rest), column++) {
            ck_assert_int_lt(column, 16);
            values[column] = strtod(cell, NULL);
            if (header && !strcmp(cell, "BAD_EPOCHS"))
                epoch_bad = column;
            if (header && !strcmp(cell, "LEARNING_RATE"))
                epoch_rate = column;
            if (header && !strcmp(cell, "DEV_F1"))
                dev_f1 = column;
            if (header && !strcmp(cell, "DEV_LOSS"))
                dev_loss = column;
        }
        ck_assert(epoch_rate > 0 && dev_f1 > 0 && dev_loss > 0 && (epoch_bad > 0) == reports_bad_epochs);
        if (header)
            continue;
        ck_assert_msg(fabs(schedule.rate - values[epoch_rate]) < 1e-4, "epoch %g: rate %g", values[0], schedule.rate);
        bool reduced = schedule_step(&schedule, values[dev_f1], &values[dev_loss]);
        if (reports_bad_epochs)
            ck_assert_int_eq(schedule_bad_epochs(&schedule, reduced), (long)values[epoch_bad]);
        epochs++;
    }
    ck_assert_int_ge(epochs, 12);
    free(text);
}

START_TEST(the_golden_runs_have_their_rates_and_bad_epochs)
{
    check_run("golden/train-tagger/v0.4.4-fwbw-crf/loss.tsv", LIKE_FLAIR_0_4, 6, true);
    check_run("golden/train-tagger/v0.15.1-word-fwbw-crf/loss.tsv", LIKE_FLAIR_0_15, 1, false);
}
END_TEST

START_TEST(an_improvement_below_the_threshold_counts_in_0_15_alone)
{
    struct schedule old, new;
    schedule_init(&old, LIKE_FLAIR_0_4, true, 0.1, 0.5, 3, 0);
    schedule_init(&new, LIKE_FLAIR_0_15, true, 0.1, 0.5, 3, 0);
    schedule_step(&old, 0.5, NULL);
    schedule_step(&new, 0.5, NULL);
    ck_assert(!schedule_is_best(&old, 0.50004));
    ck_assert(schedule_is_best(&new, 0.50004));
    schedule_step(&old, 0.50004, NULL);
    schedule_step(&new, 0.50004, NULL);
    ck_assert_int_eq(old.bad_epochs, 1);
    ck_assert(old.best == 0.5);
    ck_assert_int_eq(new.bad_epochs, 0);
    ck_assert(new.best == 0.50004);
}
END_TEST

START_TEST(a_repeated_best_score_is_best_again_in_0_4_alone)
{
    struct schedule old, new;
    schedule_init(&old, LIKE_FLAIR_0_4, true, 0.1, 0.5, 3, 0);
    schedule_init(&new, LIKE_FLAIR_0_15, true, 0.1, 0.5, 3, 0);
    double loss = 2, less = 1;
    schedule_step(&old, 0.5, NULL);
    schedule_step(&new, 0.5, &loss);
    ck_assert(schedule_is_best(&old, 0.5));
    ck_assert(!schedule_is_best(&new, 0.5));
    ck_assert(!schedule_is_best(&old, 0.4));
    /* a smaller dev loss resets the counter, but the model is not written */
    schedule_step(&new, 0.4, &loss);
    ck_assert_int_eq(new.bad_epochs, 1);
    schedule_step(&new, 0.5, &less);
    ck_assert_int_eq(new.bad_epochs, 0);
    ck_assert(new.best_aux == 1);
}
END_TEST

START_TEST(a_score_of_zero_is_best_in_0_4_alone)
{
    struct schedule old, new;
    schedule_init(&old, LIKE_FLAIR_0_4, true, 0.1, 0.5, 3, 0);
    schedule_init(&new, LIKE_FLAIR_0_15, true, 0.1, 0.5, 3, 0);
    ck_assert(schedule_is_best(&old, 0));
    ck_assert(!schedule_is_best(&new, 0));
    ck_assert(schedule_is_best(&new, 1e-9));
    schedule_step(&old, 0, NULL);
    ck_assert_int_eq(old.bad_epochs, 0);
    ck_assert(schedule_is_best(&old, 0));
    schedule_step(&new, 0, NULL);
    ck_assert_int_eq(new.bad_epochs, 0); /* better than nothing to the annealer */
    schedule_init(&new, LIKE_FLAIR_0_15, false, 0.1, 0.5, 3, 0);
    ck_assert(schedule_is_best(&new, 7)); /* of a loss any is better than none */
    schedule_step(&new, 7, NULL);
    ck_assert(!schedule_is_best(&new, 7));
    ck_assert(schedule_is_best(&new, 6.9999));
}
END_TEST

START_TEST(a_score_that_is_no_number_is_never_best)
{
    for (int era = 0; era < 2; era++) {
        struct schedule schedule;
        schedule_init(&schedule, (enum flair_era)era, true, 0.1, 0.5, 3, 0);
        ck_assert(!schedule_is_best(&schedule, NAN));
        schedule_step(&schedule, NAN, NULL);
        ck_assert_int_eq(schedule.bad_epochs, 1);
        ck_assert(!schedule.has_best);
    }
}
END_TEST

START_TEST(bad_epochs_are_one_more_than_patience_where_the_rate_falls)
{
    for (int era = 0; era < 2; era++) {
        struct schedule schedule;
        schedule_init(&schedule, (enum flair_era)era, true, 0.1, 0.5, 1, 0);
        static const struct {
            double metric;
            long reported;
            double rate;
        } epochs[] = {{0.5, 0, 0.1}, {0.4, 1, 0.1}, {0.4, 2, 0.05}, {0.4, 1, 0.05}, {0.6, 0, 0.05}};
        for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
            bool reduced = schedule_step(&schedule, epochs[i].metric, NULL);
            ck_assert_int_eq(schedule_bad_epochs(&schedule, reduced), epochs[i].reported);
            ck_assert(schedule.rate == epochs[i].rate);
            ck_assert_int_eq(reduced, epochs[i].reported == 2);
        }
    }
}
END_TEST

START_TEST(extra_patience_lasts_until_the_first_reduction_in_0_15)
{
    struct schedule schedule;
    schedule_init(&schedule, LIKE_FLAIR_0_15, true, 0.1, 0.5, 1, 2);
    schedule_step(&schedule, 0.5, NULL);
    for (int i = 0; i < 3; i++)
        ck_assert(!schedule_step(&schedule, 0.4, NULL));
    ck_assert(schedule_step(&schedule, 0.4, NULL));
    ck_assert_int_eq(schedule_bad_epochs(&schedule, true), 2);
    ck_assert(!schedule_step(&schedule, 0.4, NULL));
    ck_assert(schedule_step(&schedule, 0.4, NULL));
    schedule_init(&schedule, LIKE_FLAIR_0_4, true, 0.1, 0.5, 1, 2);
    ck_assert_int_eq(schedule.effective_patience, 1);
}
END_TEST

START_TEST(a_change_below_the_smallest_is_not_made)
{
    for (int era = 0; era < 2; era++) {
        struct schedule schedule;
        schedule_init(&schedule, (enum flair_era)era, true, 1.5e-8, 0.5, 0, 0);
        schedule_step(&schedule, 0.5, NULL);
        ck_assert_int_eq(schedule_step(&schedule, 0.4, NULL), era == LIKE_FLAIR_0_15);
        ck_assert(schedule.rate == 1.5e-8);
        ck_assert_int_eq(schedule.bad_epochs, 0);
    }
}
END_TEST

START_TEST(an_auxiliary_zero_decides_a_tie_but_is_not_remembered)
{
    struct schedule schedule;
    schedule_init(&schedule, LIKE_FLAIR_0_15, true, 0.1, 0.5, 3, 0);
    double one = 1, zero = 0, half = 0.5;
    schedule_step(&schedule, 0.5, &one);
    schedule_step(&schedule, 0.5, &zero);
    ck_assert_int_eq(schedule.bad_epochs, 0);
    ck_assert(schedule.best_aux == 1);
    schedule_step(&schedule, 0.5, &half); /* less than the 1 that is remembered */
    ck_assert_int_eq(schedule.bad_epochs, 0);
    ck_assert(schedule.best_aux == 0.5);
}
END_TEST

int main(void)
{
    test_add(every_golden_sequence_gives_the_rates_of_its_version, shared_path("golden/anneal/sequences.json"));
    test_add(the_golden_runs_have_their_rates_and_bad_epochs, shared_path("golden/train-tagger"));
    test_add(an_improvement_below_the_threshold_counts_in_0_15_alone, NULL);
    test_add(a_repeated_best_score_is_best_again_in_0_4_alone, NULL);
    test_add(a_score_of_zero_is_best_in_0_4_alone, NULL);
    test_add(a_score_that_is_no_number_is_never_best, NULL);
    test_add(bad_epochs_are_one_more_than_patience_where_the_rate_falls, NULL);
    test_add(extra_patience_lasts_until_the_first_reduction_in_0_15, NULL);
    test_add(a_change_below_the_smallest_is_not_made, NULL);
    test_add(an_auxiliary_zero_decides_a_tie_but_is_not_remembered, NULL);
    return test_run("schedule");
}
