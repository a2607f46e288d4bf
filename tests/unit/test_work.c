/* The operations that benchmarks divide by, against the formulas written out by hand. */
#include "harness.h"
#include "run/random_model.h"
#include "run/work.h"

START_TEST(a_character_costs_8_h_squared_and_a_token_the_head)
{
    struct backend *backend;
    struct random_model *model;
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error = {""};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(random_model_new(&model, 32, NULL, backend, &error) == FT_OK, "%s", error.text);
    struct tagger_work work = tagger_work(random_model_tagger(model));
    /* two language models of 32 units, forward and backward */
    ck_assert_double_eq(work.per_character[PRECISION_F32], 2 * 8.0 * 32 * 32);
    /* two directions of 4 gates of 256 units over 100 + 2 * 32 inputs and 256 states, then 512 x 27; 2 operations each
     */
    ck_assert_double_eq(work.per_token[PRECISION_F32], 2 * (2.0 * 4 * 256 * (164 + 256)) + 2.0 * 512 * 27);
    random_model_free(model);
    backend->ops->free(backend);
}
END_TEST

/* rows of reprojection, two directions of two layers, and the linear layer; the first product of a sentence is with
 * zeros. */
START_TEST(training_counts_forward_and_the_gradients_that_are_wanted)
{
    struct network_shape shape = {.width = 10, .reprojection = 6, .hidden = 4, .layers = 2, .tags = 5, .crf = true};
    double tokens = 100, sentences = 7, going_on = tokens - sentences;
    double recurrent = 2 * 2 * (8.0 * 4 * 4) * going_on, first = 2 * (8.0 * 4 * 6) * tokens,
           second = 2 * (8.0 * 4 * 8) * tokens, reprojection = 2.0 * 10 * 6 * tokens, linear = 2.0 * 8 * 5 * tokens;
    ck_assert_double_eq(work_inference(&shape, tokens, sentences), reprojection + first + second + linear + recurrent);
    ck_assert_double_eq(work_training(&shape, tokens, sentences),
                        2 * reprojection + 3 * (first + second + linear + recurrent));
    shape.reprojection = 0; /* nothing is trained below the first layer then */
    first = 2 * (8.0 * 4 * 10) * tokens;
    ck_assert_double_eq(work_training(&shape, tokens, sentences), 2 * first + 3 * (second + linear + recurrent));
}
END_TEST

int main(void)
{
    test_add(a_character_costs_8_h_squared_and_a_token_the_head, NULL);
    test_add(training_counts_forward_and_the_gradients_that_are_wanted, NULL);
    return test_run("work");
}
